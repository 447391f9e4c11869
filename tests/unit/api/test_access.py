"""Keys, roles, rates and quotas at the API's door."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from oracle.api.access import KEY_FRESH_SECS, MAX_REFUSALS, OPEN_PATHS, wants_keys
from oracle.daemon.service import OracleService
from oracle.domain.access import Rate, Role
from oracle.errors import ConfigurationError
from oracle.settings import Settings
from oracle.store.db import create_tables, open_engine, sqlite_url
from oracle.store.keys import KeyStore
from tests.support.service_fixtures import served
from tests.support.service_stack import PRICE, TINY

GOOD: dict[str, Any] = {"model": TINY, "inputData": [[1.0, -0.5, 0.25]]}
WIDE = Rate(1_000, "minute")
Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_engine(sqlite_url(Path(tmp_path_factory.mktemp("keys")) / "keys.db"))
    create_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def keys(database: Engine) -> KeyStore:
    return KeyStore(database)


@pytest.fixture
def door(service: OracleService, keys: KeyStore) -> Iterator[httpx.Client]:
    with served(service, keys) as url, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        yield client


_made = iter(range(1_000))


def key(keys: KeyStore, role: Role, rate: Rate = WIDE, **options: Any) -> dict[str, str]:
    token, _ = keys.create(f"test-{next(_made)}", role, rate, **options)
    return {"Authorization": f"Bearer {token}"}


def refused(response: httpx.Response, status: int, error: str) -> httpx.Response:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["error"] == error
    return response


@pytest.mark.parametrize("path", ["/v1/health/live", "/v1/health/ready", "/openapi.json"])
def test_any__what_probes_need__open(door: httpx.Client, path: str) -> None:
    assert door.get(path).status_code == 200


def test_openapi__of_a_service_with_keys__names_them_for_all_but_the_open_paths(door: httpx.Client) -> None:
    document = door.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation.get("security") == (None if path in OPEN_PATHS else [{"apiKey": []}]), path


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Basic dXNlcjpwYXNz",
        "Bearer plk_000000000000_" + "A" * 43,
        "Bearer plk_" + "0" * 100,
    ],
)
def test_any__no_key_or_a_wrong_one__401_before_the_body_is_read(door: httpx.Client, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for method, path in (("GET", "/v1/feeds"), ("GET", "/metrics"), ("GET", "/v1/nothing"), ("PUT", "/v1/feeds")):
        response = refused(door.request(method, path, headers=headers), 401, "Unauthorized")
        assert response.headers["www-authenticate"].startswith('Bearer realm="plumbline"')
    refused(door.post("/v1/verify", content=b" " * (1 << 21), headers=headers), 401, "Unauthorized")


def test_any__two_authorization_headers__401(door: httpx.Client, keys: KeyStore) -> None:
    value = key(keys, Role.READER)["Authorization"]
    refused(door.get("/v1/feeds", headers=[("Authorization", value), ("Authorization", value)]), 401, "Unauthorized")


def test_any__right_id_wrong_secret_then_many__429(door: httpx.Client, keys: KeyStore) -> None:
    good = key(keys, Role.READER)
    wrong = {"Authorization": good["Authorization"][:-43] + "B" * 43}
    statuses = [door.get("/v1/models", headers=wrong).status_code for _ in range(MAX_REFUSALS + 3)]
    assert statuses == [401] * MAX_REFUSALS + [429] * 3


def test_any__revoked_key__refused_within_a_second(door: httpx.Client, keys: KeyStore) -> None:
    token, made = keys.create("to-revoke", Role.READER, WIDE)
    headers = {"Authorization": f"Bearer {token}"}
    assert door.get("/v1/models", headers=headers).status_code == 200
    keys.revoke(made.id)
    time.sleep(KEY_FRESH_SECS + 0.05)
    refused(door.get("/v1/models", headers=headers), 401, "Unauthorized")


def test_any__expired_key__401(door: httpx.Client, keys: KeyStore) -> None:
    refused(door.get("/v1/models", headers=key(keys, Role.READER, lifetime_secs=0.0)), 401, "Unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "least"),
    [
        ("GET", "/v1/feeds", Role.READER),
        ("GET", "/v1/models", Role.READER),
        ("GET", "/metrics", Role.READER),
        ("GET", f"/v1/requests/{'0' * 32}", Role.READER),
        ("POST", "/v1/proof-requests", Role.PROVER),
        ("POST", "/v1/proof-request-batches", Role.PROVER),
        ("DELETE", f"/v1/requests/{'0' * 32}", Role.PROVER),
        ("POST", "/v1/feeds/nothing/push", Role.OPERATOR),
        ("POST", "/v1/models/nothing/reload", Role.OPERATOR),
    ],
)
def test_require__each_role__403_below_the_least(
    door: httpx.Client, keys: KeyStore, method: str, path: str, least: Role
) -> None:
    body = {"json": GOOD | {"model": "nothing"}} if "proof-request" in path and method == "POST" else {}
    for role in Role:
        response = door.request(method, path, headers=key(keys, role), **body)
        if role.includes(least):
            assert response.status_code not in {401, 403, 429}, response.text
        else:
            refused(response, 403, "Forbidden")
            assert f'scope="{least.value}"' in response.headers["www-authenticate"]


def test_any__rate_used_up__429_with_what_is_left(door: httpx.Client, keys: KeyStore) -> None:
    headers = key(keys, Role.READER, Rate(3, "minute"))
    answers = [door.get("/v1/models", headers=headers) for _ in range(4)]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"3"}
    last = refused(answers[3], 429, "RateLimitExceeded")
    assert 1 <= int(last.headers["retry-after"]) <= 60
    assert last.headers["retry-after"] == last.headers["ratelimit-reset"]
    assert door.get("/v1/models", headers=key(keys, Role.READER)).status_code == 200


def test_request_proof__quota__counts_what_is_new(door: httpx.Client, keys: KeyStore) -> None:
    headers = key(keys, Role.PROVER, proofs_per_day=3)
    first = door.post("/v1/proof-requests", json=GOOD, headers=headers | {"Idempotency-Key": "a"})
    again = door.post("/v1/proof-requests", json=GOOD, headers=headers | {"Idempotency-Key": "a"})
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["idempotencyKey"] == "a"
    wrong = GOOD | {"inputData": [[1.0]]}
    assert door.post("/v1/proof-requests", json=wrong, headers=headers).status_code == 422
    batch = {"requests": [GOOD, GOOD, GOOD]}
    refusal = refused(door.post("/v1/proof-request-batches", json=batch, headers=headers), 429, "QuotaExceeded")
    assert 1 <= int(refusal.headers["retry-after"]) <= 86_400
    batch = {"requests": [GOOD, GOOD]}
    assert door.post("/v1/proof-request-batches", json=batch, headers=headers).status_code == 202
    refused(door.post("/v1/proof-requests", json=GOOD, headers=headers), 429, "QuotaExceeded")


def test_request_proof__one_idempotency_key_of_two_callers__two_requests(door: httpx.Client, keys: KeyStore) -> None:
    asked = [
        door.post("/v1/proof-requests", json=body, headers=key(keys, Role.PROVER) | {"Idempotency-Key": "same"})
        for body in (GOOD, GOOD | {"inputData": [[0.0, 0.0, 0.0]]})
    ]
    assert [response.status_code for response in asked] == [202, 202]
    assert asked[0].json()["id"] != asked[1].json()["id"]
    for response in asked:
        door.delete(f"/v1/requests/{response.json()['id']}", headers=key(keys, Role.PROVER))


def test_any__database_of_keys_fails__503_not_open(service: OracleService, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "broken.db"))
    create_tables(engine)
    broken = KeyStore(engine)
    headers = key(broken, Role.OPERATOR)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE api_key_usage"))
        connection.execute(sa.text("DROP TABLE api_keys"))
    with served(service, broken) as url:
        response = httpx.get(f"{url}/v1/feeds", headers=headers, trust_env=False)
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert httpx.post(f"{url}/v1/feeds/{PRICE}/push", headers=headers, trust_env=False).status_code == 503
    engine.dispose()


@pytest.mark.parametrize(
    ("host", "choice", "wanted"),
    [
        ("127.0.0.1", "auto", False),
        ("localhost", "off", False),
        ("127.0.0.1", "required", True),
        ("0.0.0.0", "auto", True),
        ("10.0.0.7", "required", True),
    ],
)
def test_wants_keys__host_and_choice__never_open_off_loopback(host: str, choice: str, wanted: bool) -> None:
    assert wants_keys(Settings(api_host=host, api_keys=choice)) is wanted  # type: ignore[arg-type]


def test_wants_keys__off_on_every_interface__refused() -> None:
    with pytest.raises(ConfigurationError):
        wants_keys(Settings(api_host="0.0.0.0", api_keys="off"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.example.org"},
        {"Host": "example.org"},
        {"Host": "plumbline.example.org:8000"},
        {"Host": "[::1"},
    ],
)
def test_any__service_without_keys_asked_by_another_sites_page__403(api: httpx.Client, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/v1/feeds"), ("POST", f"/v1/feeds/{PRICE}/push")):
        refused(api.request(method, path, headers=headers), 403, "ForeignOrigin")


@pytest.mark.parametrize("origin", [None, "http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:3000"])
def test_any__service_without_keys_asked_from_this_machine__answers(api: httpx.Client, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    assert api.get("/v1/feeds", headers=headers).status_code == 200
