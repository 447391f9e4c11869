"""Listing and settlement: which series, and which observation pays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.support.options import DAY, HOUR, WAD, OptionsWorld

Reverts = Callable[..., AbstractContextManager[None]]


@pytest.mark.parametrize(("dollars", "paid"), [(2_350, 3_500), (2_000, 0), (1_500, 0)])
def test_settle__call__its_payoff_from_short_to_long(world: OptionsWorld, dollars: int, paid: int) -> None:
    call = world.list(2_000, 1)
    world.trade([(call, 10 * WAD)], 0)
    world.settle_expiry(call >> 104, dollars)
    assert world.read("settlementPrice", call >> 104) == dollars * WAD
    world.call("settle", world.taker)
    assert world.read("state")["clearing"] == -paid * WAD
    world.call("settle", world.maker, sender=world.keeper)
    assert world.read("state")["clearing"] == 0
    assert world.read("openInterest", call) == [0, 0]
    assert world.account()["cash"] == (100_000 + paid) * WAD
    assert world.account(world.maker)["cash"] == (100_000 - paid) * WAD


def test_settle__odd_wei__stays_with_the_book(world: OptionsWorld) -> None:
    put = world.list(2_000, 1, is_call=False)
    world.trade([(put, WAD // 1_000)], 0)
    world.chain.mine((put >> 104) + 1)
    world.chain.send(world.feeds["priceFeed"].functions.push(1_999 * 10**8 + 1, world.chain.now()))
    feed = world.feeds["priceFeed"]
    world.call("settleExpiry", put >> 104, feed.functions.latestRound().call())
    for account in (world.maker, world.taker):
        world.call("settle", account)
    assert 0 <= world.read("state")["clearing"] <= 1


def test_settle__short_cannot_pay__bad_debt(world: OptionsWorld) -> None:
    call = world.list(2_000, 1)
    world.trade([(call, 150 * WAD)], 0)
    world.settle_expiry(call >> 104, 3_000)
    receipt = world.call("settle", world.maker)
    (event,) = world.events(receipt, "BadDebt")
    assert (event["loss"], event["deficit"]) == (50_000 * WAD, 50_000 * WAD)
    world.call("settle", world.taker)
    state = world.read("state")
    assert state["cash"] + state["deficit"] == 350_000 * WAD


def test_settle_expiry__any_other_round__refused(world: OptionsWorld, reverts: Reverts) -> None:
    call = world.list(2_000, 1)
    expiry, feed = call >> 104, world.feeds["priceFeed"]
    last = feed.functions.latestRound().call()
    observed = feed.functions.getRoundData(last).call()[2]
    with reverts("RoundBeforeExpiry", observed, expiry):
        world.call("settleExpiry", expiry, last)
    world.chain.mine(expiry + 100)
    with reverts("RoundBeforeExpiry", observed, expiry):
        world.call("settleExpiry", expiry, last)
    for at in (expiry, expiry + 50):
        world.chain.send(feed.functions.push(2_100 * 10**8, at))
    with reverts("RoundNotFirst", expiry, expiry):
        world.call("settleExpiry", expiry, last + 2)
    with reverts("NoDataPresent", last + 3):
        world.call("settleExpiry", expiry, last + 3)
    world.call("settleExpiry", expiry, last + 1)
    with reverts("AlreadySettled", expiry):
        world.call("settleExpiry", expiry, last + 1)


def test_settle_expiry__history_lost__the_oldest_that_is_kept(world: OptionsWorld, reverts: Reverts) -> None:
    call = world.list(2_000, 1)
    expiry, feed = call >> 104, world.feeds["priceFeed"]
    last = feed.functions.latestRound().call()
    world.chain.mine(expiry + 100)
    for k in range(3):
        world.chain.send(feed.functions.push((2_100 + k) * 10**8, expiry + k))
    world.chain.send(feed.functions.forget(last + 2))
    with reverts("RoundNotFirst", expiry + 1, expiry):
        world.call("settleExpiry", expiry, last + 3)
    world.call("settleExpiry", expiry, last + 2)
    assert world.read("settlementPrice", expiry) == 2_101 * WAD


@pytest.mark.parametrize("price", [0, -1, 2**53 + 1])
def test_settle_expiry__no_price__refused(world: OptionsWorld, reverts: Reverts, price: int) -> None:
    call = world.list(2_000, 1)
    feed = world.feeds["priceFeed"]
    world.chain.mine((call >> 104) + 1)
    world.chain.send(feed.functions.push(price, world.chain.now()))
    with reverts("PriceOutOfRange", price):
        world.call("settleExpiry", call >> 104, feed.functions.latestRound().call())


def test_list__outside_the_bounds__refused(world: OptionsWorld, reverts: Reverts, reverts_any: Reverts) -> None:
    good = world.series(2_000)
    for expiry in (good.expiry + 1, world.chain.now() // HOUR * HOUR, good.expiry + 400 * DAY):
        with reverts_any("ExpiryOutOfRange"):
            world.call("list", expiry, good.strike, True)
    for strike in (0, 390 * WAD, 10_010 * WAD, 2_000 * WAD + 1):
        with reverts("StrikeNotAllowed", strike, 400 * WAD, 10_000 * WAD):
            world.call("list", good.expiry, strike, True)
    world.call("list", good.expiry, good.strike, True)
    with reverts("SeriesExists", good.id):
        world.call("list", good.expiry, good.strike, True)
