"""Chainlink's own EACAggregatorProxy, from npm, in front of both of our feeds: a consumer sees no difference."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from web3.contract import Contract

from oracle.settings import PROJECT_ROOT
from tests.support.local_chain import LocalChain
from tests.support.risk_feed import CALM, RiskFeedStack

Reverts = Callable[..., Any]
SCRIPT = Path(__file__).parents[2] / "support" / "compile_chainlink.cjs"
PHASE = 1 << 64  # the proxy's first phase, in front of every round id
ZERO = "0x" + "0" * 40


@pytest.fixture(scope="session")
def proxy_artifact() -> dict[str, Any]:
    """ABI and bytecode of EACAggregatorProxy, compiled with solc 0.6.6."""
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run([node, SCRIPT, PROJECT_ROOT], capture_output=True, text=True, timeout=120, check=True)
    return dict(json.loads(done.stdout))


@pytest.fixture(params=["volatility", "price"])
def feed(request: pytest.FixtureRequest, risk_feed: RiskFeedStack) -> Contract:
    """A feed of several rounds: the RiskFeed, or the ObservationFeed that it stands on."""
    risk_feed.push(CALM[0] * 103 // 100)
    return risk_feed.contract if request.param == "volatility" else risk_feed.publishers.contract


@pytest.fixture
def proxy(chain: LocalChain, proxy_artifact: dict[str, Any], feed: Contract) -> Contract:
    """The proxy in front of the feed, open to every reader."""
    factory = chain.web3.eth.contract(abi=proxy_artifact["abi"], bytecode=proxy_artifact["bytecode"])
    receipt = chain.send(factory.constructor(feed.address, ZERO))
    return chain.web3.eth.contract(address=receipt["contractAddress"], abi=proxy_artifact["abi"])


def test_proxy__latest__the_feeds_round_under_the_phase(feed: Contract, proxy: Contract) -> None:
    round_id, answer, started_at, updated_at, answered_in = feed.functions.latestRoundData().call()
    through = proxy.functions.latestRoundData().call()
    assert through == [PHASE + round_id, answer, started_at, updated_at, PHASE + answered_in]
    assert answer > 0
    assert proxy.functions.latestAnswer().call() == answer
    assert proxy.functions.latestTimestamp().call() == updated_at
    assert proxy.functions.latestRound().call() == PHASE + round_id


def test_proxy__every_round__true_history(feed: Contract, proxy: Contract) -> None:
    latest = feed.functions.latestRound().call()
    assert latest >= 2
    seen = set()
    for round_id in (latest - 1, latest):
        _, answer, started_at, updated_at, _ = feed.functions.getRoundData(round_id).call()
        through = proxy.functions.getRoundData(PHASE + round_id).call()
        assert through == [PHASE + round_id, answer, started_at, updated_at, PHASE + round_id]
        assert proxy.functions.getAnswer(PHASE + round_id).call() == answer
        assert proxy.functions.getTimestamp(PHASE + round_id).call() == updated_at
        seen.add(answer)
    assert len(seen) == 2


def test_proxy__about_itself__the_feeds_words(feed: Contract, proxy: Contract) -> None:
    for read in ("decimals", "description", "version"):
        assert proxy.functions[read]().call() == feed.functions[read]().call()


def test_proxy__round_that_never_was__our_error_comes_through(
    feed: Contract, proxy: Contract, reverts: Reverts
) -> None:
    unknown = feed.functions.latestRound().call() + 1
    for read in ("getRoundData", "getAnswer", "getTimestamp"):
        with reverts("NoDataPresent", unknown):
            proxy.functions[read](PHASE + unknown).call()


def test_proxy__next_round__seen_at_once(feed: Contract, proxy: Contract, risk_feed: RiskFeedStack) -> None:
    before = proxy.functions.latestRound().call()
    risk_feed.push(CALM[0])
    assert proxy.functions.latestRound().call() == before + 1


def test_proxy__moves_to_another_feed__old_rounds_stay_readable(
    chain: LocalChain, feed: Contract, proxy: Contract, risk_feed: RiskFeedStack
) -> None:
    """Chainlink's own upgrade: the second phase is a further feed on the same observations."""
    old_id, *old = proxy.functions.latestRoundData().call()
    successor = risk_feed.deploy()
    successor.submit()
    chain.send(proxy.functions.proposeAggregator(successor.contract.address))
    assert proxy.functions.proposedLatestRoundData().call()[1] == successor.read.latestAnswer().call()
    chain.send(proxy.functions.confirmAggregator(successor.contract.address))
    assert proxy.functions.latestRound().call() == 2 * PHASE + 1
    assert proxy.functions.getRoundData(old_id).call() == [old_id, *old]
