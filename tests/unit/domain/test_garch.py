"""oracle.domain.garch: the recursion against `arch`, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arch import arch_model
from arch.univariate.recursions import garch_recursion

from oracle.domain.garch import (
    GarchParams,
    annualised_vol_wad,
    forecast,
    horizon_weights,
    horizon_weights_wad,
    quantised_parameters,
)
from oracle.errors import InvalidInput, ValueOutOfRange
from oracle.units import WAD

PARAMS = GarchParams(
    sigma_ref_wad=WAD // 100,
    omega_wad=WAD // 20,
    alpha_wad=WAD // 10,
    beta_wad=85 * WAD // 100,
    horizon=5,
    periods_per_year=252,
)


def float_weights(omega: float, phi: float, k: int) -> tuple[float, float]:
    a = sum(phi**j for j in range(k)) / k
    return a, omega / k * sum((k - j) * phi ** (j - 1) for j in range(1, k))


@pytest.mark.parametrize("seed", range(20))
def test_forecast__one_step__as_arch_recursion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    alpha, beta = rng.uniform(0, 0.3), rng.uniform(0, 0.69)
    omega = rng.uniform(0.01, 0.5)
    x = rng.standard_t(4, 32)
    backcast = float(np.mean(x**2))
    residuals = np.append(x, 0.0)  # arch's sigma2[t] is the variance in force at t: the 33rd is the forecast
    sigma2 = np.zeros(33)
    bounds = np.tile([0.0, 1e30], (33, 1))
    parameters = np.array([omega, alpha, beta])
    garch_recursion(parameters, residuals**2, np.sign(residuals), sigma2, 1, 0, 1, 33, backcast, bounds)
    ours = forecast(x.tolist(), float(sigma2[0]), omega, alpha, beta, 1.0, 0.0)
    assert abs(ours / sigma2[32] - 1) <= 1e-12


@pytest.mark.parametrize("horizon", [1, 2, 5, 24, 100, 365])
def test_forecast__horizon_average__as_arch_forecast(horizon: int) -> None:
    rng = np.random.default_rng(horizon)
    omega, alpha, beta = 0.05, 0.12, 0.83
    x = rng.standard_normal(32) * 1.3
    fixed = arch_model(x, mean="Zero", vol="GARCH", rescale=False).fix([omega, alpha, beta])
    expected = float(np.mean(fixed.forecast(horizon=horizon).variance.values[-1]))
    h0 = float(fixed.conditional_volatility[0] ** 2)
    ours = forecast(x.tolist(), h0, omega, alpha, beta, *float_weights(omega, alpha + beta, horizon))
    assert abs(ours / expected - 1) <= 1e-12


def test_forecast__no_shock_at_the_mean__stays() -> None:
    a, b = float_weights(0.2, 0.8, 10)
    assert forecast([1.0] * 32, 1.0, 0.2, 0.1, 0.7, a, b) == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("horizon", [1, 2, 5, 24, 365])
def test_horizon_weights__wad__near_floats(horizon: int) -> None:
    a, b = float_weights(0.05, 0.95, horizon)
    a_wad, b_wad = horizon_weights_wad(replace(PARAMS, horizon=horizon))
    assert a_wad / WAD == pytest.approx(a, rel=1e-14)
    assert b_wad / WAD == pytest.approx(b, rel=1e-14, abs=1e-17)


def test_horizon_weights__one_step__is_the_next_variance() -> None:
    assert horizon_weights(replace(PARAMS, horizon=1), 16) == (1 << 16, 0)


@pytest.mark.parametrize(
    ("horizon", "expected"),
    [
        (1, (WAD, 0)),
        (2, (75 * WAD // 100, 512 * WAD)),  # (1 + 1/2) / 2 and 1024 / 2
        (3, (WAD * 7 // 12, 853_333333333333333333)),  # (1 + 1/2 + 1/4) / 3 and 1024 (2 + 1/2) / 3
    ],
)
def test_horizon_weights__persistence_of_a_half__by_hand(horizon: int, expected: tuple[int, int]) -> None:
    half = replace(PARAMS, omega_wad=1024 * WAD, alpha_wad=WAD // 4, beta_wad=WAD // 4, horizon=horizon)
    assert horizon_weights_wad(half) == expected


def test_quantised_parameters__known_case__by_hand() -> None:
    assert quantised_parameters(PARAMS, 15) == (1638, 3277, 27853, 29651, 3117)


@pytest.mark.parametrize(
    ("change", "low", "high"),
    [
        ({"sigma_ref_wad": 0}, 1, 10 * WAD),
        ({"sigma_ref_wad": 10 * WAD + 1}, 1, 10 * WAD),
        ({"omega_wad": 0}, 1, 1024 * WAD),
        ({"omega_wad": 1024 * WAD + 1}, 1, 1024 * WAD),
        ({"alpha_wad": -1}, 0, WAD - 1),
        ({"alpha_wad": WAD}, 0, WAD - 1),
        ({"beta_wad": -1}, 0, WAD - 1),
        ({"beta_wad": WAD}, 0, WAD - 1),
        ({"horizon": 0}, 1, 365),
        ({"horizon": 366}, 1, 365),
        ({"periods_per_year": 0}, 1, 31_557_600),
        ({"periods_per_year": 31_557_601}, 1, 31_557_600),
    ],
)
def test_validate__out_of_range__names_the_field_and_its_range(change: dict[str, int], low: int, high: int) -> None:
    ((name, value),) = change.items()
    with pytest.raises(InvalidInput) as refused:
        replace(PARAMS, **change).validate()
    assert str(refused.value).startswith(f"{name} is {value}, must be from {low} to {high}")


def test_validate__persistence_of_one__named_as_the_sum() -> None:
    with pytest.raises(InvalidInput, match=f"^alpha_wad \\+ beta_wad is {WAD}, must be from 0 to {WAD - 1}"):
        replace(PARAMS, alpha_wad=15 * WAD // 100).validate()


@pytest.mark.parametrize(
    "change",
    [
        {"sigma_ref_wad": 1},
        {"sigma_ref_wad": 10 * WAD},
        {"omega_wad": 1},
        {"omega_wad": 1024 * WAD},
        {"alpha_wad": 0},
        {"alpha_wad": 15 * WAD // 100 - 1},
        {"beta_wad": 0},
        {"alpha_wad": 0, "beta_wad": WAD - 1},
        {"alpha_wad": WAD - 1, "beta_wad": 0},
        {"horizon": 1},
        {"horizon": 365},
        {"periods_per_year": 1},
        {"periods_per_year": 31_557_600},
    ],
)
def test_validate__at_a_limit__taken(change: dict[str, int]) -> None:
    replace(PARAMS, **change).validate()


@pytest.mark.parametrize("scale_bits", [-1, 0, 7, 31])
def test_quantised_parameters__scale_out_of_range__raises(scale_bits: int) -> None:
    with pytest.raises(InvalidInput, match="scale_bits"):
        quantised_parameters(PARAMS, scale_bits)


def test_quantised_parameters__omega_below_the_scale__raises() -> None:
    with pytest.raises(InvalidInput, match="omega_wad"):
        quantised_parameters(replace(PARAMS, omega_wad=WAD >> 17), 15)


def test_quantised_parameters__omega_of_one_at_the_scale__taken() -> None:
    assert quantised_parameters(replace(PARAMS, omega_wad=WAD >> 15), 15)[0] == 1


def test_quantised_parameters__persistence_rounds_to_one__raises() -> None:
    with pytest.raises(InvalidInput, match="rounds to one"):
        quantised_parameters(replace(PARAMS, alpha_wad=0, beta_wad=WAD - 1), 15)


@pytest.mark.parametrize("out_wad", [-1, 1 << 128])
def test_annualised_vol_wad__not_a_variance__raises(out_wad: int) -> None:
    with pytest.raises(ValueOutOfRange):
        annualised_vol_wad(out_wad, PARAMS)


def test_annualised_vol_wad__unit_variance__reference_volatility_annualised() -> None:
    assert annualised_vol_wad(WAD, replace(PARAMS, periods_per_year=100)) == WAD // 10
    assert annualised_vol_wad(0, PARAMS) == 0
    assert annualised_vol_wad(WAD, PARAMS) == 158_745_078_663_875_436
