"""Inputs of the realised-volatility net, computed from hourly closes alone, at any hour.

A day here is the 24 hours that end at the hour of the forecast, not a calendar day. With hourly closes p_0..p_720
(oldest first, 721 of them, p_720 the newest), r_t = p_t / p_{t-1} - 1, and for day d = 0 (newest) .. 29:

    RV_d  = sum of the 24 r_t^2 of that day                      realised variance (Andersen and Bollerslev 1998)
    PK_d  = (max/min - 1)^2 / 2.772588722239781                  range variance (Parkinson 1980), max and min over the
                                                                 25 closes from the day's start to its end
    W = mean(RV_0..RV_6),  M = mean(RV_0..RV_29),  PW = mean(PK_0..PK_6)

A row of 8, dimensionless:

    0  z_d = sqrt(RV_0 / M)        1  z_w = sqrt(W / M)         each at most sqrt(30)
    2  k_d = sqrt(PK_0 / M)        3  k_w = sqrt(PW / M)        cut at 8
    4  level = sqrt(M) / sigma_ref                              cut at 8; sigma_ref: the asset's long-run daily
                                                                volatility, from the feed's configuration
    5  drop = max(0, 1 - p_720 / p_696) / sqrt(M)               cut at 8: how far the last day fell
    6  e_next = share of the 24 hours to come that are on a Saturday or Sunday (UTC), from the time of p_720
    7  e_last = the same of the 24 hours behind

Each is a ratio of integers, or the floor of the root of one: with R2 = M * 2^(2s), z_d at 2^s is
isqrt(RV_0 * 2^(2s) / M). The forecast is volatility = output * sqrt(M), for the day to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models._data import HourlySeries
from models._errors import BadPrice, FlatSeries, GapInSeries, TooFewSamples
from models._registry import Array

HOURS: Final = 24
DAYS: Final = 30
WEEK: Final = 7
CLOSES: Final = DAYS * HOURS + 1
PARKINSON: Final = 4 * float(np.log(2.0))
CUT: Final = 8.0
COLUMNS: Final = 8
# Missing hours in 30 days beyond which a window is no window
MAX_MISSING: Final = 48
_EPOCH_DAY: Final = 4  # 1970-01-01 was a Thursday, with Monday as 1
_SATURDAY: Final = 6


@dataclass(frozen=True, slots=True)
class Windows:
    """Every hour of a series: features (NaN before the 721st close), M (the month's mean daily variance), and `ahead`,
    the realised variance of the 24 hours to come (NaN at the end, and where hours are missing)."""

    features: Array
    month: Array
    ahead: Array
    complete: NDArray[np.bool_]


def window_features(closes: Array, end_hour: int, sigma_ref: float, missing: int = 0) -> Array:
    """The row of 8 for one window of 721 closes; `end_hour`: hours since 1970 of the newest.

    Raises TooFewSamples, BadPrice, FlatSeries, GapInSeries.
    """
    if len(closes) < CLOSES:
        raise TooFewSamples(len(closes), CLOSES)
    bad = np.flatnonzero(~(np.isfinite(closes) & (closes > 0)))
    if len(bad):
        raise BadPrice(int(bad[0]), float(closes[bad[0]]))
    if missing > MAX_MISSING:
        raise GapInSeries(0, missing, MAX_MISSING)
    recent = closes[-CLOSES:]
    if np.ptp(recent) == 0:
        raise FlatSeries(CLOSES)
    hours = np.arange(end_hour - CLOSES + 1, end_hour + 1)
    return np.asarray(_features(recent, hours, sigma_ref)[0][-1])


def windows(series: HourlySeries, sigma_ref: float) -> Windows:
    """The features of every hour, and what came after."""
    hours = series.start.astype("datetime64[h]").astype(np.int64) + 1  # a candle's close is at the next hour's start
    features, month, realised = _features(series.close, hours, sigma_ref)
    ahead = np.full(len(hours), np.nan)
    ahead[:-HOURS] = realised[HOURS:]
    gone = _trailing(series.missing.astype(np.float64), CLOSES)
    complete = gone <= MAX_MISSING
    lacking = _trailing(series.missing.astype(np.float64), HOURS)
    ahead[:-HOURS][lacking[HOURS:] > 0] = np.nan
    return Windows(features, month, ahead, complete)


def _features(closes: Array, hours: NDArray[np.int64], sigma_ref: float) -> tuple[Array, Array, Array]:
    """(features, M, RV of the day that ends there), one row an hour, NaN where the window is not full."""
    count = len(closes)
    squares = np.zeros(count)
    squares[1:] = (closes[1:] / closes[:-1] - 1.0) ** 2
    day = _trailing(squares, HOURS)
    day[:HOURS] = np.nan
    spread = np.full(count, np.nan)
    view = np.lib.stride_tricks.sliding_window_view(closes, HOURS + 1)
    spread[HOURS:] = (view.max(axis=1) / view.min(axis=1) - 1.0) ** 2 / PARKINSON
    week, month, ranges = _mean_days(day, WEEK), _mean_days(day, DAYS), _mean_days(spread, WEEK)
    back = np.full(count, np.nan)
    back[HOURS:] = np.maximum(0.0, 1.0 - closes[HOURS:] / closes[:-HOURS])
    weekend = _weekend(hours)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(month)
        columns = [np.sqrt(value / month) for value in (day, week, spread, ranges)]
        rows = np.column_stack([*columns, root / sigma_ref, back / root, *weekend])
    rows[:, :6] = np.minimum(rows[:, :6], CUT)
    rows[np.isnan(month)] = np.nan
    return rows, month, day


def _trailing(values: Array, length: int) -> Array:
    """Sums of the last `length` values, of fewer at the start."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    start = np.maximum(np.arange(1, len(values) + 1) - length, 0)
    return np.asarray(np.maximum(total[1:] - total[start], 0.0))


def _mean_days(day: Array, days: int) -> Array:
    """Mean over the last `days` days of a quantity that is known at every hour for the day behind it."""
    total = np.full(len(day), 0.0)
    for back in range(days):
        shifted = np.full(len(day), np.nan)
        shifted[back * HOURS :] = day[: len(day) - back * HOURS]
        total += shifted
    return total / days


def _weekend(hours: NDArray[np.int64]) -> tuple[Array, Array]:
    """Shares of weekend in the 24 hours from, and up to, each of these hours (since 1970)."""
    ahead, behind = np.zeros(len(hours)), np.zeros(len(hours))
    for step in range(HOURS):
        ahead += _is_weekend(hours + step)
        behind += _is_weekend(hours - 1 - step)
    return ahead / HOURS, behind / HOURS


def _is_weekend(hours: NDArray[np.int64]) -> NDArray[np.bool_]:
    weekday = (hours // HOURS + _EPOCH_DAY - 1) % 7 + 1
    return weekday >= _SATURDAY
