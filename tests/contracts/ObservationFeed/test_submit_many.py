"""ObservationFeed.submitMany: history in one transaction, all or none."""

from __future__ import annotations

import pytest

from tests.support.local_chain import GAS_DEPLOYER, LocalChain
from tests.support.observations import PRICE, FeedLimits, Publishers, deploy_feed

HOUR = 3600
MAX_DELAY = 2**23 - 1


def signed_history(feed: Publishers, count: int, *, interval: int = HOUR, start: int | None = None):
    """`submitMany`'s arguments for rounds 1 to `count`."""
    first = feed.chain.now() - interval * (count - 1) if start is None else start
    signed = [feed.sign(feed.report(PRICE + i, round_id=i + 1, observed_at=first + interval * i)) for i in range(count)]
    return [r for r, _ in signed], [s for _, s in signed]


def test_submit_many__a_window_of_history__every_round_recorded(chain: LocalChain, feed: Publishers) -> None:
    receipt = feed.history([PRICE + i for i in range(33)])
    functions = feed.contract.functions
    assert functions.latestRound().call() == 33
    assert [functions.getAnswer(i + 1).call() for i in range(33)] == [PRICE + i for i in range(33)]
    assert functions.getTimestamp(1).call() == functions.getTimestamp(33).call() == chain.now()
    assert functions.observedAt(33).call() - functions.observedAt(1).call() == 32 * HOUR
    recorded = chain.events(feed.contract, "ObservationRecorded", receipt)
    assert [event["roundId"] for event in recorded] == list(range(1, 34))


def test_submit_many__continues_rounds__next_ids(feed: Publishers) -> None:
    feed.observe()
    feed.history([PRICE, PRICE + 5])
    assert feed.contract.functions.latestRound().call() == 3


def test_submit_many__nothing__reverts(reverts, feed: Publishers) -> None:
    with reverts("BatchSizeOutOfRange", 0, 64):
        feed.contract.functions.submitMany([], []).call()


def test_submit_many__more_than_the_bound__reverts(reverts, feed: Publishers) -> None:
    with reverts("BatchSizeOutOfRange", 65, 64):
        feed.contract.functions.submitMany([[]] * 65, [[]] * 65).call()


def test_submit_many__lengths_differ__reverts(reverts, feed: Publishers) -> None:
    feed.chain.mine(feed.chain.now() + 3 * HOUR)
    reports, signatures = signed_history(feed, 3)
    with reverts("ArrayLengthMismatch", 3, 2):
        feed.contract.functions.submitMany(reports, signatures[:2]).call()
    with reverts("ArrayLengthMismatch", 2, 3):
        feed.contract.functions.submitMany(reports[:2], signatures).call()


def test_submit_many__inner_lengths_differ__reverts(reverts, feed: Publishers) -> None:
    feed.chain.mine(feed.chain.now() + 3 * HOUR)
    reports, signatures = signed_history(feed, 3)
    with reverts("ArrayLengthMismatch", 3, 1):
        feed.contract.functions.submitMany(reports, [*signatures[:2], signatures[2][:1]]).call()


def test_submit_many__one_round_bad__none_recorded(reverts, feed: Publishers) -> None:
    feed.chain.mine(feed.chain.now() + 3 * HOUR)
    reports, signatures = signed_history(feed, 3)
    with reverts("QuorumNotReached", 1, 3):
        feed.contract.functions.submitMany([*reports[:2], reports[2][:1]], [*signatures[:2], signatures[2][:1]]).call()
    assert feed.contract.functions.latestRound().call() == 0


def test_submit_many__rounds_out_of_order__reverts(reverts, feed: Publishers) -> None:
    feed.chain.mine(feed.chain.now() + 3 * HOUR)
    reports, signatures = signed_history(feed, 2)
    with reverts("WrongRound", 2, 1):
        feed.contract.functions.submitMany(reports[::-1], signatures[::-1]).call()


def test_submit_many__last_one_old__reverts(reverts, chain: LocalChain, feed: Publishers) -> None:
    chain.mine(chain.now() + 3 * HOUR)
    batch = signed_history(feed, 3)
    chain.mine(chain.now() + HOUR + 1)
    with reverts("StaleReport", HOUR + 1, HOUR):
        feed.contract.functions.submitMany(*batch).call()


def test_submit_many__history_beyond_what_a_lane_holds__reverts(reverts, chain: LocalChain) -> None:
    feed = deploy_feed(chain, FeedLimits(max_interval=2**24))
    start = chain.now()
    chain.mine(start + MAX_DELAY)
    batch = signed_history(feed, 2, interval=MAX_DELAY, start=start)
    assert feed.contract.functions.submitMany(*batch).call() == 2
    chain.mine(start + MAX_DELAY + 1)
    with reverts("StaleReport", MAX_DELAY + 1, MAX_DELAY):
        feed.contract.functions.submitMany(*batch).call()


def test_submit_many__oldest_that_a_lane_holds__times_are_true(chain: LocalChain) -> None:
    feed = deploy_feed(chain, FeedLimits(max_interval=2**24))
    start = chain.now()
    chain.set_next_time(start + MAX_DELAY)
    chain.mine()
    batch = signed_history(feed, 2, interval=MAX_DELAY, start=start)
    chain.rpc("anvil_setBlockTimestampInterval", 0)
    chain.send(feed.contract.functions.submitMany(*batch))
    chain.rpc("anvil_setBlockTimestampInterval", 1)
    assert feed.contract.functions.getRoundData(1).call() == [1, PRICE, start, start + MAX_DELAY, 1]


@pytest.mark.parametrize("count", [33, 64])
def test_submit_many__gas__as_recorded(gas_snapshot, gas_chain: LocalChain, count: int) -> None:
    feed = deploy_feed(gas_chain, deployer=GAS_DEPLOYER)
    gas_snapshot(f"ObservationFeed.submitMany/{count}-of-history", feed.history([PRICE] * count)["gasUsed"])
