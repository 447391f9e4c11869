"""repay: always possible, never more than is owed, and it may end an auction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain.lending import PositionState
from tests.support.lending import MAX_UINT, WAD, LendingWorld, deploy_world
from tests.support.local_chain import LocalChain

Reverts = Callable[..., Any]
DEBT = 150_000 * 10**6


def test_repay__part__debt_falls_by_no_more(opened: LendingWorld) -> None:
    receipt = opened.call("repay", 50_000 * 10**6, opened.borrower, sender=opened.outsider)
    (event,) = opened.events(receipt, "Repaid")
    assert (event["sender"], event["account"], event["assets"]) == (opened.outsider, opened.borrower, 50_000 * 10**6)
    assert 100_000 * 10**6 <= opened.position()["debt"] <= 100_000 * 10**6 + 2000


def test_repay__more_than_owed__takes_the_debt_and_closes(opened: LendingWorld) -> None:
    opened.pass_time(86_400)
    before = opened.balances(opened.borrower)[1]
    receipt = opened.call("repay", MAX_UINT, opened.borrower)
    paid = opened.events(receipt, "Repaid")[0]["assets"]
    assert opened.balances(opened.borrower)[1] == before - paid
    assert paid > DEBT
    assert opened.state() is PositionState.CLOSED
    market = opened.read("market")
    assert (market["totalBorrowShares"], market["totalBorrowAssets"]) == (0, 0)
    assert market["totalSupplyAssets"] <= opened.balances(opened.vault.address)[1]


@pytest.mark.parametrize("mode", range(1, 6))
def test_repay__feeds_misbehave_during_an_auction__still_possible(opened: LendingWorld, mode: int) -> None:
    opened.set_price(1_600 * 10**8)
    opened.call("startAuction", opened.borrower)
    opened.set_mode(mode)
    opened.call("repay", 10**6, opened.borrower)
    assert opened.state() is PositionState.AUCTION
    opened.call("repay", MAX_UINT, opened.borrower)
    assert opened.state() is PositionState.CLOSED


def test_repay__makes_healthy__ends_the_auction(opened: LendingWorld) -> None:
    opened.set_price(1_600 * 10**8)
    opened.call("startAuction", opened.borrower)
    receipt = opened.call("repay", 30_000 * 10**6, opened.borrower)
    assert opened.events(receipt, "AuctionEnded") == [{"account": opened.borrower, "cured": True}]
    assert opened.state() is PositionState.OPEN
    assert opened.read("auction", opened.borrower)["startedAt"] == 0


def test_repay__pays_what_is_for_sale__auction_over_though_unhealthy(opened: LendingWorld) -> None:
    opened.set_price(1_620 * 10**8)  # a mild breach, so half of the debt is for sale
    opened.call("startAuction", opened.borrower)
    for_sale = opened.read("auction", opened.borrower)["debt"]
    assert for_sale == pytest.approx(DEBT // 2, rel=1e-4)
    opened.set_price(800 * 10**8)
    receipt = opened.call("repay", for_sale + 1_000_000, opened.borrower)
    assert opened.events(receipt, "AuctionEnded") == [{"account": opened.borrower, "cured": False}]
    assert opened.state() is PositionState.WARNED


def test_repay__part_of_what_is_for_sale__less_is_for_sale(opened: LendingWorld) -> None:
    opened.set_price(1_000 * 10**8)
    opened.call("startAuction", opened.borrower)
    before = opened.read("auction", opened.borrower)["debt"]
    opened.call("repay", 40_000 * 10**6, opened.borrower)
    assert before - 40_000 * 10**6 <= opened.read("auction", opened.borrower)["debt"] <= before - 39_999 * 10**6


def test_repay__all_but_a_unit__the_share_that_is_left_is_still_owed(chain: LocalChain) -> None:
    """At 100 % a year a debt of 1,000 doubles; all but a unit of that burns all shares but one."""
    world = deploy_world(chain, baseRate=WAD, slopeBelowKink=0, slopeAboveKink=0)
    world.call("supply", 10**12, world.lender, sender=world.lender)
    world.open_position(10**18, 10**9)
    chain.set_next_time(chain.now() + 365 * 86_400)
    receipt = world.call("repay", 2 * 10**9 - 1, world.borrower)
    assert world.events(receipt, "Repaid")[0]["shares"] == 10**15 - 1
    assert world.read("market")["totalBorrowShares"] == 1
    assert (world.read("debtOf", world.borrower), world.state()) == (1, PositionState.OPEN)
    (event,) = world.events(world.call("repay", MAX_UINT, world.borrower), "Repaid")
    assert (event["assets"], event["shares"]) == (1, 1)
    assert (world.read("debtOf", world.borrower), world.state()) == (0, PositionState.CLOSED)


def test_repay__nothing_owed__refused(world: LendingWorld, reverts: Reverts) -> None:
    with reverts("NoDebt", world.borrower):
        world.call("repay", 1, world.borrower)
    with reverts("ZeroAmount"):
        world.call("repay", 0, world.borrower)
    with reverts("ZeroAddress"):
        world.call("repay", 1, "0x" + "0" * 40)
