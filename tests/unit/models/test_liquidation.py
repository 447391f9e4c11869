"""Liquidation probability: the formula, the inputs and what they refuse, no look-ahead, and the net's own promises."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from models._data import HourlySeries
from models._errors import BadPrice, FlatSeries, ParameterOutOfRange, TooFewSamples
from models._export import committed
from models._first_passage import checked_log, first_passage, log_health_factor
from models._liquidation_data import FIRST_HOUR, parkinson, windows
from models._liquidation_features import (
    HORIZON_HOURS,
    MARKET_DOMAIN,
    MAX_DISTANCE,
    PRICES,
    market_inputs,
    position_inputs,
)
from models._liquidation_net import MARKET, reference, samples
from models._liquidation_report import monte_carlo_gap
from models._position_errors import AlreadyLiquidatable, BadHealthFactor, PositionWithoutDebt
from models._probability_scores import block_interval, calibration_error, score
from models.liquidation import FAMILY
from models.liquidation_64 import FAMILY as BATCH

LARGEST_GAP = 4.0


def walk(count: int, seed: int = 1) -> np.ndarray:
    """Prices of a random walk."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, count)))


def series(count: int = FIRST_HOUR + 500, seed: int = 1) -> HourlySeries:
    """Hourly candles of a random walk."""
    close = walk(count, seed)
    start = np.datetime64("2020-01-01T00", "h") + np.arange(count)
    nothing = np.zeros(count, dtype=bool)
    return HourlySeries("BTCUSDT", start, close, close * 1.002, close * 0.998, close, nothing, ())


def test_first_passage__hourly_looks__agrees_with_simulated_paths() -> None:
    assert monte_carlo_gap(paths=10_000, seed=3)[1] <= LARGEST_GAP


def test_first_passage__at_the_barrier__is_certain() -> None:
    assert first_passage(np.array(0.0), np.array(0.04)) == pytest.approx(1.0)


def test_first_passage__far_away__stays_finite() -> None:
    found = first_passage(np.array([1.0, 50.0, 700.0]), np.array(0.01))
    assert (found >= 0).all()
    assert (np.diff(found) <= 0).all()


def test_first_passage__looked_at_seldom__is_less_likely() -> None:
    distance, variance = np.array(0.1), np.array(0.01)
    assert first_passage(distance, variance, 24) < first_passage(distance, variance, 168)
    assert first_passage(distance, variance, 168) < first_passage(distance, variance)


@pytest.mark.parametrize(
    ("distance", "variance"),
    [(-0.1, 0.01), (math.nan, 0.01), (0.1, 0.0), (0.1, -1.0), (0.1, math.nan), (0.1, math.inf)],
)
def test_first_passage__bad_arguments__refused(distance: float, variance: float) -> None:
    with pytest.raises(ParameterOutOfRange):
        first_passage(np.array(distance), np.array(variance))


@pytest.mark.parametrize("debt", [0.0, -1.0, math.nan])
def test_log_health_factor__without_debt__refused(debt: float) -> None:
    with pytest.raises(PositionWithoutDebt):
        log_health_factor(100.0, 0.8, debt)


@pytest.mark.parametrize("health_factor", [0.0, -2.0, math.nan, math.inf])
def test_checked_log__no_health_factor__refused(health_factor: float) -> None:
    with pytest.raises(BadHealthFactor):
        checked_log(health_factor)


def test_log_health_factor__below_one__refused() -> None:
    with pytest.raises(AlreadyLiquidatable, match=r"0\.9"):
        log_health_factor(90.0, 0.8, 80.0)


def test_market_inputs__a_window__as_written_out() -> None:
    prices = walk(PRICES)
    returns = [after / before - 1 for before, after in pairwise(prices)]
    squares = [one * one for one in returns]
    sigma = math.sqrt(21 * sum(squares) / 90)
    inputs, found = market_inputs(prices)
    mean = sum(squares) / 90
    expected = [
        10 * sigma,
        math.sqrt(sum(squares[-21:]) / 21 / mean),
        math.sqrt(sum(squares[-3:]) / 3 / mean),
        (prices[90] / prices[69] - 1) / sigma,
    ]
    assert found == pytest.approx(sigma)
    np.testing.assert_allclose(inputs, expected)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_market_inputs__bad_price__refused(bad: float) -> None:
    prices = walk(PRICES)
    prices[40] = bad
    with pytest.raises(BadPrice, match="price 40"):
        market_inputs(prices)


def test_market_inputs__too_few__refused() -> None:
    with pytest.raises(TooFewSamples):
        market_inputs(walk(PRICES - 1))


def test_market_inputs__flat__refused() -> None:
    with pytest.raises(FlatSeries):
        market_inputs(np.full(PRICES, 5.0))


@pytest.mark.parametrize("place", [0, 45, 90])
def test_market_inputs__one_jump_of_half__inside_the_domain(place: int) -> None:
    prices = walk(PRICES)
    prices[place:] *= 0.5
    inputs, _ = market_inputs(prices)
    assert all(low <= one <= high for one, (low, high) in zip(inputs, MARKET_DOMAIN, strict=True))


def test_position_inputs__fewer_than_places__the_rest_far_away() -> None:
    row = position_inputs([1.0, 1.1, 50.0], 0.1, 5)
    np.testing.assert_allclose(row, [0.0, math.log(1.1) / 0.1, MAX_DISTANCE, MAX_DISTANCE, MAX_DISTANCE])


def test_position_inputs__more_than_places__refused() -> None:
    with pytest.raises(TooFewSamples):
        position_inputs([1.1] * 3, 0.1, 2)


def test_position_inputs__one_below_one__refused() -> None:
    with pytest.raises(AlreadyLiquidatable):
        position_inputs([1.1, 0.99], 0.1, 2)


def test_windows__future_shuffled__inputs_unchanged() -> None:
    whole = series()
    known = windows(whole, 24)
    at = FIRST_HOUR + 5 * 24
    scrambled = whole.close.copy()
    np.random.default_rng(9).shuffle(scrambled[at + 1 :])
    other = windows(replace(whole, close=scrambled, high=scrambled * 1.1, low=scrambled * 0.9), 24)
    past = known.at <= whole.start[at]
    assert past.sum() == 6
    for name in ("market", "sigma", "parkinson"):
        mine, theirs = getattr(known, name), getattr(other, name)
        # the ranges of past days are the past's own highs and lows
        if name == "parkinson":
            continue
        np.testing.assert_array_equal(mine[past], theirs[past])
    assert not np.array_equal(known.fall[past], other.fall[past])


def test_parkinson__future_changed__same() -> None:
    whole = series()
    at = FIRST_HOUR + 100
    high = whole.high.copy()
    high[at + 1 :] *= 3
    np.testing.assert_array_equal(parkinson(whole)[: at + 1], parkinson(replace(whole, high=high))[: at + 1])


def test_before__a_day__every_outcome_is_over() -> None:
    found = windows(series(), 8).before("2020-03-10")
    assert len(found.at)
    assert found.at.max() + np.timedelta64(HORIZON_HOURS, "h") < np.datetime64("2020-03-10", "h")


def test_liquidated__lowest_close__decides() -> None:
    found = windows(series(), 24)
    at = FIRST_HOUR
    close = series().close
    lowest = close[at + 1 : at + 1 + HORIZON_HOURS].min()
    edge = close[at] / lowest
    if edge > 1:
        np.testing.assert_array_equal(found.liquidated(np.array([edge * 0.999, edge * 1.001]))[0], [1.0, 0.0])


def test_logit__healthier_position__never_more_likely() -> None:
    weights = committed(FAMILY).weights
    market = samples(1, 500, 8)[:, :MARKET]
    ramp = np.linspace(0, MAX_DISTANCE, 64)
    logits = reference(np.concatenate([market, np.tile(ramp, (500, 1))], axis=1), weights)[:, :-1]
    assert (np.diff(logits, axis=1) < 0).all()


def test_confidence__any_market__between_0_and_1() -> None:
    confidence = reference(samples(1, 2_000, 8), committed(FAMILY).weights)[:, -1]
    assert confidence.min() >= 0
    assert confidence.max() <= 1


def test_confidence__a_market_never_seen__lower_than_a_common_one() -> None:
    weights = committed(FAMILY).weights
    common, strange = [0.8, 1.0, 0.8, 0.0, 1.0], [9.0, 2.4, 3.9, 3.9, 1.0]
    found = reference(np.array([common, strange]), weights)[:, -1]
    assert found[1] < found[0]


def test_batch__64_positions__as_64_single_ones() -> None:
    weights = committed(BATCH).weights
    rows = samples(64, 20, 4)
    together = reference(rows, weights)
    for place in range(64):
        alone = reference(np.column_stack([rows[:, :MARKET], rows[:, MARKET + place]]), weights)
        np.testing.assert_allclose(together[:, place], alone[:, 0])
        np.testing.assert_allclose(together[:, -1], alone[:, 1])


def test_batch__committed__the_single_ones_weights() -> None:
    single, batch = committed(FAMILY).weights, committed(BATCH).weights
    assert set(single) == set(batch)
    for name, value in single.items():
        np.testing.assert_array_equal(value, batch[name])


def test_score__certain_and_right__zero() -> None:
    outcomes = np.array([[1.0, 0.0], [0.0, 1.0]])
    found = score(outcomes, outcomes)
    assert (found.brier, found.calibration_error) == (0.0, 0.0)
    assert found.log_loss == pytest.approx(1e-6, rel=1e-3)


def test_calibration_error__half_said_quarter_came__a_quarter() -> None:
    assert calibration_error(np.full(8, 0.5), np.array([1.0, 1.0, 0, 0, 0, 0, 0, 0])) == pytest.approx(0.25)


def test_block_interval__noise_about_a_mean__holds_it() -> None:
    low, high = block_interval(np.random.default_rng(2).normal(0.3, 1.0, 4_000), 20)
    assert low < 0.3 < high
    assert high - low < 0.2
