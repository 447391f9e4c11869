"""ObservationFeed's Chainlink reads, V2 and V3: true history, and reverts where there is none."""

from __future__ import annotations

import pytest

from tests.support.local_chain import GAS_DEPLOYER, LocalChain
from tests.support.observations import PRICE, FeedLimits, Publishers, deploy_feed


def test_description__and_constants__as_deployed(chain: LocalChain, feed: Publishers) -> None:
    functions = feed.contract.functions
    assert functions.description().call() == "TEST / USD"
    assert functions.decimals().call() == 8
    assert functions.version().call() == 1
    assert functions.capacity().call() == 64
    assert functions.quorum().call() == 3
    assert functions.owner().call() == chain.address(0)
    assert tuple(functions.limits().call()) == FeedLimits().as_tuple()


def test_latest_reads__no_rounds__revert(reverts, feed: Publishers) -> None:
    functions = feed.contract.functions
    for read in (functions.latestRoundData(), functions.latestAnswer(), functions.latestTimestamp()):
        with reverts("NoDataPresent", 0):
            read.call()
    assert functions.latestRound().call() == 0
    assert functions.segmentStart().call() == 0
    assert functions.earliestRound().call() == 0


@pytest.mark.parametrize("round_id", [0, 1, 3, 2**64, 2**64 + 1, 2**80 - 1])
def test_get_round_data__unknown_round__reverts(reverts, feed: Publishers, round_id: int) -> None:
    if round_id != 1:
        feed.history([PRICE, PRICE])
    for name in ("getRoundData", "getAnswer", "getTimestamp", "observedAt"):
        with reverts("NoDataPresent", round_id):
            feed.contract.functions[name](round_id).call()


def test_get_answer__beyond_uint80__reverts(reverts, feed: Publishers) -> None:
    feed.observe()
    for name in ("getAnswer", "getTimestamp", "observedAt"):
        with reverts("NoDataPresent", 2**256 - 1):
            feed.contract.functions[name](2**256 - 1).call()


def test_get_round_data__every_round__true_history(chain: LocalChain, feed: Publishers) -> None:
    expected = []
    for i in range(6):
        receipt = feed.observe(PRICE + 7 * i)
        published = chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"]
        expected.append([i + 1, PRICE + 7 * i, published - 1, published, i + 1])
    functions = feed.contract.functions
    for row in expected:
        round_id, answer, started_at, updated_at, _ = row
        assert functions.getRoundData(round_id).call() == row
        assert functions.getAnswer(round_id).call() == answer
        assert functions.getTimestamp(round_id).call() == updated_at
        assert functions.observedAt(round_id).call() == started_at
    assert functions.latestRoundData().call() == expected[-1]
    assert functions.latestAnswer().call() == expected[-1][1]
    assert functions.latestTimestamp().call() == expected[-1][3]
    assert functions.latestRound().call() == 6


def test_get_round_data__left_the_ring__reverts(reverts, feed: Publishers) -> None:
    feed.history([PRICE + i for i in range(64)])
    assert feed.contract.functions.getAnswer(1).call() == PRICE
    feed.observe(PRICE + 64)
    for name in ("getRoundData", "getAnswer", "getTimestamp", "observedAt"):
        with reverts("NoDataPresent", 1):
            feed.contract.functions[name](1).call()
    assert feed.contract.functions.getAnswer(2).call() == PRICE + 1
    assert feed.contract.functions.getAnswer(65).call() == PRICE + 64
    assert feed.contract.functions.earliestRound().call() == 2


def test_latest_round_data__long_silence__still_reads(chain: LocalChain, feed: Publishers) -> None:
    feed.observe()
    before = feed.contract.functions.latestRoundData().call()
    chain.mine(chain.now() + 10 * 365 * 86400)
    assert feed.contract.functions.latestRoundData().call() == before


def test_reads__gas__as_recorded(gas_snapshot, gas_chain: LocalChain) -> None:
    feed = deploy_feed(gas_chain, deployer=GAS_DEPLOYER)
    feed.history([PRICE] * 33)
    functions = feed.contract.functions
    gas_snapshot("ObservationFeed.latestRoundData", functions.latestRoundData().estimate_gas())
    gas_snapshot("ObservationFeed.getRoundData", functions.getRoundData(20).estimate_gas())
