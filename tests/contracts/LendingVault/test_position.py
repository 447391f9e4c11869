"""position, holdings, auction, collateral, market, config: what a dashboard reads; no feed can make them revert."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain import lending
from oracle.domain.lending import PositionState
from tests.support.lending import MAX_UINT, PRICE, SUPPLIED, VOLATILITY, WAD, LendingWorld

Reverts = Callable[..., Any]


def test_position__open__all_fields_as_the_reference(opened: LendingWorld) -> None:
    position = opened.position()
    value = lending.collateral_value(100 * 10**18, PRICE, opened.units)
    ltv, target = opened.ltv(), opened.ltv("targetLiquidationLtv")
    debt = opened.read("debtOf", opened.borrower)
    assert position == {
        "debt": debt,
        "collateralValue": value,
        "healthFactor": lending.health_factor(value, ltv, debt),
        "healthFactorAtTarget": lending.health_factor(value, target, debt),
        "pricedHealthFactor": lending.health_factor(value, ltv, debt),
        "borrowLimit": value * opened.ltv("borrowLtv") // WAD,
        "priced": True,
        "liquidatable": False,
        "state": PositionState.OPEN,
        "openedAt": opened.chain.now(),
        "warnedAt": 0,
        "alarmedAt": 0,
        "agreedLtv": ltv,
        "badDebt": 0,
    }
    assert opened.read("healthFactor", opened.borrower) == position["healthFactor"]
    assert opened.holding() == {
        "asset": opened.asset,
        "amount": 100 * 10**18,
        "value": value,
        "liquidationLtv": ltv,
        "salePrice": 0,
    }


def test_position__never_borrowed__nothing(world: LendingWorld) -> None:
    position = world.position(world.outsider)
    assert (position["state"], position["debt"], position["healthFactor"]) == (PositionState.NONE, 0, MAX_UINT)
    assert world.holding(world.outsider)["amount"] == 0
    assert not any(world.read("auction", world.outsider).values())


@pytest.mark.parametrize("mode", range(1, 6))
def test_position__feeds_misbehave__reads_do_not_revert(opened: LendingWorld, mode: int) -> None:
    opened.set_mode(mode)
    position, collateral = opened.position(), opened.read("collateral", opened.asset)
    assert (position["priced"], position["pricedHealthFactor"], position["borrowLimit"]) == (False, 0, 0)
    assert position["healthFactor"] > WAD  # at the last price
    assert (collateral["price"], collateral["lastPrice"], collateral["risk"]) == (0, PRICE, 0)
    assert collateral["targetLiquidationLtv"] == WAD // 2


def test_position__price_stale__counts_at_the_last_one(opened: LendingWorld, reverts: Reverts) -> None:
    opened.set_price(PRICE + 1, age=7_200)
    position = opened.position()
    assert (position["collateralValue"], position["priced"]) == (200_000 * 10**6, False)
    for price in (PRICE, -1):
        with reverts("PriceUnavailable", opened.asset):
            opened.read("healthFactor", opened.borrower)
        opened.set_price(price, age=7_200 if price > 0 else 0)


def test_auction__running__price_of_now(opened: LendingWorld) -> None:
    opened.set_price(1_000 * 10**8)
    opened.call("startAuction", opened.borrower)
    started = opened.chain.now()
    opened.chain.mine(started + 777)
    top = lending.auction_start_price(1_000 * 10**8, 10_500)
    assert opened.read("auction", opened.borrower) == {
        "startedAt": started,
        "expiresAt": started + 3_600,
        "debt": opened.read("debtOf", opened.borrower),
    }
    assert opened.holding()["salePrice"] == lending.auction_price(top, 6 * 3_600, 777)


def test_market__after_a_day__interest_by_the_kinked_rate(opened: LendingWorld) -> None:
    at = opened.chain.now()
    before = opened.read("market")
    used = lending.utilisation(150_000 * 10**6, SUPPLIED)
    rate = lending.borrow_rate(used, WAD // 100, 8 * WAD // 10, 4 * WAD // 100, 6 * WAD // 10)
    assert before["borrowRate"] == rate == 17_500_000_000_000_000
    opened.chain.mine(at + 86_400)
    after = opened.read("market")
    added = lending.interest(150_000 * 10**6, rate, 86_400)
    assert after["totalBorrowAssets"] == 150_000 * 10**6 + added
    assert after["totalSupplyAssets"] == SUPPLIED + added
    assert opened.ltv("risk") == 0
    opened.refresh()
    assert opened.ltv("risk") == VOLATILITY


def test_market__interest__all_of_it_is_the_lenders(opened: LendingWorld) -> None:
    opened.pass_time(365 * 86_400)
    opened.call("repay", MAX_UINT, opened.borrower)
    worth = opened.read("supplyAssetsOf", opened.lender)
    balance = opened.debt.functions.balanceOf(opened.vault.address).call()
    assert worth <= balance <= worth + 10**6
    opened.call("redeem", opened.read("supplySharesOf", opened.lender), opened.lender, sender=opened.lender)


def test_config__reads_back__what_was_deployed(world: LendingWorld) -> None:
    assert world.read("config") == world.config
    assert [tuple(c) for c in world.vault.functions.collateralConfigs().call()] == [
        tuple(listed.config.values()) for listed in world.listed
    ]
