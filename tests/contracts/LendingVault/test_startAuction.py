"""startAuction: only on an unhealthy position, for a fair part of its debt, from a price above the market's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain import lending
from oracle.domain.lending import PositionState
from tests.support.lending import PRICE, WAD, LendingWorld, deploy_world
from tests.support.local_chain import LocalChain

Reverts = Callable[..., Any]


def breach(world: LendingWorld, factor: int) -> int:
    """Sets the price at which the borrower's health factor is about `factor` (WAD), and returns it."""
    price = world.liquidation_price() * factor // WAD
    world.set_price(price)
    return int(price)


def test_startAuction__mild_breach__half_of_the_debt(opened: LendingWorld) -> None:
    price = breach(opened, 97 * WAD // 100)
    receipt = opened.call("startAuction", opened.borrower, sender=opened.outsider)
    (event,) = opened.events(receipt, "AuctionStarted")
    start = lending.auction_start_price(price, 10_500)
    assert opened.events(receipt, "CollateralForSale") == [
        {"account": opened.borrower, "asset": opened.asset, "amount": 100 * 10**18, "startPrice": start}
    ]
    debt = opened.read("debtOf", opened.borrower)
    assert 0 <= event["debt"] - debt // 2 <= 1
    assert opened.state() is PositionState.AUCTION


def test_startAuction__deep_breach__all_of_the_debt(opened: LendingWorld) -> None:
    breach(opened, 94 * WAD // 100)
    opened.call("startAuction", opened.borrower)
    assert opened.read("auction", opened.borrower)["debt"] == opened.read("debtOf", opened.borrower)


def test_startAuction__rest_would_be_dust__all_of_the_debt(world: LendingWorld) -> None:
    world.open_position(10**17, 150 * 10**6)
    breach(world, 97 * WAD // 100)
    world.call("startAuction", world.borrower)
    assert world.read("auction", world.borrower)["debt"] == world.read("debtOf", world.borrower)


def test_startAuction__never_warned__warned_in_the_same_transaction(opened: LendingWorld) -> None:
    breach(opened, 97 * WAD // 100)
    receipt = opened.call("startAuction", opened.borrower)
    assert len(opened.events(receipt, "PositionWarned")) == 1


def test_startAuction__at_the_liquidation_price__healthy_and_one_below_not(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_world(chain, baseRate=0, slopeBelowKink=0, slopeAboveKink=0)
    world.call("supply", 10**12, world.lender, sender=world.lender)
    world.open_position(33 * 10**18 + 7, 50_000 * 10**6 + 1)
    price = world.liquidation_price()
    world.set_price(price)
    factor = world.read("healthFactor", world.borrower)
    assert factor >= WAD
    with reverts("PositionHealthy", factor):
        world.call("startAuction", world.borrower)
    world.set_price(price - 1)
    assert world.read("healthFactor", world.borrower) < WAD
    world.call("startAuction", world.borrower)


@pytest.fixture(scope="module")
def even(chain: LocalChain) -> LendingWorld:
    """150,000 owed against 100 tokens at an LTV of .8, no interest, no grace: healthy to the unit from 1,875 on."""
    rates = dict.fromkeys(("baseRate", "slopeBelowKink", "slopeAboveKink"), 0)
    world = deploy_world(chain, floorLtv=8 * WAD // 10, capLtv=8 * WAD // 10, gracePeriod=0, **rates)
    world.call("supply", 10**12, world.lender, sender=world.lender)
    world.open_position(100 * 10**18, 150_000 * 10**6)
    return world


def test_startAuction__health_factor_of_one__not_yet(even: LendingWorld, reverts: Reverts) -> None:
    even.set_price(1_875 * 10**8)
    even.call("poke", even.borrower)
    position = even.position()
    assert (position["healthFactor"], position["liquidatable"], position["warnedAt"]) == (WAD, False, 0)
    with reverts("PositionHealthy", WAD):
        even.call("startAuction", even.borrower)
    even.set_price(1_875 * 10**8 - 1)
    assert even.position()["liquidatable"]
    even.call("startAuction", even.borrower)
    assert even.position()["warnedAt"] == even.chain.now()
    with reverts("PositionUnhealthy", (1_875 * 10**8 - 1) * 8 * WAD // (1_500_000 * 10**6)):
        even.call("cancelAuction", even.borrower)
    even.set_price(1_875 * 10**8)
    even.call("cancelAuction", even.borrower)
    assert even.state() is PositionState.OPEN


@pytest.mark.parametrize(("above", "share"), [(0, 1), (1, 2)])
def test_startAuction__at_the_full_close_factor__all_of_the_debt_and_half_above(
    even: LendingWorld, above: int, share: int
) -> None:
    even.set_price(178_125 * 10**6 + above)  # a health factor of .95
    receipt = even.call("startAuction", even.borrower)
    (event,) = even.events(receipt, "AuctionStarted")
    assert event["debt"] == 150_000 * 10**6 // share
    assert event["healthFactor"] == 95 * WAD // 100 + above * 8 * WAD // (1_500_000 * 10**6)


def test_startAuction__tail_of_a_lifetime__the_first_may_start(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_world(chain, auctionTau=2**32 - 1, auctionTail=2**32 - 2)
    world.call("supply", 10**12, world.lender, sender=world.lender)
    world.open_position(100 * 10**18, 150_000 * 10**6)
    world.set_price(1_600 * 10**8)
    assert world.position()["liquidatable"]
    world.call("startAuction", world.borrower)
    expires = chain.now() + 2**32 - 2
    assert not world.position()["liquidatable"]
    with reverts("AuctionInProgress", world.borrower, expires):
        world.call("startAuction", world.borrower)


def test_startAuction__no_debt__refused(world: LendingWorld, reverts: Reverts) -> None:
    world.call("addCollateral", world.asset, 5, world.borrower)
    with reverts("NoDebt", world.borrower):
        world.call("startAuction", world.borrower)


@pytest.mark.parametrize("mode", range(1, 6))
def test_startAuction__price_feed_misbehaves__paused(opened: LendingWorld, reverts: Reverts, mode: int) -> None:
    opened.set_price(PRICE // 2)
    opened.call("poke", opened.borrower)
    opened.chain.send(opened.price_feed.functions.setMode(mode))
    with reverts("PriceUnavailable", opened.asset):
        opened.call("startAuction", opened.borrower)


def test_startAuction__price_stale__paused(opened: LendingWorld, reverts: Reverts) -> None:
    opened.set_price(PRICE // 2)
    opened.call("poke", opened.borrower)
    opened.set_price(PRICE // 2, age=2 * 3600)
    with reverts("PriceUnavailable", opened.asset):
        opened.call("startAuction", opened.borrower)


def test_startAuction__volatility_dead__still_possible(opened: LendingWorld) -> None:
    breach(opened, 97 * WAD // 100)
    opened.chain.send(opened.risk_feed.functions.setMode(1))
    opened.call("startAuction", opened.borrower)


def test_startAuction__twice__only_after_the_tail(opened: LendingWorld, reverts: Reverts) -> None:
    breach(opened, 97 * WAD // 100)
    opened.call("startAuction", opened.borrower)
    expires = opened.read("auction", opened.borrower)["expiresAt"]
    opened.chain.mine(expires - 2)
    opened.set_price(PRICE // 2)
    assert opened.chain.now() == expires - 1
    with reverts("AuctionInProgress", opened.borrower, expires):
        opened.call("startAuction", opened.borrower)
    opened.chain.mine(expires + 1)
    assert opened.holding()["salePrice"] == 0
    receipt = opened.call("startAuction", opened.borrower)
    (event,) = opened.events(receipt, "AuctionStarted")
    (for_sale,) = opened.events(receipt, "CollateralForSale")
    assert for_sale["startPrice"] == lending.auction_start_price(PRICE // 2, 10_500)
    assert event["debt"] == opened.read("debtOf", opened.borrower)
