"""Several collaterals in one position: health, size, grace, caps, reserve, and one broken feed among sound ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain import lending, margin
from oracle.domain.lending import PositionState
from tests.support.lending import MAX_UINT, PRICE, SUPPLIED, TERMS, VOLATILITY, WAD, LendingWorld, deploy_world
from tests.support.local_chain import LocalChain

Reverts = Callable[..., Any]
BTC = {"decimals": 8, "price": 30_000 * 10**8, "weighted": 1, "depth": 10**10}
DEBT = 300_000 * 10**6


@pytest.fixture(scope="module")
def _both(chain: LocalChain) -> LendingWorld:
    world = deploy_world(chain, others=[BTC], reserveBps=1_000)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    for listed, amount in zip(world.listed, (100 * 10**18, 10 * 10**8), strict=True):
        world.call("addCollateral", listed.asset, amount, world.borrower)
    world.call("borrow", DEBT, world.borrower)
    return world


@pytest.fixture
def both(_both: LendingWorld, chain: LocalChain) -> LendingWorld:
    """300,000 owed against 100 tokens at 2,000 and 10 at 30,000, which slip and have a risk weight."""
    _both.refresh()
    return _both


def set_feed(world: LendingWorld, index: int, which: str, answer: int) -> None:
    """A feed of a collateral answers as of now."""
    feed = getattr(world.listed[index], which)
    world.chain.send(feed.functions.set(answer, world.chain.now(), world.chain.now()))


def crash(world: LendingWorld) -> None:
    """Both prices halve."""
    set_feed(world, 0, "price_feed", PRICE // 2)
    set_feed(world, 1, "price_feed", 15_000 * 10**8)


def test_healthFactor__two_collaterals__sum_of_each_at_its_ltv_and_size(both: LendingWorld) -> None:
    first, second = (both.holding(index=i) for i in range(2))
    ltv = both.read("collateral", both.listed[1].asset)["liquidationLtv"]
    assert second["liquidationLtv"] == lending.sized_ltv(ltv, 10 * 10**8, 10**10) < ltv
    assert (first["value"], second["value"]) == (200_000 * 10**6, 300_000 * 10**6)
    weighted = first["value"] * first["liquidationLtv"] + second["value"] * second["liquidationLtv"]
    assert both.read("healthFactor", both.borrower) == weighted // both.read("debtOf", both.borrower)


def test_targetLiquidationLtv__risk_weight__multiplies_the_99_percent_move(both: LendingWorld) -> None:
    move = margin.quantile(VOLATILITY, margin.quantile_scale(TERMS["liquidationDelay"], 0))
    for weight, counted in ((2 * WAD, 2 * WAD), (3 * WAD + 1, 3 * WAD), (0, 3 * WAD)):
        set_feed(both, 1, "weight_feed", weight)
        expected = margin.collateral_factor(-(-move * counted // WAD), 6 * WAD // 100, WAD // 2, 93 * WAD // 100)
        assert both.read("collateral", both.listed[1].asset)["targetLiquidationLtv"] == expected


def test_take__each_collateral__falls_from_its_own_price_for_one_debt(both: LendingWorld) -> None:
    crash(both)
    both.call("startAuction", both.borrower)
    started, owed = both.chain.now(), both.read("auction", both.borrower)["debt"]
    for listed, amount, price in zip(both.listed, (10**18, 10**8), (PRICE // 2, 15_000 * 10**8), strict=True):
        receipt = both.call(
            "take", both.borrower, listed.asset, amount, MAX_UINT, both.outsider, sender=both.liquidator
        )
        (event,) = both.events(receipt, "AuctionTaken")
        start = lending.auction_start_price(price, 10_500)
        assert event["price"] == lending.auction_price(start, 6 * 3600, both.chain.now() - started)
        owed -= event["paid"]
    assert abs(both.read("auction", both.borrower)["debt"] - owed) < 10_000  # interest of two seconds


def test_take__everything_sold__reserve_bears_the_loss_before_the_lenders(both: LendingWorld) -> None:
    both.pass_time(300 * 86_400)
    both.call("poke", both.borrower)
    crash(both)
    both.call("startAuction", both.borrower)
    before = both.read("market")
    assert before["reserve"] > 0
    for listed in both.listed:
        arguments = (both.borrower, listed.asset, MAX_UINT, MAX_UINT, both.liquidator)
        receipt = both.call("take", *arguments, sender=both.liquidator)
    (loss,) = both.events(receipt, "BadDebtWrittenOff")
    after = both.read("market")
    assert (both.state(), after["reserve"]) == (PositionState.INSOLVENT, 0)
    assert before["reserve"] <= loss["fromReserve"] < loss["badDebt"] == after["totalBadDebt"]
    lost = before["totalSupplyAssets"] - after["totalSupplyAssets"]
    assert 0 <= loss["badDebt"] - loss["fromReserve"] - lost < 10**6  # interest of two seconds


def test_convert__interest_not_yet_accrued__lenders_have_it_less_the_reserves_part(both: LendingWorld) -> None:
    both.chain.mine(both.chain.now() + 30 * 86_400)
    shares, borrowed = SUPPLIED * 10**6, both.read("debtOf", both.borrower)
    assert borrowed - DEBT > 500 * 10**6
    supplied = SUPPLIED + (borrowed - DEBT) - (borrowed - DEBT) // 10
    assert both.read("convertToAssets", shares) in (supplied - 1, supplied)  # the debt is rounded up
    worth = both.read("convertToShares", supplied)
    assert abs(worth - shares) < 2 * 10**6
    assert both.read("supplyAssetsOf", both.lender) == both.read("convertToAssets", shares)


def test_borrow__one_feed_is_broken__the_other_collateral_lends_and_frees(both: LendingWorld, reverts: Reverts) -> None:
    both.call("repay", DEBT - 10_000 * 10**6, both.borrower)
    broken = both.listed[1]
    both.chain.send(broken.price_feed.functions.setMode(1))
    both.call("borrow", 50_000 * 10**6, both.borrower)
    both.call("withdrawCollateral", broken.asset, 10**8, both.borrower)
    with reverts("PriceUnavailable", broken.asset):
        both.call("borrow", 150_000 * 10**6, both.borrower)
    with reverts("PriceUnavailable", broken.asset):
        both.call("withdrawCollateral", both.asset, 90 * 10**18, both.borrower)
    both.chain.send(broken.price_feed.functions.setMode(0))
    both.chain.send(broken.risk_feed.functions.setMode(1))
    with reverts("RiskUnavailable", broken.asset):
        both.call("borrow", 150_000 * 10**6, both.borrower)
    both.chain.send(broken.risk_feed.functions.setMode(0))
    both.call("borrow", 150_000 * 10**6, both.borrower)


def test_borrow__feed_of_a_collateral_not_held_is_broken__nothing_changes(both: LendingWorld) -> None:
    for feed in both.listed[1].feeds:
        both.chain.send(feed.functions.setMode(1))
    both.call("addCollateral", both.asset, 10**19, both.outsider, sender=both.outsider)
    both.call("borrow", 10**9, both.outsider, sender=both.outsider)
    both.call("withdrawCollateral", both.asset, 10**18, both.outsider, sender=both.outsider)
    assert both.state(both.outsider) is PositionState.OPEN


def test_startAuction__broken_collateral_of_worth__counts_at_its_last_price(
    both: LendingWorld, reverts: Reverts
) -> None:
    both.chain.send(both.listed[1].price_feed.functions.setMode(1))
    set_feed(both, 0, "price_feed", PRICE * 9 // 10)
    with reverts("PositionHealthy", both.position()["healthFactor"]):
        both.call("startAuction", both.borrower)
    set_feed(both, 0, "price_feed", PRICE // 10)
    both.call("startAuction", both.borrower)
    with reverts("NotForSale", both.listed[1].asset):
        both.call("take", both.borrower, both.listed[1].asset, 1, MAX_UINT, both.outsider, sender=both.liquidator)
    both.call("take", both.borrower, both.asset, MAX_UINT, MAX_UINT, both.liquidator, sender=both.liquidator)
    assert both.state() is PositionState.WARNED
    assert both.read("market")["totalBadDebt"] == 0


def test_startAuction__only_the_ltvs_fell__after_the_grace(both: LendingWorld, reverts: Reverts) -> None:
    for i in range(2):
        set_feed(both, i, "risk_feed", 18 * WAD)
        both.call("sync", both.listed[i].asset)
    with both.chain.undone():
        both.pass_time(80 * 3_600)
        assert both.read("healthFactor", both.borrower) < WAD
        assert not both.position()["liquidatable"]
        both.chain.set_next_time(both.chain.now() + 5)
        with reverts("GraceNotOver", both.borrower, both.chain.now() + TERMS["gracePeriod"]):
            both.vault.functions.startAuction(both.borrower).call({"from": both.liquidator}, "latest")
        both.call("poke", both.borrower)
        warned = both.chain.now()
        both.chain.mine(warned + TERMS["gracePeriod"] - 2)
        with reverts("GraceNotOver", both.borrower, warned + TERMS["gracePeriod"]):
            both.call("startAuction", both.borrower)
        assert not both.position()["liquidatable"]
        both.chain.mine(warned + TERMS["gracePeriod"])
        assert both.position()["liquidatable"]
        both.call("startAuction", both.borrower)
        assert not both.position()["liquidatable"]
    crash(both)  # a fall of the price needs no grace
    both.call("startAuction", both.borrower)


def test_addCollateral__above_the_cap__refused_and_the_rest_fits(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_world(chain, supplyCap=10)
    world.call("addCollateral", world.asset, 4, world.borrower)
    with reverts("SupplyCapExceeded", world.asset, 11, 10):
        world.call("addCollateral", world.asset, 7, world.outsider)
    world.call("addCollateral", world.asset, 6, world.outsider)
    world.call("withdrawCollateral", world.asset, 1, world.borrower)
    world.call("addCollateral", world.asset, 1, world.outsider)
    assert world.read("collateral", world.asset)["total"] == 10


def test_position__eight_collaterals__gas_is_bounded(
    chain: LocalChain, gas_snapshot: Callable[[str, int], None]
) -> None:
    world = deploy_world(chain, others=[{"decimals": 6 + i, "weighted": 1, "depth": 10**20} for i in range(7)])
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    for listed in world.listed:
        world.call("addCollateral", listed.asset, 10 * 10**listed.decimals, world.borrower)
    world.call("borrow", 100_000 * 10**6, world.borrower)
    world.refresh()
    gas_snapshot("LendingVault.poke/eight-collaterals", world.call("poke", world.borrower)["gasUsed"])
    for index in range(8):
        set_feed(world, index, "price_feed", PRICE // 2)
    gas_snapshot("LendingVault.startAuction/eight-collaterals", world.call("startAuction", world.borrower)["gasUsed"])
