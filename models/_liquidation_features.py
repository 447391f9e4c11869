"""Inputs of the liquidation models: four figures of the market, and each position's distance in standard deviations.

From a window of 91 prices p_0..p_90, 8 hours apart (30 days), r_t = p_t / p_(t-1) - 1, and sums of squares V over all
90 returns, W over the last 21 (7 days), D over the last 3 (a day):

    s           = sqrt(21 V / 90)              standard deviation of a week
    volatility  = 10 s                         clipped to [.1, 10]
    week        = sqrt((W / 21) / (V / 90))    clipped to [0, 2.5]
    day         = sqrt((D / 3) / (V / 90))     clipped to [0, 4]
    trend       = (p_90 / p_69 - 1) / s        clipped to [-4, 4]
    z           = ln(HF) / s                   clipped to [0, 8]; HF the position's health factor

An integer form needs one isqrt each for s, week and day, one logarithm a position, and rounds once, at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from models._errors import BadPrice, FlatSeries, TooFewSamples
from models._first_passage import checked_log
from models._registry import Array

STEP_HOURS: Final = 8
RETURNS: Final = 90
PRICES: Final = RETURNS + 1
WEEK: Final = 21
DAY: Final = 3
HORIZON_HOURS: Final = WEEK * STEP_HOURS
VOLATILITY_UNIT: Final = 0.1

MARKET_DOMAIN: Final = ((0.1, 10.0), (0.0, 2.5), (0.0, 4.0), (-4.0, 4.0))
MARKET_NAMES: Final = ("volatility", "week", "day", "trend")
MAX_DISTANCE: Final = 8.0


def market_inputs(prices: Sequence[float]) -> tuple[Array, float]:
    """(the four market inputs, s) of a window of 91 prices, oldest first.

    Raises TooFewSamples, BadPrice (zero, negative, not finite), FlatSeries.
    """
    if len(prices) < PRICES:
        raise TooFewSamples(len(prices), PRICES)
    window = np.asarray(prices[-PRICES:], dtype=float)
    for position, price in enumerate(window):
        if not (math.isfinite(price) and price > 0):
            raise BadPrice(position, float(price))
    if not np.ptp(window):
        raise FlatSeries(PRICES)
    inputs, sigma = window_inputs(window[None])
    return inputs[0], float(sigma[0])


def window_inputs(windows: Array) -> tuple[Array, Array]:
    """(market inputs of shape (n, 4), s of shape (n,)) of windows of shape (n, 91), checked by the caller."""
    squares = (np.diff(windows, axis=1) / windows[:, :-1]) ** 2
    mean = squares.mean(axis=1)
    sigma = np.sqrt(WEEK * mean)
    raw = (
        sigma / VOLATILITY_UNIT,
        np.sqrt(squares[:, -WEEK:].mean(axis=1) / mean),
        np.sqrt(squares[:, -DAY:].mean(axis=1) / mean),
        (windows[:, -1] / windows[:, -1 - WEEK] - 1) / sigma,
    )
    clipped = [np.clip(one, low, high) for one, (low, high) in zip(raw, MARKET_DOMAIN, strict=True)]
    return np.stack(clipped, axis=1), sigma


def position_inputs(health_factors: Sequence[float], sigma: float, places: int) -> Array:
    """z of each position; places left over are filled with 8, as far away as a position can be.

    Raises BadHealthFactor, AlreadyLiquidatable, and TooFewSamples when there are more positions than places.
    """
    if len(health_factors) > places:
        raise TooFewSamples(places, len(health_factors))
    distances = np.array([checked_log(one) for one in health_factors])
    row = np.full(places, MAX_DISTANCE)
    row[: len(distances)] = np.clip(distances / sigma, 0.0, MAX_DISTANCE)
    return row
