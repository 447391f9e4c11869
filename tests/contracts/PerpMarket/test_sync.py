"""A new block: the mark follows the index, the depth its risk, the margin its ramp, and funding runs."""

from __future__ import annotations

from math import sqrt

import pytest

from tests.support.local_chain import LocalChain
from tests.support.perp import DAY, HOUR, WAD, PerpWorld, deploy_perp


def test_sync__index_moves__mark_follows_and_the_fund_pays_the_skew(opened: PerpWorld) -> None:
    before = opened.state()
    opened.set_price(2_200 * 10**8)
    (event,) = opened.events(opened.call("poke"), "Synced")
    after = opened.state()
    assert after["indexPrice"] == 2_200 * WAD
    assert 109 * before["quoteReserve"] < 100 * after["quoteReserve"] < 110 * before["quoteReserve"] + 10**27
    assert event["fundPaid"] > 9_000 * WAD
    assert before["fund"] - after["fund"] <= event["fundPaid"]
    assert opened.position()["closingEquity"] > 18_000 * WAD


@pytest.mark.parametrize(("is_long", "price"), [(True, 2_400), (False, 1_600)])
def test_sync__fund_may_not_pay_it_all__followed_in_part(chain: LocalChain, is_long: bool, price: int) -> None:
    world = deploy_perp(chain, fundUseBps=1)
    world.open(is_long, 100_000, 20_000)
    fund = world.state()["fund"]
    world.set_price(price * 10**8)
    world.call("poke")
    after = world.state()
    assert 0 < fund - after["fund"] <= fund // 10_000
    low, high = sorted((2_000, price))
    assert (low + 10) * WAD < world.read("markPrice") < (high - 10) * WAD


def test_sync__within_one_block__nothing_moves_again(opened: PerpWorld) -> None:
    opened.chain.rpc("evm_setAutomine", False)
    try:
        gas = {"from": opened.keeper, "gas": 2_000_000}
        sent = [opened.market.functions.poke().transact(gas)]
        at = opened.chain.now()
        sent.append(opened.price_feed.functions.set(9_000 * 10**8, at, at).transact(gas))
        sent.append(opened.market.functions.liquidate(opened.trader).transact(gas))
        sent.append(opened.market.functions.poke().transact(gas))
        opened.chain.rpc("evm_mine")
    finally:
        opened.chain.rpc("evm_setAutomine", True)
    receipts = [opened.chain.web3.eth.get_transaction_receipt(s) for s in sent]
    assert [r["status"] for r in receipts] == [1, 1, 0, 1]
    assert opened.events(receipts[3], "Synced") == []
    assert opened.state()["indexPrice"] == 2_000 * WAD


def test_sync__risk_doubles__depth_halves_by_the_ramp_at_the_same_mark(world: PerpWorld) -> None:
    mark = world.read("markPrice")
    world.set_risk(12 * WAD // 10)
    world.call("poke")
    assert world.state()["depthTarget"] == WAD // 2
    world.pass_time(10 * HOUR)
    world.call("poke")
    assert abs(world.state()["depthRatio"] - 9 * WAD // 10) < WAD // 10_000
    world.pass_time(100 * HOUR)
    world.call("poke")
    state = world.state()
    assert state["baseReserve"] == 10_000 * WAD  # k at a quarter: k ~ 1 / risk^2
    assert state["baseReserve"] * state["quoteReserve"] * 4 == 20_000 * WAD * 40_000_000 * WAD
    assert world.read("markPrice") == mark


def test_sync__fixed_depth__stays(chain: LocalChain) -> None:
    world = deploy_perp(chain, depthRampBpsPerHour=0)
    world.set_risk(3 * WAD)
    world.call("poke")
    world.pass_time(DAY)
    world.call("poke")
    assert world.state()["baseReserve"] == 20_000 * WAD


def test_sync__premium__fades_to_the_fund(opened: PerpWorld) -> None:
    fund, premium = opened.state()["fund"], opened.read("markPrice") - 2_000 * WAD
    opened.pass_time(HOUR)
    opened.call("poke")
    assert opened.read("markPrice") - 2_000 * WAD < premium * 91 // 100
    assert opened.state()["fund"] > fund


def test_sync__margin_rises__existing_positions_by_50_bps_an_interval_new_ones_at_once(opened: PerpWorld) -> None:
    calm = opened.state()["marginInForce"]
    opened.set_risk(3 * WAD)
    opened.call("poke")
    state, position = opened.state(), opened.position()
    assert state["marginTarget"] > 4 * calm
    assert state["marginInForce"] == calm
    assert position["maintenanceMargin"] < position["initialMargin"] // 3
    opened.pass_time(4 * HOUR)
    assert 195 * WAD // 10_000 < opened.state()["marginInForce"] - calm <= 201 * WAD // 10_000


def test_sync__risk_feed_dies__margin_walks_to_the_largest(opened: PerpWorld) -> None:
    opened.chain.send(opened.risk_feed.functions.setMode(1))
    opened.call("poke")
    assert opened.state()["marginTarget"] == WAD // 2
    opened.pass_time(1_000 * HOUR)
    assert opened.state()["marginInForce"] == WAD // 2


def test_sync__longs_ahead__pay_shorts_and_the_fund(chain: LocalChain) -> None:
    world = deploy_perp(chain, premiumDecayBpsPerHour=0, depthRampBpsPerHour=0)
    world.open(True, 200_000, 40_000)
    world.open(False, 50_000, 20_000, world.other)
    premium = world.read("markPrice") - 2_000 * WAD
    long, short, fund = world.position(), world.position(world.other), world.state()["fund"]
    world.call("poke")
    started = world.state()["syncedAt"]
    world.pass_time(HOUR)
    world.call("poke")
    paid = long["cash"] - world.position()["cash"]
    received = world.position(world.other)["cash"] - short["cash"]
    secs = world.state()["syncedAt"] - started
    assert paid == pytest.approx(long["base"] * premium * secs // DAY // WAD, rel=0.01)
    assert received == pytest.approx(paid * -short["base"] // long["base"], rel=1e-6)
    assert world.state()["fund"] - fund == pytest.approx(paid - received, rel=1e-6)


@pytest.mark.parametrize(("is_long", "side"), [(True, "fundingLong"), (False, "fundingShort")])
def test_sync__premium_above_what_counts__funding_of_that(chain: LocalChain, is_long: bool, side: str) -> None:
    world = deploy_perp(chain, premiumDecayBpsPerHour=0, depthRampBpsPerHour=0, maxPremiumBps=100)
    world.open(is_long, 600_000, 100_000)
    assert abs(world.read("markPrice") - 2_000 * WAD) > 50 * WAD
    started = world.state()["syncedAt"]
    chain.set_next_time(started + HOUR)
    world.call("poke")
    assert world.state()[side] == 20 * WAD // 24  # 1 % of 2,000, of which an hour is a 24th


def test_sync__few_receivers_pay__only_what_is_paid_is_received(chain: LocalChain) -> None:
    world = deploy_perp(chain, premiumDecayBpsPerHour=0, depthRampBpsPerHour=0, fundUseBps=0)
    world.open(True, 200_000, 40_000)
    world.open(False, 50_000, 20_000, world.other)
    world.set_price(2_100 * 10**8)  # not followed: the mark is below, shorts pay four times as many longs
    world.call("poke")
    long, short = world.position(), world.position(world.other)
    world.pass_time(HOUR)
    world.call("poke")
    paid = short["cash"] - world.position(world.other)["cash"]
    received = world.position()["cash"] - long["cash"]
    assert 0 <= paid - received < 1_000
    assert received > 0


def test_sync__price_stale__funding_stops_after_its_age(chain: LocalChain) -> None:
    world = deploy_perp(chain)
    world.open(True, 200_000, 40_000)
    world.call("poke")
    world.chain.mine(world.chain.now() + 30 * DAY)
    world.call("poke")
    once = world.state()["fundingLong"]
    world.chain.mine(world.chain.now() + 30 * DAY)
    world.call("poke")
    assert world.state()["fundingLong"] == once > 0


@pytest.mark.parametrize("bps", [100, 200, 500])
@pytest.mark.parametrize("up", [True, False])
def test_depth__trade_of_that_size__moves_the_mark_so_far(chain: LocalChain, bps: int, up: bool) -> None:
    world = deploy_perp(chain, maxDivergenceBps=9_000)
    world.call("deposit", 10**7 * world.unit, world.trader)
    quote = world.read("depth", bps, up)
    move = 1 + bps / 10_000 if up else 1 - bps / 10_000
    assert quote == pytest.approx(40_000_000 * WAD * abs(sqrt(move) - 1), rel=1e-12)
    world.increase(up, quote)
    mark = world.read("markPrice")
    assert abs(mark - int(2_000 * 10_000 * move) * WAD // 10_000) < 10**6
