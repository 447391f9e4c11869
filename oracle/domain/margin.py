"""The risk engine's arithmetic, wei exact: twin of contracts/libraries/Margin.sol.

Everything is WAD unless its name says otherwise, and a non-negative integer. Rounding is against the account: margins
and weights up, collateral factors down.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

from oracle.domain.lending import SECS_PER_YEAR, Z99_WAD, ceil_div
from oracle.units import WAD

MAX_RISK_WAD: Final = 10**27
RAMP_STEP_WAD: Final = 5 * 10**15
MIN_WEIGHT_WAD: Final = WAD // 2
MAX_WEIGHT_WAD: Final = 3 * WAD


def clip(value: int, lo: int, hi: int) -> int:
    """`value` within [lo, hi]."""
    return max(lo, min(hi, value))


def sqrt_ratio(secs: int, period: int) -> int:
    """sqrt(secs / period), rounded up."""
    squared = ceil_div(secs * WAD * WAD, period)
    root = isqrt(squared)
    return root if root * root == squared else root + 1


def quantile_scale(secs: int, horizon: int) -> int:
    """What turns a feed's answer into the 99 % move over `secs`, rounded up.

    z99 * sqrt(secs / year) for an annualised volatility (`horizon` 0), sqrt(secs / horizon) for a 99 % quantile of
    `horizon` seconds.
    """
    return sqrt_ratio(secs, horizon) if horizon else ceil_div(Z99_WAD * sqrt_ratio(secs, SECS_PER_YEAR), WAD)


def quantile(risk: int, scale: int) -> int:
    """The 99 % move, rounded up."""
    return ceil_div(min(risk, MAX_RISK_WAD) * scale, WAD)


def initial_margin(quantile99: int, weight: int, impact: int, lo: int, hi: int) -> int:
    """clip(quantile * weight + impact, lo, hi), rounded up: the initial margin of a delta-one position."""
    return clip(ceil_div(quantile99 * weight, WAD) + impact, lo, hi)


def maintenance_margin(initial: int) -> int:
    """.8 of the initial margin, rounded up."""
    return ceil_div(initial * 8, 10)


def collateral_factor(quantile99: int, add_ons: int, floor: int, cap: int) -> int:
    """clip(1 / (1 + quantile + add_ons), floor, cap): how much of a collateral's value counts."""
    return clip(WAD * WAD // (WAD + quantile99 + add_ons), floor, cap)


def risk_weight(shortfall: int, reference: int, lam: int, confidence: int) -> int:
    """clip(shortfall / reference, .5, 3) * (1 + lam * (1 - confidence)), at most 3, rounded up."""
    ratio = clip(ceil_div(shortfall * WAD, reference), MIN_WEIGHT_WAD, MAX_WEIGHT_WAD)
    doubt = WAD + ceil_div(lam * (WAD - min(confidence, WAD)), WAD)
    return min(MAX_WEIGHT_WAD, ceil_div(ratio * doubt, WAD))


def ramped(value: int, target: int, elapsed: int, step: int, interval: int) -> int:
    """`value` after `elapsed` seconds on its way to `target`, at `step` in each `interval` seconds."""
    move = step * elapsed // interval
    return max(target, value - move) if target < value else min(target, value + move)
