"""Portfolio margin over 23 scenarios, wei exact: twin of contracts/consumers/options/ScenarioMargin.sol.

Derive's portfolio margin (PMRM), its spot moves scaled by a shock s: 0, +-s/3, +-2s/3, +-s with volatility up, same and
down, and +-4s/3 with volatility up; s = 15 % is Derive's own. Everything is floored, against the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from math import isqrt
from typing import Final

from oracle.domain import black76
from oracle.domain.lending import ceil_div
from oracle.domain.options_types import Market, Series
from oracle.domain.transcendental import exp_wad, ln_wad, sqrt_wad
from oracle.units import SECS_PER_DAY, WAD, div_trunc

SCENARIOS: Final = 23
# Derive's year; Black76's own is Deribit's 365.25 days
YEAR_SECS: Final = 365 * SECS_PER_DAY
UNSHOCKED, BASIS_DOWN, BASIS_UP = 10, 7, 13
UP_WAD: Final = 6 * WAD // 10
DOWN_WAD: Final = 3 * WAD // 10
NEAR_POWER_WAD: Final = 3 * WAD // 10
FAR_POWER_WAD: Final = 13 * WAD // 100
STATIC_DISCOUNT_WAD: Final = 95 * WAD // 100
DISCOUNT_RATE_WAD: Final = 12 * WAD // 100
BASIS_SLOPE_WAD: Final = 12 * WAD // 10
NAKED_SHORT_WAD: Final = 2 * WAD // 100
INITIAL_FACTOR_WAD: Final = 125 * WAD // 100
PEG_LEVEL_WAD: Final = 99 * WAD // 100
MIN_CONFIDENCE_WAD: Final = 55 * WAD // 100


@dataclass(frozen=True, slots=True)
class PortfolioRisk:
    """Value at the marks, loss L (at most 0), sum of sizes."""

    value: int
    loss: int
    gross: int


@dataclass(slots=True)
class _Expiry:
    forward: int
    discount: int
    static_discount: int
    basis_factor: int
    deviations: tuple[int, int, int]
    calls: int = 0
    puts: int = 0
    values: list[int] = field(default_factory=lambda: [0] * SCENARIOS)


def risk_of(positions: Mapping[Series, int], market: Market, shock: int) -> PortfolioRisk:
    """Value and loss of positions, none expired, at a shock below .75."""
    expiries: dict[int, _Expiry] = {}
    steps = scenario_moves(shock)
    for series, amount in positions.items():
        e = expiries.setdefault(series.expiry, _expiry(series.expiry, market))
        if series.is_call:
            e.calls += amount
        else:
            e.puts += amount
        for s, move in enumerate(steps):
            e.values[s] += _value(series, amount, e, e.forward * move // WAD, e.deviations[_direction(s)])
    groups = list(expiries.values())
    return PortfolioRisk(
        sum(e.values[UNSHOCKED] for e in groups),
        _loss(groups, market.spot),
        sum(abs(amount) for amount in positions.values()),
    )


def value_of(positions: Mapping[Series, int], market: Market) -> int:
    """Value at the marks, each position floored."""
    total = 0
    for series, amount in positions.items():
        e = _expiry(series.expiry, market)
        total += _value(series, amount, e, e.forward, e.deviations[1])
    return total


def maintenance(risk: PortfolioRisk, cash: int) -> int:
    """MM = L + value + cash."""
    return risk.loss + risk.value + cash


def initial(risk: PortfolioRisk, cash: int, market: Market) -> int:
    """IM = L (1.25 + 4 max(0, .99 - peg)) - (1 - confidence) gross price, below a confidence of .55, + value + cash."""
    factor = INITIAL_FACTOR_WAD + 4 * max(0, PEG_LEVEL_WAD - market.peg)
    margin = risk.loss * factor // WAD + risk.value + cash
    if market.confidence < MIN_CONFIDENCE_WAD:
        doubtful = ceil_div(risk.gross * market.spot, WAD)
        margin -= ceil_div(doubtful * (WAD - market.confidence), WAD)
    return margin


def scenario_moves(shock: int) -> list[int]:
    """The forward's factor in each scenario: 3 i + j is (i - 3) s / 3, volatility down, same, up; then tails."""
    moves = [WAD + div_trunc(shock * (s // 3 - 3), 3) for s in range(21)]
    return [*moves, WAD - shock * 4 // 3, WAD + shock * 4 // 3]


def volatility_at(market: Market, secs: int) -> int:
    """At the money, from the pillars: flat outside, total variance linear in time between."""
    pillars = market.pillars
    if secs <= pillars[0][0]:
        return pillars[0][1]
    for (t0, v0), (t1, v1) in pairwise(pillars):
        if secs < t1:
            return isqrt((v0**2 * t0 * (t1 - secs) + v1**2 * t1 * (secs - t0)) // (t1 - t0) // secs)
    return pillars[-1][1]


def _direction(scenario: int) -> int:
    return scenario % 3 if scenario < 21 else 2


@lru_cache(maxsize=1 << 12)
def _terms(expiry: int, timestamp: int, rate: int) -> tuple[int, int, int, int]:
    tau = (expiry - timestamp) * WAD // YEAR_SECS
    discount = exp_wad(-(rate * tau // WAD))
    decay = exp_wad(-((rate + DISCOUNT_RATE_WAD) * tau // WAD))
    return discount, STATIC_DISCOUNT_WAD * decay // WAD, WAD + BASIS_SLOPE_WAD * tau // WAD, sqrt_wad(tau)


def _expiry(expiry: int, market: Market) -> _Expiry:
    discount, static, basis, root = _terms(expiry, market.timestamp, market.rate)
    secs = expiry - market.timestamp
    volatility = volatility_at(market, secs)
    dte = max(secs * WAD // SECS_PER_DAY, WAD)
    power = NEAR_POWER_WAD if dte <= 30 * WAD else FAR_POWER_WAD
    scale = exp_wad(div_trunc(power * ln_wad(30 * WAD * WAD // dte), WAD))
    down = _clipped(volatility * (WAD - DOWN_WAD * scale // WAD) // WAD)
    up = _clipped(volatility * (WAD + UP_WAD * scale // WAD) // WAD)
    deviations = (down * root // WAD, volatility * root // WAD, up * root // WAD)
    return _Expiry(market.spot * WAD // discount, discount, static, basis, deviations)


def _clipped(volatility: int) -> int:
    return max(black76.MIN_VOLATILITY_WAD, min(volatility, black76.MAX_VOLATILITY_WAD))


def _value(series: Series, amount: int, e: _Expiry, forward: int, deviation: int) -> int:
    return amount * (_undiscounted(forward, series.strike, series.is_call, deviation) * e.discount // WAD) // WAD


@lru_cache(maxsize=1 << 16)  # who looks at an account looks at what it was traded by
def _undiscounted(forward: int, strike: int, is_call: bool, deviation: int) -> int:
    return black76.value(black76.Option(forward, strike, is_call), deviation)


def _loss(expiries: list[_Expiry], spot: int) -> int:
    basis = naked = 0
    for e in expiries:
        worst = min(e.values[BASIS_DOWN], e.values[BASIS_UP]) - e.values[UNSHOCKED]
        basis += min(worst, 0) * e.basis_factor // WAD
        naked += max(0, -e.calls) + max(0, -e.puts)
    changes = [
        sum(
            (e.values[s] * e.static_discount // WAD if e.values[s] > 0 else e.values[s]) - e.values[UNSHOCKED]
            for e in expiries
        )
        for s in range(SCENARIOS)
    ]
    return min(basis, *changes) - ceil_div(naked * ceil_div(spot * NAKED_SHORT_WAD, WAD), WAD)
