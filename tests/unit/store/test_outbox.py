"""The outbox in memory and in the database: one behaviour."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.engine import Engine

from oracle.domain.outbox import MemoryOutbox, Outbox, OutboxEntry, OutboxState, SignedAttempt
from oracle.errors import Conflict, NonceTaken, NotFound
from oracle.store.outbox import SqlOutbox

CHAIN = "31337:abcd"
SENDER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.fixture(params=["memory", "sql"])
def outbox(request: pytest.FixtureRequest, engine: Engine) -> Outbox:
    return MemoryOutbox() if request.param == "memory" else SqlOutbox(engine)


def entry(key: str, nonce: int) -> OutboxEntry:
    attempt = SignedAttempt(nonce, b"\x02raw", bytes([nonce]) * 32, 2**70, 2**65)
    return OutboxEntry(key, CHAIN, SENDER, "0x" + "11" * 20, b"\x00\xff", 10**30, 21_000, (attempt,))


def test_get__inserted__is_the_same_whole(outbox: Outbox) -> None:
    call, creation = entry("call", 0), replace(entry("creation", 1), to=None, data=b"")
    outbox.insert(call)
    outbox.insert(creation)
    assert outbox.get(CHAIN, "call") == call
    assert outbox.get(CHAIN, "creation") == creation
    assert outbox.get("31337:other", "call") is None
    assert outbox.get(CHAIN, "other") is None


def test_insert__key_again__conflict(outbox: Outbox) -> None:
    outbox.insert(entry("key", 0))
    with pytest.raises(Conflict) as caught:
        outbox.insert(entry("key", 1))
    assert not isinstance(caught.value, NonceTaken)


def test_insert__nonce_of_a_pending_one__nonce_taken(outbox: Outbox) -> None:
    outbox.insert(entry("first", 7))
    with pytest.raises(NonceTaken):
        outbox.insert(entry("second", 7))
    outbox.insert(replace(entry("other sender", 7), sender="0x" + "22" * 20))
    outbox.insert(replace(entry("other chain", 7), chain="1:ef"))
    outbox.replace(replace(entry("first", 7), state=OutboxState.MINED, revision=1))
    outbox.insert(entry("second", 7))


def test_replace__next_revision__takes_effect(outbox: Outbox) -> None:
    first = entry("key", 3)
    outbox.insert(first)
    bump = SignedAttempt(3, b"\x02more", b"\x09" * 32, 2**71, 2**66)
    mined = replace(
        first,
        attempts=(*first.attempts, bump),
        state=OutboxState.MINED,
        tx_hash=b"\x09" * 32,
        block_number=2**40,
        block_hash=b"\x08" * 32,
        revision=1,
    )
    outbox.replace(mined)
    assert outbox.get(CHAIN, "key") == mined


@pytest.mark.parametrize("revision", [0, 2, 5])
def test_replace__other_revision__conflict(outbox: Outbox, revision: int) -> None:
    outbox.insert(entry("key", 3))
    with pytest.raises(Conflict):
        outbox.replace(replace(entry("key", 3), revision=revision))


def test_replace__unknown__not_found(outbox: Outbox) -> None:
    with pytest.raises(NotFound):
        outbox.replace(replace(entry("key", 3), revision=1))


def test_replace__onto_a_taken_nonce__nonce_taken(outbox: Outbox) -> None:
    outbox.insert(entry("first", 1))
    outbox.insert(entry("second", 2))
    with pytest.raises(NonceTaken):
        outbox.replace(replace(entry("second", 1), revision=1))


def test_pending__mixed__by_nonce(outbox: Outbox) -> None:
    for key, nonce in (("b", 2), ("c", 10), ("a", 1)):
        outbox.insert(entry(key, nonce))
    outbox.replace(replace(entry("b", 2), state=OutboxState.REVERTED, revision=1))
    assert [pending.key for pending in outbox.pending(CHAIN, SENDER)] == ["a", "c"]
    assert outbox.pending("1:ef", SENDER) == []


def test_sql_outbox__namespaces__do_not_meet(engine: Engine) -> None:
    yesterday, today = SqlOutbox(engine, "yesterday"), SqlOutbox(engine, "today")
    yesterday.insert(entry("key", 0))
    assert today.get(CHAIN, "key") is None
    today.insert(entry("key", 0))
    assert len(today.pending(CHAIN, SENDER)) == 1
