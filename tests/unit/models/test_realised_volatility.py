"""The realised-volatility features: by hand, blind to the future, bad windows refused; forecasts that know the past."""

from __future__ import annotations

import numpy as np
import pytest

from models._data import HourlySeries
from models._errors import BadPrice, FlatSeries, GapInSeries, TooFewSamples
from models._rv_baselines import har_forecast, parkinson_ewma
from models._rv_days import Days
from models._rv_features import CLOSES, CUT, DAYS, HOURS, MAX_MISSING, PARKINSON, window_features, windows
from models.realised_volatility import DOMAIN
from tests.support.lookahead import assert_blind_to_the_future

MONDAY = 4 * HOURS  # 1970-01-05


def walk(count: int, seed: int = 0, size: float = 0.01) -> np.ndarray:
    """Hourly closes."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, size, count)))


def series_of(closes: np.ndarray) -> HourlySeries:
    """Candles whose ends are their closes."""
    start = np.datetime64("2021-01-04T00", "h") + np.arange(len(closes))
    return HourlySeries("test", start, closes, closes, closes, closes, np.zeros(len(closes), dtype=bool), ())


def test_window_features__by_hand__equal() -> None:
    closes = walk(CLOSES)
    squares = (closes[1:] / closes[:-1] - 1) ** 2
    day = squares.reshape(DAYS, HOURS).sum(axis=1)[::-1]
    bounds = [closes[-1 - (d + 1) * HOURS : len(closes) - d * HOURS] for d in range(DAYS)]
    spread = [(part.max() / part.min() - 1) ** 2 / PARKINSON for part in bounds]
    month = day.mean()
    expected = [
        np.sqrt(day[0] / month),
        np.sqrt(day[:7].mean() / month),
        np.sqrt(spread[0] / month),
        np.sqrt(np.mean(spread[:7]) / month),
        np.sqrt(month) / 0.05,
        max(0.0, 1 - closes[-1] / closes[-1 - HOURS]) / np.sqrt(month),
    ]
    got = window_features(closes, MONDAY, 0.05)
    np.testing.assert_allclose(got[:6], np.minimum(expected, CUT), rtol=1e-9)


@pytest.mark.parametrize(
    ("end", "ahead", "behind"),
    [(MONDAY, 0.0, 1.0), (MONDAY + 5 * HOURS, 1.0, 0.0), (MONDAY + 5 * HOURS - 6, 0.75, 0.0), (MONDAY + 3, 0.0, 0.875)],
)
def test_window_features__calendar__shares_of_weekend(end: int, ahead: float, behind: float) -> None:
    assert tuple(window_features(walk(CLOSES), end, 0.05)[6:]) == (ahead, behind)


def test_window_features__same_window__as_in_the_series() -> None:
    closes = walk(CLOSES + 100)
    end = int(series_of(closes).start[-1].astype(np.int64)) + 1
    np.testing.assert_allclose(window_features(closes, end, 0.05), windows(series_of(closes), 0.05).features[-1])


def test_window_features__jump_of_half__inside_the_domain() -> None:
    closes = walk(CLOSES, size=1e-4)
    closes[-5:] *= 0.5
    row = window_features(closes, MONDAY, 0.05)
    assert all(low <= value <= high for value, (low, high) in zip(row, DOMAIN, strict=True))
    assert row[0] == pytest.approx(np.sqrt(DAYS), rel=1e-3)


def test_window_features__bad_windows__refused_by_name() -> None:
    closes = walk(CLOSES)
    with pytest.raises(TooFewSamples, match="720 samples, 721"):
        window_features(closes[1:], MONDAY, 0.05)
    for bad in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(BadPrice):
            window_features(np.where(np.arange(CLOSES) == 7, bad, closes), MONDAY, 0.05)
    with pytest.raises(FlatSeries):
        window_features(np.full(CLOSES, 3.0), MONDAY, 0.05)
    with pytest.raises(GapInSeries):
        window_features(closes, MONDAY, 0.05, missing=MAX_MISSING + 1)


def test_windows__future_shuffled__features_stay() -> None:
    closes = walk(CLOSES + 300)
    assert_blind_to_the_future(lambda c: windows(series_of(c), 0.05).features, closes, CLOSES + 100)


def days(count: int, ahead: np.ndarray) -> Days:
    """Daily windows with what came after."""
    generator = np.random.default_rng(1)
    inputs = np.exp(generator.normal(0, 0.3, (count, 8)))
    return Days(HOURS * np.arange(1, count + 1), inputs, np.full(count, 1e-3), ahead)


def test_har_forecast__future_shuffled__earlier_forecasts_stay() -> None:
    ahead = np.exp(np.random.default_rng(2).normal(-7, 0.5, 400))
    first = np.datetime64("1970-07-20")  # day 200
    changed = ahead.copy()
    np.random.default_rng(3).shuffle(changed[300:])
    before, after = (har_forecast(days(400, each), 0.03, first, weekend=True) for each in (ahead, changed))
    np.testing.assert_array_equal(before[:100], after[:100])
    assert not np.array_equal(before, after)


def test_parkinson_ewma__future_shuffled__earlier_forecasts_stay() -> None:
    closes = walk(100 * HOURS)
    changed = closes.copy()
    np.random.default_rng(4).shuffle(changed[80 * HOURS :])
    start = int(series_of(closes).start[0].astype(np.int64))
    ends = start + HOURS * np.arange(60, 101)
    first = np.datetime64("2021-03-05")  # day 60
    before, after = (parkinson_ewma(series_of(each), ends, first) for each in (closes, changed))
    np.testing.assert_array_equal(before[:21], after[:21])
    assert not np.array_equal(before[21:], after[21:])
