"""Checks an order book's log against the chain: every commitment, the hash chain, each settled fill, and receipts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from oracle.chain.matching import OrderMatching
from oracle.domain.matching import Fill, SeriesBook
from oracle.domain.matching_log import NO_HEAD, LogEntry, Receipt, next_head, root_of
from oracle.errors import ProofRejected


def check_log(matching: OrderMatching, series_id: int, entries: Sequence[LogEntry]) -> dict[str, Any]:
    """What was checked, as facts. Raises ProofRejected naming the first thing that is not as committed."""
    log = matching.log(series_id)
    head = NO_HEAD
    for number in range(log.batches):
        batch = matching.batch(series_id, number)
        part = entries[batch.first : batch.first + batch.count]
        if len(part) != batch.count:
            raise ProofRejected(f"the log has {len(entries)} entries, but batch {number} goes on to {_end(batch)}")
        leaves = [entry.leaf(matching.domain, series_id, batch.first + i) for i, entry in enumerate(part)]
        if root_of(leaves) != batch.root:
            raise ProofRejected(
                f"batch {number} (entries {batch.first} to {_end(batch)}) is not what was committed: an entry was "
                "left out, moved or changed",
                remedy="compare with receipts: challengeReplaced ends the operator's rights",
            )
        head = next_head(head, batch.root, batch.first, batch.count)
    if head != log.head:
        raise ProofRejected("the hash chain over the batches does not lead to the contract's head")
    _check_times(entries)
    fills = _check_settlements(matching, series_id, entries)
    return {
        "seriesId": str(series_id),
        "entries": len(entries),
        "committed": log.committed,
        "settled": log.settled,
        "batches": log.batches,
        "fills": fills,
        "head": log.head,
        "operatorAtFault": matching.is_faulted(),
    }


def check_receipt(matching: OrderMatching, entries: Sequence[LogEntry], receipt: Receipt) -> None:
    """That a receipt's entry stands where it says. Raises ProofRejected."""
    if receipt.index < len(entries):
        leaf = entries[receipt.index].leaf(matching.domain, receipt.series_id, receipt.index)
        if leaf == receipt.leaf:
            return
    raise ProofRejected(
        f"entry {receipt.index} is not the receipt's",
        remedy="challengeReplaced ends the operator's rights once it is committed, challengeOverdue when it never is",
    )


def _end(batch: Any) -> int:
    return int(batch.first + batch.count - 1)


def _check_times(entries: Sequence[LogEntry]) -> None:
    for index, (before, later) in enumerate(pairwise(entries), start=1):
        if later.taken_at < before.taken_at:
            raise ProofRejected(f"entry {index} was taken before its predecessor")


def _check_settlements(matching: OrderMatching, series_id: int, entries: Sequence[LogEntry]) -> int:
    """Every settled fill is between two crossing orders of the log, within both amounts, at the earlier one's price."""
    settlements = matching.settlements(series_id)
    filled: dict[int, int] = {}
    fills = [fill for settlement in settlements for fill, _ in settlement.fills]
    for fill in fills:
        _check_fill(fill, entries, filled)
    book = settlements[-1].book if settlements else SeriesBook()
    if book.hash != matching.log(series_id).book_hash:
        raise ProofRejected("the book that the last settlement left is not the contract's")
    return len(fills)


def _check_fill(fill: Fill, entries: Sequence[LogEntry], filled: dict[int, int]) -> None:
    taker, maker = entries[fill.taker_index].order, entries[fill.maker_index].order
    buyer, seller = (taker, maker) if taker.is_buy else (maker, taker)
    fits = taker.is_buy != maker.is_buy and buyer.price >= seller.price and fill.price == maker.price
    if not fits or fill.maker_index >= fill.taker_index:
        raise ProofRejected(f"the fill of entries {fill.taker_index} and {fill.maker_index} is none of these orders'")
    for index, order in ((fill.taker_index, taker), (fill.maker_index, maker)):
        filled[index] = filled.get(index, 0) + fill.amount
        if filled[index] > order.amount:
            raise ProofRejected(f"the order of entry {index} was filled beyond its amount")
