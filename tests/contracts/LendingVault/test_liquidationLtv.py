"""liquidationLtv, targetLiquidationLtv, borrowLtv: the target follows the feed, the LTV in force only time."""

from __future__ import annotations

import pytest

from oracle.domain import margin
from tests.support.lending import DEFAULTS, VOLATILITY, WAD, LendingWorld, deploy_vault, deploy_world
from tests.support.local_chain import LocalChain

SCALE = margin.quantile_scale(DEFAULTS["liquidationDelay"], 0)


def target(volatility: int) -> int:
    """The target for a volatility under DEFAULTS, by the Python reference."""
    return margin.collateral_factor(margin.quantile(volatility, SCALE), 6 * WAD // 100, WAD // 2, 93 * WAD // 100)


def ramped(ltv: int, goal: int, secs: int) -> int:
    """The LTV after some seconds under DEFAULTS."""
    bps = DEFAULTS["rampDownBpsPerHour" if goal < ltv else "rampUpBpsPerHour"]
    return margin.ramped(ltv, goal, secs, bps * WAD // 10_000, 3_600)


@pytest.mark.parametrize("volatility", [1, WAD // 10, VOLATILITY, WAD, 5 * WAD, 18 * WAD])
def test_targetLiquidationLtv__any_volatility__as_the_reference(world: LendingWorld, volatility: int) -> None:
    world.set_volatility(volatility)
    assert world.ltv("targetLiquidationLtv") == target(volatility)


def test_targetLiquidationLtv__known_case__by_hand(world: LendingWorld) -> None:
    q99 = 2.3263478740408408 * 0.6 * (6 / 24 / 365) ** 0.5
    assert world.ltv("targetLiquidationLtv") / WAD == pytest.approx(1 / (1 + 0.05 + 0.01 + q99), rel=1e-12)


def test_liquidationLtv__deployed_with_a_fresh_feed__starts_at_the_target(world: LendingWorld) -> None:
    assert world.ltv() == target(VOLATILITY)


def test_liquidationLtv__feed_without_answer_at_deployment__starts_at_the_floor(chain: LocalChain) -> None:
    world = deploy_world(chain)
    world.set_volatility(0)
    again = deploy_vault(chain, world.debt, 6, world.config, world.listed)
    assert again.ltv() == WAD // 2


def test_liquidationLtv__tightens__by_the_configured_rate(world: LendingWorld) -> None:
    world.set_volatility(6 * WAD)
    world.sync()
    poked, start = world.chain.now(), world.ltv()
    for secs in (1, 60, 3600, 7200):
        world.chain.mine(poked + secs)
        assert world.ltv() == start - 50 * WAD // 10_000 * secs // 3600
    world.chain.mine(poked + 200 * 3600)
    assert world.ltv() == target(6 * WAD)


def test_liquidationLtv__loosens__ten_times_slower(world: LendingWorld) -> None:
    world.set_volatility(WAD // 10)
    world.sync()
    poked, start = world.chain.now(), world.ltv()
    world.chain.mine(poked + 3600)
    assert world.ltv() == start + 5 * WAD // 10_000


def test_liquidationLtv__feed_moves_unpoked_for_days__no_jump(world: LendingWorld) -> None:
    before = world.ltv()
    world.pass_time(5 * 86_400)
    world.set_volatility(6 * WAD)
    assert world.ltv() == before
    receipt = world.sync()
    assert world.ltv() == before
    assert world.events(receipt, "LiquidationLtvUpdated")[0]["target"] == target(6 * WAD)


def test_liquidationLtv__volatility_lost_and_found__ramps_down_then_up(world: LendingWorld) -> None:
    start = world.ltv()
    world.chain.send(world.risk_feed.functions.setMode(1))
    world.sync()
    lost = world.chain.now()
    world.chain.send(world.risk_feed.functions.setMode(0))
    world.chain.mine(lost + 10_000)
    world.set_volatility(VOLATILITY)
    world.sync()
    found, low = world.chain.now(), world.ltv()
    assert low == ramped(start, WAD // 2, found - lost)
    world.chain.mine(found + 3600)
    assert world.ltv() == ramped(low, start, 3600)


def test_borrowLtv__tightening__from_the_target__loosening__from_the_ltv_in_force(world: LendingWorld) -> None:
    margin = 5 * WAD // 100
    world.set_volatility(6 * WAD)
    assert world.ltv("borrowLtv") == target(6 * WAD) - margin
    world.set_volatility(WAD // 10)
    assert world.ltv("targetLiquidationLtv") > world.ltv()
    assert world.ltv("borrowLtv") == world.ltv() - margin
