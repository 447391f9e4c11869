"""Risk weight: the formula's order, its circuit form, and no look-ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models._data import HourlySeries
from models._export import committed
from models._liquidation_data import FIRST_HOUR
from models._liquidation_features import HORIZON_HOURS
from models._risk_weight_data import loss_windows, unconditional
from models._risk_weight_net import HIGHEST, LAMBDA, LOWEST, MARKET, reference, samples, shortfalls, weight
from models._risk_weight_report import violations
from models._risk_weight_training import LINEAR, market_of, unit_of
from models.risk_weight import FAMILY

ratios = st.floats(0, 20)
confidences = st.floats(0, 1)


def series(count: int = FIRST_HOUR + 400) -> HourlySeries:
    """Hourly candles of a random walk."""
    close = 100 * np.exp(np.cumsum(np.random.default_rng(4).normal(0, 0.01, count)))
    start = np.datetime64("2020-01-01T00", "h") + np.arange(count)
    return HourlySeries("ETHUSDT", start, close, close, close, close, np.zeros(count, dtype=bool), ())


@given(ratios, ratios, confidences)
def test_weight__larger_shortfall__never_smaller(one: float, other: float, confidence: float) -> None:
    low, high = sorted((one, other))
    assert weight(np.array(low), np.array(confidence)) <= weight(np.array(high), np.array(confidence))


@given(ratios, confidences, confidences)
def test_weight__more_confidence__never_larger(shortfall: float, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert weight(np.array(shortfall), np.array(more)) <= weight(np.array(shortfall), np.array(less))


def test_violations__random_pairs__none() -> None:
    assert violations() == 0


@pytest.mark.parametrize(
    ("shortfall", "confidence", "expected"),
    [
        (1.0, 1.0, 1.0),
        (0.1, 1.0, LOWEST),
        (9.0, 1.0, HIGHEST),
        (1.0, 0.0, 1 + LAMBDA),
        (9.0, 0.0, HIGHEST * (1 + LAMBDA)),
    ],
)
def test_weight__known__as_written(shortfall: float, confidence: float, expected: float) -> None:
    assert weight(np.array(shortfall), np.array(confidence)) == pytest.approx(expected)


def test_reference__committed__rises_with_v_and_falls_with_confidence() -> None:
    weights = committed(FAMILY).weights
    rows = samples(1_000, 6)
    base = reference(rows, weights)
    louder, surer = rows.copy(), rows.copy()
    louder[:, 0] = np.minimum(louder[:, 0] * 1.2, 8.0)
    surer[:, MARKET] = np.minimum(surer[:, MARKET] + 0.1, 1.0)
    assert (reference(louder, weights)[:, 0] >= base[:, 0] - 1e-12).all()
    assert (reference(surer, weights)[:, 0] <= base[:, 0] + 1e-12).all()


def test_committed__linear__has_no_net_in_it() -> None:
    fitted = committed(FAMILY)
    if fitted.ships != LINEAR:
        pytest.skip("a net ships")
    assert not fitted.weights["correction.weight"].any()
    market = samples(50, 2)[:, :MARKET]
    w = fitted.weights
    line = market[:, 0] * (w["linear.bias"] + market[:, 1:3] @ w["linear.weight"][0])
    np.testing.assert_allclose(shortfalls(market, w), line, rtol=1e-6)


def test_unconditional__losses__mean_of_the_worst_fortieth() -> None:
    assert unconditional(np.arange(1, 401, dtype=float)) == pytest.approx(np.mean(np.arange(391, 401)))


def test_loss_windows__future_shuffled__inputs_unchanged() -> None:
    whole = series()
    at = FIRST_HOUR + 4 * 24
    close = whole.close.copy()
    np.random.default_rng(1).shuffle(close[at + 1 :])
    before, after = loss_windows(whole, 24), loss_windows(replace(whole, close=close), 24)
    past = before.windows.at <= whole.start[at]
    unit = unit_of(before)
    np.testing.assert_array_equal(market_of(before.where(past), unit), market_of(after.where(past), unit))
    np.testing.assert_array_equal(before.ewma[past], after.ewma[past])
    assert not np.array_equal(before.largest[past], after.largest[past])


def test_before__a_day__every_week_is_over() -> None:
    found = loss_windows(series(), 8).before("2020-03-11")
    assert len(found.ewma)
    assert found.windows.at.max() + np.timedelta64(HORIZON_HOURS, "h") < np.datetime64("2020-03-11", "h")


def test_largest__week__no_smaller_than_any_of_its_days() -> None:
    found = loss_windows(series(), 24)
    assert (found.largest >= found.days.max(axis=1) - 1e-12).all()
