"""Price-time matching of one order log after another: twin of contracts/consumers/matching/OrderMatching.sol.

The contract matches every committed log itself; this is the same, for the service's book of before settlement and for
tests. What only a chain knows, such as whether a trade has margin, comes in through `Surroundings`. A reason is the
contract's error by name and arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field
from typing import Final, Protocol

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.domain.matching_log import Domain, LogEntry, cancel_digest
from oracle.domain.options_types import OptionsRefusal
from oracle.units import WAD

MAX_RESTING: Final = 32
MAX_TRADES: Final = 3
MAX_VALUE: Final = 2**112 - 1
NO_BOOK: Final = bytes(32)
RESTING_TYPE: Final = "(address,uint256,uint256,uint256,uint64,uint64,bytes32)[]"


class Surroundings(Protocol):
    """What is outside of the book."""

    def is_signed(self, trader: str, digest: bytes, signature: bytes) -> bool:
        """Whether it is the trader's signature, under EIP-712 or ERC-1271."""
        ...

    def trade(self, maker: str, taker: str, legs: list[tuple[int, int]], cash: int) -> None:
        """Moves options and cash on the options book. Raises OptionsRefusal when that refuses."""
        ...


@dataclass(slots=True)
class RestingOrder:
    """As RestingOrder in contracts/types/MatchingTypes.sol; `amount` is what is left."""

    trader: str
    nonce: int
    price: int
    amount: int
    expiry: int
    index: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade, at the resting order's price; indices are those of the log."""

    taker_index: int
    maker_index: int
    taker_digest: bytes
    maker_digest: bytes
    amount: int
    price: int


@dataclass(frozen=True, slots=True)
class Gone:
    """An entry that changed nothing (`refused`), or what was left of an order; no reason: cancelled in the log."""

    index: int
    digest: bytes
    reason: OptionsRefusal | None
    refused: bool = False


Happening = Fill | Gone


@dataclass(slots=True)
class SeriesBook:
    """Both sides of a series, each with its best order first."""

    bids: list[RestingOrder] = field(default_factory=list)
    asks: list[RestingOrder] = field(default_factory=list)

    @property
    def hash(self) -> bytes:
        """What the contract keeps of the book."""
        if not self.bids and not self.asks:
            return NO_BOOK
        return keccak(encode((RESTING_TYPE, RESTING_TYPE), self.fields()))

    def fields(self) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        """Both sides in the contract's order."""
        return [astuple(o) for o in self.bids], [astuple(o) for o in self.asks]

    @classmethod
    def of(cls, bids: Iterable[Sequence[object]], asks: Iterable[Sequence[object]]) -> SeriesBook:
        """The book of what `fields` gives."""
        return cls([RestingOrder(*o) for o in bids], [RestingOrder(*o) for o in asks])  # type: ignore[arg-type]

    def copy(self) -> SeriesBook:
        """An independent copy."""
        return SeriesBook.of(*self.fields())

    def insert(self, order: RestingOrder, is_buy: bool) -> None:
        """Puts an order behind every one of the same price or a better one."""
        side = self.bids if is_buy else self.asks
        place = len(side)
        while place and (order.price > side[place - 1].price if is_buy else order.price < side[place - 1].price):
            place -= 1
        side.insert(place, order)


@dataclass(slots=True)
class Matching:
    """Every series' book, and the nonces; `now` is the block's time."""

    domain: Domain
    lot_size: int
    around: Surroundings
    now: int = 0
    books: dict[int, SeriesBook] = field(default_factory=dict)
    used: set[tuple[str, int]] = field(default_factory=set)
    cancelled: set[tuple[str, int]] = field(default_factory=set)

    def enter(self, series_id: int, index: int, entry: LogEntry) -> list[Happening]:
        """Takes one entry of a series' log; what it led to, in order."""
        book = self.books.setdefault(series_id, SeriesBook())
        digest = entry.order.digest(self.domain)
        try:
            self.require_acceptable(series_id, entry)
            if entry.is_cancel:
                return [_cancel(book, digest)]
        except OptionsRefusal as reason:
            return [Gone(index, digest, reason, refused=True)]
        o = entry.order
        self.used.add((o.trader, o.nonce))
        incoming = RestingOrder(o.trader, o.nonce, o.price, o.amount, o.expiry, index, digest)
        return self._place(book, series_id, incoming, o.is_buy)

    def cancel(self, trader: str, nonce: int) -> None:
        """The contract's `cancel` of one nonce."""
        if (trader, nonce) in self.cancelled:
            raise OptionsRefusal("NonceUsed", trader, nonce)
        self.cancelled.add((trader, nonce))

    def require_acceptable(self, series_id: int, entry: LogEntry) -> None:
        """Raises OptionsRefusal with the reason for which an entry cannot be taken now."""
        o = entry.order
        if o.series_id != series_id:
            raise OptionsRefusal("SeriesMismatch", o.series_id, series_id)
        digest = o.digest(self.domain)
        if entry.is_cancel:
            digest = cancel_digest(self.domain, digest)
        else:
            self._require_placeable(entry)
        if not self.around.is_signed(o.trader, digest, entry.signature):
            raise OptionsRefusal("InvalidSignature", o.trader, digest)

    def _require_placeable(self, entry: LogEntry) -> None:
        o = entry.order
        if not 0 < o.price <= MAX_VALUE or not 0 < o.amount <= MAX_VALUE:
            raise OptionsRefusal("OrderOutOfRange", o.price, o.amount, MAX_VALUE)
        if o.amount % self.lot_size:
            raise OptionsRefusal("OrderLotMismatch", o.amount, self.lot_size)
        if self.now > o.expiry:
            raise OptionsRefusal("OrderExpired", o.expiry, self.now)
        if (o.trader, o.nonce) in self.used | self.cancelled:
            raise OptionsRefusal("NonceUsed", o.trader, o.nonce)

    def _place(self, book: SeriesBook, series_id: int, incoming: RestingOrder, is_buy: bool) -> list[Happening]:
        found: list[Happening] = []
        other, trades = book.asks if is_buy else book.bids, 0
        while incoming.amount and other and _crosses(other[0].price, incoming.price, is_buy):
            best = other[0]
            reason = self._staleness(best)
            if reason is not None:
                found.append(_gone(best, reason))
                other.pop(0)
                continue
            reason = _obstacle(incoming, best, trades)
            if reason is not None:
                return [*found, _gone(incoming, reason)]
            trades += 1
            amount = min(incoming.amount, best.amount)
            reason = self._trade(series_id, best, incoming.trader, amount if is_buy else -amount)
            if reason is None:
                incoming.amount -= amount
                best.amount -= amount
                found.append(Fill(incoming.index, best.index, incoming.digest, best.digest, amount, best.price))
            elif reason.values and reason.values[0] == best.trader:
                best.amount = 0
                found.append(_gone(best, reason))
            else:
                return [*found, _gone(incoming, reason)]
            if best.amount == 0:
                other.pop(0)
        if incoming.amount:
            found += self._rest(book, incoming, is_buy)
        return found

    def _rest(self, book: SeriesBook, incoming: RestingOrder, is_buy: bool) -> list[Happening]:
        resting = len(book.bids if is_buy else book.asks)
        if resting >= MAX_RESTING:
            return [_gone(incoming, OptionsRefusal("BookFull", resting, MAX_RESTING))]
        book.insert(incoming, is_buy)
        return []

    def _staleness(self, o: RestingOrder) -> OptionsRefusal | None:
        if self.now > o.expiry:
            return OptionsRefusal("OrderExpired", o.expiry, self.now)
        if (o.trader, o.nonce) in self.cancelled:
            return OptionsRefusal("NonceUsed", o.trader, o.nonce)
        return None

    def _trade(self, series_id: int, best: RestingOrder, taker: str, amount: int) -> OptionsRefusal | None:
        try:
            self.around.trade(best.trader, taker, [(series_id, amount)], cash_of(amount, best.price))
        except OptionsRefusal as reason:
            return reason
        return None


def cash_of(amount: int, price: int) -> int:
    """What the incoming order's trader pays for `amount` (negative: sold), rounded against it."""
    return -(-amount * price // WAD)


def _crosses(best: int, price: int, is_buy: bool) -> bool:
    return best <= price if is_buy else best >= price


def _obstacle(incoming: RestingOrder, best: RestingOrder, trades: int) -> OptionsRefusal | None:
    if best.trader == incoming.trader:
        return OptionsRefusal("SelfTrade", incoming.trader)
    if trades == MAX_TRADES:
        return OptionsRefusal("TradeLimitReached", trades)
    return None


def _gone(order: RestingOrder, reason: OptionsRefusal) -> Gone:
    return Gone(order.index, order.digest, reason)


def _cancel(book: SeriesBook, digest: bytes) -> Gone:
    for side in (book.bids, book.asks):
        for place, order in enumerate(side):
            if order.digest == digest:
                del side[place]
                return Gone(order.index, digest, None)
    raise OptionsRefusal("OrderNotResting", digest)
