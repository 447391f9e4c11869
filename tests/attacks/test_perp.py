"""Attacks 17 and 19 on the perpetual market: sandwiches around an update, depth bought thin, feeds and gas that lie."""

from __future__ import annotations

import pytest

from tests.support.local_chain import LocalChain
from tests.support.perp import HOUR, WAD, PerpWorld, deploy_perp

MODES = {"reverting": 1, "burning gas": 2, "return bomb": 3, "revert bomb": 4, "short return": 5}
FEED_GAS = 200_000


@pytest.fixture
def world(chain: LocalChain) -> PerpWorld:
    """A market with a trader at ten times leverage."""
    world = deploy_perp(chain)
    world.open(True, 100_000, 10_000)
    return world


def test_attack_19__risk_update_and_liquidation_in_one_block__refused(world: PerpWorld) -> None:
    chain, at = world.chain, world.chain.now()
    chain.rpc("evm_setAutomine", False)
    try:
        gas = {"from": world.keeper, "gas": 2_000_000}
        calls = [
            world.risk_feed.functions.set(9 * WAD, at, at),
            world.market.functions.poke(),
            world.market.functions.liquidate(world.trader),
        ]
        sent = [call.transact(gas) for call in calls]
        chain.rpc("evm_mine")
    finally:
        chain.rpc("evm_setAutomine", True)
    assert [chain.web3.eth.get_transaction_receipt(s)["status"] for s in sent] == [1, 1, 0]
    assert not world.position()["liquidatable"]


@pytest.mark.parametrize("hours", [1, 6, 24, 75])
@pytest.mark.parametrize("is_long", [True, False])
def test_attack_19__bought_thin_sold_deep__costs_the_attacker(chain: LocalChain, is_long: bool, hours: int) -> None:
    """The depth grows from a quarter at the fastest that the configuration allows, without fees."""
    world = deploy_perp(chain, feeBps=0, depthRampBpsPerHour=250, maxDivergenceBps=5_000, fundUseBps=10_000)
    world.set_risk(24 * WAD // 10)
    world.call("poke")
    world.pass_time(100 * HOUR)
    world.call("poke")
    assert world.state()["depthRatio"] == WAD // 4
    world.set_risk(3 * WAD // 10)
    world.call("poke")
    world.open(is_long, 500_000, 10**6)
    world.pass_time(hours * HOUR)
    world.decrease()
    assert world.position()["cash"] < 10**6 * WAD


def test_attack_19__trades_split_over_blocks__no_better_than_one(chain: LocalChain) -> None:
    world = deploy_perp(chain, feeBps=0)
    world.call("deposit", 10**6 * world.unit, world.trader)
    for _ in range(5):
        world.increase(True, 50_000 * WAD)
        world.pass_time(60)
    for _ in range(5):
        world.decrease(world.position()["base"] // 2)
    world.decrease()
    assert world.position()["cash"] < 10**6 * WAD


def test_attack_21__mark_pushed_by_a_trade__nobody_is_liquidated_for_it(world: PerpWorld) -> None:
    world.call("deposit", 10**6 * world.unit, world.other, sender=world.other)
    world.increase(False, 900_000 * WAD, world.other)
    assert world.read("markPrice") < 1_925 * WAD
    assert not world.position()["liquidatable"]


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_attack_17__feeds_misbehave__nobody_is_locked_in_and_gas_is_bounded(world: PerpWorld, mode: int) -> None:
    world.call("deposit", 10**9, world.other, sender=world.other)
    for feed in (world.price_feed, world.risk_feed, world.weight_feed):
        world.chain.send(feed.functions.setMode(mode))
    receipts = [
        world.call("poke"),
        world.call("deposit", 1, world.trader),
        world.decrease(),
        world.call("withdraw", 9_000 * world.unit, world.trader),
        world.call("withdraw", 10**9, world.other, sender=world.other),
        world.call("claimFees"),
    ]
    assert max(receipt["gasUsed"] for receipt in receipts) < 3 * FEED_GAS + 250_000


def test_attack_17__starved_poke__cannot_fake_dead_feeds(world: PerpWorld) -> None:
    before = world.state()
    for gas in range(60_000, 700_000, 40_000):
        with world.chain.undone():
            sent = world.market.functions.poke().transact({"from": world.other, "gas": gas})
            receipt = world.chain.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
            if receipt["status"] == 1:
                state = world.state()
                assert (state["priceFresh"], state["riskFresh"]) == (True, True)
                assert state["marginTarget"] == before["marginTarget"]
