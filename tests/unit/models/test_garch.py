"""GARCH against `arch`, its horizon's weights against the sum they stand for, and its windows."""

from __future__ import annotations

import numpy as np
import pytest
from arch import arch_model

from models.garch import (
    DOMAIN,
    INPUTS,
    MAX_RETURN,
    SHAPE,
    WINDOW,
    horizon_weights,
    input_row,
    recursion,
    samples,
)


def returns(count: int, seed: int = 0) -> np.ndarray:
    """Student-t returns of unit variance."""
    return np.random.default_rng(seed).standard_t(5, count) * np.sqrt(0.6)


def test_recursion__arch_variance__equal() -> None:
    x = returns(WINDOW + 1)
    omega, alpha, beta = 0.05, 0.1, 0.85
    fixed = arch_model(x, mean="Zero", vol="GARCH", p=1, q=1, rescale=False).fix([omega, alpha, beta])
    variances = fixed.conditional_volatility**2
    # arch's first variance is that of its backcast; the window starts from it and ends at the variance of x_33
    row = np.concatenate([x[:WINDOW], [variances[0], omega, alpha, beta, 1.0, 0.0]])
    assert recursion(row[None])[0] == pytest.approx(variances[WINDOW], rel=1e-12)


def test_recursion__arch_forecast_mean__equal_with_horizon_weights() -> None:
    x = returns(500)
    omega, alpha, beta, horizon = 0.02, 0.08, 0.9, 24
    fixed = arch_model(x, mean="Zero", vol="GARCH", p=1, q=1, rescale=False).fix([omega, alpha, beta])
    average = float(fixed.forecast(horizon=horizon).variance.to_numpy()[-1].mean())
    h = fixed.conditional_volatility**2
    a, b = horizon_weights(omega, alpha + beta, horizon)
    row = np.concatenate([x[-WINDOW:], [h[-WINDOW], omega, alpha, beta, a, b]])
    assert recursion(row[None])[0] == pytest.approx(average, rel=1e-9)


@pytest.mark.parametrize("horizon", [1, 2, 5, 24, 365])
def test_horizon_weights__summed_forecasts__equal(horizon: int) -> None:
    omega, phi, h = 0.03, 0.96, 2.5
    path = [h]
    for _ in range(horizon - 1):
        path.append(omega + phi * path[-1])
    a, b = horizon_weights(omega, phi, horizon)
    assert a * h + b == pytest.approx(np.mean(path), rel=1e-12)


def test_input_row__wild_window__clipped_with_its_mean_square() -> None:
    x = np.linspace(-50, 50, WINDOW)
    row = input_row(x, 0.1, 0.1, 0.8, 5)
    assert row.shape == (INPUTS,)
    assert np.abs(row[:WINDOW]).max() == MAX_RETURN
    assert row[WINDOW] == pytest.approx(np.mean(np.clip(x, -32, 32) ** 2))


def test_samples__edges__reach_every_end_of_the_domain() -> None:
    inputs = samples(600, 1)
    for column, (low, high) in enumerate(DOMAIN):
        if column in (WINDOW + 1, WINDOW + 4):
            continue  # omega and a are positive: their lower end is open
        assert inputs[:, column].min() <= low + 0.01 * (high - low)
        assert inputs[:, column].max() >= high - 0.01 * (high - low)


def test_shape__largest_value_of_the_domain__decomposes() -> None:
    largest_output = 1_040 * 2 ** (2 * SHAPE.input_scale)
    assert SHAPE.decomp_base**SHAPE.decomp_legs > 8 * largest_output
    # the base's range table must fit beside the rows kept for blinding
    assert SHAPE.decomp_base + 10 <= 2**SHAPE.logrows
