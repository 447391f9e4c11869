"""Windows of hourly candles with what became of them: did the price fall below each distance within 7 days?

The price is looked at at each hour's close, as a feed that reports hourly does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models._data import HourlySeries, hourly_candles
from models._liquidation_features import HORIZON_HOURS, MAX_DISTANCE, RETURNS, STEP_HOURS, window_inputs
from models._registry import Array

COINS: Final = {"BTCUSDT": "Bitcoin", "ETHUSDT": "Ether"}
DAY_HOURS: Final = 24
PARKINSON_DAYS: Final = 60
PARKINSON_LAMBDA: Final = 0.94
FIRST_HOUR: Final = DAY_HOURS * (PARKINSON_DAYS + 1)


@dataclass(frozen=True, slots=True)
class Windows:
    """One coin's windows, one a row. `at`: the hour whose close is the window's last price.

    `market` (n, 4), `sigma` (n,): the net's. `parkinson` (n,): variance of a week by daily ranges. `fall` (n,): how far
    ln price fell at its lowest within the 7 days after `at`, not negative.
    """

    coin: str
    at: NDArray[np.datetime64]
    market: Array
    sigma: Array
    parkinson: Array
    fall: Array

    def where(self, chosen: NDArray[np.bool_]) -> Windows:
        """The chosen rows."""
        market, sigma = self.market[chosen], self.sigma[chosen]
        return Windows(self.coin, self.at[chosen], market, sigma, self.parkinson[chosen], self.fall[chosen])

    def before(self, day: str) -> Windows:
        """Windows whose 7 days after are over before `day`: what one could know then."""
        return self.where(self.at + np.timedelta64(HORIZON_HOURS + 1, "h") <= np.datetime64(day, "h"))

    def between(self, first: str, end: str) -> Windows:
        """Windows from `first` to before `end`."""
        return self.where((self.at >= np.datetime64(first, "h")) & (self.at < np.datetime64(end, "h")))

    def distances(self, health_factors: Array) -> Array:
        """z of each health factor at each window, shape (n, len(health_factors))."""
        return np.asarray(np.clip(np.log(health_factors) / self.sigma[:, None], 0.0, MAX_DISTANCE))

    def liquidated(self, health_factors: Array) -> Array:
        """1 where a position of that health factor was, 0 where not; same shape."""
        return np.asarray(self.fall[:, None] >= np.log(health_factors), dtype=np.float64)


def coin_windows(data: Path, every_hours: int) -> list[Windows]:
    """Bitcoin's and Ether's windows since 2017, one every so many hours. Raises DataMissing."""
    return [windows(hourly_candles(data, symbol, early=True), every_hours) for symbol in COINS]


def windows(series: HourlySeries, every_hours: int) -> Windows:
    """Windows of a series. A missing hour repeats the close before it, as a feed's answer stands until the next."""
    hours = np.arange(FIRST_HOUR, len(series.close) - HORIZON_HOURS, every_hours)
    steps = STEP_HOURS * np.arange(-RETURNS, 1)
    market, sigma = window_inputs(series.close[hours[:, None] + steps])
    lowest = sliding_window_view(series.close, HORIZON_HOURS).min(axis=1)[hours + 1]
    fall = np.maximum(np.log(series.close[hours] / lowest), 0.0)
    return Windows(COINS[series.name], series.start[hours], market, sigma, parkinson(series)[hours], fall)


def parkinson(series: HourlySeries) -> Array:
    """Variance of a week at each hour: EWMA(.94) of 60 daily ranges' variances (Parkinson 1980); NaN before."""
    high = sliding_window_view(series.high, DAY_HOURS).max(axis=1)
    low = sliding_window_view(series.low, DAY_HOURS).min(axis=1)
    daily = np.log(high / low) ** 2 / (4 * np.log(2))
    weights = PARKINSON_LAMBDA ** np.arange(PARKINSON_DAYS)
    result: Any = np.full(len(series.close), np.nan)
    result[FIRST_HOUR:] = 0.0
    for back, weight in enumerate(weights / weights.sum()):
        shift = back * DAY_HOURS + DAY_HOURS - 1
        result[FIRST_HOUR:] += weight * daily[FIRST_HOUR - shift : len(daily) + DAY_HOURS - 1 - shift]
    return np.asarray(result * HORIZON_HOURS / DAY_HOURS)
