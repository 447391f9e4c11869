"""take: collateral for debt at the auction's price; surplus stays the borrower's, a shortfall is the lenders'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain import lending, margin
from oracle.domain.lending import PositionState
from tests.support.lending import MAX_UINT, SUPPLIED, WAD, LendingWorld, deploy_world, hostile_token
from tests.support.local_chain import LocalChain

Reverts = Callable[..., Any]
ALL = (MAX_UINT, MAX_UINT)


def start(world: LendingWorld, price: int) -> int:
    """Starts the borrower's auction at `price` whole debt tokens; returns its time."""
    world.set_price(price * 10**8)
    world.call("startAuction", world.borrower)
    return world.chain.now()


def take(world: LendingWorld, amount: int = MAX_UINT, limit: int = MAX_UINT) -> dict[str, Any]:
    """The liquidator buys for the outsider; returns the event."""
    receipt = world.call("take", world.borrower, world.asset, amount, limit, world.outsider, sender=world.liquidator)
    (event,) = world.events(receipt, "AuctionTaken")
    return event


def test_take__everything_for_sale__debt_repaid_and_surplus_the_borrowers(opened: LendingWorld) -> None:
    started = start(opened, 1_540)
    opened.chain.mine(started + 1_200)
    liquidator, outsider = opened.balances(opened.liquidator), opened.balances(opened.outsider)
    event = take(opened)
    elapsed = opened.chain.now() - started
    price = lending.auction_price(lending.auction_start_price(1_540 * 10**8, 10_500), 6 * 3600, elapsed)
    assert event["price"] == price
    assert event["collateral"] == lending.collateral_for(event["paid"], price, opened.units)
    assert opened.balances(opened.liquidator)[1] == liquidator[1] - event["paid"]
    assert opened.balances(opened.outsider)[0] == outsider[0] + event["collateral"]
    assert opened.state() is PositionState.CLOSED
    surplus = 100 * 10**18 - event["collateral"]
    assert opened.amount() == surplus > 0
    opened.call("withdrawCollateral", opened.asset, surplus, opened.borrower)
    assert opened.collateral.functions.balanceOf(opened.vault.address).call() == 0


def test_take__half_for_sale__position_lives_on(opened: LendingWorld) -> None:
    started = start(opened, 1_640)
    opened.chain.mine(started + 600)
    take(opened)
    position = opened.position()
    assert position["state"] == PositionState.OPEN
    assert position["debt"] == pytest.approx(75_000 * 10**6, rel=1e-3)
    assert position["healthFactor"] > WAD


def test_take__in_two_parts__the_second_is_cheaper(opened: LendingWorld) -> None:
    started = start(opened, 1_500)
    first = take(opened, 20 * 10**18)
    assert (first["collateral"], first["paid"]) == (
        20 * 10**18,
        lending.cost_of(20 * 10**18, first["price"], opened.units),
    )
    opened.chain.mine(started + 3_000)
    second = take(opened, 10 * 10**18)
    assert second["price"] < first["price"]
    assert opened.state() is PositionState.AUCTION
    assert opened.amount() == 70 * 10**18


def test_take__collateral_runs_out__loss_shared_by_lenders(opened: LendingWorld) -> None:
    opened.call("supply", SUPPLIED, opened.outsider, sender=opened.outsider)
    before = opened.read("market")
    start(opened, 1_000)
    receipt = opened.call("take", opened.borrower, opened.asset, *ALL, opened.liquidator, sender=opened.liquidator)
    event = opened.events(receipt, "AuctionTaken")[0]
    assert event["collateral"] == 100 * 10**18
    (loss,) = opened.events(receipt, "BadDebtWrittenOff")
    assert opened.events(receipt, "AuctionEnded") == [{"account": opened.borrower, "cured": False}]
    position, market = opened.position(), opened.read("market")
    assert position["state"] == PositionState.INSOLVENT
    assert (position["debt"], opened.amount(), position["badDebt"]) == (0, 0, loss["badDebt"])
    assert market["totalBadDebt"] == loss["badDebt"] > 40_000 * 10**6
    assert market["totalBorrowAssets"] == market["totalBorrowShares"] == 0
    assert market["totalSupplyAssets"] == before["totalSupplyAssets"] - loss["badDebt"] + interest_of(opened, before)
    worth = [opened.read("supplyAssetsOf", owner) for owner in (opened.lender, opened.outsider)]
    assert 0 <= worth[0] - worth[1] < 1000  # interest of the seconds before the other came
    assert sum(worth) <= opened.debt.functions.balanceOf(opened.vault.address).call()


def interest_of(world: LendingWorld, before: dict[str, Any]) -> int:
    """Interest accrued since `before`, from the position's write-off: paid + bad debt - old debt."""
    (taken,) = world.vault.events.AuctionTaken().get_logs(from_block=world.chain.web3.eth.block_number)
    return int(taken["args"]["paid"] + world.position()["badDebt"] - before["totalBorrowAssets"])


def test_take__insolvent_account_borrows_again__a_new_life(opened: LendingWorld) -> None:
    start(opened, 1_000)
    take(opened)
    opened.refresh()
    opened.open_position(10**20, 10**9)
    position = opened.position()
    assert (position["state"], position["badDebt"]) == (PositionState.OPEN, 0)
    assert opened.read("market")["totalBadDebt"] > 0


def test_take__price_feeds_dead__sale_goes_on(opened: LendingWorld) -> None:
    start(opened, 1_540)
    opened.set_mode(1)
    take(opened)
    assert opened.state() is PositionState.CLOSED


def test_take__after_the_tail__refused(opened: LendingWorld, reverts: Reverts) -> None:
    started = start(opened, 1_540)
    opened.chain.mine(started + 3_600)
    with opened.chain.undone():
        opened.vault.functions.take(opened.borrower, opened.asset, *ALL, opened.outsider).call(
            {"from": opened.liquidator}
        )
    opened.chain.mine()
    with reverts("AuctionExpired", started + 3_600):
        take(opened)


def test_take__price_above_the_limit__refused(opened: LendingWorld, reverts: Reverts) -> None:
    start(opened, 1_540)
    price = opened.holding()["salePrice"]
    with reverts("PriceAboveLimit", price, price - 1):
        take(opened, limit=price - 1)
    take(opened, limit=price)


def test_take__would_leave_dust__refused(opened: LendingWorld, reverts: Reverts) -> None:
    start(opened, 1_540)
    auction, price = opened.read("auction", opened.borrower), opened.holding()["salePrice"]
    amount = lending.collateral_for(auction["debt"] - 50 * 10**6, price, opened.units)
    left = auction["debt"] - lending.cost_of(amount, price, opened.units)
    with reverts("DebtBelowMinimum", left, 100 * 10**6):
        take(opened, amount)


def test_take__no_auction__refused(opened: LendingWorld, reverts: Reverts) -> None:
    with reverts("NoAuction", opened.borrower):
        take(opened)


def test_take__bad_arguments__refused(opened: LendingWorld, reverts: Reverts) -> None:
    with reverts("ZeroAmount"):
        opened.call("take", opened.borrower, opened.asset, 0, 1, opened.outsider, sender=opened.liquidator)
    with reverts("ZeroAddress"):
        opened.call("take", opened.borrower, opened.asset, 1, 1, "0x" + "0" * 40, sender=opened.liquidator)


@pytest.mark.parametrize("less", [0, 1, 1_000])
def test_take__owed_is_rounded_up__sells_no_more_than_asked_for(chain: LocalChain, less: int) -> None:
    """A unit of debt of 6 decimals is worth many of collateral of 18, and what is owed is rounded up to a whole one."""
    world = deploy_world(chain, baseRate=0, slopeBelowKink=0, slopeAboveKink=0)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    world.open_position(100 * 10**18, 150_000 * 10**6)
    started = start(world, 1_540)
    price = lending.auction_price(lending.auction_start_price(1_540 * 10**8, 10_500), 6 * 3600, 100)
    asked = lending.collateral_for(150_000 * 10**6, price, world.units) - less
    chain.set_next_time(started + 100)
    event = take(world, asked)
    assert (event["price"], event["paid"], event["collateral"]) == (price, 150_000 * 10**6, asked)
    assert world.state() is PositionState.CLOSED


def test_take__borrower_cannot_receive__sale_not_blocked(chain: LocalChain) -> None:
    """The surplus is not pushed to the borrower: a token that refuses them cannot stop their liquidation."""
    world = deploy_world(chain, token=hostile_token)
    world.call("supply", 10**12, world.lender, sender=world.lender)
    world.open_position(100 * 10**18, 150_000 * 10**6)
    for asset in (world.collateral, world.debt):
        chain.send(asset.functions.setBlocked(world.borrower))
    start(world, 1_540)
    take(world)
    assert world.state() is PositionState.CLOSED


@pytest.mark.parametrize("percent", [10, 60, 100, 200, 300])
def test_take__price_fell_by_the_99_percent_move__no_bad_debt(chain: LocalChain, percent: int) -> None:
    """What the LTV is for: from the edge of health the price falls to 1/(1 + q99), and the collateral is sold at the
    bonus's discount; the debt is raised as long as bonus * q99 <= slippage."""
    world = deploy_world(chain, closeFactorBps=10_000, baseRate=0, slopeBelowKink=0, slopeAboveKink=0)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    world.set_volatility(percent * WAD // 100)
    world.sync()
    world.pass_time(30 * 86_400)
    assert world.ltv() == world.ltv("targetLiquidationLtv")
    world.open_position(100 * 10**18, 150_000 * 10**6)
    q99 = margin.quantile(percent * WAD // 100, margin.quantile_scale(6 * 3600, 0))
    fallen = world.liquidation_price() * WAD // (WAD + q99)
    world.set_price(fallen)
    world.call("startAuction", world.borrower)
    started, top = chain.now(), lending.auction_start_price(fallen, 10_500)
    discounted = fallen * 10**10 * 100 // 105
    reached = next(t for t in range(3_600) if lending.auction_price(top, 6 * 3600, t) <= discounted)
    chain.mine(started + reached - 2)
    assert take(world)["price"] <= discounted * 10_001 // 10_000
    position = world.position()
    assert (position["state"], position["badDebt"]) == (PositionState.CLOSED, 0)
