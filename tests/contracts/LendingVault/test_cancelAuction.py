"""cancelAuction: anyone ends the auction of a position that is healthy again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain.lending import PositionState
from tests.support.lending import PRICE, LendingWorld

Reverts = Callable[..., Any]


@pytest.fixture
def on_sale(opened: LendingWorld) -> LendingWorld:
    """The borrower's collateral is in an auction."""
    opened.set_price(1_600 * 10**8)
    opened.call("startAuction", opened.borrower)
    return opened


def test_cancelAuction__price_came_back__open_again(on_sale: LendingWorld) -> None:
    on_sale.set_price(PRICE)
    receipt = on_sale.call("cancelAuction", on_sale.borrower, sender=on_sale.outsider)
    assert on_sale.events(receipt, "AuctionEnded") == [{"account": on_sale.borrower, "cured": True}]
    assert on_sale.state() is PositionState.OPEN


def test_cancelAuction__still_unhealthy__refused(on_sale: LendingWorld, reverts: Reverts) -> None:
    with reverts("PositionUnhealthy", on_sale.read("healthFactor", on_sale.borrower)):
        on_sale.call("cancelAuction", on_sale.borrower)


def test_cancelAuction__price_stale_or_dead__refused(on_sale: LendingWorld, reverts: Reverts) -> None:
    for price, age in ((PRICE, 2 * 3600), (0, 0)):
        on_sale.set_price(price, age=age)
        with reverts("PositionUnhealthy", 0):
            on_sale.call("cancelAuction", on_sale.borrower)


def test_cancelAuction__none_runs__refused(opened: LendingWorld, reverts: Reverts) -> None:
    with reverts("NoAuction", opened.borrower):
        opened.call("cancelAuction", opened.borrower)
