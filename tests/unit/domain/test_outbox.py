"""The outbox in memory keeps what every outbox promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.domain.outbox import MemoryOutbox, OutboxEntry, OutboxState, SignedAttempt
from oracle.errors import Conflict, NonceTaken, NotFound

CHAIN, SENDER = "31337:aa", "0x" + "11" * 20


def entry(key: str, nonce: int, **changed: object) -> OutboxEntry:
    attempt = SignedAttempt(nonce, b"raw", bytes(32), 2, 1)
    made = OutboxEntry(key, CHAIN, SENDER, None, b"", 0, 21_000, (attempt,))
    return replace(made, **changed)  # type: ignore[arg-type]


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


def test_insert__new_key__found_on_its_chain_alone(outbox: MemoryOutbox) -> None:
    outbox.insert(entry("a", 1))
    assert outbox.get(CHAIN, "a") == entry("a", 1)
    assert outbox.get("31337:bb", "a") is None


def test_insert__known_key__conflict(outbox: MemoryOutbox) -> None:
    outbox.insert(entry("a", 1))
    with pytest.raises(Conflict):
        outbox.insert(entry("a", 2))


def test_insert__nonce_of_a_pending_entry__nonce_taken(outbox: MemoryOutbox) -> None:
    outbox.insert(entry("a", 1))
    with pytest.raises(NonceTaken) as caught:
        outbox.insert(entry("b", 1))
    assert (caught.value.sender, caught.value.nonce) == (SENDER, 1)
    outbox.insert(entry("c", 1, sender="0x" + "22" * 20))


def test_insert__nonce_of_a_mined_entry__free(outbox: MemoryOutbox) -> None:
    outbox.insert(entry("a", 1, state=OutboxState.MINED))
    outbox.insert(entry("b", 1))
    with pytest.raises(NonceTaken):
        outbox.replace(entry("a", 1, revision=1))


def test_replace__next_revision__stored(outbox: MemoryOutbox) -> None:
    outbox.insert(entry("a", 1))
    outbox.replace(entry("a", 2, revision=1))
    stored = outbox.get(CHAIN, "a")
    assert stored is not None
    assert (stored.nonce, stored.revision) == (2, 1)


@pytest.mark.parametrize("revision", [0, 2])
def test_replace__other_revision__conflict_and_unchanged(outbox: MemoryOutbox, revision: int) -> None:
    outbox.insert(entry("a", 1))
    with pytest.raises(Conflict):
        outbox.replace(entry("a", 2, revision=revision))
    assert outbox.get(CHAIN, "a") == entry("a", 1)


def test_replace__unknown_key__not_found(outbox: MemoryOutbox) -> None:
    with pytest.raises(NotFound):
        outbox.replace(entry("a", 1, revision=1))


def test_pending__several__by_rising_nonce(outbox: MemoryOutbox) -> None:
    for key, nonce in (("c", 3), ("a", 1), ("b", 2)):
        outbox.insert(entry(key, nonce))
    outbox.insert(entry("d", 4, state=OutboxState.REVERTED))
    outbox.insert(entry("e", 5, state=OutboxState.ABANDONED))
    assert [e.key for e in outbox.pending(CHAIN, SENDER)] == ["a", "b", "c"]
    assert outbox.pending(CHAIN, "0x" + "22" * 20) == []
