"""Auctions: who may be auctioned, at what price, how much of it, and who pays what is missing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from oracle.domain.options_margin import OptionsBook
from oracle.domain.options_types import OptionsAccount, OptionsState, Series
from tests.support.local_chain import LocalChain
from tests.support.options import FOREVER, MAX_INT, WAD, OptionsWorld, deploy_options

Reverts = Callable[..., AbstractContextManager[None]]
PERIOD = 900


@pytest.fixture
def fallen(world: OptionsWorld) -> OptionsWorld:
    """The maker is short of 150 calls, below its maintenance margin with some equity left."""
    world.deposit(900_000, world.keeper)
    world.trade([(world.list(2_000), 150 * WAD)], 15_000 * WAD)
    world.set_price(2_600)
    return world


def bid(world: OptionsWorld, fraction: int = WAD, limit: int = MAX_INT) -> dict[str, int]:
    receipt = world.call("bid", world.maker, fraction, limit, FOREVER, sender=world.keeper)
    (event,) = world.events(receipt, "AuctionTaken")
    return dict(event)


def test_start_auction__healthy_or_running__refused(world: OptionsWorld, reverts: Reverts) -> None:
    world.trade([(world.list(2_000), WAD)], 0)
    margin = world.account(world.maker)["maintenanceMargin"]
    with reverts("AccountHealthy", world.maker, margin):
        world.call("startAuction", world.maker)
    with reverts("NoAuction", world.maker):
        bid(world)
    with reverts("NoAuction", world.maker):
        world.call("endAuction", world.maker)


def test_bid__early__at_a_small_discount_and_only_what_is_needed(fallen: OptionsWorld) -> None:
    before = fallen.account(fallen.maker)
    equity = before["cash"] + before["value"]
    assert before["liquidatable"] and equity > 0
    fallen.call("startAuction", fallen.maker)
    event = bid(fallen)
    after = fallen.account(fallen.maker)
    assert 0 < event["fraction"] < WAD
    assert after["auctionStartedAt"] == 0 and after["maintenanceMargin"] >= 0 and not after["liquidatable"]
    assert equity - (after["cash"] + after["value"]) <= equity * 6 // 100 + event["penalty"] + WAD
    assert fallen.read("state")["insurance"] == event["penalty"] > 0


def test_bid__a_part_that_does_not_heal__the_auction_goes_on(fallen: OptionsWorld) -> None:
    fallen.call("startAuction", fallen.maker)
    started = fallen.account(fallen.maker)["auctionStartedAt"]
    receipt = fallen.call("bid", fallen.maker, WAD // 1_000, MAX_INT, FOREVER, sender=fallen.keeper)
    (taken,) = fallen.events(receipt, "AuctionTaken")
    assert (taken["fraction"], fallen.events(receipt, "AuctionEnded")) == (WAD // 1_000, [])
    after = fallen.account(fallen.maker)
    assert (after["auctionStartedAt"], after["liquidatable"]) == (started, True)
    # 15 hundredths of 150 calls
    assert [p[3] for p in after["positions"]] == [-150 * WAD + 15 * WAD // 100]
    bid(fallen)
    assert fallen.account(fallen.maker)["auctionStartedAt"] == 0


def test_bid__insolvent__insurance_pays_then_the_deficit(fallen: OptionsWorld, reverts: Reverts) -> None:
    fallen.call("donate", 1_000 * fallen.unit)
    fallen.set_price(4_000)
    fallen.call("startAuction", fallen.maker)
    fallen.pass_time(2 * PERIOD)
    before = fallen.account(fallen.maker)
    event = bid(fallen)
    after, state = fallen.account(fallen.maker), fallen.read("state")
    assert (event["fraction"], after["positions"], after["cash"]) == (WAD, [], 0)
    assert state["insurance"] == 0
    assert state["deficit"] == -(before["cash"] + event["price"]) - 1_000 * WAD > 0
    with reverts("DeficitOutstanding", state["deficit"]):
        fallen.trade([(fallen.list(4_000), WAD)], 0)
    claims = state["cash"] + state["deficit"]
    receipt = fallen.call("withdraw", 1_000 * fallen.unit, fallen.taker)
    (paid,) = fallen.events(receipt, "Withdrawn")
    assert paid["haircut"] == -(-1_000 * WAD * state["deficit"] // claims)
    fallen.call("donate", 500_000 * fallen.unit)
    assert fallen.read("state")["deficit"] == 0


def test_bid__limits_and_fractions__refused(fallen: OptionsWorld, reverts: Reverts, reverts_any: Reverts) -> None:
    fallen.call("startAuction", fallen.maker)
    started = fallen.account(fallen.maker)["auctionStartedAt"]
    with reverts("AuctionInProgress", fallen.maker, started):
        fallen.call("startAuction", fallen.maker)
    for fraction in (0, WAD + 1):
        with reverts("FractionOutOfRange", fraction):
            bid(fallen, fraction)
    with reverts("SelfTrade", fallen.maker):
        fallen.call("bid", fallen.maker, WAD, MAX_INT, FOREVER, sender=fallen.maker)
    with reverts_any("LimitExceeded"):
        bid(fallen, WAD, -(10**30))
    with reverts_any("DeadlinePassed"):
        fallen.call("bid", fallen.maker, WAD, MAX_INT, 1, sender=fallen.keeper)
    with reverts_any("InsufficientMargin", "NegativeCash"):
        fallen.call("bid", fallen.maker, WAD, MAX_INT, FOREVER, sender=fallen.chain.address(11))
    with reverts("AuctionInProgress", fallen.maker, started):
        fallen.trade([(fallen.list(2_600), WAD)], 0)
    with reverts("AuctionInProgress", fallen.maker, started):
        fallen.call("withdraw", 1, fallen.maker, sender=fallen.maker)


def test_end_auction__margin_is_back__and_not_before(fallen: OptionsWorld, reverts: Reverts) -> None:
    fallen.call("startAuction", fallen.maker)
    with reverts("AccountUnhealthy", fallen.maker, fallen.account(fallen.maker)["maintenanceMargin"]):
        fallen.call("endAuction", fallen.maker)
    fallen.deposit(100_000, fallen.maker)
    with reverts("AccountHealthy", fallen.maker, fallen.account(fallen.maker)["maintenanceMargin"]):
        bid(fallen)
    fallen.call("endAuction", fallen.maker)
    assert fallen.account(fallen.maker)["auctionStartedAt"] == 0


def test_bid__marks_absent__refused(fallen: OptionsWorld, reverts: Reverts) -> None:
    fallen.call("startAuction", fallen.maker)
    fallen.chain.send(fallen.volatilities[0].functions.setMode(2))
    with reverts("MarksUnavailable"):
        bid(fallen)
    with reverts("MarksUnavailable"):
        fallen.call("endAuction", fallen.maker)


@pytest.fixture(scope="module")
def fixed(chain: LocalChain) -> OptionsWorld:
    """As `fallen`, in a book of fixed shocks: nothing but time moves its margins. No price yet of the fall."""
    world = deploy_options(chain, feeds=("priceFeed",), pillars=1, minShock=WAD // 10, maxShock=WAD // 10)
    for account, tokens in ((world.maker, 100_000), (world.taker, 100_000), (world.keeper, 1_000_000)):
        world.deposit(tokens, account)
    world.trade([(world.list(2_000), 150 * WAD)], 15_000 * WAD)
    return world


def twin_at(world: OptionsWorld, time: int) -> OptionsBook:
    """The twin with what maker and keeper have, at a time."""
    model = world.model()
    model.now, model.state = time, OptionsState(*world.read("state").values())
    for account in (world.maker, world.keeper):
        seen = world.account(account)
        positions = {Series(*position[:3]): position[3] for position in seen["positions"]}
        model.accounts[account] = OptionsAccount(seen["cash"], seen["auctionStartedAt"], positions)
    return model


# Dollars, and seconds since the auction's start
BIDS = [(2_500, 1), (2_500, 450), (2_500, PERIOD), (2_500, PERIOD + 450), (4_000, 60)]


@pytest.mark.parametrize(("dollars", "elapsed"), BIDS)
def test_bid__at_any_time__price_and_penalty_of_the_reference(fixed: OptionsWorld, dollars: int, elapsed: int) -> None:
    fixed.set_price(dollars)
    fixed.call("startAuction", fixed.maker)
    started = fixed.chain.now()
    model = twin_at(fixed, started + elapsed)
    before = fixed.account(fixed.maker)
    fixed.chain.set_next_time(started + elapsed)
    event = bid(fixed, WAD // 3)
    taken, price = model.bid(fixed.keeper, fixed.maker, WAD // 3, MAX_INT, FOREVER)
    after = fixed.account(fixed.maker)
    assert (event["fraction"], event["price"]) == (taken, price)
    assert after["cash"] == model.accounts[fixed.maker].cash == before["cash"] + price - event["penalty"]
    # nothing is left of an insolvent account's equity to pay from, however much cash it holds
    assert (event["penalty"] > 0) is (dollars == 2_500)
    assert after["cash"] > 0
