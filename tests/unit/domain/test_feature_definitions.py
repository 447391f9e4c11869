"""The integer inputs are what the models' own float definitions say, to the circuit's rounding."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from models import (
    _liquidation_features,
    _rv_baselines,
    _rv_features,
    direction,
    garch_gjr,
    har,
    heston,
    local_volatility,
    option_marks,
)
from models._heston_price import HestonRows
from models._rv_days import Days
from models._svi import Smiles
from oracle.domain.direction import DirectionFeatures
from oracle.domain.heston import HestonFeatures
from oracle.domain.local_volatility import LocalVolatilityFeatures
from oracle.domain.market_state import board_inputs
from oracle.domain.realised_volatility import RealisedVolatilityFeatures
from oracle.units import SECS_PER_HOUR, WAD
from tests.support.feature_cases import GJR, HAR, START, VECTOR_CASES, marks_of

SCALE = 20
ULP = 2.0**-SCALE
SEEDS = range(8)


def path(seed: int, count: int) -> list[int]:
    """A moving market of a volatility that the inputs do not clip."""
    rng = random.Random(seed)
    prices = [30_000 * 10**8]
    for _ in range(count - 1):
        prices.append(round(prices[-1] * math.exp(rng.gauss(0, 0.007))))
    return prices


def floats(values) -> np.ndarray:
    """Integers at the scale as numbers."""
    return np.array(values, dtype=float) * ULP


@pytest.mark.parametrize("seed", SEEDS)
def test_realised_volatility__as_the_model_defines(seed: int) -> None:
    prices, hour = path(seed, 721), START // SECS_PER_HOUR + 7 * seed
    features = RealisedVolatilityFeatures(3 * WAD // 100)
    row = features.inputs(prices, hour * SECS_PER_HOUR + 11, SCALE)
    expected = _rv_features.window_features(np.array(prices, dtype=float), hour, 0.03)
    assert floats(row) == pytest.approx(expected, abs=3 * ULP)
    month = expected[4] * 0.03
    answer = features.answer([WAD], row, SCALE) / WAD
    assert answer == pytest.approx(month * math.sqrt(365), rel=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_har__as_the_model_defines(seed: int) -> None:
    prices, hour, sigma = path(seed, 721), START // SECS_PER_HOUR + 7 * seed, HAR.sigma_ref_wad / WAD
    features = _rv_features.window_features(np.array(prices, dtype=float), hour, sigma)
    day = Days(np.array([hour]), features[None], np.array([(features[4] * sigma) ** 2]), np.zeros(1))
    coefficients = [value / WAD for value in HAR.arguments()[0][1:]]
    expected = har.input_row(_rv_baselines.log_rows(day, sigma)[0], np.array(coefficients))
    row = HAR.inputs(prices, hour * SECS_PER_HOUR + 11, SCALE)
    assert floats(row) == pytest.approx(expected, abs=2 * ULP)
    output = har.reference(expected[None])[0, 0]
    answer = HAR.answer([round(output * WAD)], row, SCALE) / WAD
    assert answer == pytest.approx(sigma * math.exp(output / 2) * math.sqrt(365), rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_direction__as_the_model_defines(seed: int) -> None:
    prices = path(seed, 33)
    returns = np.diff(prices) / np.array(prices[:-1], dtype=float)
    expected = returns / np.sqrt(np.mean(returns**2))
    assert floats(DirectionFeatures().inputs(prices, START, SCALE)) == pytest.approx(expected, abs=2 * ULP)
    assert len(expected) == direction.WINDOW


@pytest.mark.parametrize("seed", SEEDS)
def test_gjr__as_the_model_defines(seed: int) -> None:
    prices = path(seed, 33)
    x = np.diff(prices) / np.array(prices[:-1], dtype=float) / (GJR.sigma_ref_wad / WAD)
    omega, alpha, gamma, beta = (v / WAD for v in (GJR.omega_wad, GJR.alpha_wad, GJR.gamma_wad, GJR.beta_wad))
    expected = garch_gjr.input_row(x, omega, alpha, gamma, beta, horizon=GJR.horizon)
    assert floats(GJR.inputs(prices, START, SCALE)) == pytest.approx(expected, abs=3 * ULP)


@pytest.mark.parametrize("seed", SEEDS)
def test_board__as_the_model_defines(seed: int) -> None:
    prices, factors = path(seed, 91), [1.0, 1.02, 1.3, 4.0]
    market, sigma = _liquidation_features.market_inputs([float(price) for price in prices])
    expected = [*market, *_liquidation_features.position_inputs(factors, sigma, 6)]
    row = board_inputs(prices, [round(f * WAD) for f in factors], places=6, stride=1, scale_bits=SCALE)
    assert floats(row) == pytest.approx(expected, abs=3 * ULP)


@pytest.mark.parametrize("seed", SEEDS)
def test_heston__as_the_model_defines(seed: int) -> None:
    rng = random.Random(seed)
    v0, theta = rng.uniform(0.1, 1.2), rng.uniform(0.1, 1.2)
    kappa, xi, rho = rng.uniform(1, 6), rng.uniform(0.3, 1.5), rng.uniform(-0.8, 0.2)
    years, k = rng.uniform(0.1, 1.0), rng.uniform(-0.2, 0.2)
    rows = HestonRows(*(np.array([value]) for value in (k, years, v0, kappa, theta, xi, rho)))
    values = [int(value * WAD) for value in (v0, kappa, theta, xi, rho)]
    row = HestonFeatures(int(years * WAD), int(k * WAD)).inputs(values, START, SCALE)
    assert floats(row) == pytest.approx(heston.input_rows(rows)[0], abs=2 * ULP)


@pytest.mark.parametrize("seed", SEEDS)
def test_local_volatility__as_the_model_defines(seed: int) -> None:
    case = VECTOR_CASES[1]
    features, values = case.typical, list(case.values)
    assert isinstance(features, LocalVolatilityFeatures)
    later, earlier = (Smiles(*(np.array([v / WAD]) for v in part)) for part in (values[:5], values[5:]))
    k = np.array([features.log_moneyness_wad / WAD])
    w, before = later.at(k)[0], earlier.at(k)[0]
    years, years_before = features.years_wad / WAD, features.years_before_wad / WAD
    growth = years * (w - before) / (years - years_before) / w
    expected = local_volatility.input_rows(later, k, growth)[0]
    assert floats(features.inputs(values, START + seed, SCALE)) == pytest.approx(expected, abs=2 * ULP)


@pytest.mark.parametrize("seed", SEEDS)
def test_option_marks__as_the_model_defines(seed: int) -> None:
    rng = random.Random(seed)
    features = marks_of(rng)
    forward = features.strikes_wad[4] / WAD * 1.01
    atm, rr, bf = 0.6, -0.05, 0.02
    years = (features.expiry - START) / (365.25 * 86_400)
    z = np.log(np.array(features.strikes_wad, dtype=float) / WAD / forward) / (atm * math.sqrt(years))
    count = len(z)
    rows = option_marks.input_rows(z, np.full(count, years), np.full(count, rr / atm), np.full(count, bf / atm))
    values = [int(value * WAD) for value in (forward, atm, rr, bf)]
    assert floats(features.inputs(values, START, SCALE)) == pytest.approx(rows.ravel(), abs=4 * ULP)
