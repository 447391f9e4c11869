"""Bad input at every entry: a problem document that says what is wrong, never a 5xx, and the service goes on."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from oracle.constants import BN254_SCALAR_FIELD
from tests.support.service_stack import PRICE, TINY, VOLATILITY

GOOD: dict[str, Any] = {"model": TINY, "inputData": [[1.0, -0.5, 0.25]]}
UNKNOWN_ID = "0" * 32
JSON = {"Content-Type": "application/json"}


def refused(response: httpx.Response, status: int, error: str = "") -> dict[str, Any]:
    """The problem document, checked."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = dict(response.json())
    assert problem["status"] == status
    assert problem["type"] == f"urn:plumbline:error:{problem['error']}"
    assert problem["detail"]
    if error:
        assert problem["error"] == error
    return problem


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/nothing"),
        ("GET", "/v1/feeds/nothing"),
        ("GET", "/v1/feeds/nothing/rounds"),
        ("GET", "/v1/feeds/nothing/rounds/1"),
        ("GET", "/v1/feeds/nothing/rounds/1/evidence"),
        ("GET", "/v1/feeds/nothing/rounds/1/verify"),
        ("POST", "/v1/feeds/nothing/push"),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds/999999"),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds/{2**64 - 1}"),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds/999999/evidence"),
        ("GET", f"/v1/feeds/{PRICE}/rounds/{2**64 - 1}"),
        ("GET", f"/v1/feeds/{PRICE}/rounds/1/evidence"),
        ("GET", f"/v1/feeds/{PRICE}/rounds/1/verify"),
        ("GET", "/v1/models/nothing"),
        ("POST", "/v1/models/nothing/reload"),
        ("GET", f"/v1/requests/{UNKNOWN_ID}"),
        ("DELETE", f"/v1/requests/{UNKNOWN_ID}"),
        ("GET", f"/v1/proof-requests/{UNKNOWN_ID}"),
        ("DELETE", f"/v1/proof-requests/{UNKNOWN_ID}"),
        ("GET", f"/v1/proof-requests/{UNKNOWN_ID}/proof"),
        ("GET", f"/v1/proof-requests/{UNKNOWN_ID}/events"),
    ],
)
def test_any__unknown_thing__404(api: httpx.Client, method: str, path: str) -> None:
    refused(api.request(method, path), 404, "NotFound")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/feeds/..%2f..%2fetc"),
        ("GET", "/v1/feeds/%00"),
        ("GET", "/v1/feeds/" + "x" * 200),
        ("GET", "/v1/feeds/%ff%fe"),
        ("GET", "/v1/models/%F0%9F%92%A9"),
        ("GET", "/v1/models/.."),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds/0"),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds/-1"),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds/1.5"),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds/{2**80}"),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds/" + "9" * 5_000),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds?limit=0"),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds?limit=1001"),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds?limit=many"),
        ("GET", f"/v1/feeds/{VOLATILITY}/rounds?before=0"),
        ("POST", f"/v1/feeds/{PRICE}/push?waitSecs=nan"),
        ("POST", f"/v1/feeds/{PRICE}/push?waitSecs=inf"),
        ("POST", f"/v1/feeds/{PRICE}/push?waitSecs=-1"),
        ("POST", f"/v1/feeds/{PRICE}/push?waitSecs=301"),
        ("GET", "/v1/requests/xyz"),
        ("GET", f"/v1/requests/{UNKNOWN_ID.replace('0', 'A')}"),
        ("GET", f"/v1/requests/{UNKNOWN_ID}?waitSecs=1e9"),
    ],
)
def test_any__malformed_path_or_query__refused(api: httpx.Client, method: str, path: str) -> None:
    response = api.request(method, path)
    refused(response, response.status_code)
    assert response.status_code in {404, 422}


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "caf\u00e9".encode("latin-1")])
def test_push__malformed_key__422(api: httpx.Client, key: str | bytes) -> None:
    refused(api.post(f"/v1/feeds/{PRICE}/push", headers=[(b"Idempotency-Key", key)]), 422)  # type: ignore[list-item]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b'{"model": "tiny-linear", "inputData": [[NaN, 1, 1]]}',
        b'{"model": "tiny-linear", "inputData": [[Infinity, 1, 1]]}',
        b'{"model": "tiny-linear", "inputData": [[-Infinity, 1, 1]]}',
        b'{"model": "tiny-linear", "inputData": [[1e400, 1, 1]]}',
        b'{"model": "tiny-linear", "model": "other", "inputData": [[1, 1, 1]]}',
        b'{"model": "tiny-linear", "inputData": [[' + b"1" * 5_000 + b", 1, 1]]}",
        b"[" * 100_000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
    ],
    ids=lambda body: repr(body[:40]),
)
@pytest.mark.parametrize("path", ["/v1/proof-requests", "/v1/verify"])
def test_post__not_strict_json__400(api: httpx.Client, path: str, body: bytes) -> None:
    response = api.post(path, content=body, headers=JSON)
    refused(response, response.status_code)
    assert response.status_code in ({400, 422} if body == b"" else {400})


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"])
def test_post__other_media_type__415(api: httpx.Client, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    for path in ("/v1/proof-requests", "/v1/verify"):
        refused(api.post(path, content=json.dumps(GOOD).encode(), headers=headers), 415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        7,
        {},
        {"model": TINY},
        {"inputData": [[1, 2, 3]]},
        GOOD | {"extra": 1},
        GOOD | {"\ud800": 1},
        GOOD | {"model": ""},
        GOOD | {"model": "a/b"},
        GOOD | {"model": "../../x"},
        GOOD | {"model": "\ud800"},
        GOOD | {"model": 5},
        GOOD | {"model": None},
        GOOD | {"submit": "yes"},
        GOOD | {"submit": 1},
        GOOD | {"inputData": []},
        GOOD | {"inputData": [[]]},
        GOOD | {"inputData": [1.0, 2.0, 3.0]},
        GOOD | {"inputData": [[[1.0, 2.0, 3.0]]]},
        GOOD | {"inputData": [["1", 2.0, 3.0]]},
        GOOD | {"inputData": [[True, 2.0, 3.0]]},
        GOOD | {"inputData": [[None, 2.0, 3.0]]},
        GOOD | {"inputData": [[1.0, 2.0]]},
        GOOD | {"inputData": [[1.0, 2.0, 3.0, 4.0]]},
        GOOD | {"inputData": [[1.0, 2.0, 3.0], [1.0]]},
        GOOD | {"inputData": [[1e300, 0.0, 0.0]]},
        GOOD | {"inputData": [[1e6, 0.0, 0.0]]},
        GOOD | {"inputData": [[10**400, 0, 0]]},
        GOOD | {"inputData": [[0.0] * 70_000]},
        GOOD | {"inputData": [[0.0, 0.0, 0.0]] * 65},
    ],
)
def test_request_proof__malformed__422(api: httpx.Client, body: Any) -> None:
    refused(api.post("/v1/proof-requests", content=json.dumps(body), headers=JSON), 422)


def test_request_proof__unknown_model__404(api: httpx.Client) -> None:
    refused(api.post("/v1/proof-requests", json=GOOD | {"model": "nothing"}), 404, "NotFound")


def test_verify__wrong_proofs__are_answers(api: httpx.Client) -> None:
    request_id = api.post("/v1/proof-requests", json=GOOD).json()["id"]
    api.get(f"/v1/requests/{request_id}", params={"waitSecs": 50})
    proof = api.get(f"/v1/requests/{request_id}/proof").json()
    raw = bytes.fromhex(proof["proof"][2:])
    flipped = bytes([*raw[:100], raw[100] ^ 1, *raw[101:]])
    changed = [str(int(proof["instances"][0]) + 1), *proof["instances"][1:]]
    for wrong in (
        proof | {"proof": "0x" + flipped.hex()},
        proof | {"proof": "0x"},
        proof | {"proof": proof["proof"][:-2]},
        proof | {"proof": proof["proof"] + "00"},
        proof | {"instances": changed},
    ):
        answer = api.post("/v1/verify", json=wrong)
        assert answer.status_code == 200
        assert answer.json()["valid"] is False
        assert answer.json()["reason"]


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "a b"},
        {"proof": "00"},
        {"proof": "0x0"},
        {"proof": "0xzz"},
        {"proof": 5},
        {"proof": "0x" + "00" * 70_000},
        {"instances": "1"},
        {"instances": [1, 2]},
        {"instances": ["1"] * 4},
        {"instances": ["1"] * 6},
        {"instances": ["-1"] * 5},
        {"instances": ["1.0"] * 5},
        {"instances": ["0x"] * 5},
        {"instances": ["0x" + "f" * 65] * 5},
        {"instances": [str(BN254_SCALAR_FIELD)] * 5},
        {"instances": [hex(BN254_SCALAR_FIELD + 1)] * 5},
        {"instances": ["9" * 5_000] * 5},
        {"instances": ["\u0661"] * 5},
    ],
)
def test_verify__malformed__422(api: httpx.Client, changed: dict[str, Any]) -> None:
    body = {"model": TINY, "proof": "0x00", "instances": ["1"] * 5} | changed
    refused(api.post("/v1/verify", json=body), 422)


def test_verify__unknown_model__404(api: httpx.Client) -> None:
    refused(api.post("/v1/verify", json={"model": "nothing", "proof": "0x00", "instances": ["1"]}), 404, "NotFound")


@pytest.mark.parametrize("path", ["/v1/proof-requests", "/v1/verify", f"/v1/feeds/{PRICE}/push", "/v1/nothing"])
def test_post__body_too_large__413(api: httpx.Client, path: str) -> None:
    refused(api.post(path, content=b" " * (1 << 20) + b"{}", headers=JSON), 413, "PayloadTooLarge")


def test_post__body_too_large_in_chunks__413(api: httpx.Client) -> None:
    chunks = (b" " * 65_536 for _ in range(32))
    refused(api.post("/v1/verify", content=chunks, headers=JSON), 413, "PayloadTooLarge")


def test_post__length_that_lies__service_goes_on(api: httpx.Client) -> None:
    address = urlsplit(str(api.base_url))
    for head in (b"Content-Length: 99999999999999999999", b"Content-Length: -5", b"Content-Length: abc"):
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall(b"POST /v1/verify HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n{}")
            assert b" 4" in connection.recv(64)
    assert api.get("/v1/health/live").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/feeds"),
        ("DELETE", f"/v1/feeds/{PRICE}"),
        ("POST", "/v1/health/live"),
        ("GET", "/v1/proof-requests"),
        ("PATCH", "/metrics"),
    ],
)
def test_any__wrong_method__405(api: httpx.Client, method: str, path: str) -> None:
    problem = refused(api.request(method, path), 405)
    assert problem["error"] == "MethodNotAllowed"


@pytest.mark.parametrize("last", ["x", "-1", "9" * 19, "1.5"])
def test_events__malformed_last_event_id__422(api: httpx.Client, last: str) -> None:
    refused(api.get(f"/v1/requests/{UNKNOWN_ID}/events", headers={"Last-Event-ID": last}), 422)
