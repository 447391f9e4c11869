"""Forecasts that must not see the future, and the scores they are judged by."""

from __future__ import annotations

import numpy as np
import pytest

from models._scores import diebold_mariano, ewma, fit_garch, qlike, walk_forward


def garch_returns(count: int, seed: int = 0) -> np.ndarray:
    """GARCH returns of 1 % a day."""
    generator = np.random.default_rng(seed)
    h, out = 1e-4, []
    for _ in range(count):
        r = float(np.sqrt(h) * generator.standard_normal())
        out.append(r)
        h = 5e-6 + 0.1 * r * r + 0.85 * h
    return np.array(out)


def test_qlike__true_variance__is_the_smallest() -> None:
    r = np.random.default_rng(0).normal(0, 0.01, 20_000)
    scores = {factor: float(np.mean(qlike(np.full_like(r, 1e-4 * factor), r))) for factor in (0.7, 1.0, 1.4)}
    assert min(scores, key=lambda factor: scores[factor]) == 1.0


def test_diebold_mariano__better_forecast__found_and_symmetric() -> None:
    generator = np.random.default_rng(1)
    worse = generator.normal(1.0, 1.0, 2_000)
    better = worse - 0.1 + generator.normal(0, 0.5, 2_000)
    compared, reverse = diebold_mariano(better, worse), diebold_mariano(worse, better)
    assert compared.high < 0
    assert compared.p_value < 0.001
    assert reverse.difference == pytest.approx(-compared.difference)


def test_diebold_mariano__same_losses__no_difference() -> None:
    losses = np.arange(100.0)
    compared = diebold_mariano(losses, losses)
    assert (compared.difference, compared.p_value) == (0.0, 1.0)


def test_fit_garch__simulated__finds_its_parameters() -> None:
    fit = fit_garch(garch_returns(4_000))
    assert fit.alpha == pytest.approx(0.1, abs=0.03)
    assert fit.beta == pytest.approx(0.85, abs=0.05)


def test_ewma__by_hand__equal() -> None:
    r = np.array([0.01, -0.02, 0.03, 0.01])
    h = float(np.mean(r[:2] ** 2))
    for past in r[:2]:
        h = 0.94 * h + 0.06 * past**2
    np.testing.assert_allclose(ewma(r, 2), [h, 0.94 * h + 0.06 * 0.03**2])


def test_walk_forward__future_shuffled__earlier_forecasts_stay() -> None:
    r = garch_returns(700)
    changed = r.copy()
    np.random.default_rng(3).shuffle(changed[600:])
    for before, after in zip(walk_forward(r, 500, 50, 32), walk_forward(changed, 500, 50, 32), strict=True):
        # the forecast for day 600 knows days up to 599
        np.testing.assert_array_equal(before[:101], after[:101])
        assert not np.allclose(before[101:], after[101:])


def test_walk_forward__long_window__close_to_full_history() -> None:
    windowed, full = walk_forward(garch_returns(600), 400, 200, 300)
    np.testing.assert_allclose(windowed, full, rtol=1e-6)
