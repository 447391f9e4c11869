"""The order book's twin on its own: who trades, what rests, why an order goes, and the log's hashes.

Digests are compared with eth_account's EIP-712, trees and chains with what is hashed here by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field, replace

import pytest
from eth_abi.abi import encode
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from oracle.domain.matching import MAX_RESTING, Fill, Gone, Happening, Matching, RestingOrder, SeriesBook, cash_of
from oracle.domain.matching_log import (
    Domain,
    LogEntry,
    Order,
    Receipt,
    cancel_digest,
    next_head,
    proof_of,
    proven_root,
    root_of,
)
from oracle.domain.options_types import OptionsRefusal
from oracle.units import WAD

DOMAIN = Domain(31_337, "0x" + "c0" * 20)
FIRST, SECOND, THIRD = ("0x" + digits * 20 for digits in ("01", "02", "03"))
SERIES, NOW, LOT, PRICE = 9, 1_700_000_000, WAD // 1_000, 100 * WAD


@dataclass
class Desk:
    """A book's surroundings: a signature is its signer's word for a digest, a trade is kept or refused."""

    trades: list[tuple[str, str, int, int]] = field(default_factory=list)
    refusals: dict[str, OptionsRefusal] = field(default_factory=dict)  # by the account that has it in a trade

    def is_signed(self, trader: str, digest: bytes, signature: bytes) -> bool:
        return signature == keccak(digest + bytes.fromhex(trader[2:]))

    def trade(self, maker: str, taker: str, legs: list[tuple[int, int]], cash: int) -> None:
        for who in (maker, taker):
            if who in self.refusals:
                raise self.refusals[who]
        ((series_id, amount),) = legs
        assert series_id == SERIES
        self.trades.append((maker, taker, amount, cash))


@dataclass
class Floor:
    """A matching and what is entered there; each entry has the next index, each order a nonce of its own."""

    desk: Desk = field(default_factory=Desk)
    index: int = 0

    def __post_init__(self) -> None:
        self.matching = Matching(DOMAIN, LOT, self.desk, NOW)

    def order(self, trader: str, is_buy: bool, price: int, amount: int = WAD, expiry: int = NOW + 60) -> Order:
        return Order(trader, SERIES, is_buy, price, amount, expiry, 1_000 + self.index)

    def enter(self, order: Order, *, is_cancel: bool = False, by: str = "") -> list[Happening]:
        signed = order.digest(DOMAIN)
        signed = cancel_digest(DOMAIN, signed) if is_cancel else signed
        entry = LogEntry(NOW, is_cancel, order, keccak(signed + bytes.fromhex((by or order.trader)[2:])))
        self.index += 1
        return self.matching.enter(SERIES, self.index - 1, entry)

    def place(self, *words: object, **changes: object) -> list[Happening]:
        return self.enter(self.order(*words, **changes))  # type: ignore[arg-type]

    def resting(self) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """Index, price and amount of both sides, bids first."""
        book = self.matching.books[SERIES]
        bids, asks = ([(o.index, o.price, o.amount) for o in side] for side in (book.bids, book.asks))
        return bids, asks


@pytest.fixture
def floor() -> Floor:
    return Floor()


def told(happened: Sequence[Happening]) -> list[tuple[object, ...]]:
    """Fills as (taker, maker, amount, price), goings as (index, refused, reason's words)."""
    return [
        (e.taker_index, e.maker_index, e.amount, e.price)
        if isinstance(e, Fill)
        else (e.index, e.refused, *((e.reason.name, *e.reason.values) if e.reason else ()))
        for e in happened
    ]


# --- matching


@pytest.mark.parametrize(("is_buy", "sign"), [(True, 1), (False, -1)])
def test_enter__crosses_several__best_price_first_then_earliest(floor: Floor, is_buy: bool, sign: int) -> None:
    for off, trader in ((2, FIRST), (0, SECOND), (0, FIRST), (1, SECOND), (9, FIRST)):
        assert floor.place(trader, not is_buy, PRICE + sign * off, WAD) == []
    happened = floor.place(THIRD, is_buy, PRICE + sign * 2, 5 * WAD // 2)
    assert told(happened) == [
        (5, 1, WAD, PRICE),
        (5, 2, WAD, PRICE),
        (5, 3, WAD // 2, PRICE + sign),
    ]
    assert floor.desk.trades == [
        (SECOND, THIRD, sign * WAD, sign * PRICE),
        (FIRST, THIRD, sign * WAD, sign * PRICE),
        # half of an odd price: up when paid, down when received
        (SECOND, THIRD, sign * WAD // 2, sign * (PRICE // 2 + sign)),
    ]
    left = [(3, PRICE + sign, WAD // 2), (0, PRICE + 2 * sign, WAD), (4, PRICE + 9 * sign, WAD)]
    assert floor.resting() == (([], left) if is_buy else (left, []))


def test_enter__at_the_same_price__trades_and_rests_with_what_is_left(floor: Floor) -> None:
    resting = floor.order(FIRST, True, PRICE, 3 * WAD)
    assert floor.enter(resting) == []
    incoming = floor.order(SECOND, False, PRICE, 5 * WAD)
    assert floor.enter(incoming) == [Fill(1, 0, incoming.digest(DOMAIN), resting.digest(DOMAIN), 3 * WAD, PRICE)]
    assert floor.resting() == ([], [(1, PRICE, 2 * WAD)])
    assert floor.place(THIRD, True, PRICE - 1) == []
    assert floor.resting() == ([(2, PRICE - 1, WAD)], [(1, PRICE, 2 * WAD)])


def test_enter__three_trades_done__what_is_left_goes(floor: Floor) -> None:
    for _ in range(4):
        floor.place(FIRST, False, PRICE)
    happened = floor.place(SECOND, True, PRICE, 5 * WAD)
    fills = [(4, maker, WAD, PRICE) for maker in range(3)]
    assert told(happened) == [*fills, (4, False, "TradeLimitReached", 3)]
    assert floor.resting() == ([], [(3, PRICE, WAD)])


def test_enter__its_own_order__the_incoming_one_goes(floor: Floor) -> None:
    floor.place(FIRST, False, PRICE)
    floor.place(SECOND, False, PRICE)
    assert told(floor.place(SECOND, True, PRICE, 2 * WAD)) == [(2, 0, WAD, PRICE), (2, False, "SelfTrade", SECOND)]
    assert floor.resting() == ([], [(1, PRICE, WAD)])


def test_enter__side_full__goes_on_its_side_alone(floor: Floor) -> None:
    assert MAX_RESTING == 32
    for off in range(32):
        assert floor.place(FIRST, True, PRICE + off) == []
    assert told(floor.place(FIRST, True, PRICE + 99)) == [(32, False, "BookFull", 32, 32)]
    assert floor.place(SECOND, False, PRICE + 100) == []
    assert told(floor.place(SECOND, False, PRICE + 31)) == [(34, 31, WAD, PRICE + 31)]
    assert floor.place(FIRST, True, 1) == []
    assert [index for index, *_ in floor.resting()[0]] == [*range(30, -1, -1), 35]


def test_enter__expired_or_cancelled_when_met__goes_and_the_next_trades(floor: Floor) -> None:
    floor.place(FIRST, False, PRICE, expiry=NOW + 9)
    cancelled = floor.order(FIRST, False, PRICE)
    floor.enter(cancelled)
    floor.place(FIRST, False, PRICE, expiry=NOW + 10)
    floor.matching.cancel(FIRST, cancelled.nonce)
    floor.matching.now = NOW + 10
    assert told(floor.place(SECOND, True, PRICE)) == [
        (0, False, "OrderExpired", NOW + 9, NOW + 10),
        (1, False, "NonceUsed", FIRST, cancelled.nonce),
        (3, 2, WAD, PRICE),
    ]
    assert floor.resting() == ([], [])


@pytest.mark.parametrize(
    ("reason", "expected", "asks"),
    [
        # names the maker: its order goes, the next one trades
        (OptionsRefusal("InsufficientMargin", FIRST, -5), [(2, 1, WAD, PRICE)], []),
        # names the taker, or nobody: the incoming one goes
        (OptionsRefusal("InsufficientMargin", SECOND, -5), None, [(0, PRICE, WAD), (1, PRICE, WAD)]),
        (OptionsRefusal("MarksUnavailable"), None, [(0, PRICE, WAD), (1, PRICE, WAD)]),
    ],
)
def test_enter__trade_refused__the_named_one_goes(
    floor: Floor, reason: OptionsRefusal, expected: list[object] | None, asks: list[object]
) -> None:
    floor.place(FIRST, False, PRICE)
    floor.place(THIRD, False, PRICE)
    floor.desk.refusals = {FIRST: reason}
    happened = told(floor.place(SECOND, True, PRICE))
    who = 0 if expected is not None else 2
    assert happened == [(who, False, reason.name, *reason.values), *(expected or [])]
    assert floor.resting() == ([], asks)


def test_enter__refused_entries__change_nothing(floor: Floor) -> None:
    good = floor.order(FIRST, True, PRICE)
    digest = good.digest(DOMAIN)
    floor.enter(good)
    limit = 2**112 - 1
    for order, words in (
        (good, ("NonceUsed", FIRST, good.nonce)),
        (replace(good, series_id=8), ("SeriesMismatch", 8, SERIES)),
        (replace(good, nonce=1, price=0), ("OrderOutOfRange", 0, WAD, limit)),
        (replace(good, nonce=1, amount=0), ("OrderOutOfRange", PRICE, 0, limit)),
        (replace(good, nonce=1, price=2**112), ("OrderOutOfRange", 2**112, WAD, limit)),
        (replace(good, nonce=1, amount=2**112), ("OrderOutOfRange", PRICE, 2**112, limit)),
        (replace(good, nonce=1, amount=WAD + 1), ("OrderLotMismatch", WAD + 1, LOT)),
        (replace(good, nonce=1, amount=1), ("OrderLotMismatch", 1, LOT)),
        (replace(good, nonce=1, expiry=NOW - 1), ("OrderExpired", NOW - 1, NOW)),
    ):
        (gone,) = floor.enter(order)
        assert isinstance(gone, Gone)
        assert gone.digest == order.digest(DOMAIN)
        assert told([gone]) == [(floor.index - 1, True, *words)]
    other = replace(good, nonce=1)
    assert told(floor.enter(other, by=SECOND)) == [(10, True, "InvalidSignature", FIRST, other.digest(DOMAIN))]
    assert floor.resting() == ([(0, PRICE, WAD)], [])
    assert floor.matching.used == {(FIRST, good.nonce)}
    assert floor.matching.books[SERIES].bids[0] == RestingOrder(FIRST, good.nonce, PRICE, WAD, good.expiry, 0, digest)


def test_enter__at_its_limits__rests(floor: Floor) -> None:
    largest = (2**112 - 1) // LOT * LOT
    assert floor.place(FIRST, True, 1, LOT, expiry=NOW) == []
    assert floor.place(FIRST, False, 2**112 - 1, largest) == []
    assert floor.resting() == ([(0, 1, LOT)], [(1, 2**112 - 1, largest)])


@pytest.mark.parametrize("is_buy", [True, False])
def test_enter__cancellation__takes_the_order_out_once(floor: Floor, is_buy: bool) -> None:
    orders = []
    for _ in range(3):
        orders.append(floor.order(FIRST, is_buy, PRICE))
        floor.enter(orders[-1])
    digest = orders[1].digest(DOMAIN)
    signed = cancel_digest(DOMAIN, digest)
    assert told(floor.enter(orders[1], is_cancel=True, by=SECOND)) == [(3, True, "InvalidSignature", FIRST, signed)]
    assert floor.enter(orders[1], is_cancel=True) == [Gone(1, digest, None)]
    assert told(floor.enter(orders[1], is_cancel=True)) == [(5, True, "OrderNotResting", digest)]
    left = [(0, PRICE, WAD), (2, PRICE, WAD)]
    assert floor.resting() == ((left, []) if is_buy else ([], left))
    assert told(floor.enter(orders[1])) == [(6, True, "NonceUsed", FIRST, orders[1].nonce)]


def test_cancel__on_chain__no_order_of_that_nonce_is_taken_and_no_second_time(floor: Floor) -> None:
    floor.matching.cancel(FIRST, 1_000)
    assert told(floor.place(FIRST, True, PRICE)) == [(0, True, "NonceUsed", FIRST, 1_000)]
    with pytest.raises(OptionsRefusal) as found:
        floor.matching.cancel(FIRST, 1_000)
    assert (found.value.name, found.value.values) == ("NonceUsed", (FIRST, 1_000))
    floor.matching.cancel(SECOND, 1_000)


@pytest.mark.parametrize(
    ("amount", "price", "cash"), [(3, WAD // 2, 2), (-3, WAD // 2, -1), (2, WAD, 2), (-2, WAD, -2)]
)
def test_cash_of__odd_wei__against_the_incoming_order(amount: int, price: int, cash: int) -> None:
    assert cash_of(amount, price) == cash


def test_hash__one_side_or_both__as_abi_encoded_and_none_for_an_empty_book() -> None:
    order = (FIRST, 4, PRICE, WAD, NOW, 2, b"\x11" * 32)
    type_ = "(address,uint256,uint256,uint256,uint64,uint64,bytes32)[]"
    for sides in (([order], []), ([], [order]), ([order], [order, order])):
        assert SeriesBook.of(*sides).hash == keccak(encode([type_, type_], sides))
    assert SeriesBook().hash == bytes(32)


def test_copy__changed__the_first_is_as_it_was(floor: Floor) -> None:
    floor.place(FIRST, True, PRICE)
    floor.place(FIRST, False, PRICE + 1)
    book = floor.matching.books[SERIES]
    other = book.copy()
    other.bids[0].amount = 1
    other.asks.clear()
    assert floor.resting() == ([(0, PRICE, WAD)], [(1, PRICE + 1, WAD)])


# --- what is signed, and the log


def typed(name: str, members: dict[str, str], values: Sequence[object]) -> bytes:
    """eth_account's digest of a struct."""
    message = encode_typed_data(
        {"name": "Plumbline OrderMatching", "version": "1", "chainId": 31_337, "verifyingContract": DOMAIN.contract},
        {name: [{"name": n, "type": t} for n, t in members.items()]},
        dict(zip(members, values, strict=True)),
    )
    return keccak(b"\x19" + message.version + message.header + message.body)


ORDER = Order(FIRST, SERIES, True, PRICE, WAD, NOW, 2**256 - 1)
MEMBERS = {"trader": "address", "seriesId": "uint256", "isBuy": "bool", "price": "uint256", "amount": "uint256"}
SIGNED: list[tuple[Callable[[], bytes], str, dict[str, str], Sequence[object]]] = [
    (lambda: ORDER.digest(DOMAIN), "Order", MEMBERS | {"expiry": "uint64", "nonce": "uint256"}, astuple(ORDER)),
    (lambda: cancel_digest(DOMAIN, b"\x22" * 32), "Cancel", {"order": "bytes32"}, [b"\x22" * 32]),
    (
        lambda: Receipt(b"\x33" * 32, SERIES, 4, NOW).digest(DOMAIN),
        "Receipt",
        {"leaf": "bytes32", "seriesId": "uint256", "index": "uint64", "commitBy": "uint64"},
        [b"\x33" * 32, SERIES, 4, NOW],
    ),
]


@pytest.mark.parametrize(("ours", "name", "members", "values"), SIGNED, ids=[name for _, name, *_ in SIGNED])
def test_digest__order_cancellation_receipt__as_eip_712_has_it(
    ours: Callable[[], bytes], name: str, members: dict[str, str], values: Sequence[object]
) -> None:
    assert ours() == typed(name, members, values)


def test_leaf__an_entry__hashed_twice_with_its_place() -> None:
    entry = LogEntry(NOW, True, ORDER, b"signature")
    types = ["uint256", "uint64", "uint64", "bool", "bytes32", "bytes32"]
    values = [SERIES, 6, NOW, True, ORDER.digest(DOMAIN), keccak(b"signature")]
    assert entry.leaf(DOMAIN, SERIES, 6) == keccak(keccak(encode(types, values)))
    assert entry.fields() == (NOW, True, astuple(ORDER), b"signature")


def test_root_of__three_and_five_leaves__sorted_pairs_and_the_odd_one_goes_up() -> None:
    a, b, c, d, e = (bytes([n]) * 32 for n in (9, 1, 8, 2, 7))
    ab, cd = keccak(b + a), keccak(d + c)
    assert root_of([a]) == a
    assert root_of([a, b]) == root_of([b, a]) == ab
    assert root_of([a, b, c]) == keccak(min(ab, c) + max(ab, c))
    four = keccak(min(ab, cd) + max(ab, cd))
    assert root_of([a, b, c, d]) == four
    assert root_of([a, b, c, d, e]) == keccak(min(four, e) + max(four, e))
    assert proof_of([a, b, c, d, e], 2) == [d, ab, e]
    assert proof_of([a, b, c, d, e], 4) == [four]
    assert proof_of([a], 0) == []


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 32])
def test_proof_of__every_leaf__leads_to_the_root_and_no_other_leaf_does(count: int) -> None:
    leaves = [keccak(bytes([n])) for n in range(count)]
    for place, leaf in enumerate(leaves):
        assert proven_root(leaf, proof_of(leaves, place)) == root_of(leaves)
        assert proven_root(keccak(leaf), proof_of(leaves, place)) != root_of(leaves)


def test_next_head__a_batch__hashed_with_its_place() -> None:
    head, root = bytes(32), b"\x44" * 32
    first = next_head(head, root, 0, 32)
    assert first == keccak(encode(["bytes32", "bytes32", "uint64", "uint64"], [head, root, 0, 32]))
    assert next_head(first, root, 32, 1) != next_head(first, root, 31, 1) != next_head(first, root, 32, 2)
