"""withdrawCollateral: free without debt, within borrowLtv with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.lending import PRICE, WAD, LendingWorld

Reverts = Callable[..., Any]


def test_withdrawCollateral__no_debt__free_with_dead_feeds(world: LendingWorld) -> None:
    world.call("addCollateral", world.asset, 1000, world.borrower)
    world.set_mode(1)
    before = world.balances(world.outsider)[0]
    receipt = world.call("withdrawCollateral", world.asset, 1000, world.outsider)
    assert world.balances(world.outsider)[0] == before + 1000
    assert world.events(receipt, "CollateralWithdrawn") == [
        {"account": world.borrower, "receiver": world.outsider, "asset": world.asset, "amount": 1000}
    ]


def test_withdrawCollateral__with_debt__down_to_the_borrow_limit_and_no_further(
    opened: LendingWorld, reverts: Reverts
) -> None:
    left = 90 * 10**18
    with opened.chain.undone():
        opened.call("withdrawCollateral", opened.asset, 100 * 10**18 - left, opened.borrower)
        assert opened.position()["healthFactor"] > WAD
    too_little = 80 * 10**18
    limit = too_little * PRICE * 10**6 // 10**26 * opened.ltv("borrowLtv") // WAD
    with reverts("BorrowLimitExceeded", opened.read("debtOf", opened.borrower), limit):
        opened.call("withdrawCollateral", opened.asset, 100 * 10**18 - too_little, opened.borrower)


def test_withdrawCollateral__volatility_stale__limit_of_the_floor(opened: LendingWorld, reverts: Reverts) -> None:
    opened.set_volatility(0)
    assert opened.ltv("borrowLtv") == 45 * WAD // 100
    with reverts("BorrowLimitExceeded", opened.read("debtOf", opened.borrower), 199_999_999_999 * 45 // 100):
        opened.call("withdrawCollateral", opened.asset, 1, opened.borrower)
    opened.call("repay", 100_000 * 10**6, opened.borrower)
    opened.call("withdrawCollateral", opened.asset, 40 * 10**18, opened.borrower)


def test_withdrawCollateral__price_stale_or_dead__refused_with_debt(opened: LendingWorld, reverts: Reverts) -> None:
    opened.set_price(PRICE, age=2 * 3600)
    with reverts("PriceUnavailable", opened.asset):
        opened.call("withdrawCollateral", opened.asset, 1, opened.borrower)
    opened.chain.send(opened.price_feed.functions.setMode(1))
    with reverts("PriceUnavailable", opened.asset):
        opened.call("withdrawCollateral", opened.asset, 1, opened.borrower)


def test_withdrawCollateral__more_than_there__refused(opened: LendingWorld, reverts: Reverts) -> None:
    with reverts("InsufficientCollateral", 100 * 10**18 + 1, 100 * 10**18):
        opened.call("withdrawCollateral", opened.asset, 100 * 10**18 + 1, opened.borrower)


def test_withdrawCollateral__auction_runs__refused(opened: LendingWorld, reverts: Reverts) -> None:
    opened.set_price(1_600 * 10**8)
    opened.call("startAuction", opened.borrower)
    opened.set_price(PRICE)
    with reverts("AuctionInProgress", opened.borrower, opened.read("auction", opened.borrower)["expiresAt"]):
        opened.call("withdrawCollateral", opened.asset, 1, opened.borrower)


@pytest.mark.parametrize(("amount", "to", "error"), [(0, "a" * 40, "ZeroAmount"), (1, "0" * 40, "ZeroAddress")])
def test_withdrawCollateral__bad_arguments__refused(
    world: LendingWorld, reverts: Reverts, amount: int, to: str, error: str
) -> None:
    with reverts(error):
        world.call("withdrawCollateral", world.asset, amount, world.chain.web3.to_checksum_address("0x" + to))
