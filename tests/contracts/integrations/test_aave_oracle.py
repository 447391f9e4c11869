"""Aave v3's own AaveOracle, from its npm package, with our feeds as its price sources."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from web3.contract import Contract

from oracle.settings import PROJECT_ROOT
from tests.support.local_chain import LocalChain
from tests.support.risk_feed import CALM, RiskFeedStack

Reverts = Callable[..., Any]
ARTIFACT = "node_modules/@aave/core-v3/artifacts/contracts/misc/AaveOracle.sol/AaveOracle.json"
ZERO = "0x" + "0" * 40
USD_UNIT = 10**8


@pytest.fixture
def assets(chain: LocalChain) -> tuple[str, str, str]:
    """Three tokens: priced by the observations, by the volatility, and by nothing."""
    made = [chain.deploy("TestERC20", name, name, 18).address for name in ("SPOT", "VOLA", "NONE")]
    return made[0], made[1], made[2]


@pytest.fixture
def aave(chain: LocalChain, risk_feed: RiskFeedStack, assets: tuple[str, str, str]) -> Contract:
    """An AaveOracle in US dollars with both feeds as sources."""
    artifact = json.loads((PROJECT_ROOT / ARTIFACT).read_text())
    factory = chain.web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    sources = [risk_feed.publishers.contract.address, risk_feed.contract.address]
    provider = chain.address(0)
    receipt = chain.send(factory.constructor(provider, list(assets[:2]), sources, ZERO, ZERO, USD_UNIT))
    return chain.web3.eth.contract(address=receipt["contractAddress"], abi=artifact["abi"])


def test_aave_oracle__both_feeds__their_latest_answers(
    aave: Contract, risk_feed: RiskFeedStack, assets: tuple[str, str, str]
) -> None:
    price = risk_feed.publishers.contract.functions.latestAnswer().call()
    volatility = risk_feed.read.latestAnswer().call()
    assert price > 0 < volatility
    assert aave.functions.getAssetPrice(assets[0]).call() == price
    assert aave.functions.getAssetsPrices(list(assets[:2])).call() == [price, volatility]
    assert aave.functions.getSourceOfAsset(assets[1]).call() == risk_feed.contract.address


def test_aave_oracle__new_round__new_price(
    aave: Contract, risk_feed: RiskFeedStack, assets: tuple[str, str, str]
) -> None:
    risk_feed.push(CALM[0] * 103 // 100)
    assert aave.functions.getAssetsPrices(list(assets[:2])).call() == [
        CALM[0] * 103 // 100,
        risk_feed.read.round(2).call()[0],
    ]


def test_aave_oracle__feed_without_rounds__no_price_instead_of_zero(
    chain: LocalChain, empty_risk_feed: RiskFeedStack, reverts: Reverts
) -> None:
    artifact = json.loads((PROJECT_ROOT / ARTIFACT).read_text())
    factory = chain.web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    asset = chain.address(12)
    sources = [empty_risk_feed.contract.address]
    receipt = chain.send(factory.constructor(chain.address(0), [asset], sources, ZERO, ZERO, USD_UNIT))
    aave = chain.web3.eth.contract(address=receipt["contractAddress"], abi=artifact["abi"])
    with reverts("NoDataPresent", 0):
        aave.functions.getAssetPrice(asset).call()
