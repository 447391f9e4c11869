"""addCollateral: always possible, and it may end an auction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain.lending import PositionState
from tests.support.lending import LendingWorld, deploy_world, hostile_token
from tests.support.local_chain import LocalChain

Reverts = Callable[..., Any]


def test_addCollateral__for_another__theirs(world: LendingWorld) -> None:
    receipt = world.call("addCollateral", 7, world.borrower, sender=world.outsider)
    assert world.events(receipt, "CollateralAdded") == [
        {"sender": world.outsider, "account": world.borrower, "amount": 7}
    ]
    assert world.position()["collateral"] == 7
    assert world.state() is PositionState.NONE


@pytest.mark.parametrize("mode", range(1, 6))
def test_addCollateral__feeds_misbehave__still_possible(opened: LendingWorld, mode: int) -> None:
    for feed in (opened.price_feed, opened.volatility_feed):
        opened.chain.send(feed.functions.setMode(mode))
    opened.call("addCollateral", 5, opened.borrower)
    assert opened.position()["collateral"] == 100 * 10**18 + 5


def test_addCollateral__makes_healthy__ends_the_auction(opened: LendingWorld) -> None:
    opened.set_price(1_600 * 10**8)
    opened.call("startAuction", opened.borrower)
    receipt = opened.call("addCollateral", 1, opened.borrower)
    assert opened.events(receipt, "AuctionEnded") == []
    receipt = opened.call("addCollateral", 50 * 10**18, opened.borrower)
    assert opened.events(receipt, "AuctionEnded") == [{"account": opened.borrower, "cured": True}]
    assert opened.state() is PositionState.OPEN


def test_addCollateral__price_stale__auction_goes_on(opened: LendingWorld) -> None:
    opened.set_price(1_600 * 10**8)
    opened.call("startAuction", opened.borrower)
    opened.set_price(1_600 * 10**8, age=3 * 3600)
    opened.call("addCollateral", 50 * 10**18, opened.borrower)
    assert opened.state() is PositionState.AUCTION


def test_addCollateral__bad_arguments__refused(world: LendingWorld, reverts: Reverts) -> None:
    with reverts("ZeroAmount"):
        world.call("addCollateral", 0, world.borrower)
    with reverts("ZeroAddress"):
        world.call("addCollateral", 1, "0x" + "0" * 40)
    with reverts("AmountTooLarge", 2**112, 2**112 - 1):
        world.call("addCollateral", 2**112, world.borrower)


def test_addCollateral__token_takes_a_fee__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_world(chain, token=hostile_token)
    chain.send(world.collateral.functions.setFee(1))
    with reverts("TransferAmountMismatch", world.collateral.address, 9_999, 10_000):
        world.call("addCollateral", 10_000, world.borrower)
