"""What each call logs first: the interest since the last one, to the unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.lending import MAX_UINT, PRICE, SUPPLIED, WAD, LendingWorld, deploy_world
from tests.support.local_chain import LocalChain

# Name, whose call it is, its arguments, and whether an auction runs
Call = tuple[str, str, Callable[[LendingWorld], tuple[Any, ...]], bool]
CALLS: list[Call] = [
    ("supply", "lender", lambda w: (10**6, w.lender), False),
    ("withdraw", "lender", lambda w: (10**6, w.lender), False),
    ("redeem", "lender", lambda w: (10**12, w.lender), False),
    ("addCollateral", "borrower", lambda w: (w.asset, 1, w.borrower), False),
    ("withdrawCollateral", "borrower", lambda w: (w.asset, 1, w.borrower), False),
    ("borrow", "borrower", lambda w: (10**6, w.borrower), False),
    ("repay", "outsider", lambda w: (10**6, w.borrower), False),
    ("poke", "outsider", lambda w: (w.borrower,), False),
    ("sync", "outsider", lambda w: (w.asset,), False),
    ("warn", "outsider", lambda w: (w.borrower,), False),
    ("startAuction", "outsider", lambda w: (w.borrower,), False),
    ("cancelAuction", "outsider", lambda w: (w.borrower,), True),
    ("take", "liquidator", lambda w: (w.borrower, w.asset, 10**18, MAX_UINT, w.outsider), True),
]


@pytest.fixture(scope="module")
def _lent(chain: LocalChain) -> LendingWorld:
    world = deploy_world(chain, reserveBps=1_000)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    board = chain.deploy("StubBoard", world.vault.address)
    world.call("nameBoard", board.address, sender=chain.address(0))
    chain.send(board.functions.set(world.borrower, WAD))
    world.open_position(100 * 10**18, 150_000 * 10**6)
    return world


@pytest.fixture
def lent(_lent: LendingWorld) -> LendingWorld:
    """As `opened`, with a reserve and a board that fears for the borrower."""
    _lent.refresh()
    return _lent


@pytest.mark.parametrize("call", CALLS, ids=[name for name, *_ in CALLS])
def test_calls__interest_is_due__accrued_first(lent: LendingWorld, call: Call) -> None:
    name, sender, arguments, on_sale = call
    if name == "startAuction" or on_sale:
        lent.set_price(1_600 * 10**8)
    if on_sale:
        lent.call("startAuction", lent.borrower, sender=lent.outsider)
    if name == "cancelAuction":
        lent.set_price(PRICE)
    lent.call("sync", lent.asset, sender=lent.outsider)
    owed, rate = (lent.read("market")[which] for which in ("totalBorrowAssets", "borrowRate"))
    assert rate > 17 * WAD // 1_000
    lent.chain.set_next_time(lent.chain.now() + 1_800)
    receipt = lent.call(name, *arguments(lent), sender=getattr(lent, sender))
    interest = -(-owed * rate * 1_800 // (365 * 86_400 * WAD))
    assert lent.chain.log(lent.vault, receipt)[0] == (
        "InterestAccrued",
        {"interest": interest, "toReserve": interest // 10},
    )
    receipt = lent.call("sync", lent.asset, sender=lent.outsider)
    ((_, again),) = [one for one in lent.chain.log(lent.vault, receipt) if one[0] == "InterestAccrued"]
    assert again["interest"] <= interest // 1_000  # of one second
