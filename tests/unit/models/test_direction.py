"""Direction: windows by hand, blind to the future, bad ones refused; scores by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models._errors import BadPrice, FlatSeries, TooFewSamples
from models.direction import LIMIT, WINDOW, area_under_curve, features, log_loss, window_features
from tests.support.lookahead import assert_blind_to_the_future


def walk(count: int, seed: int = 0) -> np.ndarray:
    """Hourly closes."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, count)))


def test_window_features__any_window__of_unit_mean_square() -> None:
    closes = walk(WINDOW + 1)
    row = window_features(closes)
    assert np.mean(row**2) == pytest.approx(1.0)
    np.testing.assert_allclose(row * (closes[1] / closes[0] - 1) / row[0], np.diff(closes) / closes[:-1])


def test_window_features__series__same_rows() -> None:
    closes = walk(100)
    np.testing.assert_allclose(features(closes)[-1], window_features(closes), rtol=1e-12)


def test_window_features__single_jump_of_half__at_the_edge_of_the_domain() -> None:
    closes = np.full(WINDOW + 1, 10.0)
    closes[20:] = 5.0
    row = window_features(closes)
    assert row.min() == pytest.approx(-np.sqrt(32))
    assert np.abs(row).max() <= LIMIT


def test_window_features__bad_windows__refused_by_name() -> None:
    with pytest.raises(TooFewSamples, match="32 samples, 33"):
        window_features(walk(WINDOW))
    with pytest.raises(FlatSeries):
        window_features(np.full(WINDOW + 1, 2.0))
    for bad in (0.0, -3.0, np.nan):
        with pytest.raises(BadPrice):
            window_features(np.append(walk(WINDOW), bad))


def test_features__future_shuffled__earlier_rows_stay() -> None:
    assert_blind_to_the_future(features, walk(200), 120)


def test_area_under_curve__perfect_none_and_reversed__one_half_zero() -> None:
    up = np.array([0.0, 0.0, 1.0, 1.0])
    assert area_under_curve(np.array([1.0, 2.0, 3.0, 4.0]), up)[0] == 1.0
    assert area_under_curve(np.ones(4), up)[0] == 0.5
    assert area_under_curve(np.array([4.0, 3.0, 2.0, 1.0]), up)[0] == 0.0


def test_log_loss__far_logits__finite() -> None:
    np.testing.assert_allclose(log_loss(np.array([0.0, 800.0, -800.0]), np.array([1.0, 1.0, 1.0])), [np.log(2), 0, 800])
