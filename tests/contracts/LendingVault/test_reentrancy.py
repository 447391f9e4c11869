"""A token that calls back during a transfer gets nothing done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.lending import MAX_UINT, LendingWorld, deploy_world, hostile_token
from tests.support.local_chain import LocalChain

Reverts = Callable[..., Any]
Call = tuple[str, tuple[Any, ...]]


@pytest.fixture(scope="module")
def _hostile(chain: LocalChain) -> LendingWorld:
    world = deploy_world(chain, token=hostile_token)
    world.call("supply", 10**12, world.lender, sender=world.lender)
    world.open_position(100 * 10**18, 150_000 * 10**6)
    return world


@pytest.fixture
def hostile(_hostile: LendingWorld, chain: LocalChain) -> LendingWorld:
    """A vault between two tokens that call out when told, with an auction ready to start."""
    _hostile.set_price(1_500 * 10**8)
    _hostile.set_volatility(6 * 10**17)
    return _hostile


def calls(world: LendingWorld) -> list[Call]:
    """Every state-changing call, with arguments that would work."""
    me = world.borrower
    return [
        ("supply", (10**6, me)),
        ("withdraw", (10**6, world.lender)),
        ("redeem", (10**12, world.lender)),
        ("addCollateral", (world.asset, 1, me)),
        ("withdrawCollateral", (world.asset, 1, me)),
        ("borrow", (10**6, me)),
        ("repay", (10**6, me)),
        ("poke", (me,)),
        ("startAuction", (me,)),
        ("cancelAuction", (me,)),
        ("take", (me, world.asset, 1, MAX_UINT, me)),
        ("sync", (world.asset,)),
        ("warn", (me,)),
    ]


@pytest.mark.parametrize("inner", range(13))
def test_reentrancy__from_a_repay__refused(hostile: LendingWorld, reverts: Reverts, inner: int) -> None:
    hook(hostile, hostile.debt, calls(hostile)[inner])
    with reverts("ReentrancyGuardReentrantCall"):
        hostile.call("repay", 10**6, hostile.borrower)


@pytest.mark.parametrize("outer", [0, 1, 2, 3, 6, 10])
def test_reentrancy__into_a_repay__refused(hostile: LendingWorld, reverts: Reverts, outer: int) -> None:
    function, arguments = calls(hostile)[outer]
    if function == "take":
        hostile.call("startAuction", hostile.borrower)
    asset = hostile.collateral if function in ("addCollateral", "take") else hostile.debt
    hook(hostile, asset, ("repay", (1, hostile.borrower)))
    sender = hostile.lender if function in ("withdraw", "redeem") else hostile.liquidator
    with reverts("ReentrancyGuardReentrantCall"):
        hostile.call(function, *arguments, sender=sender)


def test_reentrancy__reads_during_a_purchase__see_it_done(hostile: LendingWorld) -> None:
    """State is written before any token moves, so a read in the middle is not a stale one."""
    hostile.call("startAuction", hostile.borrower)
    data = hostile.vault.functions.position(hostile.borrower)._encode_transaction_data()
    hostile.chain.send(hostile.debt.functions.setHook(hostile.vault.address, data))
    hostile.call(
        "take", hostile.borrower, hostile.asset, MAX_UINT, MAX_UINT, hostile.liquidator, sender=hostile.liquidator
    )
    assert hostile.position()["debt"] == 0


def hook(world: LendingWorld, asset: Any, call: Call) -> None:
    """The asset makes this call to the vault in its next transfers."""
    function, arguments = call
    data = world.vault.functions[function](*arguments)._encode_transaction_data()
    world.chain.send(asset.functions.setHook(world.vault.address, data))
