"""Dupire's formula against closed forms and QuantLib's finite differences, and surfaces with arbitrage refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import local_volatility as family
from models._errors import ParameterOutOfRange
from models._local_volatility_report import dax, example_surface, planted_violations, reprice, sx5e
from models._svi import Smiles, Surface, butterfly_free, density_factor, fit_smile
from oracle.domain import svi
from oracle.units import WAD


def smile(a: float = 0.02, b: float = 0.1, rho: float = -0.3, m: float = 0.02, s: float = 0.2) -> Smiles:
    return Smiles(*(np.array([value]) for value in (a, b, rho, m, s)))


def test_reprice__surface_to_vanillas__within_a_tenth_of_a_point() -> None:
    assert np.abs(reprice(example_surface())).max() <= 0.10


def test_local_volatility__flat_surface__is_the_implied_one() -> None:
    years = np.array([0.25, 1.0])
    flat = Smiles(0.36 * years, np.zeros(2), np.zeros(2), np.zeros(2), np.ones(2))
    np.testing.assert_allclose(Surface(years, flat).local_volatility(np.linspace(-1, 1, 9), 0.5), 0.6, rtol=1e-12)


def test_formula__rows_of_smiles__equals_the_surface() -> None:
    surface = example_surface()
    last = Smiles(*(getattr(surface.smiles, name)[-1:] for name in Smiles.__slots__))
    t, before = float(surface.years[-1]), float(surface.years[-2])
    for k in np.linspace(-0.8, 0.8, 9):
        w = last.at(np.array([k]))[0]
        rate = (w - surface.total_variance(np.array([k]), before)) / (t - before)
        ratio, g = family.formula(family.input_rows(last, np.array([k]), t * rate / w))[0]
        expected = surface.local_volatility(np.array([k]), t)[0]
        assert ratio * np.sqrt(w[0] / t) == pytest.approx(expected, rel=1e-12)
        assert g == pytest.approx(density_factor(np.array([k]), *last.at(np.array([k])))[0], rel=1e-12)


def test_formula__random_rows__equals_the_chains_integers() -> None:
    generator = np.random.default_rng(4)
    for _ in range(200):
        a, b, rho = generator.uniform(0.01, 0.1), generator.uniform(0.01, 0.3), generator.uniform(-0.8, 0.5)
        m, s, k, growth = generator.uniform(-0.1, 0.1), generator.uniform(0.1, 0.4), generator.uniform(-0.3, 0.3), 0.9
        one = smile(a, b, rho, m, s)
        w = float(one.at(np.array([k]))[0][0])
        ratio, g = family.formula(family._rows(one, np.array([k]), np.array([growth])))[0]
        wad = svi.Slice(*(round(value * WAD) for value in (a, b, rho, m, s)))
        point = svi.point_at(wad, round(k * WAD))
        assert svi.density_factor(point, round(k * WAD)) / WAD == pytest.approx(g, abs=1e-12)
        if g > family.MIN_DENSITY:
            got = svi.local_volatility(wad, round(k * WAD), round(growth * w * WAD)) / WAD  # T = 1
            assert got == pytest.approx(ratio * np.sqrt(w), rel=1e-9)


def test_planted_violations__a_thousand__all_refused() -> None:
    assert planted_violations(1_000, 2_024) == (1_000, 1_000)


def test_butterfly_free__gatherals_own_example__refused() -> None:
    # Axel Vogt's smile, Gatheral and Jacquier (2014), 3.1
    assert not butterfly_free(smile(-0.0410, 0.1331, 0.3060, 0.3586, 0.4153))[0]


def test_input_rows__butterfly__refused_by_name() -> None:
    with pytest.raises(family.SurfaceArbitrage, match="butterfly"):
        family.input_rows(smile(-0.0410, 0.1331, 0.3060, 0.3586, 0.4153), np.zeros(1), np.ones(1))


@pytest.mark.parametrize("growth", [0.0, -0.5, float("nan")])
def test_input_rows__variance_that_falls_with_time__refused_by_name(growth: float) -> None:
    with pytest.raises(family.SurfaceArbitrage, match="calendar"):
        family.input_rows(smile(), np.zeros(1), np.array([growth]))


@pytest.mark.parametrize(("k", "name"), [(3.0, "k / omega"), (float("nan"), "k / omega")])
def test_input_rows__strike_outside__refused_by_name(k: float, name: str) -> None:
    with pytest.raises(ParameterOutOfRange) as refused:
        family.input_rows(smile(), np.array([k]), np.ones(1))
    assert refused.value.name == name


@pytest.mark.parametrize("change", [{"a": float("nan")}, {"b": float("nan")}, {"s": 0.0}, {"b": 2.0}, {"a": -1.0}])
def test_butterfly_free__broken_parameters__refused(change: dict[str, float]) -> None:
    assert not butterfly_free(smile(**change))[0]


def test_fit_smile__published_surfaces__close_and_free_of_butterflies(data_dir: Path) -> None:
    for quoted, largest in ((sx5e(data_dir), 0.02), (dax(data_dir), 0.02)):
        t, k, volatility = float(quoted.years[-1]), quoted.k[-1], quoted.volatility[-1]
        fitted = fit_smile(k, volatility, t)
        assert butterfly_free(fitted)[0]
        assert np.abs(np.sqrt(fitted.at(k)[0] / t) - volatility).max() < largest
