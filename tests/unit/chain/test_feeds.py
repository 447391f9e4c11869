"""Feeds through the product's own client, and the twin of their move limits."""

from __future__ import annotations

import pytest

from oracle.chain import reverts
from oracle.chain.accounts import local_roles
from oracle.chain.client import calldata
from oracle.domain.commitments import feed_nonce, input_commitment
from oracle.domain.features import MODEL_INPUTS, PRICES, garch_inputs
from oracle.domain.garch import annualised_vol_wad
from oracle.domain.guards import limited_answer
from oracle.domain.observations import Observation
from oracle.market.publishers import sign_reports
from oracle.units import PRICE_UNIT, felt_from_int
from tests.support.local_chain import LocalChain
from tests.support.market import GUARDS, PARAMS, Market
from tests.support.window_circuit import SCALE_BITS


def test_observation_feed__after_the_window__read_back(market: Market, chain: LocalChain) -> None:
    feed = market.prices
    latest = feed.latest()
    assert latest is not None
    assert (latest.round_id, latest.answer) == (PRICES + 1, 104 * PRICE_UNIT)
    assert feed.round_data(latest.round_id) == latest
    assert (feed.latest_round(), feed.segment_start(), feed.decimals()) == (PRICES + 1, 1, 8)
    assert feed.description() == "TEST / USD"
    assert len(feed.publishers()) == 5


def test_observation_feed__report__digest_is_the_contracts(market: Market, chain: LocalChain) -> None:
    feed = market.prices
    report = feed.next_report(Observation(1, 2))
    assert (report.round_id, report.publisher_set_version) == (PRICES + 2, 1)
    key = bytes(local_roles(31337).publishers[0].key)
    signed = sign_reports([key], feed.report_domain(), report)
    with pytest.raises(reverts.QuorumNotReached):
        market.client.call(feed.submit(*signed))


def test_observation_feed__unknown_round__no_data(market: Market, chain: LocalChain) -> None:
    with pytest.raises(reverts.NoDataPresent):
        market.prices.round_data(1_000)
    with pytest.raises(reverts.WindowNotAvailable):
        market.prices.window(5, PRICES)


def test_expected_inputs__newest_window__both_twins_agree(market: Market, chain: LocalChain) -> None:
    market.observe(105.0)
    newest = market.prices.latest_round()
    expected = market.volatility.expected_inputs(newest)
    prices, observed_at = market.prices.window(newest, PRICES)
    assert list(expected.inputs) == garch_inputs(prices, PARAMS, SCALE_BITS)
    assert expected.observed_at == observed_at
    assert len(expected.inputs) == MODEL_INPUTS
    commitment = input_commitment(
        31337,
        market.volatility.inference_verifier(),
        market.volatility.model_id(),
        market.volatility.model_version(),
        feed_nonce(market.volatility.address, 3),
        observed_at,
        [felt_from_int(value) for value in expected.inputs],
    )
    assert expected.commitment == commitment


def test_risk_feed__two_rounds__read_back(market: Market, chain: LocalChain) -> None:
    feed = market.volatility
    latest, stored = feed.latest(), feed.round(2)
    assert latest is not None
    assert (latest.round_id, latest.answer, latest.observed_at) == (2, stored.answer, stored.observed_at)
    assert stored.observation_round == PRICES + 1
    assert feed.guards() == GUARDS
    assert not feed.paused()
    assert not feed.is_stale()
    assert feed.conservative_answer() == (stored.answer, False)
    inputs, _ = feed.feature_module().inputs(stored.observation_round)
    variance = inputs[32] * 10**18 >> SCALE_BITS
    assert stored.proven_answer == annualised_vol_wad(variance, PARAMS) == feed.feature_module().answer([variance])


def test_risk_feed__before_the_first_round__none(market: Market, chain: LocalChain) -> None:
    deployed = market.deployer.deployment
    config = (
        deployed.deployer,
        deployed.deployer,
        deployed.inference_verifier,
        1,
        1,
        str(market.volatility.feature_module().contract.address),
        "empty",
        18,
        GUARDS.as_tuple(),
    )
    empty = type(market.volatility)(market.client, chain.deploy("RiskFeed", config).address)
    assert empty.latest() is None
    assert empty.latest_round() == 0
    assert empty.is_stale()


def test_decode_submit__its_own_calldata__the_arguments(market: Market) -> None:
    call = market.volatility.submit_round(7, [1, 2], b"proof")
    assert market.volatility.decode_submit(calldata(call)) == (7, [1, 2], b"proof")


def test_decode_submit__another_call__value_error(market: Market) -> None:
    with pytest.raises(ValueError, match="not submitRound"):
        market.volatility.decode_submit(calldata(market.volatility.contract.functions.pause()))


@pytest.mark.parametrize("price", [104.1, 150.0, 60.0])
def test_limited_answer__next_round__as_the_contract_limits_it(market: Market, chain: LocalChain, price: float) -> None:
    last = market.volatility.round(2)
    market.observe(price)
    market.prove_round()
    stored = market.volatility.round(3)
    elapsed = stored.observed_at - last.observed_at
    assert stored.answer == limited_answer(stored.proven_answer, last.answer, elapsed, GUARDS)
