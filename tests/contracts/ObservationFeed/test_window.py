"""ObservationFeed.window: consecutive prices of one segment, from the ring."""

from __future__ import annotations

import pytest

from tests.support.local_chain import GAS_DEPLOYER, LocalChain
from tests.support.observations import PRICE, FeedLimits, Publishers, deploy_feed

HOUR = 3600


def prices_of(rounds: range) -> list[int]:
    """Distinct prices, so that no place can be taken for another."""
    return [PRICE + 1000 * i for i in rounds]


@pytest.fixture(scope="module")
def long_feed(chain: LocalChain) -> Publishers:
    """100 rounds through a ring of 64."""
    feed = deploy_feed(chain)
    feed.history(prices_of(range(1, 51)))
    feed.history(prices_of(range(51, 101)))
    return feed


def test_window__every_alignment_and_length__true_prices(long_feed: Publishers) -> None:
    for last in range(90, 101):
        for count in (1, 2, 3, 4, 5, 8, 33):
            prices, observed_at = long_feed.contract.functions.window(last, count).call()
            assert prices == prices_of(range(last - count + 1, last + 1))
            assert observed_at == long_feed.contract.functions.observedAt(last).call()


def test_window__across_the_ring_seam__true_prices(long_feed: Publishers) -> None:
    for last in range(60, 101):
        count = min(33, last - 36)
        assert long_feed.contract.functions.window(last, count).call()[0] == prices_of(
            range(last - count + 1, last + 1)
        )


def test_window__whole_ring__true_prices(long_feed: Publishers) -> None:
    assert long_feed.contract.functions.window(100, 64).call()[0] == prices_of(range(37, 101))


def test_window__reaches_before_the_ring__reverts(reverts, long_feed: Publishers) -> None:
    assert long_feed.contract.functions.earliestRound().call() == 37
    with reverts("WindowNotAvailable", 36, 37):
        long_feed.contract.functions.window(100, 65).call()
    with reverts("WindowNotAvailable", 8, 37):
        long_feed.contract.functions.window(40, 33).call()


def test_window__end_left_the_ring__reverts(reverts, long_feed: Publishers) -> None:
    with reverts("NoDataPresent", 36):
        long_feed.contract.functions.window(36, 1).call()
    assert long_feed.contract.functions.window(37, 1).call()[0] == prices_of(range(37, 38))


@pytest.mark.parametrize("round_id", [0, 101, 2**64 - 1])
def test_window__unknown_end__reverts(reverts, long_feed: Publishers, round_id: int) -> None:
    with reverts("NoDataPresent", round_id):
        long_feed.contract.functions.window(round_id, 33).call()


def test_window__no_rounds__reverts(reverts, feed: Publishers) -> None:
    with reverts("NoDataPresent", 0):
        feed.contract.functions.window(0, 1).call()
    with reverts("NoDataPresent", 1):
        feed.contract.functions.window(1, 1).call()


def test_window__of_nothing__reverts(reverts, long_feed: Publishers) -> None:
    with reverts("EmptyWindow"):
        long_feed.contract.functions.window(100, 0).call()


@pytest.mark.parametrize("count", [3, 33, 2**64 + 1, 2**256 - 1])
def test_window__longer_than_the_history__reverts(reverts, feed: Publishers, count: int) -> None:
    feed.history([PRICE, PRICE])
    with reverts("WindowNotAvailable", 0, 1):
        feed.contract.functions.window(2, count).call()


def test_window__across_a_gap__reverts(reverts, feed: Publishers) -> None:
    feed.history([PRICE] * 5)
    feed.observe(PRICE + 1, after=7 * HOUR)
    feed.history([PRICE + 2] * 3)
    functions = feed.contract.functions
    assert functions.segmentStart().call() == 6
    assert functions.window(9, 4).call()[0] == [PRICE + 1] + [PRICE + 2] * 3
    with reverts("WindowNotAvailable", 5, 6):
        functions.window(9, 5).call()
    with reverts("WindowNotAvailable", 0, 6):
        functions.window(9, 10).call()


def test_window__in_an_earlier_segment__still_readable(reverts, feed: Publishers) -> None:
    feed.history(prices_of(range(1, 4)))
    feed.observe(after=7 * HOUR)
    feed.history(prices_of(range(5, 8)))
    feed.observe(after=7 * HOUR)
    functions = feed.contract.functions
    assert functions.segmentStart().call() == 8
    assert functions.window(3, 3).call()[0] == prices_of(range(1, 4))
    assert functions.window(7, 3).call()[0] == prices_of(range(5, 8))
    with reverts("WindowNotAvailable", 3, 4):
        functions.window(7, 5).call()
    with reverts("WindowNotAvailable", 0, 1):
        functions.window(3, 4).call()


def test_window__limits_changed_afterwards__segments_stay(reverts, feed: Publishers) -> None:
    feed.history([PRICE] * 2)
    feed.observe(after=7 * HOUR)
    feed.chain.send(feed.contract.functions.setLimits(FeedLimits(max_interval=30 * HOUR).as_tuple()))
    feed.observe()
    with reverts("WindowNotAvailable", 2, 3):
        feed.contract.functions.window(4, 3).call()
    with reverts("WindowNotAvailable", 2, 3):
        feed.contract.functions.window(3, 2).call()


@pytest.mark.parametrize("offset", [0, 1])
def test_window__gas_of_33__as_recorded(gas_snapshot, gas_chain: LocalChain, offset: int) -> None:
    feed = deploy_feed(gas_chain, deployer=GAS_DEPLOYER)
    feed.history([PRICE] * (35 + offset))
    gas = feed.contract.functions.window(35 + offset, 33).estimate_gas()
    gas_snapshot(f"ObservationFeed.window/33-in-{9 + offset}-slots", gas)
