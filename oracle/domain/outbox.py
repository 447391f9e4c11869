"""The outbox: every transaction is on disk before it is on the wire, so that no crash sends it twice or loses it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from oracle.errors import Conflict, NonceTaken, NotFound


class OutboxState(StrEnum):
    """Life of an entry. A reorg takes MINED or REVERTED back to PENDING."""

    PENDING = "pending"  # persisted; in no block yet, or not deep enough
    MINED = "mined"  # landed and succeeded
    REVERTED = "reverted"  # landed and failed: its key is used up
    ABANDONED = "abandoned"  # its nonce went to another transaction and the call now fails: it can never land


@dataclass(frozen=True, slots=True)
class SignedAttempt:
    """One signed form of an entry's call. Attempts of one nonce exclude each other on chain. Fees in wei per gas."""

    nonce: int
    raw: bytes
    tx_hash: bytes
    max_fee_per_gas: int
    max_priority_fee_per_gas: int


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One call under its idempotency key, with every form in which it was ever signed, oldest first.

    `chain` is `<chain id>:<hash of block 1>`: a local chain started anew is another chain. `value` in wei, `to` None
    for a contract's creation. `tx_hash`, `block_number`, `block_hash` say where it landed; None while pending.
    `revision` grows by one with each stored change.
    """

    key: str
    chain: str
    sender: str
    to: str | None
    data: bytes
    value: int
    gas: int
    attempts: tuple[SignedAttempt, ...]
    state: OutboxState = OutboxState.PENDING
    tx_hash: bytes | None = None
    block_number: int | None = None
    block_hash: bytes | None = None
    revision: int = 0

    @property
    def nonce(self) -> int:
        """The nonce that the newest attempt uses."""
        return self.attempts[-1].nonce


class Outbox(Protocol):
    """Where a sender keeps its entries. Each write is durable when it returns; safe for threads and processes."""

    def get(self, chain: str, key: str) -> OutboxEntry | None:
        """The entry of an idempotency key."""
        ...

    def insert(self, entry: OutboxEntry) -> None:
        """Adds an entry.

        Raises Conflict when the key exists on that chain, NonceTaken when another pending entry of the same chain and
        sender has its nonce.
        """
        ...

    def replace(self, entry: OutboxEntry) -> None:
        """Replaces the entry of the same chain and key as a whole, when the stored one is of the revision before.

        Raises NotFound, Conflict for any other revision (somebody else was faster), and NonceTaken as `insert`.
        """
        ...

    def pending(self, chain: str, sender: str) -> list[OutboxEntry]:
        """The sender's pending entries, by rising nonce."""
        ...


class MemoryOutbox:
    """An outbox that lasts as long as the process: for work that is idempotent in itself, such as a deployment."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], OutboxEntry] = {}
        self._lock = threading.Lock()

    def get(self, chain: str, key: str) -> OutboxEntry | None:
        with self._lock:
            return self._entries.get((chain, key))

    def insert(self, entry: OutboxEntry) -> None:
        with self._lock:
            if (entry.chain, entry.key) in self._entries:
                raise Conflict(f"a transaction under the key {entry.key!r} exists already")
            self._store(entry)

    def replace(self, entry: OutboxEntry) -> None:
        with self._lock:
            stored = self._entries.get((entry.chain, entry.key))
            if stored is None:
                raise NotFound(f"no transaction under the key {entry.key!r}")
            if stored.revision + 1 != entry.revision:
                raise Conflict(f"revision {entry.revision} of {entry.key!r} follows not on {stored.revision}")
            self._store(entry)

    def pending(self, chain: str, sender: str) -> list[OutboxEntry]:
        with self._lock:
            return self._pending(chain, sender)

    def _pending(self, chain: str, sender: str) -> list[OutboxEntry]:
        mine = (e for e in self._entries.values() if (e.chain, e.sender) == (chain, sender))
        return sorted((e for e in mine if e.state is OutboxState.PENDING), key=lambda e: e.nonce)

    def _store(self, entry: OutboxEntry) -> None:
        if entry.state is OutboxState.PENDING:
            for other in self._pending(entry.chain, entry.sender):
                if other.key != entry.key and other.nonce == entry.nonce:
                    raise NonceTaken(entry.sender, entry.nonce)
        self._entries[entry.chain, entry.key] = entry
