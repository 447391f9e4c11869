"""Proofs of high priority: begun before others that wait, by those who may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from oracle.api.access import HIGH_COST
from oracle.client import Client
from oracle.daemon.service import OracleService
from oracle.domain.access import Rate, Role
from oracle.settings import Settings
from oracle.store.db import create_tables, open_engine, sqlite_url
from oracle.store.keys import KeyStore
from tests.support.service_fixtures import served
from tests.support.service_stack import TINY

INPUTS = [[1.0, -0.5, 0.25]]
HIGH: dict[str, Any] = {"model": TINY, "inputData": INPUTS, "priority": "high"}


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    engine = open_engine(sqlite_url(tmp_path / "keys.db"))
    create_tables(engine)
    yield KeyStore(engine)
    engine.dispose()


@pytest.fixture
def door(service: OracleService, keys: KeyStore) -> Iterator[httpx.Client]:
    with served(service, keys) as url, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        yield client


def test_request_proof__high_after_many_normal__is_proven_before_those_that_wait(
    api: httpx.Client, service: OracleService, settings: Settings
) -> None:
    with Client(str(api.base_url)) as oracle:
        normal = oracle.request_proofs(TINY, [INPUTS] * 8)
        high = oracle.request_proof(TINY, INPUTS, priority="high")
        low = oracle.request_proof(TINY, INPUTS, priority="low")
        asked = [*normal, high, low]
        assert [one.priority for one in asked] == ["normal"] * 8 + ["high", "low"]
        for one in asked:
            assert oracle.wait(one.id, 120).state == "fulfilled"
    proven = {one.id: _seq(service, one.id, "verify") for one in asked}
    order = sorted(proven, key=lambda request_id: proven[request_id])
    # Behind those that were being proven when it came, and those that ended before it had its witness
    assert order.index(high.id) <= 4
    # The last to begin; those begun before it may end after it
    assert order.index(low.id) >= len(order) - settings.max_workers


def _seq(service: OracleService, request_id: str, name: str) -> int:
    return next(event.seq for event in service.events(request_id) if event.event == name)


def test_request_proof__same_key_other_priority__409(api: httpx.Client) -> None:
    headers = {"Idempotency-Key": "priority-1"}
    assert api.post("/v1/proof-requests", json=HIGH, headers=headers).status_code == 202
    assert api.post("/v1/proof-requests", json=HIGH | {"priority": "low"}, headers=headers).status_code == 409
    assert api.post("/v1/proof-requests", json=HIGH | {"priority": "urgent"}).status_code == 422


def test_request_proof__high__an_operators_or_against_a_quota(door: httpx.Client, keys: KeyStore) -> None:
    wide = Rate(1_000, "minute")
    unbounded, _ = keys.create("unbounded", Role.PROVER, wide)
    operator, _ = keys.create("operator", Role.OPERATOR, wide)
    paying, key = keys.create("paying", Role.PROVER, wide, proofs_per_day=HIGH_COST + 1)

    def ask(token: str, priority: str = "high", **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {token}"} | headers
        return door.post("/v1/proof-requests", json=HIGH | {"priority": priority}, headers=sent)

    refusal = ask(unbounded)
    assert (refusal.status_code, refusal.json()["error"]) == (403, "Forbidden")
    assert ask(unbounded, "normal").status_code == 202
    assert ask(operator).status_code == 202
    repeated = {"Idempotency-Key": "paid"}
    first = ask(paying, **repeated)
    assert first.status_code == 202
    assert (ask(paying, **repeated).status_code, ask(paying, **repeated).json()["id"]) == (202, first.json()["id"])
    assert keys.used_today(key.id) == HIGH_COST
    assert ask(paying).status_code == 429
    assert ask(paying, "low").status_code == 202
    assert ask(paying, "low", **repeated).status_code == 409  # another body under the key: refused, not charged
    assert (ask(paying, **repeated).status_code, ask(paying).status_code) == (202, 429)
    assert keys.used_today(key.id) == HIGH_COST + 1
