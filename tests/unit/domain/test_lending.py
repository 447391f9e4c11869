"""What the vault's arithmetic promises, on any argument: directions, bounds, rounding, known values."""

from __future__ import annotations

from math import exp, log
from statistics import NormalDist

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oracle.domain import lending
from oracle.domain.lending import MAX_UINT256, PositionState, Units

WAD = 10**18
AMOUNTS = st.integers(1, 2**112 - 1)
PRICES = st.integers(1, 2**64 - 1)
LTVS = st.integers(1, WAD)
UNITS = st.builds(Units, st.integers(6, 18), st.integers(6, 18))


def test_z99__the_normal_quantile__to_fifteen_digits() -> None:
    assert pytest.approx(NormalDist().inv_cdf(0.99), rel=1e-15) == lending.Z99_WAD / WAD


@given(AMOUNTS, AMOUNTS, LTVS, UNITS)
def test_liquidation_price__any_position__healthy_there_and_not_one_below(
    collateral: int, debt: int, ltv: int, units: Units
) -> None:
    price = lending.liquidation_price(collateral, debt, ltv, units)

    def factor(at: int) -> int:
        return lending.health_factor(lending.collateral_value(collateral, at, units), ltv, debt)

    assert factor(price) >= WAD
    assert price == 0 or factor(price - 1) < WAD


def test_liquidation_price__nothing_owed_or_nothing_there__the_ends() -> None:
    assert lending.liquidation_price(5, 0, WAD, Units(18, 6)) == 0
    assert lending.liquidation_price(0, 5, WAD, Units(18, 6)) == MAX_UINT256
    assert lending.health_factor(5, WAD, 0) == MAX_UINT256


@given(PRICES, st.integers(2, 2**32 - 1), st.data())
def test_auction_price__as_time_goes__falls_to_zero_and_never_below(price: int, tau: int, data: st.DataObject) -> None:
    top = lending.auction_start_price(price, 10_500)
    early, late = sorted((data.draw(st.integers(0, tau)), data.draw(st.integers(0, tau))))
    assert lending.auction_price(top, tau, 0) == top >= price * 10**10
    assert lending.auction_price(top, tau, early) >= lending.auction_price(top, tau, late)
    assert lending.auction_price(top, tau, tau) == 0 < lending.auction_price(top, tau, tau - 1)


@given(AMOUNTS, st.integers(1, 2**99), UNITS)
def test_cost_of__bought_and_paid__never_less_than_the_price(collateral: int, price: int, units: Units) -> None:
    paid = lending.cost_of(collateral, price, units)
    assert paid * units.collateral_unit * WAD >= collateral * price * units.debt_unit
    bought = lending.collateral_for(paid, price, units)
    assert bought >= collateral  # hence the vault's cap by what is for sale
    assert bought * price * units.debt_unit <= paid * units.collateral_unit * WAD


@given(AMOUNTS, st.integers(0, 2**112), st.integers(0, 2**132))
def test_shares__there_and_back__never_more_than_before(assets: int, total: int, shares: int) -> None:
    down = lending.to_shares_down(assets, total, shares)
    up = lending.to_shares_up(assets, total, shares)
    assert down <= up <= down + 1
    assert lending.to_assets_down(down, total, shares) <= assets <= lending.to_assets_up(up, total, shares)


@given(AMOUNTS, st.integers(0, 10 * WAD), st.integers(0, 10**8))
def test_interest__any__at_least_the_simple_rate_and_at_most_a_unit_more(debt: int, rate: int, secs: int) -> None:
    added = lending.interest(debt, rate, secs)
    exact = debt * rate * secs
    assert exact <= added * WAD * lending.SECS_PER_YEAR < exact + WAD * lending.SECS_PER_YEAR


@given(st.integers(0, WAD), st.integers(0, WAD), st.integers(1, WAD - 1))
def test_borrow_rate__more_use__never_cheaper(first: int, second: int, kink: int) -> None:
    low, high = sorted((first, second))
    rates = [lending.borrow_rate(u, WAD // 100, kink, WAD // 25, WAD) for u in (0, low, high, WAD)]
    assert rates == sorted(rates)
    assert (rates[0], rates[-1]) == (WAD // 100, WAD // 100 + WAD // 25 + WAD)


def test_utilisation__nothing_supplied__zero() -> None:
    assert lending.utilisation(0, 0) == 0
    assert lending.utilisation(1, 3) == WAD // 3 + 1


@given(st.floats(0.01, 0.2), st.floats(0.001, 0.1), st.floats(0.001, 0.05))
def test_target_ltv__fall_by_q99_and_sale_at_the_bonus__covers_the_debt(q99: float, bonus: float, slip: float) -> None:
    """The LTV's purpose, in real numbers: 1/(1 + q99)/(1 + bonus) >= LTV while bonus * q99 <= slippage."""
    assume(bonus * q99 <= slip)
    ltv = 1 / (1 + bonus + q99 + slip)
    assert exp(-log(1 + q99)) / (1 + bonus) >= ltv * (1 - 1e-12)


FACTS = {
    "opened_at": 1,
    "borrow_shares": 1,
    "warned_at": 0,
    "alarmed_at": 0,
    "auction_started_at": 0,
    "bad_debt": 0,
}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"opened_at": 0}, PositionState.NONE),
        ({}, PositionState.OPEN),
        ({"warned_at": 5}, PositionState.WARNED),
        ({"alarmed_at": 5}, PositionState.WARNED),
        ({"auction_started_at": 9, "warned_at": 5}, PositionState.AUCTION),
        ({"borrow_shares": 0}, PositionState.CLOSED),
        ({"borrow_shares": 0, "bad_debt": 1}, PositionState.INSOLVENT),
    ],
)
def test_position_state__each_state__from_its_facts(changes: dict[str, int], state: PositionState) -> None:
    assert lending.position_state(**{**FACTS, **changes}) is state
