"""What the listener has seen of a coordinator: blocks followed by their hashes, and the requests in them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine, Row

from oracle.domain.onchain import AskedInference
from oracle.store.db import metadata

# Deeper reorgs are not followed; what they drop is found on chain as gone when its turn comes
BLOCKS_KEPT: Final = 256

# The newest blocks whose events were read; a hash that the chain no longer has there is a reorg
followed_blocks = sa.Table(
    "followed_blocks",
    metadata,
    sa.Column("deployment_id", sa.String(64), primary_key=True),
    sa.Column("contract", sa.String(42), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(66), nullable=False),
)

# Requests made on chain, each with the request of the service that answers it
asked_inferences = sa.Table(
    "asked_inferences",
    metadata,
    sa.Column("deployment_id", sa.String(64), primary_key=True),
    sa.Column("contract", sa.String(42), primary_key=True),
    sa.Column("onchain_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("block_hash", sa.String(66), primary_key=True),
    sa.Column("block_number", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("request_id", sa.String(64), nullable=True),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("look_at", sa.Float, nullable=False),
    sa.Column("detail", sa.String(255), nullable=False),
    sa.Index("ix_asked_inferences_open", "deployment_id", "contract", "state", "look_at"),
)


class AskedState(StrEnum):
    """What the listener still has to do about a request on chain."""

    WATCHED = "watched"  # not answered yet: waits for its turn, for its fee, for its assignment to end
    UNDERWAY = "underway"  # a request of the service answers it
    CLOSED = "closed"  # the chain says that there is nothing left to do
    DROPPED = "dropped"  # a reorg took it back


@dataclass(frozen=True, slots=True)
class Watched:
    """One request on chain as the listener knows it."""

    asked: AskedInference
    state: AskedState
    attempts: int
    request_id: str | None
    detail: str


class AskedStore:
    """Of one coordinator of one deployment. Safe for many processes: each change is one transaction."""

    def __init__(
        self, engine: Engine, deployment_id: str, contract: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._key = {"deployment_id": deployment_id, "contract": contract}
        self._clock = clock

    # --- blocks

    def followed(self) -> list[tuple[int, str]]:
        """Number and hash of the blocks whose events were read, newest first."""
        query = (
            sa.select(followed_blocks.c.number, followed_blocks.c.hash)
            .where(*self._mine(followed_blocks))
            .order_by(followed_blocks.c.number.desc())
        )
        with self._engine.connect() as connection:
            return [(int(row.number), str(row.hash)) for row in connection.execute(query)]

    def follow(self, blocks: list[tuple[int, str]], asked: list[AskedInference]) -> None:
        """Notes blocks as read, with the requests in them; both or neither. What is noted already stays as it is."""
        now = self._clock()
        rows: list[dict[str, Any]] = [
            {
                **self._key,
                "onchain_id": one.request_id,
                "block_hash": one.block_hash,
                "block_number": one.block_number,
                "facts": one.as_json(),
                "state": AskedState.WATCHED.value,
                "attempts": 0,
                "seen_at": now,
                "look_at": now,
                "detail": "",
            }
            for one in asked
        ]
        followed = [{**self._key, "number": number, "hash": block_hash} for number, block_hash in blocks]
        oldest = max(number for number, _ in blocks) - BLOCKS_KEPT
        with self._engine.begin() as connection:
            if rows:
                connection.execute(self._insert(asked_inferences).on_conflict_do_nothing(), rows)
            connection.execute(self._insert(followed_blocks).on_conflict_do_nothing(), followed)
            connection.execute(
                sa.delete(followed_blocks).where(*self._mine(followed_blocks), followed_blocks.c.number < oldest)
            )

    def unfollow(self, above: int) -> list[Watched]:
        """Forgets the blocks above a number, and marks the unfinished requests in them as dropped; returns these."""
        mine = (*self._mine(asked_inferences), asked_inferences.c.block_number > above, self._unfinished())
        with self._engine.begin() as connection:
            dropped = [_watched(row) for row in connection.execute(sa.select(asked_inferences).where(*mine))]
            connection.execute(
                sa.update(asked_inferences)
                .where(*mine)
                .values(state=AskedState.DROPPED.value, detail="taken back by a reorg")
            )
            connection.execute(
                sa.delete(followed_blocks).where(*self._mine(followed_blocks), followed_blocks.c.number > above)
            )
        return dropped

    # --- requests

    def due(self, limit: int = 100) -> list[Watched]:
        """Unfinished requests whose turn it is to be looked at, oldest first."""
        query = (
            sa.select(asked_inferences)
            .where(*self._mine(asked_inferences), self._unfinished(), asked_inferences.c.look_at <= self._clock())
            .order_by(asked_inferences.c.look_at, asked_inferences.c.onchain_id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [_watched(row) for row in connection.execute(query)]

    def found(self, onchain_id: int) -> list[Watched]:
        """Everything known of a request's id, newest block first."""
        query = (
            sa.select(asked_inferences)
            .where(*self._mine(asked_inferences), asked_inferences.c.onchain_id == onchain_id)
            .order_by(asked_inferences.c.block_number.desc())
        )
        with self._engine.connect() as connection:
            return [_watched(row) for row in connection.execute(query)]

    def counts(self) -> dict[str, int]:
        """How many requests there are in each unfinished state."""
        query = (
            sa.select(asked_inferences.c.state, sa.func.count())
            .where(*self._mine(asked_inferences), self._unfinished())
            .group_by(asked_inferences.c.state)
        )
        with self._engine.connect() as connection:
            known = {str(row[0]): int(row[1]) for row in connection.execute(query)}
        return {state.value: known.get(state.value, 0) for state in (AskedState.WATCHED, AskedState.UNDERWAY)}

    def move(self, asked: AskedInference, state: AskedState, *, wait_secs: float = 0.0, **values: Any) -> None:
        """Notes what became of a request, to be looked at again in so many seconds; one that has ended stays so."""
        change = (
            sa.update(asked_inferences)
            .where(*self._mine(asked_inferences), self._unfinished())
            .where(asked_inferences.c.onchain_id == asked.request_id, asked_inferences.c.block_hash == asked.block_hash)
            .values(state=state.value, look_at=self._clock() + wait_secs, **values)
        )
        with self._engine.begin() as connection:
            connection.execute(change)

    def _mine(self, table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
        return tuple(table.c[name] == value for name, value in self._key.items())

    def _unfinished(self) -> sa.ColumnElement[bool]:
        return asked_inferences.c.state.in_((AskedState.WATCHED.value, AskedState.UNDERWAY.value))

    def _insert(self, table: sa.Table) -> Any:
        return postgresql.insert(table) if self._engine.dialect.name == "postgresql" else sqlite.insert(table)


def _watched(row: Row[Any]) -> Watched:
    return Watched(
        asked=AskedInference.from_json(row.facts),
        state=AskedState(row.state),
        attempts=int(row.attempts),
        request_id=row.request_id,
        detail=str(row.detail),
    )
