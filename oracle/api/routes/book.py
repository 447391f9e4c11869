"""The order book: signed orders in, depth, fills, and the log with proofs of inclusion out."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Final, Self

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, Field, StringConstraints

from oracle.api.deps import BODY_ERRORS, Prover, Reader, errors
from oracle.api.examples import EVENT_STREAM
from oracle.api.schemas import Schema
from oracle.api.streams import Sent, stream
from oracle.api.strict import StrictRoute
from oracle.daemon.book import BookService, Inclusion, Taken
from oracle.domain.matching import Fill
from oracle.domain.matching_log import LogEntry, Order
from oracle.errors import NotFound
from oracle.store.book import SettledFill

MAX_SIGNATURE_BYTES: Final = 4_096

router = APIRouter(prefix="/v1/book", tags=["book"], route_class=StrictRoute)


def _book(request: Request) -> BookService:
    book: BookService | None = getattr(request.app.state, "book", None)
    if book is None:
        raise NotFound("this service keeps no order book", remedy="start it with PLUMBLINE_BOOK_ADDRESS")
    return book


def _uint256(text: str) -> str:
    if int(text) >= 2**256:
        raise ValueError("not below 2^256")
    return text


Book = Annotated[BookService, Depends(_book)]
Uint = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,77})$", strict=True), AfterValidator(_uint256)]
Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$", strict=True)]
Hash = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{64}$", strict=True)]
Signature = Annotated[
    str, StringConstraints(pattern=r"^0x([0-9a-fA-F]{2})*$", max_length=2 + 2 * MAX_SIGNATURE_BYTES, strict=True)
]
PathSeries = Annotated[
    str,
    Path(pattern=r"^[1-9][0-9]{0,77}$", description="The options book's series id.", examples=["345327251227266232"]),
    AfterValidator(_uint256),
]
PathIndex = Annotated[
    int, Path(ge=0, lt=2**63, description="The entry's place in the series' log, from 0.", examples=[4])
]


class OrderIn(Schema):
    """An order as it was signed: EIP-712 `Order` of `Plumbline OrderMatching`, version 1. Amounts and prices WAD."""

    trader: Address
    series_id: Uint
    is_buy: Annotated[bool, Field(strict=True)]
    price: Uint
    amount: Uint
    expiry: Annotated[int, Field(ge=0, lt=2**63, strict=True)]
    nonce: Uint
    signature: Signature

    def order(self) -> Order:
        """The order of the domain."""
        numbers = (int(self.price), int(self.amount), self.expiry, int(self.nonce))
        return Order(self.trader, int(self.series_id), self.is_buy, *numbers)


class CancelIn(Schema):
    """A cancellation as it was signed: EIP-712 `Cancel` over the order's digest."""

    order: Hash
    signature: Signature


class TakenOut(Schema):
    """An entry's place in the log, and the operator's receipt: a claim against it on chain if that is not kept."""

    series_id: str
    index: int
    order: str
    leaf: str
    commit_by: int
    signature: str

    @classmethod
    def of(cls, taken: Taken) -> Self:
        """On the wire."""
        return cls(
            series_id=str(taken.series_id),
            index=taken.index,
            order=_hex(taken.digest),
            leaf=_hex(taken.receipt.leaf),
            commit_by=taken.receipt.commit_by,
            signature=_hex(taken.signature),
        )


class LevelOut(Schema):
    """What rests at one price, WAD."""

    price: str
    amount: str


class DepthOut(Schema):
    """Both sides, the best level first; `settled` of the log's `entries` are on chain."""

    bids: list[LevelOut]
    asks: list[LevelOut]
    entries: int
    settled: int


class FillOut(Schema):
    """A fill at the resting order's price; `seq` and `txHash` once it is settled."""

    taker_index: int
    maker_index: int
    amount: str
    price: str
    seq: int | None = None
    tx_hash: str | None = None

    @classmethod
    def of(cls, fill: Fill, seq: int | None = None, tx_hash: str | None = None) -> Self:
        """On the wire."""
        return cls(
            taker_index=fill.taker_index,
            maker_index=fill.maker_index,
            amount=str(fill.amount),
            price=str(fill.price),
            seq=seq,
            tx_hash=tx_hash,
        )


class FillsOut(Schema):
    """Settled fills, and those that the log leads to if nobody lacks margin."""

    settled: list[FillOut]
    pending: list[FillOut]


class EntryOut(Schema):
    """One line of the log."""

    index: int
    leaf: str
    taken_at: int
    is_cancel: bool
    trader: str
    series_id: str
    is_buy: bool
    price: str
    amount: str
    expiry: int
    nonce: str
    signature: str

    @classmethod
    def of(cls, index: int, leaf: bytes, entry: LogEntry) -> Self:
        """On the wire."""
        o = entry.order
        return cls(
            index=index,
            leaf=_hex(leaf),
            taken_at=entry.taken_at,
            is_cancel=entry.is_cancel,
            trader=o.trader,
            series_id=str(o.series_id),
            is_buy=o.is_buy,
            price=str(o.price),
            amount=str(o.amount),
            expiry=o.expiry,
            nonce=str(o.nonce),
            signature=_hex(entry.signature),
        )


class LogOut(Schema):
    """A part of the log, in order."""

    entries: list[EntryOut]


class InclusionOut(Schema):
    """The Merkle proof of an entry in the batch that was committed on chain."""

    entry: EntryOut
    batch: int
    root: str
    proof: list[str]

    @classmethod
    def of(cls, index: int, found: Inclusion) -> Self:
        """On the wire."""
        return cls(
            entry=EntryOut.of(index, found.leaf, found.entry),
            batch=found.batch,
            root=_hex(found.root),
            proof=[_hex(node) for node in found.proof],
        )


@router.post(
    "/orders",
    summary="Places a signed order",
    description="201 with its place in the log and the operator's receipt; 409 with the contract's reason.",
    status_code=HTTPStatus.CREATED,
    responses=errors(404, 409, 507, *BODY_ERRORS),
)
def place_order(book: Book, _: Prover, body: OrderIn) -> TakenOut:
    return TakenOut.of(book.place(body.order(), _bytes(body.signature)))


@router.post(
    "/cancellations",
    summary="Cancels a resting order by a signed message",
    status_code=HTTPStatus.CREATED,
    responses=errors(404, 409, 507, *BODY_ERRORS),
)
def cancel_order(book: Book, _: Prover, body: CancelIn) -> TakenOut:
    return TakenOut.of(book.cancel(_bytes(body.order), _bytes(body.signature)))


@router.get("/{series_id}/depth", summary="What rests, by price", responses=errors(404))
def depth(book: Book, _: Reader, series_id: PathSeries) -> DepthOut:
    found = book.depth(int(series_id))
    bids, asks = (
        [LevelOut(price=str(price), amount=str(amount)) for price, amount in side] for side in (found.bids, found.asks)
    )
    return DepthOut(bids=bids, asks=asks, entries=found.entries, settled=found.settled)


@router.get("/{series_id}/fills", summary="What traded", responses=errors(404))
def fills(
    book: Book,
    _: Reader,
    series_id: PathSeries,
    after: Annotated[int, Query(ge=0, lt=2**63, description="Settled fills behind this `seq`.", examples=[3])] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000, examples=[20])] = 100,
) -> FillsOut:
    pending = book.pending_fills(int(series_id))
    settled = book.fills(int(series_id), after, limit)
    return FillsOut(settled=[_settled(fill) for fill in settled], pending=[FillOut.of(fill) for fill in pending])


@router.get("/{series_id}/log", summary="The log, as it is committed", responses=errors(404))
def log(
    book: Book,
    _: Reader,
    series_id: PathSeries,
    first: Annotated[int, Query(ge=0, lt=2**63, examples=[0])] = 0,
    count: Annotated[int, Query(ge=1, le=1_000, examples=[20])] = 100,
) -> LogOut:
    return LogOut(entries=[EntryOut.of(*line) for line in book.entries(int(series_id), first, count)])


@router.get("/{series_id}/log/{index}/inclusion", summary="That an entry was committed", responses=errors(404))
def inclusion(book: Book, _: Reader, series_id: PathSeries, index: PathIndex) -> InclusionOut:
    return InclusionOut.of(index, book.inclusion(int(series_id), index))


@router.get(
    "/{series_id}/fills/events",
    summary="Settled fills, as server-sent events",
    response_class=StreamingResponse,
    responses=errors(404) | {200: {"content": {"text/event-stream": EVENT_STREAM}}},
)
async def follow_fills(
    book: Book,
    _: Reader,
    request: Request,
    series_id: PathSeries,
    last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,18}$", examples=["3"])] = None,
) -> StreamingResponse:
    """A client that comes back with Last-Event-ID misses nothing."""
    await asyncio.to_thread(book.depth, int(series_id))

    def read(after: int) -> list[Sent]:
        return [
            Sent(fill.seq, "fill", _settled(fill).model_dump(by_alias=True))
            for fill in book.fills(int(series_id), after)
        ]

    return stream(request, read, int(last_event_id or 0))


def _settled(fill: SettledFill) -> FillOut:
    return FillOut.of(fill.fill, fill.seq, fill.tx_hash)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
