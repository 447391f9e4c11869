"""liquidate: who, how much, who gets what; bad debt and the deficit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.local_chain import LocalChain
from tests.support.perp import WAD, PerpWorld, deploy_perp

Reverts = Callable[..., Any]


def test_liquidate__healthy_empty_or_oneself__refused(
    opened: PerpWorld, reverts: Reverts, reverts_any: Reverts
) -> None:
    with reverts_any("AccountHealthy"):
        opened.call("liquidate", opened.trader, sender=opened.keeper)
    with reverts("NoPosition", opened.other):
        opened.call("liquidate", opened.other, sender=opened.keeper)
    with reverts("SelfLiquidation", opened.trader):
        opened.call("liquidate", opened.trader)


def test_liquidate__below_maintenance__half_is_closed_and_the_fee_split(opened: PerpWorld) -> None:
    opened.set_price(1_904 * 10**8)
    before = opened.position()
    assert before["liquidatable"]
    assert before["equity"] * 2 > before["maintenanceMargin"]
    receipt = opened.call("liquidate", opened.trader, sender=opened.keeper)
    (event,) = opened.events(receipt, "Liquidated")
    assert event["base"] == -(-before["base"] // 2)
    assert event["penalty"] == -(-event["quote"] // 100)
    assert event["reward"] == event["penalty"] // 2
    after = opened.position()
    assert after["base"] == before["base"] - event["base"]
    assert after["equity"] * before["notional"] > before["equity"] * after["notional"]  # better margined than before
    assert opened.position(opened.keeper)["cash"] == event["reward"]
    opened.call("withdraw", event["reward"] // 10**12, opened.keeper, sender=opened.keeper)


def test_liquidate__deep_below__all_of_it(opened: PerpWorld) -> None:
    opened.set_price(1_845 * 10**8)
    (event,) = opened.events(opened.call("liquidate", opened.trader, sender=opened.keeper), "Liquidated")
    position = opened.position()
    assert position["base"] == 0
    assert position["cash"] >= 0
    assert event["penalty"] > 0


def test_liquidate__owes_more_than_it_has__the_fund_pays(opened: PerpWorld) -> None:
    opened.set_price(1_500 * 10**8)
    receipt = opened.call("liquidate", opened.trader, sender=opened.keeper)
    (event,) = opened.events(receipt, "BadDebt")
    assert event["loss"] == event["fromFund"] > 10_000 * WAD
    assert event["deficit"] == 0
    assert opened.position()["cash"] == 0
    assert opened.events(receipt, "Liquidated")[0]["penalty"] == 0


def test_liquidate__deficit__withdrawals_bear_it_in_proportion(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_perp(chain, fund=20_000, maxSkewFundBps=65_535, fundUseBps=10_000, premiumDecayBpsPerHour=10_000)
    world.open(False, 100_000, 30_000, world.other)
    world.open(True, 100_000, 10_000)
    world.set_price(1_000 * 10**8)
    receipt = world.call("liquidate", world.trader, sender=world.keeper)
    (debt,) = world.events(receipt, "BadDebt")
    (wiped,) = world.events(receipt, "FundWiped")
    assert debt["deficit"] == world.state()["deficit"] > 0
    assert wiped["shares"] > 0
    assert world.read("totalFundShares") == world.read("fundSharesOf", world.provider) == 0
    deficit = world.state()["deficit"]
    with reverts("DeficitOutstanding", deficit):
        world.call("increase", False, 1_000 * WAD, 2**255, 2**64 - 1, sender=world.other)
    with reverts("DeficitOutstanding", deficit):
        world.call("provide", world.unit, world.provider, sender=world.provider)
    world.decrease(sender=world.other)
    state, cash = world.state(), world.position(world.other)["cash"]
    claims = state["cash"] + state["deficit"] - state["protocolFees"]
    part = cash // 2 // 10**12
    haircut = -(-part * 10**12 * state["deficit"] // claims)
    (event,) = world.events(world.call("withdraw", part, world.other, sender=world.other), "Withdrawn")
    assert (event["haircut"], event["amount"]) == (haircut, (part * 10**12 - haircut) // 10**12)
    assert world.state()["deficit"] == state["deficit"] - (part - event["amount"]) * 10**12  # what is not paid heals it
    assert world.state()["cash"] == state["cash"] - event["amount"] * 10**12
    world.call("donate", 10**6 * world.unit, sender=world.keeper)
    assert world.state()["deficit"] == 0
    rest = world.position(world.other)["cash"] // 10**12
    (event,) = world.events(world.call("withdraw", rest, world.other, sender=world.other), "Withdrawn")
    assert (event["haircut"], event["amount"]) == (0, rest)
