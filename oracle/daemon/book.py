"""The order book's operator: takes signed orders into the log, gives receipts, commits and settles batches.

The log is on disk before its receipt is given, and the chain alone says what traded: until a batch is settled, depth
and fills are what the log leads to if nobody lacks margin.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from oracle.chain.client import ChainClient
from oracle.chain.matching import ALL, OrderMatching, SeriesLog
from oracle.chain.sender import Sender
from oracle.domain.matching import Fill, Matching, RestingOrder, SeriesBook
from oracle.domain.matching_log import MAX_BATCH, LogEntry, Order, Receipt, proof_of, root_of
from oracle.errors import ConfigurationError, Conflict, ContractRevert, Halt, NotFound, OracleError, RpcRefused
from oracle.store.book import BookStore, Settled, SettledFill

COMMIT_WITHIN_SECS: Final = 600
CYCLE_SECS: Final = 2.0
STOP_TIMEOUT_SECS: Final = 30.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """An entry in the log: its index, and the operator's signed receipt."""

    series_id: int
    index: int
    digest: bytes
    receipt: Receipt
    signature: bytes


@dataclass(frozen=True, slots=True)
class Inclusion:
    """An entry with the proof that its leaf is in a committed batch."""

    entry: LogEntry
    leaf: bytes
    batch: int
    root: bytes
    proof: list[bytes]


@dataclass(frozen=True, slots=True)
class Depth:
    """Levels of both sides, the best first: price and amount, WAD; `settled` of `entries` entries are on chain."""

    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]
    entries: int
    settled: int


class _Trusting:
    """Before settlement every signature in the log counts, and every trade goes through."""

    def is_signed(self, trader: str, digest: bytes, signature: bytes) -> bool:
        return True

    def trade(self, maker: str, taker: str, legs: list[tuple[int, int]], cash: int) -> None:
        return None


class BookService:
    """One matching contract's book. Safe for threads; one process a contract, for the log has one writer."""

    def __init__(
        self,
        client: ChainClient,
        sender: Sender,
        account: LocalAccount,
        store: BookStore,
        address: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sender = sender
        self._account = account
        self._store = store
        self._clock = clock
        self._matching = OrderMatching(client, address)
        if self._matching.operator() != account.address:
            raise ConfigurationError(
                f"{account.address} is not the operator of the order book {address}",
                remedy="serve the book with the operator's key, or unset PLUMBLINE_BOOK_ADDRESS",
            )
        self._lot_size = self._matching.lot_size()
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    # --- what traders ask for

    def place(self, order: Order, signature: bytes) -> Taken:
        """Takes a signed order. Raises ContractRevert with the contract's reason, NotFound, Conflict."""
        order = Order(to_checksum_address(order.trader), *_rest(order))
        if not self._matching.is_listed(order.series_id):
            raise NotFound(f"the options book has no series {order.series_id}")
        return self._take(order, signature, is_cancel=False)

    def cancel(self, digest: bytes, signature: bytes) -> Taken:
        """Takes a signed cancellation of the order of that digest. Raises ContractRevert, NotFound."""
        order = self._store.order(digest)
        if order is None:
            raise NotFound(f"there is no order 0x{digest.hex()}")
        return self._take(order, signature, is_cancel=True)

    def depth(self, series_id: int) -> Depth:
        """What rests, added up by price."""
        settled = self._require_log(series_id)
        book, _ = self._provisional(series_id, settled)
        return Depth(_levels(book.bids), _levels(book.asks), self._store.count(series_id), settled.settled)

    def pending_fills(self, series_id: int) -> list[Fill]:
        """What the entries that are not settled yet lead to, if nobody lacks margin."""
        return self._provisional(series_id, self._require_log(series_id))[1]

    def fills(self, series_id: int, after: int = 0, limit: int = 1_000) -> list[SettledFill]:
        """Settled fills behind `after`, the oldest first."""
        return self._store.fills(series_id, after, limit)

    def entries(self, series_id: int, first: int, count: int) -> list[tuple[int, bytes, LogEntry]]:
        """The log from an index on: index, leaf, entry."""
        self._require_log(series_id)
        found = self._store.entries(series_id, first, count)
        return [(i, self._leaf(series_id, i, entry), entry) for i, entry in enumerate(found, start=first)]

    def inclusion(self, series_id: int, index: int) -> Inclusion:
        """The proof that an entry was committed. Raises NotFound while it is not."""
        log = self._matching.log(series_id)
        for number in range(log.batches if index < log.committed else 0):
            batch = self._matching.batch(series_id, number)
            if batch.first <= index < batch.first + batch.count:
                entries = self._store.entries(series_id, batch.first, batch.count)
                leaves = [self._leaf(series_id, batch.first + i, entry) for i, entry in enumerate(entries)]
                place = index - batch.first
                return Inclusion(entries[place], leaves[place], number, batch.root, proof_of(leaves, place))
        raise NotFound(f"entry {index} of series {series_id} is not committed", remedy="ask again in a few seconds")

    # --- what the operator does

    def advance(self, series_id: int) -> bool:
        """Commits what is new, and settles what is committed; whether there was anything to do."""
        with self._turn:
            log = self._matching.log(series_id)
            new = self._store.entries(series_id, log.committed, MAX_BATCH)
            if new:
                self._commit(series_id, log, new)
                log = self._matching.log(series_id)
            settled = self._sync(series_id)
            while settled.settled < log.committed:
                self._settle(series_id, log, settled)
                log, settled = self._matching.log(series_id), self._sync(series_id)
            return bool(new)

    def start(self) -> None:
        """Advances every series again and again, in a thread of its own, until `stop`."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="plumbline-book", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after what it is doing."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_SECS)

    # --- parts of it

    def _run(self) -> None:
        while not self._stopping.wait(CYCLE_SECS):
            for series_id in self._store.series():
                try:
                    self.advance(series_id)
                except Halt as error:
                    _log.error("order book stopped", series=series_id, error=str(error))
                    return
                except OracleError as error:
                    _log.warning("order book waits", series=series_id, error=str(error))

    def _take(self, order: Order, signature: bytes, *, is_cancel: bool) -> Taken:
        domain, series_id = self._matching.domain, order.series_id
        digest = order.digest(domain)
        with self._lock:
            now = int(self._clock())
            entry = LogEntry(now, is_cancel, order, signature)
            self._matching.require_acceptable(series_id, entry)
            index = self._store.count(series_id)
            if is_cancel:
                self._require_resting(series_id, digest)
            self._store.append(series_id, index, entry, digest)
        receipt = Receipt(self._leaf(series_id, index, entry), series_id, index, now + COMMIT_WITHIN_SECS)
        signed = Account.unsafe_sign_hash(receipt.digest(domain), self._account.key)
        return Taken(series_id, index, digest, receipt, bytes(signed.signature))

    def _require_resting(self, series_id: int, digest: bytes) -> None:
        book, _ = self._provisional(series_id, self._store.settled(series_id))
        if all(order.digest != digest for order in (*book.bids, *book.asks)):
            raise Conflict(f"the order 0x{digest.hex()} does not rest: it traded, was cancelled or went")

    def _require_log(self, series_id: int) -> Settled:
        if self._store.count(series_id) == 0:
            raise NotFound(f"no order was placed in series {series_id}")
        return self._store.settled(series_id)

    def _provisional(self, series_id: int, settled: Settled) -> tuple[SeriesBook, list[Fill]]:
        matching = Matching(self._matching.domain, self._lot_size, _Trusting(), now=int(self._clock()))
        matching.books[series_id] = settled.book
        found = []
        for index, entry in enumerate(self._store.entries(series_id, settled.settled), start=settled.settled):
            found += matching.enter(series_id, index, entry)
        return matching.books[series_id], [e for e in found if isinstance(e, Fill)]

    def _leaf(self, series_id: int, index: int, entry: LogEntry) -> bytes:
        return entry.leaf(self._matching.domain, series_id, index)

    def _commit(self, series_id: int, log: SeriesLog, entries: list[LogEntry]) -> None:
        first = log.committed
        root = root_of([self._leaf(series_id, first + i, entry) for i, entry in enumerate(entries)])
        call = self._matching.commit(series_id, first, len(entries), root)
        self._sender.transact(f"book:{self._matching.address}:commit:{series_id}:{first}", call)

    def _settle(self, series_id: int, log: SeriesLog, settled: Settled) -> None:
        """The whole batch in one transaction, or an entry at a time where that is too much for one."""
        batch = self._matching.batch(series_id, log.batches_settled)
        entries = self._store.entries(series_id, batch.first, batch.count)
        key = f"book:{self._matching.address}:settle:{series_id}:{settled.settled}"
        try:
            self._sender.transact(key, self._matching.settle(series_id, entries, ALL, settled.book))
        except (ContractRevert, RpcRefused) as error:
            _log.info("batch too large for one transaction", series=series_id, error=str(error))
            self._sender.transact(f"{key}:one", self._matching.settle(series_id, entries, 1, settled.book))

    def _sync(self, series_id: int) -> Settled:
        """Takes over what the chain has settled, whoever sent it."""
        known = self._store.settled(series_id)
        for settlement in self._matching.settlements(series_id, known.block):
            if settlement.settled > known.settled:
                known = Settled(settlement.settled, settlement.book, settlement.block)
                self._store.record(series_id, known, settlement.fills)
        return known


def _levels(side: list[RestingOrder]) -> list[tuple[int, int]]:
    levels: dict[int, int] = {}
    for order in side:
        levels[order.price] = levels.get(order.price, 0) + order.amount
    return list(levels.items())


def _rest(order: Order) -> tuple[int, bool, int, int, int, int]:
    return order.series_id, order.is_buy, order.price, order.amount, order.expiry, order.nonce
