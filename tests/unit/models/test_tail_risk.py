"""Backtests against published regions and closed forms; the correction's features do not see the future."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from models._tail_net import ES99, ES975, Q99, Q975, WINDOW, day_features
from models._tail_tests import coverage, fz0, pinball, shortfall_test
from models.tail_risk import MULTIPLE_RANGE, reference, samples
from tests.support.lookahead import assert_blind_to_the_future


def with_hits(days: int, hits: int) -> np.ndarray:
    """Returns of which so many, evenly spaced, lie below -1."""
    returns = np.zeros(days)
    returns[np.linspace(5, days - 5, hits, dtype=int)] = -2.0
    return returns


@pytest.mark.parametrize(("days", "least", "most"), [(1_000, 5, 16), (1_460, 8, 22)])
def test_coverage__kupiecs_region__accepted_within_and_refused_beyond(days: int, least: int, most: int) -> None:
    for hits, accepted in ((least - 1, False), (least, True), (most, True), (most + 1, False)):
        found = coverage(with_hits(days, hits), np.ones(days), 0.01)
        assert found.hits == hits
        assert (found.unconditional > 0.05) == accepted


def test_coverage__clustered_hits__independence_refused() -> None:
    returns = np.zeros(1_000)
    returns[500:510] = -2.0
    found = coverage(returns, np.ones(1_000), 0.01)
    assert found.unconditional > 0.9
    assert found.independence < 1e-6
    assert not found.passes


def test_coverage__no_hit_at_all__refused_without_a_fault() -> None:
    found = coverage(np.zeros(1_000), np.ones(1_000), 0.01)
    assert (found.hits, found.unconditional < 0.05, found.independence) == (0, True, 1.0)


@pytest.mark.parametrize(("scale", "accepted"), [(1.0, True), (1.3, False)])
def test_shortfall_test__losses_larger_than_forecast__found(scale: float, accepted: bool) -> None:
    generator = np.random.default_rng(3)
    returns = scale * generator.standard_normal(2_000)
    standard = generator.standard_normal(200_000) / ES975
    z2, p = shortfall_test(returns, np.full(2_000, Q975), np.full(2_000, ES975), 0.025, standard)
    assert (p > 0.05) == accepted
    assert (z2 > -0.5) == accepted


def test_constants__normal_quantiles_and_shortfalls__equal_scipy() -> None:
    assert pytest.approx(-norm.ppf(0.01), abs=1e-9) == Q99
    assert pytest.approx(-norm.ppf(0.025), abs=1e-9) == Q975
    assert pytest.approx(norm.pdf(norm.ppf(0.01)) / 0.01, abs=1e-9) == ES99
    assert pytest.approx(norm.pdf(norm.ppf(0.025)) / 0.025, abs=1e-9) == ES975


def test_losses__true_quantile_and_shortfall__are_the_smallest() -> None:
    returns = np.random.default_rng(5).standard_normal(400_000) / 100
    ones = np.full(len(returns), 0.01)
    by_quantile = {f: float(np.mean(pinball(returns, f * Q99 * ones, 0.01))) for f in (0.9, 1.0, 1.1)}
    by_both = {f: float(np.mean(fz0(returns, f * Q975 * ones, f * ES975 * ones, 0.025))) for f in (0.9, 1.0, 1.1)}
    assert min(by_quantile, key=lambda f: by_quantile[f]) == 1.0
    assert min(by_both, key=lambda f: by_both[f]) == 1.0


def test_day_features__future_shuffled__earlier_rows_stay() -> None:
    generator = np.random.default_rng(1)
    returns, sigma = generator.normal(0, 0.02, 200), np.full(200, 0.02)
    days = np.datetime64("2021-01-01") + np.arange(200)

    def known_after(series: np.ndarray) -> np.ndarray:
        # row t forecasts day t from the days before: shifted by one, it may know day t
        rows = day_features(np.append(series, 0.0), np.append(sigma, 0.02), np.append(days, days[-1] + 1))
        return np.nan_to_num(rows[1:], nan=-1.0)

    assert_blind_to_the_future(known_after, returns, 120)
    assert np.isnan(day_features(returns, sigma, days)[:WINDOW]).all()


def test_reference__gaussian_multiples__variance_times_them() -> None:
    rows = samples(200, 3)
    one = rows.copy()
    one[:, -2:] = 1.0
    np.testing.assert_allclose(reference(rows), reference(one) * rows[:, -2:])
    assert rows[:, -2:].min() == MULTIPLE_RANGE[0]
    assert rows[:, -2:].max() == MULTIPLE_RANGE[1]
