"""Black (1976) in units of the forward, undiscounted, whole arrays at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import ndtr

from models._registry import Array

LARGEST_DEVIATION: Final = 40.0
BISECTIONS: Final = 60
NEWTON_STEPS: Final = 8


def black_call(log_moneyness: Array, deviation: Array) -> Array:
    """N(d1) - (K/F) N(d2), for ln(K/F) and sigma sqrt(T)."""
    d1 = -log_moneyness / deviation + deviation / 2
    return np.asarray(ndtr(d1) - np.exp(log_moneyness) * ndtr(d1 - deviation))


def black_vega(log_moneyness: Array, deviation: Array) -> Array:
    """Derivative of `black_call` to sigma sqrt(T)."""
    d1 = -log_moneyness / deviation + deviation / 2
    return np.asarray(np.exp(-d1 * d1 / 2) / np.sqrt(2 * np.pi))


def implied_volatility(call: Array, log_moneyness: Array, years: Array) -> Array:
    """The volatility of an undiscounted call price over the forward; NaN where no volatility gives that price.

    In out-of-the-money terms, so that no digits are lost in the wings: Newton's steps inside a bracket that bisection
    keeps.
    """
    k = np.abs(log_moneyness)
    # By F/K symmetry an in-the-money call's time value is an out-of-the-money one's in other units
    time_value = call - np.maximum(1 - np.exp(log_moneyness), 0.0)
    target = time_value / np.where(log_moneyness < 0, np.exp(log_moneyness), 1.0)
    low, high = np.full_like(k, 1e-8), np.full_like(k, LARGEST_DEVIATION)
    deviation = np.clip(np.sqrt(2 * k) + 0.1, 1e-3, 10.0)
    for _ in range(BISECTIONS):
        gap = black_call(k, deviation) - target
        low, high = np.where(gap < 0, deviation, low), np.where(gap >= 0, deviation, high)
        slope = black_vega(k, deviation)
        with np.errstate(all="ignore"):
            newton = deviation - gap / slope
        inside = np.isfinite(newton) & (newton > low) & (newton < high)
        following = np.where(inside, newton, np.sqrt(low * high))
        if np.nanmax(np.abs(following - deviation), initial=0.0) < 1e-14:
            break
        deviation = following
    possible = (target > 0) & (target < 1)
    return np.asarray(np.where(possible, deviation, np.nan) / np.sqrt(years))
