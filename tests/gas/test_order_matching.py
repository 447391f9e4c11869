"""Gas of every call of the order book, on a plain token and the shortest possible feeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple

import pytest

from oracle.chain import build
from oracle.domain.matching import SeriesBook
from oracle.domain.matching_log import LogEntry
from oracle.settings import Settings
from tests.support.local_chain import GAS_DEPLOYER, GAS_TIME, LocalChain, account
from tests.support.matching import FIRST, SECOND, MatchingWorld, deploy_matching, list_series
from tests.support.options import WAD

Snapshot = Callable[[str, int], None]
PRICE = 100 * WAD


@pytest.fixture
def world(gas_chain: LocalChain) -> MatchingWorld:
    """The contract on a book, at a fixed time."""
    assert gas_chain.now() == GAS_TIME
    return deploy_matching(gas_chain, deployer=gas_chain.address(GAS_DEPLOYER))


def settled(world: MatchingWorld, series_id: int, entries: Sequence[LogEntry]) -> int:
    book = world.twin.books.get(series_id, SeriesBook())
    receipt = world.chain.send(world.settlement(series_id, entries, book), world.options.keeper)
    return int(receipt["gasUsed"])


def test_gas__orders(world: MatchingWorld, gas_snapshot: Snapshot) -> None:
    series_id = list_series(world)
    for count in (1, 8, 32):
        with world.chain.undone():
            world.logs.clear()
            entries = [world.place(FIRST, series_id, True, PRICE + i, nonce=i) for i in range(count)]
            gas_snapshot(f"OrderMatching.commit/{count}-entries", world.commit(series_id, entries)["gasUsed"])
            gas_snapshot(f"OrderMatching.settle/{count}-rest", settled(world, series_id, entries))
    for count in (1, 3):
        with world.chain.undone():
            world.logs.clear()
            entries = [world.place(FIRST, series_id, False, PRICE + i, nonce=i) for i in range(count)]
            entries.append(world.place(SECOND, series_id, True, 2 * PRICE, count * WAD, nonce=99))
            world.commit(series_id, entries)
            gas = settled(world, series_id, entries)
            assert gas < 2**24
            gas_snapshot(f"OrderMatching.settle/{count}-fills", gas)


def test_gas__others(world: MatchingWorld, gas_snapshot: Snapshot) -> None:
    series_id = list_series(world)
    call = world.matching.functions.cancel([1])
    gas_snapshot("OrderMatching.cancel", world.chain.send(call, account(FIRST).address)["gasUsed"])
    given, signature = world.receipt(0, world.place(FIRST, series_id, True, PRICE, nonce=2), GAS_TIME)
    challenge = world.matching.functions.challengeOverdue(astuple(given), signature)
    gas_snapshot("OrderMatching.challengeOverdue", world.chain.send(challenge)["gasUsed"])


def test_size__code(settings: Settings, compiled: object, gas_snapshot: Snapshot) -> None:
    size = len(build.load(settings, "OrderMatching").deployed_bytecode)
    assert size <= 24_576
    gas_snapshot("OrderMatching.code-bytes", size)
