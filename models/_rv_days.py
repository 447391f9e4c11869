"""Hourly markets as days to forecast: windows with the realised variance that followed, spans in time, the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models._data import HourlySeries
from models._registry import Array
from models._rv_features import HOURS, windows

SYMBOLS: Final = {"BTCUSDT": "Bitcoin", "ETHUSDT": "Ether"}
VALIDATION_FROM: Final = np.datetime64("2021-09-20")
TEST_FROM: Final = np.datetime64("2022-09-20")


@dataclass(frozen=True, slots=True)
class Days:
    """Windows of one market with the realised variance that followed; `month`: M of each, which scales the output."""

    end: NDArray[np.int64]
    inputs: Array
    month: Array
    ahead: Array

    def between(self, first: np.datetime64 | None, last: np.datetime64 | None, every: int) -> Days:
        """Those every so many hours whose day to come lies in [first, last)."""
        keep = self.end % every == 0
        if first is not None:
            keep &= self.end >= hour_of(first)
        if last is not None:
            keep &= self.end + HOURS < hour_of(last)
        return Days(self.end[keep], self.inputs[keep], self.month[keep], self.ahead[keep])


def hour_of(day: np.datetime64) -> int:
    """Hours since 1970."""
    return int(day.astype("datetime64[h]").astype(np.int64))


def load(series: HourlySeries, sigma_ref: float) -> Days:
    """Every hour with a complete month behind and a complete day ahead."""
    every = windows(series, sigma_ref)
    good = np.isfinite(every.ahead) & np.isfinite(every.month) & every.complete
    end = series.start.astype("datetime64[h]").astype(np.int64) + 1
    return Days(end[good], every.features[good], every.month[good], every.ahead[good])


def long_run_volatility(series: HourlySeries) -> float:
    """sigma_ref: root of the mean daily realised variance before the validation data."""
    month = windows(series, 1.0).month[series.start < VALIDATION_FROM]
    return float(np.sqrt(np.nanmean(month)))


def qlike(variance: Array, realised: Array) -> Array:
    """log h + RV/h of each day, variances in squared percent."""
    return np.asarray(np.log(variance * 1e4) + realised / variance)
