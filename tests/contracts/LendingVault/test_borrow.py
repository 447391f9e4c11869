"""borrow: up to borrowLtv of the collateral, with both feeds fresh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain.lending import PositionState
from tests.support.lending import PRICE, SUPPLIED, VOLATILITY, WAD, LendingWorld

Reverts = Callable[..., Any]
COLLATERAL = 100 * 10**18


def test_borrow__within_the_limit__open_position(world: LendingWorld) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    before = world.balances(world.outsider)[1]
    receipt = world.call("borrow", 1000 * 10**6, world.outsider)
    assert world.balances(world.outsider)[1] == before + 1000 * 10**6
    assert world.events(receipt, "Borrowed") == [
        {
            "account": world.borrower,
            "receiver": world.outsider,
            "assets": 1000 * 10**6,
            "shares": 1000 * 10**12,
        }
    ]
    position = world.position()
    assert (position["debt"], position["state"]) == (1000 * 10**6, PositionState.OPEN)
    assert position["openedAt"] == world.chain.now()
    assert position["healthFactor"] == 200_000 * 10**6 * world.ltv() // (1000 * 10**6)


def test_borrow__max_borrow__just_fits(world: LendingWorld, reverts: Reverts) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    most = world.read("maxBorrow", world.borrower)
    limit = 200_000 * 10**6 * world.ltv("borrowLtv") // WAD
    assert most == limit - 1
    with reverts("BorrowLimitExceeded", limit + 1, limit):
        world.call("borrow", limit + 1, world.borrower)
    with world.chain.undone():  # the first debt of all is not rounded
        world.call("borrow", limit, world.borrower)
    world.call("borrow", most, world.borrower)
    assert world.position()["healthFactor"] > WAD
    assert world.position()["healthFactorAtTarget"] > WAD


def test_borrow__volatility_rises__new_debt_feels_it_at_once(world: LendingWorld) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    before, in_force = world.ltv("borrowLtv"), world.ltv()
    world.set_volatility(3 * WAD)
    assert world.ltv() == in_force
    assert world.ltv("borrowLtv") == world.ltv("targetLiquidationLtv") - 5 * WAD // 100 < before


@pytest.mark.parametrize("volatility", [0, -1, -(2**255)])
def test_borrow__volatility_not_positive__refused(world: LendingWorld, reverts: Reverts, volatility: int) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    world.set_volatility(volatility)
    with reverts("RiskUnavailable", world.asset):
        world.call("borrow", 10**9, world.borrower)
    assert world.read("maxBorrow", world.borrower) == 0


@pytest.mark.parametrize("mode", [1, 2, 4, 5])
def test_borrow__risk_feed_misbehaves__refused(world: LendingWorld, reverts: Reverts, mode: int) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    world.chain.send(world.risk_feed.functions.setMode(mode))
    with reverts("RiskUnavailable", world.asset):
        world.call("borrow", 10**9, world.borrower)


def test_borrow__volatility_stale__refused(world: LendingWorld, reverts: Reverts) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    world.set_volatility(VOLATILITY, age=6 * 3600)
    with reverts("RiskUnavailable", world.asset):
        world.call("borrow", 10**9, world.borrower)


@pytest.mark.parametrize("price", [0, -1, 2**64, 2**255 - 1, -(2**255)])
def test_borrow__price_out_of_range__refused(world: LendingWorld, reverts: Reverts, price: int) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    world.set_price(price)
    with reverts("PriceUnavailable", world.asset):
        world.call("borrow", 10**9, world.borrower)


@pytest.mark.parametrize("mode", [1, 2, 3, 4, 5])
def test_borrow__price_feed_misbehaves__refused(world: LendingWorld, reverts: Reverts, mode: int) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    world.chain.send(world.price_feed.functions.setMode(mode))
    with reverts("PriceUnavailable", world.asset):
        world.call("borrow", 10**9, world.borrower)


def test_borrow__price_stale__refused_by_either_time(world: LendingWorld, reverts: Reverts) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    world.set_price(PRICE, age=2 * 3600)
    with reverts("PriceUnavailable", world.asset):
        world.call("borrow", 10**9, world.borrower)
    now = world.chain.now()
    for observed, updated in ((now - 9000, now), (now, now - 9000)):  # old data under a new stamp, and the reverse
        world.chain.send(world.price_feed.functions.set(PRICE, observed, updated))
        with reverts("PriceUnavailable", world.asset):
            world.call("borrow", 10**9, world.borrower)


def test_borrow__price_from_the_future__refused(world: LendingWorld, reverts: Reverts) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    now = world.chain.now()
    world.chain.send(world.price_feed.functions.set(PRICE, now + 100, now))
    with reverts("PriceUnavailable", world.asset):
        world.call("borrow", 10**9, world.borrower)
    world.chain.send(world.price_feed.functions.set(PRICE, now, now + 100))
    with reverts("PriceUnavailable", world.asset):
        world.call("borrow", 10**9, world.borrower)


def test_borrow__dust__refused(world: LendingWorld, reverts: Reverts) -> None:
    world.call("addCollateral", world.asset, COLLATERAL, world.borrower)
    with reverts("DebtBelowMinimum", 100 * 10**6 - 1, 100 * 10**6):
        world.call("borrow", 100 * 10**6 - 1, world.borrower)


def test_borrow__more_than_idle__refused(world: LendingWorld, reverts: Reverts) -> None:
    world.call("addCollateral", world.asset, 10**22, world.borrower)
    assert world.read("maxBorrow", world.borrower) == SUPPLIED
    with reverts("InsufficientLiquidity", SUPPLIED + 1, SUPPLIED):
        world.call("borrow", SUPPLIED + 1, world.borrower)
    world.call("borrow", SUPPLIED, world.borrower)


def test_borrow__auction_runs__refused(opened: LendingWorld, reverts: Reverts) -> None:
    opened.set_price(1_600 * 10**8)
    opened.call("startAuction", opened.borrower)
    opened.set_price(PRICE * 10)
    assert opened.read("maxBorrow", opened.borrower) == 0
    with reverts("AuctionInProgress", opened.borrower, opened.read("auction", opened.borrower)["expiresAt"]):
        opened.call("borrow", 10**9, opened.borrower)


def test_borrow__bad_arguments__refused(world: LendingWorld, reverts: Reverts) -> None:
    with reverts("ZeroAmount"):
        world.call("borrow", 0, world.borrower)
    with reverts("ZeroAddress"):
        world.call("borrow", 1, "0x" + "0" * 40)


def test_borrow__without_collateral__refused(world: LendingWorld, reverts: Reverts) -> None:
    with reverts("BorrowLimitExceeded", 10**9, 0):
        world.call("borrow", 10**9, world.borrower)
