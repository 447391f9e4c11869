"""An order book of options on the test chain beside its Python twin: every settlement is compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi import encode
from eth_account import Account
from eth_keys.exceptions import BadSignature, ValidationError
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector, get_abi_input_types
from web3.contract import Contract
from web3.types import TxReceipt

from oracle.domain.matching import Fill, Gone, Happening, Matching, SeriesBook
from oracle.domain.matching_log import Domain, LogEntry, Order, Receipt, cancel_digest, root_of
from oracle.domain.options_margin import OptionsBook
from oracle.domain.options_types import OptionsRefusal
from tests.support.local_chain import LocalChain, account
from tests.support.options import FOREVER, WAD, OptionsWorld, deploy_options

OPERATOR = 1
FIRST, SECOND, THIRD = 8, 9, 10
TRADERS = (FIRST, SECOND, THIRD)
DEPOSIT = 100_000  # whole tokens


@dataclass
class TwinSurroundings:
    """The options book's twin, and signatures of the development accounts and their contracts."""

    book: OptionsBook
    contract: str
    owners: dict[str, str] = field(default_factory=dict)  # of ERC-1271 accounts

    def is_signed(self, trader: str, digest: bytes, signature: bytes) -> bool:
        """As SignatureChecker sees it."""
        if len(signature) != 65:
            return False
        try:
            signer = Account._recover_hash(digest, signature=signature)
        except (BadSignature, ValueError, ValidationError):
            return False
        return bool(signer == self.owners.get(trader, trader))

    def trade(self, maker: str, taker: str, legs: list[tuple[int, int]], cash: int) -> None:
        """The twin's trade, called by the contract."""
        self.book.trade(self.contract, maker, taker, legs, cash)


@dataclass
class MatchingWorld:
    """The contract, the options book under it, and both twins."""

    options: OptionsWorld
    matching: Contract
    twin: Matching
    around: TwinSurroundings
    logs: dict[int, list[LogEntry]] = field(default_factory=dict)
    nonces: int = 0

    @property
    def chain(self) -> LocalChain:
        return self.options.chain

    @property
    def domain(self) -> Domain:
        return self.twin.domain

    # What traders sign

    def order(self, trader: int, series_id: int, is_buy: bool, price: int, amount: int = WAD, **changes: Any) -> Order:
        """An order with a nonce of its own that never expires, unless told."""
        self.nonces += 1
        who = changes.pop("who", None) or account(trader).address
        expiry, nonce = changes.get("expiry", FOREVER), changes.get("nonce", self.nonces)
        return Order(who, series_id, is_buy, price, amount, expiry, nonce)

    def entry(self, order: Order, signer: int | None = None, *, is_cancel: bool = False) -> LogEntry:
        """A log entry, signed by the order's own trader unless told."""
        by = signer if signer is not None else next(t for t in TRADERS if account(t).address == order.trader)
        digest = order.digest(self.domain)
        digest = cancel_digest(self.domain, digest) if is_cancel else digest
        signature = bytes(Account.unsafe_sign_hash(digest, account(by).key).signature)
        return LogEntry(self.chain.now(), is_cancel, order, signature)

    def place(
        self, trader: int, series_id: int, is_buy: bool, price: int, amount: int = WAD, **changes: Any
    ) -> LogEntry:
        """A signed order."""
        return self.entry(self.order(trader, series_id, is_buy, price, amount, **changes), trader)

    # What the operator does

    def commit(self, series_id: int, entries: Sequence[LogEntry]) -> TxReceipt:
        """Commits a batch at the log's end."""
        log = self.logs.setdefault(series_id, [])
        first = len(log)
        log += entries
        return self.chain.send(
            self.matching.functions.commit(
                series_id, first, len(entries), root_of(self.leaves(series_id, first, entries))
            ),
            account(OPERATOR).address,
        )

    def leaves(self, series_id: int, first: int, entries: Sequence[LogEntry]) -> list[bytes]:
        return [entry.leaf(self.domain, series_id, first + i) for i, entry in enumerate(entries)]

    def settle(self, series_id: int, entries: Sequence[LogEntry], count: int = 2**256 - 1) -> list[Happening]:
        """Settles entries of a committed batch, on both sides; what happened, alike on both."""
        book = self.twin.books.get(series_id, SeriesBook()).copy()
        before = self.matching.functions.logOf(series_id).call()
        receipt = self.chain.send(self.settlement(series_id, entries, book, count), self.options.keeper)
        self.twin.now = self.around.book.now = self.block_time(receipt)
        first = len(self.logs[series_id]) - len(entries)
        expected: list[Happening] = []
        start = before[1] - first
        for i in range(start, min(len(entries), start + count)):
            expected += self.twin.enter(series_id, first + i, entries[i])
        self._compare(series_id, receipt, expected, first + min(len(entries), start + count))
        return expected

    def settlement(self, series_id: int, entries: Sequence[LogEntry], book: SeriesBook, count: int = 2**256 - 1) -> Any:
        """The contract's call."""
        return self.matching.functions.settle(series_id, [e.fields() for e in entries], count, *book.fields())

    def run(self, *entries: LogEntry) -> list[Happening]:
        """Commits and settles a batch."""
        series_id = entries[0].order.series_id
        self.commit(series_id, entries)
        return self.settle(series_id, entries)

    def receipt(self, index: int, entry: LogEntry, commit_by: int = FOREVER) -> tuple[Receipt, bytes]:
        """The operator's receipt for an entry, and its signature."""
        series_id = entry.order.series_id
        given = Receipt(entry.leaf(self.domain, series_id, index), series_id, index, commit_by)
        signed = Account.unsafe_sign_hash(given.digest(self.domain), account(OPERATOR).key)
        return given, bytes(signed.signature)

    def block_time(self, receipt: TxReceipt) -> int:
        return int(self.chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"])

    # Both sides are one

    def _compare(self, series_id: int, receipt: TxReceipt, expected: list[Happening], settled: int) -> None:
        fills = [Fill(*list(e.values())[1:]) for e in self.chain.events(self.matching, "OrderFilled", receipt)]
        assert fills == [e for e in expected if isinstance(e, Fill)]
        for name, refused in (("OrderRefused", True), ("OrderDropped", False)):
            seen = [(e["index"], e["digest"], e["reason"]) for e in self.chain.events(self.matching, name, receipt)]
            gone = [e for e in expected if isinstance(e, Gone) and e.refused == refused]
            assert seen == [(e.index, e.digest, self.reason_data(e.reason)) for e in gone]
        book = self.twin.books.get(series_id, SeriesBook())
        log = self.matching.functions.logOf(series_id).call()
        assert (log[1], log[5]) == (settled, book.hash)
        (event,) = self.chain.events(self.matching, "EntriesSettled", receipt)
        assert (event["seriesId"], event["settled"]) == (series_id, settled)
        sides = ([tuple(o.values()) for o in event[side]] for side in ("bids", "asks"))
        assert SeriesBook.of(*sides) == book
        assert_sound(book)
        for trader in TRADERS:
            self._compare_account(account(trader).address)

    def _compare_account(self, who: str) -> None:
        ours, theirs = self.around.book.accounts.get(who), self.options.account(who)
        cash = ours.cash if ours else 0
        positions = [(p.expiry, p.is_call, p.strike, n) for p, n in ours.positions.items()] if ours else []
        assert (theirs["cash"], [tuple(p) for p in theirs["positions"]]) == (cash, positions)

    def reason_data(self, reason: OptionsRefusal | None) -> bytes:
        """A reason as the contract tells it."""
        if reason is None:
            return b""
        entries = [*self.matching.abi, *self.options.book.abi]
        candidates = [e for e in entries if e["type"] == "error" and e["name"] == reason.name]
        entry = next(e for e in candidates if len(e["inputs"]) == len(reason.values))
        selector = function_signature_to_4byte_selector(abi_to_signature(entry))
        return bytes(selector + encode(get_abi_input_types(entry), reason.values))


def assert_sound(book: SeriesBook) -> None:
    """No crossed book, and both sides in price-time order."""
    bids = [(-o.price, o.index) for o in book.bids]
    asks = [(o.price, o.index) for o in book.asks]
    assert bids == sorted(bids)
    assert asks == sorted(asks)
    assert not book.bids or not book.asks or book.bids[0].price < book.asks[0].price
    assert all(o.amount > 0 for o in (*book.bids, *book.asks))


def deploy_matching(chain: LocalChain, deployer: str | None = None, **overrides: Any) -> MatchingWorld:
    """An options book with three funded accounts that allowed the matching contract, nothing listed."""
    options = deploy_options(chain, **overrides)
    matching = chain.deploy("OrderMatching", options.book.address, account(OPERATOR).address, sender=deployer)
    model = options.model()
    model.now = chain.now()
    model.state.synced_at = options.read("state")["syncedAt"]
    domain = Domain(chain.web3.eth.chain_id, matching.address)
    around = TwinSurroundings(model, matching.address)
    world = MatchingWorld(options, matching, Matching(domain, options.config["lotSize"], around), around)
    for trader in TRADERS:
        who = account(trader).address
        world.options.call("setOperator", matching.address, True, sender=who)
        model.operators.add((who, matching.address))
        deposit(world, who, DEPOSIT)
    return world


def deposit(world: MatchingWorld, who: str, tokens: int) -> None:
    """Whole tokens into an account, on both sides."""
    receipt = world.options.call("deposit", tokens * world.options.unit, who, sender=world.options.keeper)
    world.around.book.now = world.block_time(receipt)
    world.around.book.deposit(world.options.keeper, tokens * world.options.unit, who)


def list_series(world: MatchingWorld, strike: int = 2_000, days: int = 30) -> int:
    """A listed call, on both sides."""
    series_id = world.options.list(strike, days)
    world.around.book.listed.add(series_id)
    return series_id
