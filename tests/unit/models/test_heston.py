"""The Heston integral against QuantLib and published prices, and what the net refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import heston
from models._black import black_call, implied_volatility
from models._errors import ParameterOutOfRange
from models._export import committed
from models._heston_price import HestonRows, heston_call, heston_volatility, mean_variance
from models._heston_report import price_errors, quantlib_call

ROWS = 2_000
LEWIS_FORWARD = 100 * np.exp((0.01 - 0.02) * 1)


def row(*values: float) -> HestonRows:
    """One option: ln(K/F), years, v0, kappa, theta, xi, rho."""
    return HestonRows(*(np.array([value]) for value in values))


def test_heston_call__options_of_the_domain__quantlibs_prices() -> None:
    options = heston.draw(200, 99)
    options = replace(options, years=np.round(options.years * 365) / 365)
    assert np.abs(heston_call(options) - quantlib_call(options)).max() < 1e-9


def test_heston_call__lewis_parameters__published_prices(data_dir: Path) -> None:
    reference = json.loads((data_dir / "open" / "reference_values.json").read_text())["heston"][1]
    for strike, price in reference["call"].items():
        k = float(np.log(float(strike) / LEWIS_FORWARD))
        got = heston_call(row(k, 1.0, 0.04, 4.0, 0.25, 1.0, -0.5))[0] * LEWIS_FORWARD * np.exp(-0.01)
        assert got == pytest.approx(price, abs=1e-8)


def test_heston_call__little_vol_of_vol__nearly_black() -> None:
    options = replace(heston.draw(500, 7), xi=np.full(500, 1e-2))
    black = black_call(options.log_moneyness, np.sqrt(mean_variance(options) * options.years))
    np.testing.assert_allclose(heston_call(options), black, atol=1e-3)


def test_implied_volatility__of_black_prices__comes_back() -> None:
    generator = np.random.default_rng(3)
    k, years, sigma = generator.uniform(-1, 1, 500), generator.uniform(0.05, 2, 500), generator.uniform(0.3, 2, 500)
    got = implied_volatility(black_call(k, sigma * np.sqrt(years)), k, years)
    np.testing.assert_allclose(got, sigma, rtol=1e-8)


def test_implied_volatility__price_outside_the_bounds__nan() -> None:
    assert np.isnan(implied_volatility(np.array([-0.1, 1.1]), np.zeros(2), np.ones(2))).all()


def test_volatility__fresh_options__within_the_bars() -> None:
    options = heston.draw(ROWS, 424_242)
    expected = heston_volatility(options)
    got = heston.volatility(options, committed(heston.FAMILY).weights)
    gaps = np.abs(got - expected) * 1e4
    assert np.sqrt(np.mean(gaps**2)) <= 40
    assert np.quantile(gaps, 0.99) <= 150
    assert gaps.max() <= 400
    assert price_errors(options, got, expected).mean() <= 5


GOOD = {"k": 0.0, "years": 0.5, "v0": 0.36, "kappa": 2.0, "theta": 0.36, "xi": 1.0, "rho": -0.3}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("T", {"years": 0.0}),
        ("T", {"years": -1.0}),
        ("T", {"years": 1.01}),
        ("T", {"years": float("nan")}),
        ("sqrt v0", {"v0": 0.0}),
        ("sqrt v0", {"v0": -0.1}),
        ("sqrt theta", {"theta": 1.3}),
        ("kappa", {"kappa": 0.5}),
        ("xi", {"xi": 2.6}),
        ("rho", {"rho": -0.81}),
        ("z", {"k": 2.0}),
        ("z", {"k": float("inf")}),
    ],
)
def test_input_rows__outside_the_domain__refused_by_name(name: str, change: dict[str, float]) -> None:
    with pytest.raises(ParameterOutOfRange) as refused:
        heston.input_rows(row(*(GOOD | change).values()))
    assert refused.value.name == name


def test_input_rows__anywhere_in_the_domain__inside_the_circuits_box() -> None:
    rows = heston.input_rows(heston.draw(50_000, 17))
    for column, (low, high) in enumerate(heston.DOMAIN):
        assert low <= rows[:, column].min()
        assert rows[:, column].max() <= high
