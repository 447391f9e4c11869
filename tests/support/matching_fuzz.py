"""Random logs of orders, committed and matched on the chain and on the twin at once, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any, ClassVar, Final

from eth_abi import encode
from web3.contract import Contract

from oracle.domain.matching import Fill, Happening, Matching, SeriesBook
from oracle.domain.matching_log import MAX_BATCH, NO_HEAD, Domain, LogEntry, Order, cancel_digest, next_head, root_of
from oracle.domain.options_types import OptionsRefusal
from tests.support.call_harness import Step
from tests.support.options import FOREVER, OptionsWorld
from tests.support.options_fuzz import WAD
from tests.support.trading_fuzz import AROUND, FEEDS, TradingFuzzer, started

OPERATOR: Final = 0  # of the harness's accounts
MAX_UINT: Final = 2**256 - 1
RESTING: Final = "(address,uint256,uint256,uint256,uint64,uint64,bytes32)[]"
ENTRIES: Final = "(uint64,bool,(address,uint256,bool,uint256,uint256,uint64,uint256),bytes)[]"
CALLS: Final = {
    "commit": ("commit", ("uint256", "uint64", "uint64", "bytes32")),
    "settleBatch": ("settle", ("uint256", ENTRIES, "uint256", RESTING, RESTING)),
    "cancelNonces": ("cancel", ("uint256[]",)),
}
GONE: Final = "(uint256,uint64,bytes32,bytes)"
GONE_TYPES: Final = ("uint64", "bytes32", "bytes")
FILLED: Final = "OrderFilled(uint256,uint64,uint64,bytes32,bytes32,uint256,uint256)"
SETTLED: Final = f"EntriesSettled(uint256,uint64,{RESTING},{RESTING})"


@dataclass
class SeriesLog:
    """What the contract keeps of a series' log, and the entries behind it."""

    batches: list[tuple[bytes, int, list[LogEntry]]] = field(default_factory=list)  # root, first, entries
    settled: int = 0
    batches_settled: int = 0
    head: bytes = NO_HEAD

    @property
    def committed(self) -> int:
        return sum(len(entries) for _, _, entries in self.batches)


@dataclass
class MatchingFuzzer(TradingFuzzer):
    """Orders beside the book's own calls."""

    weights: ClassVar[dict[str, int]] = {"batch": 60, "astray": 5, "void": 5, **AROUND, **FEEDS}

    twin: Matching = field(init=False)
    kept: dict[int, SeriesLog] = field(default_factory=dict, init=False)
    orders: list[Order] = field(default_factory=list, init=False)
    planned: list[LogEntry] = field(default_factory=list, init=False)  # behind the root of the next commitment

    # The twin above the entries: logs and batches

    def trade(self, maker: str, taker: str, legs: list[tuple[int, int]], cash: int) -> None:
        """As matching.Surroundings asks: the contract's own call."""
        assert self.contract is not None
        self.model.trade(self.contract.address, maker, taker, legs, cash)

    def _call_contract(self, caller: str, step: Step) -> bytes:
        self.twin.now = self.model.now
        match step.function:
            case "commit":
                return self._commit(caller, *step.args)
            case "settleBatch":
                return self._settle(*step.args)
        for place, nonce in enumerate(step.args[0]):
            if (caller, nonce) in self.twin.cancelled or nonce in step.args[0][:place]:
                raise OptionsRefusal("NonceUsed", caller, nonce)
        for nonce in step.args[0]:
            self.twin.cancel(caller, nonce)
            self.emitted("NonceCancelled(address,uint256)", (caller, nonce), (), ())
        return b""

    def _commit(self, caller: str, series_id: int, first: int, count: int, root: bytes) -> bytes:
        log = self.kept.setdefault(series_id, SeriesLog())
        if caller != self.actors[OPERATOR]:
            raise OptionsRefusal("NotBookOperator", caller)
        if not 0 < count <= MAX_BATCH:
            raise OptionsRefusal("BatchSizeOutOfRange", count, MAX_BATCH)
        if first != log.committed:
            raise OptionsRefusal("BatchNotNext", first, log.committed)
        log.head = next_head(log.head, root, first, count)
        log.batches.append((root, first, list(self.planned)))
        number = len(log.batches) - 1
        signature = "BatchCommitted(uint256,uint64,bytes32,uint64,uint64,bytes32)"
        types, values = ("bytes32", "uint64", "uint64", "bytes32"), (root, first, count, log.head)
        self.emitted(signature, (series_id, number), types, values)
        return encode(("uint64",), (number,))

    def _settle(self, series_id: int, entries: Sequence[Any], count: int, bids: Any, asks: Any) -> bytes:
        log = self.kept.setdefault(series_id, SeriesLog())
        if count == 0:
            raise OptionsRefusal("BatchSizeOutOfRange", 0, MAX_BATCH)
        if log.batches_settled == len(log.batches):
            raise OptionsRefusal("BatchNotCommitted", series_id, log.batches_settled)
        root, first, known = log.batches[log.batches_settled]
        if len(entries) != len(known):
            raise OptionsRefusal("BatchSizeOutOfRange", len(entries), len(known))
        given = [LogEntry(t, c, Order(*o), s) for t, c, o, s in entries]
        actual = root_of([e.leaf(self.twin.domain, series_id, first + i) for i, e in enumerate(given)])
        if actual != root:
            raise OptionsRefusal("EntriesMismatch", actual, root)
        book = self.twin.books.setdefault(series_id, SeriesBook())
        offered = SeriesBook.of(bids, asks)
        if offered.hash != book.hash:
            raise OptionsRefusal("BookMismatch", offered.hash, book.hash)
        start = log.settled - first
        end = min(len(known), start + count)
        happened: list[Happening] = []
        for i in range(start, end):
            happened += self.twin.enter(series_id, first + i, given[i])
        self.cases += end - start - 1  # the call itself is one
        self._tell(series_id, happened)
        log.settled = first + end
        log.batches_settled += end == len(known)
        self.emitted(SETTLED, (series_id,), ("uint64", RESTING, RESTING), (log.settled, *book.fields()))
        return encode(("uint256",), (sum(isinstance(e, Fill) for e in happened),))

    def _tell(self, series_id: int, happened: list[Happening]) -> None:
        for e in happened:
            if isinstance(e, Fill):
                kind, types = "fill", ("uint64", "uint64", "bytes32", "bytes32", "uint256", "uint256")
                self.emitted(FILLED, (series_id,), types, astuple(e))
            else:
                kind = e.reason.name if e.reason else "Cancelled"
                name = ("OrderRefused" if e.refused else "OrderDropped") + GONE
                reason = self.reason(e.reason) if e.reason else b""
                self.emitted(name, (series_id,), GONE_TYPES, (e.index, e.digest, reason))
            self.outcomes[f"entry:{kind}"] = self.outcomes.get(f"entry:{kind}", 0) + 1

    # Draws

    def block(self, count: int, wait: int) -> int:
        """As for the book; a batch is committed and settled, at once or in parts, within a block."""
        self.model.now += wait
        steps: list[Step] = []
        while len(steps) < count:
            step = self.predict(self._draw())
            steps.append(step)
            if step.function == "commit" and step.outcome == "ok":
                steps += self._settlements(step.args[0])
        self.run(steps)
        self.check_invariants()
        self._check_books()
        return len(steps)

    def _settlements(self, series_id: int) -> list[Step]:
        log = self.kept[series_id]
        steps = []
        while log.batches_settled < len(log.batches):
            steps.append(self.predict(self._settlement(self.draw.randrange(len(self.actors)), series_id)))
        return steps

    def _settlement(self, actor: int, series_id: int) -> Step:
        _, _, entries = self.kept[series_id].batches[self.kept[series_id].batches_settled]
        count = MAX_UINT if self.draw.random() < 0.7 else self.draw.randrange(1, len(entries) + 1)
        bids, asks = self.twin.books.get(series_id, SeriesBook()).copy().fields()
        args = (series_id, [e.fields() for e in entries], count, bids, asks)
        return Step(actor, "settleBatch", args, self.contract)

    def _check_books(self) -> None:
        """No crossed book, price-time order, nothing overfilled: of the twin, whose hash the events have shown."""
        for book in self.twin.books.values():
            bids, asks = [(-o.price, o.index) for o in book.bids], [(o.price, o.index) for o in book.asks]
            assert (bids, asks) == (sorted(bids), sorted(asks))
            assert not bids or not asks or -bids[0][0] < asks[0][0]

    def _draw_batch(self, actor: int) -> Step:
        d = self.draw
        series_id = d.choice(self._live()) if d.random() < 0.98 else d.choice(sorted(self.model.listed))
        self.planned = [self._entry(series_id) for _ in range(d.choice([1, 2, 5, 10, 20]))]
        log = self.kept.setdefault(series_id, SeriesLog())
        first = log.committed
        root = root_of([e.leaf(self.twin.domain, series_id, first + i) for i, e in enumerate(self.planned)])
        return Step(OPERATOR, "commit", (series_id, first, len(self.planned), root), self.contract)

    def _entry(self, series_id: int) -> LogEntry:
        d = self.draw
        resting = self.twin.books.get(series_id, SeriesBook())
        candidates = [o.digest for o in (*resting.bids, *resting.asks)]
        known = [o for o in self.orders[-60:] if o.digest(self.twin.domain) in candidates] if d.random() < 0.08 else []
        if known or d.random() < 0.01:
            order = d.choice(known or self.orders[-60:] or [self._order(series_id)])
            digest = cancel_digest(self.twin.domain, order.digest(self.twin.domain))
            return LogEntry(self.model.now, True, order, self.sign(order.trader, digest))
        order = self._odd(self._order(series_id))
        self.orders.append(order)
        return LogEntry(self.model.now, False, order, self.sign(order.trader, order.digest(self.twin.domain)))

    def _order(self, series_id: int) -> Order:
        d, is_buy = self.draw, self.draw.random() < 0.5
        self.nonces += 1
        away = d.choice([-800, -300, -100, -50, -10, -1, 0, 0, 1, 10, 50, 100, 300])
        price = max(1, self.mark(series_id) * (10_000 + (away if is_buy else -away)) // 10_000)
        lot = self.model.config.lot_size
        amount = d.choice([lot, 7 * lot, WAD // 2 // lot * lot or lot, WAD, WAD, 3 * WAD])
        return Order(self._trader(), series_id, is_buy, price, amount, FOREVER, self.nonces)

    def _odd(self, order: Order) -> Order:
        """Mostly as it is; sometimes one that cannot be taken, or not for long."""
        d = self.draw
        if d.random() >= 0.06:
            return order
        changes = [
            {"expiry": self.model.now - 1},
            {"expiry": self.model.now + d.choice([0, 60, 3_600])},
            {"expiry": self.model.now + d.choice([0, 60, 3_600])},
            {"nonce": d.randrange(1, order.nonce + 1)},
            {"amount": order.amount + 1},
            {"amount": d.choice([0, 2**112, 10**30 // WAD * WAD])},
            {"price": d.choice([0, 2**112])},
            {"series_id": order.series_id + 1},
        ]
        return replace(order, **d.choice(changes))  # type: ignore[arg-type]

    def _draw_astray(self, actor: int) -> Step:
        """A commitment or a settlement that must be refused."""
        d, series_id = self.draw, self.draw.choice(self._live())
        log = self.kept.setdefault(series_id, SeriesLog())
        if d.random() < 0.5:
            self.planned = []
            kind = d.randrange(3)
            first = log.committed + (kind == 0)
            count = d.choice([0, MAX_BATCH + 1]) if kind == 1 else 1
            who = OPERATOR if kind < 2 else 1 + d.randrange(len(self.actors) - 1)
            return Step(who, "commit", (series_id, first, count, bytes(32)), self.contract)
        return Step(actor, "settleBatch", (series_id, [], d.choice([0, 1]), [], []), self.contract)

    def _draw_void(self, actor: int) -> Step:
        """Nonces of what rests, or of what may come; of the sender or not."""
        mine = [o.nonce for o in self.orders[-80:] if o.trader == self.actors[actor]]
        nonces = [self.draw.choice(mine or [self.nonces + 5]), self.nonces + self.draw.randrange(1, 30)]
        return Step(actor, "cancelNonces", (nonces[: self.draw.choice([1, 1, 2])],), self.contract)


def start(world: OptionsWorld, seed: int) -> MatchingFuzzer:
    """A fuzzer on a book that nobody has used yet, with a matching contract whose operator is its first account."""
    chain = world.chain

    def deploy(actors: list[str]) -> Contract:
        return chain.deploy("OrderMatching", world.book.address, actors[OPERATOR])

    fuzzer = started(world, seed, MatchingFuzzer, CALLS, deploy)
    assert fuzzer.contract is not None
    domain = Domain(chain.web3.eth.chain_id, fuzzer.contract.address)
    fuzzer.twin = Matching(domain, world.config["lotSize"], fuzzer)
    return fuzzer
