"""The sender's outbox in the database: implements oracle.domain.outbox.Outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine, Row

from oracle.domain.outbox import OutboxEntry, OutboxState, SignedAttempt
from oracle.errors import Conflict, NonceTaken, NotFound
from oracle.store.db import outbox


class SqlOutbox:
    """Entries of every chain and sender. The database itself keeps two pending entries off one nonce.

    `namespace` keeps apart chains that look alike: an Anvil started twice at the same time has the same genesis.
    """

    def __init__(self, engine: Engine, namespace: str = "") -> None:
        self._engine = engine
        self._namespace = namespace

    def get(self, chain: str, key: str) -> OutboxEntry | None:
        """See Outbox.get."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(outbox).where(self._is(chain, key))).one_or_none()
        return None if row is None else _entry(row)

    def insert(self, entry: OutboxEntry) -> None:
        """See Outbox.insert."""
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(outbox).values(namespace=self._namespace, **_values(entry)))
        except sa.exc.IntegrityError:
            if self.get(entry.chain, entry.key) is not None:
                raise Conflict(f"a transaction under the key {entry.key!r} exists already") from None
            raise NonceTaken(entry.sender, entry.nonce) from None

    def replace(self, entry: OutboxEntry) -> None:
        """See Outbox.replace."""
        before = sa.and_(self._is(entry.chain, entry.key), outbox.c.revision == entry.revision - 1)
        change = sa.update(outbox).where(before).values(**_values(entry))
        try:
            with self._engine.begin() as connection:
                replaced = connection.execute(change).rowcount == 1
        except sa.exc.IntegrityError:
            raise NonceTaken(entry.sender, entry.nonce) from None
        if not replaced:
            self._explain(entry)

    def _explain(self, entry: OutboxEntry) -> None:
        stored = self.get(entry.chain, entry.key)
        if stored is None:
            raise NotFound(f"no transaction under the key {entry.key!r}")
        raise Conflict(f"revision {entry.revision} of {entry.key!r} follows not on {stored.revision}")

    def pending(self, chain: str, sender: str) -> list[OutboxEntry]:
        """See Outbox.pending."""
        query = (
            sa.select(outbox)
            .where(outbox.c.namespace == self._namespace, outbox.c.chain == chain)
            .where(outbox.c.sender == sender, outbox.c.state == OutboxState.PENDING.value)
            .order_by(outbox.c.nonce)
        )
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def _is(self, chain: str, key: str) -> sa.ColumnElement[bool]:
        return sa.and_(outbox.c.namespace == self._namespace, outbox.c.chain == chain, outbox.c.key == key)


def _values(entry: OutboxEntry) -> dict[str, Any]:
    # Wei amounts pass 2^63, which is where databases' integers end
    return {
        "chain": entry.chain,
        "key": entry.key,
        "sender": entry.sender,
        "to": entry.to,
        "data": entry.data,
        "value": str(entry.value),
        "gas": entry.gas,
        "nonce": entry.nonce,
        "attempts": [_attempt_values(attempt) for attempt in entry.attempts],
        "state": entry.state.value,
        "tx_hash": entry.tx_hash,
        "block_number": entry.block_number,
        "block_hash": entry.block_hash,
        "revision": entry.revision,
    }


def _attempt_values(attempt: SignedAttempt) -> dict[str, str | int]:
    return {
        "nonce": attempt.nonce,
        "raw": attempt.raw.hex(),
        "txHash": attempt.tx_hash.hex(),
        "maxFeePerGas": str(attempt.max_fee_per_gas),
        "maxPriorityFeePerGas": str(attempt.max_priority_fee_per_gas),
    }


def _attempt(values: Mapping[str, Any]) -> SignedAttempt:
    return SignedAttempt(
        nonce=values["nonce"],
        raw=bytes.fromhex(values["raw"]),
        tx_hash=bytes.fromhex(values["txHash"]),
        max_fee_per_gas=int(values["maxFeePerGas"]),
        max_priority_fee_per_gas=int(values["maxPriorityFeePerGas"]),
    )


def _entry(row: Row[Any]) -> OutboxEntry:
    return OutboxEntry(
        key=row.key,
        chain=row.chain,
        sender=row.sender,
        to=row.to,
        data=row.data,
        value=int(row.value),
        gas=row.gas,
        attempts=tuple(_attempt(values) for values in row.attempts),
        state=OutboxState(row.state),
        tx_hash=row.tx_hash,
        block_number=row.block_number,
        block_hash=row.block_hash,
        revision=row.revision,
    )
