"""increase and decrease: prices, limits, margin, caps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain import vamm
from tests.support.local_chain import LocalChain
from tests.support.perp import FOREVER, MAX_UINT, RISK, WAD, PerpWorld, deploy_perp

Reverts = Callable[..., Any]
MODES = [1, 2, 4, 5]


@pytest.mark.parametrize("is_long", [True, False])
def test_increase__first__the_curve_gives_base(world: PerpWorld, is_long: bool) -> None:
    state, quote = world.state(), 100_000 * WAD
    base = vamm.base_for_quote(state["baseReserve"], state["quoteReserve"], quote, is_long)
    assert world.read("previewIncrease", is_long, quote) == base
    world.call("deposit", 10_000 * world.unit, world.trader)
    receipt = world.increase(is_long, quote)
    (event,) = world.events(receipt, "PositionIncreased")
    assert (event["base"], event["quote"], event["fee"]) == (base, quote, 100 * WAD)
    sign = 1 if is_long else -1
    position = world.position()
    assert (position["base"], position["cash"]) == (sign * base, 9_900 * WAD - sign * quote)
    after = world.state()
    assert (after["longs"], after["shorts"]) == ((base, 0) if is_long else (0, base))
    assert after["poolQuote"] == sign * quote
    assert (after["protocolFees"], after["fund"]) == (20 * WAD, 10_000_080 * WAD)
    assert event["markPrice"] == world.read("markPrice")


@pytest.mark.parametrize("is_long", [True, False])
def test_decrease__all_in_the_same_block__less_than_was_paid(world: PerpWorld, is_long: bool) -> None:
    world.call("deposit", 50_000 * world.unit, world.trader)
    calls = world.market.functions
    world.chain.rpc("evm_setAutomine", False)
    try:
        gas = {"from": world.trader, "gas": 3_000_000}
        limit = 0 if is_long else MAX_UINT
        sent = [calls.increase(is_long, 100_003 * WAD, limit, FOREVER).transact(gas)]
        sent.append(calls.decrease(MAX_UINT, limit, FOREVER).transact(gas))
        world.chain.rpc("evm_mine")
    finally:
        world.chain.rpc("evm_setAutomine", True)
    assert [world.chain.web3.eth.get_transaction_receipt(s)["status"] for s in sent] == [1, 1]
    position = world.position()
    assert position["base"] == 0
    fees = 2 * 100_003 * WAD // 1_000
    lost = 50_000 * WAD - fees - position["cash"]
    assert 0 <= lost <= 2 * 2_001  # a wei of base is 2,000 wei of quote; and the fee's own rounding
    assert 0 <= world.state()["poolQuote"] <= lost + 2


def test_decrease__part__side_stays_and_the_curve_pays(opened: PerpWorld) -> None:
    opened.pass_time(60)
    mark, position = opened.read("markPrice"), opened.position()
    base = position["base"] // 3
    (event,) = opened.events(opened.decrease(base), "PositionDecreased")
    assert event["base"] == base
    assert opened.position()["base"] == position["base"] - base
    assert base * 2_000 < event["quote"] < base * mark // WAD


def test_increase__limits__held(world: PerpWorld, reverts: Reverts) -> None:
    world.call("deposit", 10_000 * world.unit, world.trader)
    for is_long, off in ((True, 1), (False, -1)):
        base = world.read("previewIncrease", is_long, 10_000 * WAD)
        with reverts("LimitExceeded", base, base + off):
            world.call("increase", is_long, 10_000 * WAD, base + off, FOREVER)
        with world.chain.undone():
            world.call("increase", is_long, 10_000 * WAD, base, FOREVER)


def test_decrease__limits__held(opened: PerpWorld, reverts: Reverts) -> None:
    state, base = opened.state(), opened.position()["base"]
    quote = vamm.quote_for_base(state["baseReserve"], state["quoteReserve"], base, True)
    with reverts("LimitExceeded", quote, 2 * quote):
        opened.call("decrease", base, 2 * quote, FOREVER)


def test_trades__late_or_empty__refused(world: PerpWorld, reverts: Reverts) -> None:
    late = world.chain.now() - 1
    for function, args in (("increase", (True, WAD, 0)), ("decrease", (WAD, 0))):
        with reverts("DeadlinePassed", late, late + 1):
            world.call(function, *args, late)
    with reverts("ZeroAmount"):
        world.call("increase", True, 0, 0, FOREVER)
    with reverts("ZeroAmount"):
        world.call("decrease", 0, 0, FOREVER)
    with reverts("NoPosition", world.trader):
        world.call("decrease", 1, 0, FOREVER)
    with reverts("AmountTooLarge", 2**112, 2**112 - 1):
        world.call("increase", True, 2**112, 0, FOREVER)


def test_increase__so_little_that_no_base_comes__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_perp(chain, minPosition=0)
    world.call("deposit", world.unit, world.trader)
    with reverts("ZeroAmount"):
        world.increase(True, 1)


def test_increase__against_the_position__refused(opened: PerpWorld, reverts: Reverts) -> None:
    with reverts("OppositePosition", opened.position()["base"]):
        opened.increase(False, 1_000 * WAD)


def test_increase__more_than_the_reserves__refused(world: PerpWorld, reverts: Reverts) -> None:
    quote = world.state()["quoteReserve"]
    for read in (world.market.functions.previewIncrease(False, quote),):
        with reverts("DepthExceeded", quote, quote):
            read.call()
    with reverts("DepthExceeded", quote, quote):
        world.increase(False, quote)


def test_increase__too_little_collateral__refused_with_what_is_needed(world: PerpWorld, reverts: Reverts) -> None:
    world.call("deposit", 1_000 * world.unit, world.trader)
    world.refresh()
    model = world.model()
    model.now = world.state()["syncedAt"]
    with reverts("InsufficientMargin", *shortfall(world, 100_000 * WAD)):
        world.increase(True, 100_000 * WAD)


def shortfall(world: PerpWorld, quote: int) -> tuple[int, int]:
    """Equity and requirement of the trader after going long for `quote`, at rest prices."""
    s = world.state()
    b, q = s["baseReserve"], s["quoteReserve"]
    base = vamm.base_for_quote(b, q, quote, True)
    cash = 1_000 * WAD - quote - quote // 1_000
    b, q = b - base, q + quote
    at_index = cash + base * s["indexPrice"] // WAD
    at_reserves = cash + vamm.quote_for_base(b, q, base, True)
    notional = -(-base * s["indexPrice"] // WAD)
    ratio = s["marginInForce"] + vamm.impact(b, base, True)
    return min(at_index, at_reserves), -(-ratio * notional // WAD)


def test_increase__caps__held(chain: LocalChain, reverts_any: Reverts) -> None:
    world = deploy_perp(chain, maxOpenInterest=10 * WAD)
    world.call("deposit", 10**6 * world.unit, world.trader)
    with reverts_any("OpenInterestCapReached"):
        world.increase(True, 21_000 * WAD)
    world = deploy_perp(chain, fund=1_000)
    world.call("deposit", 10**6 * world.unit, world.trader)
    with reverts_any("SkewCapReached"):
        world.increase(False, 2_100 * WAD)
    world = deploy_perp(chain, maxDivergenceBps=10)
    world.call("deposit", 10**6 * world.unit, world.trader)
    with reverts_any("MarkDiverged"):
        world.increase(True, 100_000 * WAD)


def test_trades__too_small_a_position__refused(opened: PerpWorld, reverts_any: Reverts) -> None:
    opened.call("deposit", 1_000 * opened.unit, opened.other, sender=opened.other)
    with reverts_any("PositionBelowMinimum"):
        opened.increase(False, 99 * WAD, opened.other)
    with reverts_any("PositionBelowMinimum"):
        opened.decrease(opened.position()["base"] - WAD // 100)


@pytest.mark.parametrize("price", [0, -1, 2**53 + 1, 2**255 - 1])
def test_trades__price_unusable__only_closing(opened: PerpWorld, reverts: Reverts, price: int) -> None:
    opened.set_price(price)
    with reverts("PriceUnavailable"):
        opened.increase(True, 1_000 * WAD)
    with reverts("PriceUnavailable"):
        opened.call("withdraw", 1, opened.trader)
    with reverts("PriceUnavailable"):
        opened.call("liquidate", opened.trader, sender=opened.keeper)
    opened.decrease()
    opened.call("withdraw", opened.unit, opened.trader)


def test_decrease__in_part_without_a_price__the_rest_needs_the_largest_margin(
    opened: PerpWorld, reverts_any: Reverts
) -> None:
    opened.set_price(0)
    base = opened.position()["base"]
    with reverts_any("InsufficientMargin"):
        opened.decrease(base // 2)
    opened.decrease(base * 9 // 10)  # 10,000 left on 9,700 of equity
    assert opened.position()["base"] == base - base * 9 // 10


@pytest.mark.parametrize("mode", MODES)
def test_trades__price_feed_fails__only_closing(opened: PerpWorld, reverts: Reverts, mode: int) -> None:
    opened.chain.send(opened.price_feed.functions.setMode(mode))
    with reverts("PriceUnavailable"):
        opened.increase(True, 1_000 * WAD)
    opened.decrease()


@pytest.mark.parametrize("risk", [0, -1, WAD // 100 - 1, 10 * WAD + 1, 2**255 - 1])
def test_trades__risk_unusable__no_opening_and_the_largest_margin(
    opened: PerpWorld, reverts: Reverts, risk: int
) -> None:
    opened.set_risk(risk)
    with reverts("RiskUnavailable"):
        opened.increase(True, 1_000 * WAD)
    assert opened.state()["marginTarget"] == WAD // 2
    opened.decrease(opened.position()["base"] // 2)
    opened.decrease()


@pytest.mark.parametrize("mode", MODES)
def test_trades__risk_feed_fails__no_opening(opened: PerpWorld, reverts: Reverts, mode: int) -> None:
    opened.chain.send(opened.risk_feed.functions.setMode(mode))
    with reverts("RiskUnavailable"):
        opened.increase(True, 1_000 * WAD)
    opened.decrease()


def test_increase__weight_feed_dead__three_times_the_margin(world: PerpWorld) -> None:
    before = world.state()["marginTarget"]
    world.chain.send(world.weight_feed.functions.setMode(1))
    assert world.state()["marginTarget"] - 3 * before in (-2, -1, 0)
    assert world.state()["riskFresh"]


def test_decrease__owes_more_than_it_has__refused(opened: PerpWorld, reverts_any: Reverts) -> None:
    opened.set_price(1_700 * 10**8)
    opened.set_risk(RISK)
    with reverts_any("InsufficientMargin"):
        opened.decrease()
