"""GarchVolatilityModule.inputs on a real feed. Random and adversarial windows: tests/differential."""

from __future__ import annotations

import pytest
from web3.contract import Contract

from oracle.domain.features import garch_inputs
from tests.support.local_chain import GAS_DEPLOYER, LocalChain
from tests.support.modules import HOURLY, SCALE_BITS, deploy_module
from tests.support.observations import PRICE, Publishers, deploy_feed


@pytest.mark.parametrize("last", [33, 34, 40])
def test_inputs__window_of_the_feed__as_the_twin(module: Contract, feed: Publishers, prices, last: int) -> None:
    inputs, observed_at = module.functions.inputs(last).call()
    assert inputs == garch_inputs(prices[last - 33 : last], HOURLY, SCALE_BITS)
    assert observed_at == feed.contract.functions.observedAt(last).call()


def test_inputs__later_rounds__do_not_change_it(module: Contract, feed: Publishers) -> None:
    before = module.functions.inputs(40).call()
    feed.observe(feed.contract.functions.latestAnswer().call() + 1)
    assert module.functions.inputs(40).call() == before


def test_inputs__less_than_a_window__reverts(reverts, module: Contract) -> None:
    with reverts("WindowNotAvailable", 0, 1):
        module.functions.inputs(32).call()


@pytest.mark.parametrize("round_id", [0, 41, 2**64 - 1])
def test_inputs__round_that_never_was__reverts(reverts, module: Contract, round_id: int) -> None:
    with reverts("NoDataPresent", round_id):
        module.functions.inputs(round_id).call()


def test_inputs__window_across_a_gap__reverts(reverts, module: Contract, feed: Publishers) -> None:
    feed.observe(feed.contract.functions.latestAnswer().call(), after=7 * 3600)
    with reverts("WindowNotAvailable", 9, 41):
        module.functions.inputs(41).call()


def test_inputs__gas__as_recorded(gas_snapshot, gas_chain: LocalChain) -> None:
    feed = deploy_feed(gas_chain, deployer=GAS_DEPLOYER)
    feed.history([PRICE + i * 10**7 for i in range(36)])
    module = deploy_module(gas_chain, feed.contract.address, deployer=GAS_DEPLOYER)
    gas_snapshot("GarchVolatilityModule.inputs", module.functions.inputs(36).estimate_gas())
