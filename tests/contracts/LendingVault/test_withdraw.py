"""withdraw and redeem: idle cash for shares, rounded against the lender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain import lending
from tests.support.lending import SUPPLIED, LendingWorld

Reverts = Callable[..., Any]


def test_withdraw__everything__back_to_the_unit(world: LendingWorld) -> None:
    before = world.balances(world.lender)[1]
    receipt = world.call("withdraw", SUPPLIED, world.lender, sender=world.lender)
    assert world.balances(world.lender)[1] == before + SUPPLIED
    assert world.read("supplySharesOf", world.lender) == 0
    assert world.events(receipt, "Withdrawn") == [
        {"lender": world.lender, "receiver": world.lender, "assets": SUPPLIED, "shares": SUPPLIED * 10**6}
    ]


def test_withdraw__after_interest__burns_shares_rounded_up(opened: LendingWorld) -> None:
    opened.pass_time(100 * 86_400)
    receipt = opened.call("withdraw", 1_000_001, opened.outsider, sender=opened.lender)
    burnt = opened.events(receipt, "Withdrawn")[0]["shares"]
    market = opened.read("market")
    supplied = market["totalSupplyAssets"] + 1_000_001
    assert supplied > SUPPLIED
    assert burnt == lending.to_shares_up(1_000_001, supplied, market["totalSupplyShares"] + burnt)


def test_redeem__all_shares__assets_rounded_down(opened: LendingWorld) -> None:
    opened.call("supply", 999, opened.outsider, sender=opened.outsider)
    opened.pass_time(86_400)
    opened.call("redeem", 999 * 10**6 // 2, opened.outsider, sender=opened.outsider)
    shares = opened.read("supplySharesOf", opened.outsider)
    worth = opened.read("convertToAssets", shares)
    before = opened.balances(opened.outsider)[1]
    opened.call("redeem", shares, opened.outsider, sender=opened.outsider)
    assert opened.balances(opened.outsider)[1] == before + worth


def test_withdraw__more_than_owned__refused(world: LendingWorld, reverts: Reverts) -> None:
    with reverts("InsufficientShares", 10**6, 0):
        world.call("withdraw", 1, world.outsider, sender=world.outsider)
    with reverts("InsufficientShares", SUPPLIED * 10**6 + 1, SUPPLIED * 10**6):
        world.call("redeem", SUPPLIED * 10**6 + 1, world.lender, sender=world.lender)


def test_withdraw__lent_out__refused(opened: LendingWorld, reverts: Reverts) -> None:
    market = opened.read("market")
    idle = market["totalSupplyAssets"] - market["totalBorrowAssets"]
    assert idle == 850_000 * 10**6
    with reverts("InsufficientLiquidity", idle + 1, idle):
        opened.call("withdraw", idle + 1, opened.lender, sender=opened.lender)
    opened.call("withdraw", idle, opened.lender, sender=opened.lender)
    assert opened.balances(opened.vault.address)[1] == 0


@pytest.mark.parametrize("function", ["withdraw", "redeem"])
def test_withdraw__bad_arguments__refused(world: LendingWorld, reverts: Reverts, function: str) -> None:
    with reverts("ZeroAmount"):
        world.call(function, 0, world.lender, sender=world.lender)
    with reverts("ZeroAddress"):
        world.call(function, 1, "0x" + "0" * 40, sender=world.lender)


def test_withdraw__feeds_dead__still_pays(world: LendingWorld) -> None:
    world.set_mode(1)
    world.call("withdraw", 1, world.lender, sender=world.lender)


def test_withdraw__largest_amounts__refused_by_name(opened: LendingWorld, reverts: Reverts) -> None:
    most = 2**256 - 1
    market = opened.read("market")
    idle = market["totalSupplyAssets"] + market["reserve"] - market["totalBorrowAssets"]
    with reverts("InsufficientLiquidity", most, idle):
        opened.call("withdraw", most, opened.lender, sender=opened.lender)
    with reverts("InsufficientShares", most, SUPPLIED * 10**6):
        opened.call("redeem", most, opened.lender, sender=opened.lender)
    with reverts("InsufficientLiquidity", most, idle):
        opened.call("borrow", most, opened.borrower)
    with reverts("InsufficientCollateral", most, 100 * 10**18):
        opened.call("withdrawCollateral", opened.asset, most, opened.borrower)
