"""Forecasts of the day's realised variance: HAR-RV in logarithms, refitted walk-forward, and Parkinson EWMA.

Corsi (2009), "A simple approximate long-memory model of realized volatility", in logarithms as in Andersen, Bollerslev
and Diebold (2007), "Roughing it up". A row of 5 of one day, s = sigma_ref:

    0, 1, 2  ln(RV/s^2 + 2^-14) of the last day, the last week's mean, the month's mean
    3, 4     shares of weekend in the day ahead and the day behind

ln(h/s^2) = constant + coefficients . row, the constant holding the correction for the mean of exp(residual).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models._data import HourlySeries
from models._registry import Array
from models._rv_days import Days, hour_of
from models._rv_features import HOURS, PARKINSON
from models._scores import EWMA_LAMBDA

LOGS: Final = 3
COLUMNS: Final = 5
REFIT_DAYS: Final = 63
# What is added to a variance, in units of sigma_ref^2, so that a dead day has a logarithm
FLOOR: Final = 2.0**-14
_DAYS_TO_START: Final = 30


def log_rows(days: Days, sigma_ref: float) -> Array:
    """The rows of 5, shape (n, 5)."""
    variances = [days.inputs[:, 0] ** 2 * days.month, days.inputs[:, 1] ** 2 * days.month, days.month]
    logs = [np.log(variance / sigma_ref**2 + FLOOR) for variance in variances]
    return np.column_stack([*logs, days.inputs[:, 6], days.inputs[:, 7]])


def fit_har(rows: Array, ahead: Array) -> Array:
    """Coefficients, then the constant, by least squares on ln(ahead + 2^-14); `ahead` in units of sigma_ref^2."""
    x, y = np.column_stack([rows, np.ones(len(rows))]), np.log(ahead + FLOOR)
    found = np.linalg.lstsq(x, y, rcond=None)[0]
    found[-1] += np.log(np.mean(np.exp(y - x @ found)))
    return np.asarray(found)


def har_forecast(days: Days, sigma_ref: float, first: np.datetime64, *, weekend: bool) -> Array:
    """HAR-RV's variances from `first` on, fitted anew every 63 days to all earlier; `weekend`: all five columns."""
    x, ahead = log_rows(days, sigma_ref)[:, : COLUMNS if weekend else LOGS], days.ahead / sigma_ref**2
    begin = int(np.searchsorted(days.end, hour_of(first)))
    out = np.zeros(len(x) - begin)
    for start in range(begin, len(x), REFIT_DAYS):
        # the last row's day ahead has not ended yet
        found = fit_har(x[: start - 1], ahead[: start - 1])
        stop = min(start + REFIT_DAYS, len(x))
        out[start - begin : stop - begin] = np.exp(x[start:stop] @ found[:-1] + found[-1]) * sigma_ref**2
    return out


def parkinson_ewma(series: HourlySeries, ends: NDArray[np.int64], first: np.datetime64) -> Array:
    """EWMA(.94) of the calendar days' Parkinson variances from candles' highs and lows, at midnights `ends`.

    Scaled by the ratio of realised to Parkinson variance over the days before `first`.
    """
    hours = series.start.astype("datetime64[h]").astype(np.int64)
    begin = int(np.flatnonzero(hours % HOURS == 0)[0])
    count = (len(hours) - begin) // HOURS
    part = slice(begin, begin + count * HOURS)
    high, low = series.high[part].reshape(count, HOURS).max(1), series.low[part].reshape(count, HOURS).min(1)
    ranges = np.log(high / low) ** 2 / PARKINSON
    returns = np.zeros(len(series.close))
    returns[1:] = series.close[1:] / series.close[:-1] - 1.0
    realised = (returns[part] ** 2).reshape(count, HOURS).sum(1)
    midnights = hours[begin] + HOURS * np.arange(1, count + 1)
    before = midnights < hour_of(first)
    h, path = float(np.mean(ranges[:_DAYS_TO_START])), np.zeros(count)
    for day, value in enumerate(ranges):
        h = EWMA_LAMBDA * h + (1 - EWMA_LAMBDA) * value
        path[day] = h
    scale = float(np.mean(realised[before]) / np.mean(ranges[before]))
    return np.asarray(path[np.searchsorted(midnights, ends)] * scale)
