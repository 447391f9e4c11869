"""GJR-GARCH against `arch`, its horizon, its bad parameters; four assets at once."""

from __future__ import annotations

import numpy as np
import pytest
from arch import arch_model

from models._errors import ParameterOutOfRange
from models._garch_report import arch_gap
from models.garch import WINDOW, horizon_weights
from models.garch import input_row as symmetric_row
from models.garch import recursion as symmetric
from models.garch_batch import ASSETS, recursions
from models.garch_gjr import INPUTS, input_row, recursion


def returns(count: int, seed: int = 0) -> np.ndarray:
    """Student-t returns of unit variance."""
    return np.random.default_rng(seed).standard_t(5, count) * np.sqrt(0.6)


def test_recursion__arch_variance__equal() -> None:
    x = returns(WINDOW + 1)
    omega, alpha, gamma, beta = 0.05, 0.04, 0.1, 0.85
    fixed = arch_model(x, mean="Zero", vol="GARCH", p=1, o=1, q=1, rescale=False).fix([omega, alpha, gamma, beta])
    variances = fixed.conditional_volatility**2
    row = np.concatenate([x[:WINDOW], [variances[0], omega, alpha, gamma, beta, 1.0, 0.0]])
    assert recursion(row[None])[0] == pytest.approx(variances[WINDOW], rel=1e-12)


@pytest.mark.parametrize("leverage", [False, True])
def test_arch_gap__two_thousand_days__rounding_alone(leverage: bool) -> None:
    assert arch_gap(leverage=leverage) < 1e-12


def test_recursion__arch_forecast_mean__equal_with_horizon_weights() -> None:
    x = returns(500)
    omega, alpha, gamma, beta, horizon = 0.02, 0.04, 0.08, 0.9, 24
    fixed = arch_model(x, mean="Zero", vol="GARCH", p=1, o=1, q=1, rescale=False).fix([omega, alpha, gamma, beta])
    average = float(fixed.forecast(horizon=horizon).variance.to_numpy()[-1].mean())
    h = fixed.conditional_volatility**2
    a, b = horizon_weights(omega, alpha + gamma / 2 + beta, horizon)
    row = np.concatenate([x[-WINDOW:], [h[-WINDOW], omega, alpha, gamma, beta, a, b]])
    assert recursion(row[None])[0] == pytest.approx(average, rel=1e-9)


def test_recursion__without_leverage__is_garch() -> None:
    x = returns(WINDOW)
    row = input_row(x, 0.05, 0.1, 0.0, 0.85, horizon=5)
    assert row.shape == (INPUTS,)
    assert recursion(row[None])[0] == pytest.approx(symmetric(symmetric_row(x, 0.05, 0.1, 0.85, 5)[None])[0])


def test_recursion__a_fall__raises_more_than_a_rise() -> None:
    x = np.zeros(WINDOW)
    x[-1] = -3.0
    fall = recursion(input_row(x, 0.05, 0.05, 0.1, 0.85, horizon=1)[None])[0]
    rise = recursion(input_row(-x, 0.05, 0.05, 0.1, 0.85, horizon=1)[None])[0]
    assert fall - rise == pytest.approx(0.1 * 9.0)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ((0.1, 0.2, 0.1, 0.75), r"alpha \+ gamma/2 \+ beta"),
        ((0.1, 0.1, 0.5, 0.6), "gamma"),
        ((0.1, 0.1, -0.1, 0.6), "gamma"),
        ((0.1, 0.001, 0.1, 0.6), "alpha"),
        ((2.0, 0.1, 0.1, 0.6), "omega"),
    ],
)
def test_input_row__parameters_out_of_range__refused(parameters: tuple[float, ...], name: str) -> None:
    omega, alpha, gamma, beta = parameters
    with pytest.raises(ParameterOutOfRange, match=name):
        input_row(returns(WINDOW), omega, alpha, gamma, beta, horizon=1)


def test_batch__four_rows__each_as_alone() -> None:
    rows = np.array([symmetric_row(returns(WINDOW, seed), 0.05, 0.1, 0.85, 5) for seed in range(ASSETS)])
    np.testing.assert_array_equal(recursions(rows.reshape(1, -1))[0], symmetric(rows))
