"""Fixed shocks are Derive's PMRM: against figures worked out by hand, and against the formula written anew in floats.

https://docs.derive.xyz/reference/portfolio-margin-1: 23 scenarios, static discount, basis contingency, naked shorts.
"""

from __future__ import annotations

from math import erf, exp, log, sqrt

import pytest

from oracle.domain.options_scenarios import initial, maintenance, risk_of
from oracle.domain.options_types import Market, Series
from oracle.units import SECS_PER_DAY, WAD

NOW = 1_700_000_000
SPOT, VOLATILITY = 2_000, 0.6
SHOCK = 15 * WAD // 100
YEAR_DAYS = 365  # Derive's year


def market(rate: int = 0, peg: int = WAD, confidence: int = WAD) -> Market:
    """2,000 and 60 % at every maturity."""
    pillars = ((30 * SECS_PER_DAY, 6 * WAD // 10),)
    return Market(NOW, SPOT * WAD, rate, peg, confidence, True, True, pillars)


def series(days: int, strike: int, is_call: bool) -> Series:
    return Series(NOW + days * SECS_PER_DAY, is_call, strike * WAD)


def normal(x: float) -> float:
    return (1 + erf(x / sqrt(2))) / 2


def black(forward: float, strike: float, deviation: float, is_call: bool) -> float:
    d1 = log(forward / strike) / deviation + deviation / 2
    call = forward * normal(d1) - strike * normal(d1 - deviation)
    return call if is_call else call - forward + strike


def pmrm(positions: dict[Series, float], rate: float) -> tuple[float, float]:
    """Value and L by the published formula, in floats."""
    moves = [(m, v) for m in (0, 0.05, -0.05, 0.1, -0.1, 0.15, -0.15) for v in ("up", "same", "down")]
    moves += [(0.2, "up"), (-0.2, "up")]
    assert len(moves) == 23
    expiries = sorted({s.expiry for s in positions})

    def value(expiry: int, move: float, vol: str) -> float:
        days = (expiry - NOW) / SECS_PER_DAY
        scale = (30 / max(days, 1)) ** (0.3 if days <= 30 else 0.13)
        sigma = VOLATILITY * {"up": 1 + 0.6 * scale, "same": 1, "down": 1 - 0.3 * scale}[vol]
        tau = days / YEAR_DAYS
        forward, worth = SPOT * exp(rate * tau) * (1 + move), 0.0
        for s, amount in positions.items():
            if s.expiry == expiry:
                price = black(forward, s.strike / WAD, sigma * sqrt(tau), s.is_call)
                worth += amount * price * exp(-rate * tau)
        return worth

    marks = {e: value(e, 0, "same") for e in expiries}
    basis = loss = 0.0
    for e in expiries:
        tau = (e - NOW) / SECS_PER_DAY / YEAR_DAYS
        worst = min(value(e, 0.05, "same") - marks[e], value(e, -0.05, "same") - marks[e], 0)
        basis += worst * (1 + 1.2 * tau)
    loss = basis
    for move, vol in moves:
        change = 0.0
        for e in expiries:
            tau = (e - NOW) / SECS_PER_DAY / YEAR_DAYS
            shocked = value(e, move, vol)
            change += (shocked * 0.95 * exp(-tau * (rate + 0.12)) if shocked > 0 else shocked) - marks[e]
        loss = min(loss, change)
    naked = 0.0
    for e in expiries:
        for is_call in (True, False):
            net = sum(n for s, n in positions.items() if (s.expiry, s.is_call) == (e, is_call))
            naked += max(0, -net)
    return sum(marks.values()), loss - 0.02 * SPOT * naked


def test_risk_of__short_call__as_worked_out_by_hand() -> None:
    """One short call of 2,000 at 30 days, t = 30/365: deviation .6 sqrt(t) = .172015.

    Price 2,000 (2 N(.086007) - 1) = 137.0788. Worst is +20 % with volatility up, .6 1.6 = .96: deviation .275223,
    d1 = .182322/.275223 + .137612 = .800061, d2 = .524837; 2,400 .788162 - 2,000 .700152 = 491.2856.
    L = -(491.2856 - 137.0788) - 2 % of 2,000 = -394.2068.
    """
    risk = risk_of({series(30, 2_000, True): -WAD}, market(), SHOCK)
    assert risk.value / WAD == pytest.approx(-137.0788, abs=1e-4)
    assert risk.loss / WAD == pytest.approx(-394.2068, abs=1e-4)
    assert maintenance(risk, 1_000 * WAD) == risk.loss + risk.value + 1_000 * WAD


def test_risk_of__long_call__static_discount_and_no_naked_short() -> None:
    """Worst is -15 % with volatility down, .6 .7 = .42: deviation .120410, d1 = -1.289505, d2 = -1.409915.

    1,700 .0986113 - 2,000 .0792824 = 9.0745; times .95 e^(-.12 t) = .940676 is 8.5362; L = 8.5362 - 137.0788.
    """
    risk = risk_of({series(30, 2_000, True): WAD}, market(), SHOCK)
    assert risk.loss / WAD == pytest.approx(-128.5427, abs=1e-4)


@pytest.mark.parametrize("days", [1, 7, 30, 31, 90, 365])
@pytest.mark.parametrize("rate", [0, 5])
def test_risk_of__portfolios__as_the_published_formula(days: int, rate: int) -> None:
    portfolios: list[dict[Series, float]] = [
        {series(days, 2_000, True): 1},
        {series(days, 2_000, True): -1},
        {series(days, 1_800, False): -3},
        {series(days, 2_000, True): -2, series(days, 2_200, True): 2, series(days, 1_900, False): 1},
        {series(days, 2_100, True): -1, series(days + 60, 2_100, True): 1, series(days, 1_900, False): -1},
    ]
    for portfolio in portfolios:
        value, loss = pmrm(portfolio, rate / 100)
        exact = {s: int(n * WAD) for s, n in portfolio.items()}
        risk = risk_of(exact, market(rate * WAD // 100), SHOCK)
        assert risk.value / WAD == pytest.approx(value, rel=1e-9, abs=1e-9)
        assert risk.loss / WAD == pytest.approx(loss, rel=1e-9, abs=1e-9)


def test_initial__depegged_and_doubtful__the_published_factors() -> None:
    risk = risk_of({series(30, 2_000, True): -WAD}, market(), SHOCK)
    usual = initial(risk, 0, market())
    assert usual / WAD == pytest.approx(1.25 * risk.loss / WAD + risk.value / WAD, rel=1e-12)
    depegged = initial(risk, 0, market(peg=95 * WAD // 100))
    assert (usual - depegged) / WAD == pytest.approx(-4 * 0.04 * risk.loss / WAD, rel=1e-12)
    assert initial(risk, 0, market(confidence=55 * WAD // 100)) == usual
    doubtful = initial(risk, 0, market(confidence=WAD // 2))
    assert (usual - doubtful) / WAD == pytest.approx(0.5 * SPOT, rel=1e-12)
