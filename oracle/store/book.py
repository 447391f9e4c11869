"""An order book's log, on disk before its receipt is given; and what of it the chain has settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine, Row

from oracle.domain.matching import Fill, SeriesBook
from oracle.domain.matching_log import LogEntry, Order
from oracle.errors import Conflict
from oracle.store.db import metadata

# `book` is chain and contract; series ids and amounts pass 2^63, which is where databases' integers end
book_entries = sa.Table(
    "book_entries",
    metadata,
    sa.Column("book", sa.String(160), primary_key=True),
    sa.Column("series_id", sa.String(80), primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("taken_at", sa.BigInteger, nullable=False),
    sa.Column("is_cancel", sa.Boolean, nullable=False),
    sa.Column("order", sa.JSON, nullable=False),
    sa.Column("order_key", sa.String(130), nullable=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("book", "order_key", name="uq_book_entries_order_key"),
    sa.Index("ix_book_entries_digest", "book", "digest"),
)

book_fills = sa.Table(
    "book_fills",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("book", sa.String(160), nullable=False),
    sa.Column("series_id", sa.String(80), nullable=False),
    sa.Column("taker_index", sa.BigInteger, nullable=False),
    sa.Column("maker_index", sa.BigInteger, nullable=False),
    sa.Column("fill", sa.JSON, nullable=False),
    sa.Column("tx_hash", sa.String(66), nullable=False),
    sa.UniqueConstraint("book", "series_id", "taker_index", "maker_index", name="uq_book_fills_indices"),
)

book_settled = sa.Table(
    "book_settled",
    metadata,
    sa.Column("book", sa.String(160), primary_key=True),
    sa.Column("series_id", sa.String(80), primary_key=True),
    sa.Column("settled", sa.BigInteger, nullable=False),
    sa.Column("bids", sa.JSON, nullable=False),
    sa.Column("asks", sa.JSON, nullable=False),
    sa.Column("block", sa.BigInteger, nullable=False),
)
_DIGEST_PLACE: Final = 6


@dataclass(frozen=True, slots=True)
class SettledFill:
    """A fill that the chain has settled, with its place in this service's list of them."""

    seq: int
    fill: Fill
    tx_hash: str


@dataclass(frozen=True, slots=True)
class Settled:
    """Where a series stands on chain: entries settled, the book they left, and the block that said so."""

    settled: int
    book: SeriesBook
    block: int


class BookStore:
    """The logs of one matching contract, `book`; those of another in the same database are not seen."""

    def __init__(self, engine: Engine, book: str) -> None:
        self._engine = engine
        self._book = book

    def append(self, series_id: int, index: int, entry: LogEntry, digest: bytes) -> None:
        """Writes an entry to its place. Raises Conflict when place or nonce is taken."""
        order_key = None if entry.is_cancel else f"{entry.order.trader}:{entry.order.nonce}"
        values = {
            "book": self._book,
            "series_id": str(series_id),
            "position": index,
            "taken_at": entry.taken_at,
            "is_cancel": entry.is_cancel,
            "order": [str(value) if type(value) is int else value for value in astuple(entry.order)],
            "order_key": order_key,
            "digest": digest.hex(),
            "signature": entry.signature,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(book_entries).values(values))
        except sa.exc.IntegrityError:
            raise Conflict(
                f"the nonce {entry.order.nonce} of {entry.order.trader} is in the log already",
                remedy="give each order a nonce of its own",
            ) from None

    def count(self, series_id: int) -> int:
        """Entries in a series' log."""
        query = sa.select(sa.func.count()).select_from(book_entries).where(self._of(book_entries, series_id))
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def entries(self, series_id: int, first: int = 0, count: int | None = None) -> list[LogEntry]:
        """The log from an index on, in order."""
        query = (
            sa.select(book_entries)
            .where(self._of(book_entries, series_id), book_entries.c.position >= first)
            .order_by(book_entries.c.position)
            .limit(count)
        )
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def order(self, digest: bytes) -> Order | None:
        """The order of that digest, of whatever series."""
        query = sa.select(book_entries).where(
            book_entries.c.book == self._book,
            book_entries.c.digest == digest.hex(),
            book_entries.c.is_cancel.is_(False),
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else _entry(row).order

    def series(self) -> list[int]:
        """Every series that has a log."""
        query = sa.select(book_entries.c.series_id).where(book_entries.c.book == self._book).distinct()
        with self._engine.connect() as connection:
            return sorted(int(row[0]) for row in connection.execute(query))

    def settled(self, series_id: int) -> Settled:
        """What is known of the chain's side."""
        query = sa.select(book_settled).where(self._of(book_settled, series_id))
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return Settled(0, SeriesBook(), 0)
        return Settled(row.settled, SeriesBook.of(_resting(row.bids), _resting(row.asks)), row.block)

    def record(self, series_id: int, state: Settled, fills: Sequence[tuple[Fill, str]]) -> None:
        """Writes what a settlement left, with its fills and their transactions, all or nothing; again: no change."""
        bids, asks = (_written(side) for side in state.book.fields())
        row = {"settled": state.settled, "bids": bids, "asks": asks, "block": state.block}
        keys = {"book": self._book, "series_id": str(series_id)}
        with self._engine.begin() as connection:
            known = {
                (r.taker_index, r.maker_index)
                for r in connection.execute(sa.select(book_fills).where(self._of(book_fills, series_id)))
            }
            for fill, tx_hash in fills:
                if (fill.taker_index, fill.maker_index) not in known:
                    connection.execute(sa.insert(book_fills).values(**keys, **_fill_row(fill), tx_hash=tx_hash))
            change = sa.update(book_settled).where(self._of(book_settled, series_id)).values(**row)
            if connection.execute(change).rowcount == 0:
                connection.execute(sa.insert(book_settled).values(**keys, **row))

    def fills(self, series_id: int, after: int = 0, limit: int = 1_000) -> list[SettledFill]:
        """Settled fills behind `after`, the oldest first."""
        query = (
            sa.select(book_fills)
            .where(self._of(book_fills, series_id), book_fills.c.seq > after)
            .order_by(book_fills.c.seq)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [SettledFill(row.seq, _fill(row.fill), row.tx_hash) for row in connection.execute(query)]

    def _of(self, table: sa.Table, series_id: int) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.book == self._book, table.c.series_id == str(series_id))


def _entry(row: Row[Any]) -> LogEntry:
    trader, series_id, is_buy, *numbers = row.order
    order = Order(trader, int(series_id), is_buy, *(int(number) for number in numbers))
    return LogEntry(row.taken_at, row.is_cancel, order, row.signature)


def _written(side: Sequence[Sequence[object]]) -> list[list[object]]:
    return [[o[0], *(str(n) for n in o[1:_DIGEST_PLACE]), _hex(o[_DIGEST_PLACE])] for o in side]


def _resting(side: Sequence[Sequence[str]]) -> list[list[object]]:
    return [[o[0], *(int(n) for n in o[1:_DIGEST_PLACE]), bytes.fromhex(o[_DIGEST_PLACE])] for o in side]


def _hex(value: object) -> str:
    assert isinstance(value, bytes)
    return value.hex()


def _fill_row(fill: Fill) -> dict[str, Any]:
    digests = [fill.taker_digest.hex(), fill.maker_digest.hex()]
    written = [fill.taker_index, fill.maker_index, *digests, str(fill.amount), str(fill.price)]
    return {"taker_index": fill.taker_index, "maker_index": fill.maker_index, "fill": written}


def _fill(written: Sequence[Any]) -> Fill:
    taker, maker, taker_digest, maker_digest, amount, price = written
    return Fill(taker, maker, bytes.fromhex(taker_digest), bytes.fromhex(maker_digest), int(amount), int(price))
