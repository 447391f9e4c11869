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
    receipt = world.call("addCollateral", world.asset, 7, world.borrower, sender=world.outsider)
    assert world.events(receipt, "CollateralAdded") == [
        {"sender": world.outsider, "account": world.borrower, "asset": world.asset, "amount": 7}
    ]
    assert world.amount() == 7
    assert world.state() is PositionState.NONE


@pytest.mark.parametrize("mode", range(1, 6))
def test_addCollateral__feeds_misbehave__still_possible(opened: LendingWorld, mode: int) -> None:
    opened.set_mode(mode)
    opened.call("addCollateral", opened.asset, 5, opened.borrower)
    assert opened.amount() == 100 * 10**18 + 5


def test_addCollateral__makes_healthy__ends_the_auction(opened: LendingWorld) -> None:
    opened.set_price(1_600 * 10**8)
    opened.call("startAuction", opened.borrower)
    receipt = opened.call("addCollateral", opened.asset, 1, opened.borrower)
    assert opened.events(receipt, "AuctionEnded") == []
    receipt = opened.call("addCollateral", opened.asset, 50 * 10**18, opened.borrower)
    assert opened.events(receipt, "AuctionEnded") == [{"account": opened.borrower, "cured": True}]
    assert opened.state() is PositionState.OPEN


def test_addCollateral__price_stale__auction_goes_on(opened: LendingWorld) -> None:
    opened.set_price(1_600 * 10**8)
    opened.call("startAuction", opened.borrower)
    opened.set_price(1_600 * 10**8, age=3 * 3600)
    opened.call("addCollateral", opened.asset, 50 * 10**18, opened.borrower)
    assert opened.state() is PositionState.AUCTION


def test_addCollateral__bad_arguments__refused(world: LendingWorld, reverts: Reverts) -> None:
    with reverts("ZeroAmount"):
        world.call("addCollateral", world.asset, 0, world.borrower)
    with reverts("ZeroAddress"):
        world.call("addCollateral", world.asset, 1, "0x" + "0" * 40)
    for amount in (2**112, 2**256 - 1):
        with reverts("SupplyCapExceeded", world.asset, amount, 2**112 - 1):
            world.call("addCollateral", world.asset, amount, world.borrower)
    with reverts("UnknownCollateral", world.debt.address):
        world.call("addCollateral", world.debt.address, 1, world.borrower)


def test_addCollateral__token_takes_a_fee__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_world(chain, token=hostile_token)
    chain.send(world.collateral.functions.setFee(1))
    with reverts("TransferAmountMismatch", world.collateral.address, 9_999, 10_000):
        world.call("addCollateral", world.asset, 10_000, world.borrower)
