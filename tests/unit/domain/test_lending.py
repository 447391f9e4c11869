"""What the vault's arithmetic promises, on any argument: directions, bounds, rounding, known values."""

from __future__ import annotations

from math import exp, log, sqrt
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
VOLATILITIES = st.integers(1, 20 * WAD)
DELAYS = st.integers(60, 30 * 86_400)


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


@given(VOLATILITIES, VOLATILITIES, DELAYS)
def test_target_ltv__more_volatility__never_a_higher_target(first: int, second: int, secs: int) -> None:
    delay = lending.sqrt_years(secs)
    low, high = sorted((first, second))
    targets = [lending.target_ltv(v, delay, WAD // 20, WAD // 10, WAD * 9 // 10) for v in (low, high)]
    assert WAD // 10 <= targets[1] <= targets[0] <= WAD * 9 // 10


@given(VOLATILITIES, DELAYS)
def test_target_ltv__unclipped__just_below_the_real_number(volatility: int, secs: int) -> None:
    target = lending.target_ltv(volatility, lending.sqrt_years(secs), WAD // 20, 0, WAD)
    q99 = NormalDist().inv_cdf(0.99) * volatility / WAD * sqrt(secs / (365 * 86_400))
    assert target / WAD == pytest.approx(1 / (1.05 + q99), rel=1e-12)


@given(st.integers(0, WAD), st.integers(0, WAD), st.integers(0, 10**7), st.integers(1, 1000), st.integers(1, 1000))
def test_ramped_ltv__any_way__never_past_the_target_and_steps_add_up(
    ltv: int, target: int, secs: int, down: int, up: int
) -> None:
    end = lending.ramped_ltv(ltv, target, secs, down, up)
    assert min(ltv, target) <= end <= max(ltv, target)
    assert lending.ramped_ltv(ltv, target, 0, down, up) == ltv
    half = lending.ramped_ltv(ltv, target, secs // 2, down, up)
    assert abs(lending.ramped_ltv(half, target, secs - secs // 2, down, up) - end) <= 1


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
    "auction_started_at": 0,
    "bad_debt": 0,
    "health_factor": WAD,
    "health_factor_at_target": WAD,
}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"opened_at": 0}, PositionState.NONE),
        ({}, PositionState.OPEN),
        ({"health_factor_at_target": WAD - 1}, PositionState.WARNED),
        ({"health_factor": WAD - 1}, PositionState.WARNED),
        ({"auction_started_at": 9}, PositionState.AUCTION),
        ({"borrow_shares": 0}, PositionState.CLOSED),
        ({"borrow_shares": 0, "bad_debt": 1}, PositionState.INSOLVENT),
    ],
)
def test_state_of__each_state__from_its_facts(changes: dict[str, int], state: PositionState) -> None:
    assert lending.state_of(**{**FACTS, **changes}) is state
