"""The vault on the real ObservationFeed and RiskFeed: real reports, real proofs, a crash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.domain import margin
from oracle.domain.lending import PositionState
from tests.support.lending import MAX_UINT, WAD, LendingWorld, deploy_vault, deploy_world
from tests.support.risk_feed import CALM, RiskFeedStack


@pytest.fixture
def world(risk_feed: RiskFeedStack) -> LendingWorld:
    """A vault whose feeds are the proven ones, with a million supplied and a position of 1,000 tokens."""
    stub = deploy_world(risk_feed.chain)
    addresses = {
        "priceFeed": risk_feed.publishers.contract.address,
        "riskFeed": risk_feed.contract.address,
    }
    listed = replace(stub.listed[0], config={**stub.listed[0].config, **addresses})
    config = {**stub.config, "rampDownBpsPerHour": 500}
    world = deploy_vault(risk_feed.chain, stub.debt, 6, config, [listed])
    for account in (world.lender, world.borrower, world.liquidator):
        for asset in (world.collateral, world.debt):
            world.chain.send(asset.functions.approve(world.vault.address, MAX_UINT), account)
    world.call("supply", 10**12, world.lender, sender=world.lender)
    world.open_position(1_000 * 10**18, 80_000 * 10**6)
    return world


def test_vault__proven_volatility__sets_the_target(world: LendingWorld, risk_feed: RiskFeedStack) -> None:
    volatility = risk_feed.read.latestAnswer().call()
    c = {**world.config, **world.listed[0].config}
    move = margin.quantile(volatility, margin.quantile_scale(c["liquidationDelay"], 0))
    haircut = c["liquidationBonus"] + c["slippage"]
    expected = margin.collateral_factor(move, haircut, c["floorLtv"], c["capLtv"])
    assert world.ltv("targetLiquidationLtv") == world.ltv() == expected
    price = risk_feed.publishers.contract.functions.latestAnswer().call()
    assert (world.ltv("risk"), world.ltv("price")) == (volatility, price)


def test_vault__crash__warned_then_sold(world: LendingWorld, risk_feed: RiskFeedStack) -> None:
    calm_target = world.ltv("targetLiquidationLtv")
    risk_feed.push(CALM[0] * 93 // 100)
    risk_feed.push(CALM[0] * 89 // 100)
    assert world.ltv("targetLiquidationLtv") < calm_target
    receipt = world.call("poke", world.borrower, sender=world.outsider)
    assert len(world.events(receipt, "PositionWarned")) == 1
    assert world.state() is PositionState.WARNED
    risk_feed.push(CALM[0] * 84 // 100)
    assert world.position()["healthFactor"] < WAD
    world.call("startAuction", world.borrower, sender=world.outsider)
    assert world.state() is PositionState.AUCTION
    world.call("take", world.borrower, world.asset, MAX_UINT, MAX_UINT, world.liquidator, sender=world.liquidator)
    assert world.state() is PositionState.CLOSED
    assert world.read("market")["totalBadDebt"] == 0


def test_vault__risk_feed_paused__floor_as_the_target_and_no_new_debt(
    world: LendingWorld, risk_feed: RiskFeedStack
) -> None:
    in_force = world.ltv()
    world.chain.send(risk_feed.read.pause(), world.chain.address(risk_feed.guardian))
    assert world.ltv("targetLiquidationLtv") == world.listed[0].config["floorLtv"]
    assert world.read("maxBorrow", world.borrower) == 0
    world.call("poke", world.borrower)
    assert world.ltv() == in_force
    world.call("repay", 10**9, world.borrower)
    risk_feed.observe(CALM[1])
    assert world.ltv() < in_force
