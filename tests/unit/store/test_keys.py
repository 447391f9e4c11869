"""Keys at rest and their quotas, on each database that ships."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from oracle.domain.access import Rate, Role, parse_token
from oracle.errors import Conflict, NotFound
from oracle.store.keys import DAY_SECS, KeyStore, api_keys

RATE = Rate(10, "second")


class Clock:
    now = 20_000 * DAY_SECS + 100.0

    def __call__(self) -> float:
        return self.now


def test_create__secret__is_nowhere_in_the_database(engine: Engine) -> None:
    token, key = KeyStore(engine).create("desk", Role.PROVER, RATE, proofs_per_day=5)
    parsed = parse_token(token)
    assert parsed is not None
    with engine.connect() as connection:
        kept = str(connection.execute(sa.select(api_keys)).one())
    assert parsed[1] not in kept
    found = KeyStore(engine).find(parsed[0])
    assert found == key
    assert found.matches(parsed[1])
    assert not found.matches(parsed[1][:-1] + ("A" if parsed[1][-1] != "A" else "B"))


def test_create__name_taken_even_by_a_revoked_key__conflict(engine: Engine) -> None:
    keys = KeyStore(engine)
    keys.create("desk", Role.READER, RATE)
    keys.revoke("desk")
    with pytest.raises(Conflict):
        keys.create("desk", Role.READER, RATE)


def test_revoke__twice__keeps_the_first_time(engine: Engine) -> None:
    clock = Clock()
    keys = KeyStore(engine, clock=clock)
    _, key = keys.create("desk", Role.READER, RATE, lifetime_secs=50)
    assert key.valid_at(clock.now)
    assert not key.valid_at(clock.now + 50)
    first = keys.revoke(key.id)
    clock.now += 10
    assert keys.revoke("desk") == first
    assert not first.valid_at(clock.now)
    with pytest.raises(NotFound):
        keys.revoke("nobody")


def test_charge__limit_and_next_day__counts_all_or_nothing(engine: Engine) -> None:
    clock = Clock()
    keys = KeyStore(engine, clock=clock)
    _, key = keys.create("desk", Role.PROVER, RATE, proofs_per_day=5)
    assert keys.charge(key, 3) is None
    assert keys.charge(key, 3) == DAY_SECS - 100
    assert keys.used_today(key.id) == 3
    assert keys.charge(key, 2) is None
    keys.refund(key, 1)
    assert keys.used_today(key.id) == 4
    assert keys.charge(key, 6) == DAY_SECS - 100
    clock.now += DAY_SECS
    assert keys.charge(key, 6) is not None  # more than a whole day's, on a day without a row
    assert keys.charge(key, 5) is None


def test_charge__many_at_once__never_beyond_the_limit(engine: Engine) -> None:
    keys = KeyStore(engine, clock=Clock())
    _, key = keys.create("desk", Role.PROVER, RATE, proofs_per_day=7)
    answers: list[float | None] = []
    threads = [threading.Thread(target=lambda: answers.append(keys.charge(key, 1))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers.count(None) == 7
    assert keys.used_today(key.id) == 7
