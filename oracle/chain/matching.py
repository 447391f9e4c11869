"""OrderMatching and the options book under it: typed reads, calls to send, and what settlements left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from web3.contract.contract import ContractFunction
from web3.logs import DISCARD

from oracle.chain.client import ChainClient
from oracle.domain.matching import Fill, SeriesBook
from oracle.domain.matching_log import Domain, LogEntry

ALL: Final = 2**256 - 1


@dataclass(frozen=True, slots=True)
class SeriesLog:
    """As SeriesLog in contracts/types/MatchingTypes.sol."""

    committed: int
    settled: int
    batches: int
    batches_settled: int
    head: bytes
    book_hash: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """As Batch in contracts/types/MatchingTypes.sol."""

    root: bytes
    first: int
    count: int
    committed_at: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """One EntriesSettled event, with the fills of its transaction."""

    settled: int
    book: SeriesBook
    block: int
    fills: list[tuple[Fill, str]]


class OrderMatching:
    """The contract at an address."""

    def __init__(self, client: ChainClient, address: str) -> None:
        self._client = client
        self._contract = client.contract("OrderMatching", address)
        self.address: Final = str(self._contract.address)
        self.domain: Final = Domain(client.chain_id, self.address)

    def operator(self) -> str:
        """Who may commit."""
        return str(self._read("operator"))

    def lot_size(self) -> int:
        """What amounts are multiples of, WAD."""
        return int(self._read("lotSize"))

    def is_listed(self, series_id: int) -> bool:
        """Whether the options book has the series."""
        book = self._client.contract("IOptionsMargin", str(self._read("book")))
        return bool(self._client.call(book.functions.isListed(series_id)))

    def is_faulted(self) -> bool:
        """Whether a challenge has ended the operator's rights."""
        return bool(self._read("faulted"))

    def log(self, series_id: int) -> SeriesLog:
        """Where a series stands."""
        return SeriesLog(*self._read("logOf", series_id))

    def batch(self, series_id: int, number: int) -> Batch:
        """A committed batch."""
        return Batch(*self._read("batchOf", series_id, number))

    def require_acceptable(self, series_id: int, entry: LogEntry) -> None:
        """Raises ContractRevert with the reason for which an entry cannot be taken now."""
        self._read("requireAcceptable", series_id, entry.fields())

    def commit(self, series_id: int, first: int, count: int, root: bytes) -> ContractFunction:
        """The call that commits a batch."""
        return self._contract.functions.commit(series_id, first, count, root)

    def settle(self, series_id: int, entries: Sequence[LogEntry], count: int, book: SeriesBook) -> ContractFunction:
        """The call that settles `count` entries of a batch."""
        return self._contract.functions.settle(series_id, [e.fields() for e in entries], count, *book.fields())

    def settlements(self, series_id: int, from_block: int = 0) -> list[Settlement]:
        """Every settlement of a series since a block, in order."""
        event = self._contract.events.EntriesSettled()
        topics = [[bytes.fromhex(event.topic.removeprefix("0x"))], [series_id.to_bytes(32)]]
        return [self._settlement(log) for log in self._client.logs(self.address, topics, from_block)]

    def _settlement(self, log: Any) -> Settlement:
        event = self._contract.events.EntriesSettled().process_log(log)
        sides = [[tuple(order.values()) for order in event["args"][side]] for side in ("bids", "asks")]
        receipt = self._client.receipt(log["transactionHash"])
        tx_hash = "0x" + bytes(log["transactionHash"]).hex()
        fills = []
        if receipt is not None:
            found = self._contract.events.OrderFilled().process_receipt(receipt, errors=DISCARD)
            fills = [
                (Fill(*list(fill["args"].values())[1:]), tx_hash)
                for fill in found
                if fill["args"]["seriesId"] == event["args"]["seriesId"]
            ]
        return Settlement(event["args"]["settled"], SeriesBook.of(*sides), int(log["blockNumber"]), fills)

    def _read(self, function: str, *arguments: object) -> Any:
        return self._client.call(self._contract.functions[function](*arguments))
