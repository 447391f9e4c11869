"""Gatheral's SVI smiles in floats: total variance, its derivatives, Dupire's local volatility, fits to quotes.

Gatheral and Jacquier (2014), "Arbitrage-free SVI volatility surfaces"; Gatheral (2006), "The volatility surface", 1.10.
The integers of contracts/libraries/Svi.sol do the same on chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models._registry import Array

DENSITY_MARGIN: Final = 0.005
MAX_WING_SLOPE: Final = 1.99
# Knots k = m + s sinh(t)
KNOTS: Final = np.linspace(-5.0, 5.0, 161)


@dataclass(frozen=True, slots=True)
class Smiles:
    """One smile a row: w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + s^2))."""

    a: Array
    b: Array
    rho: Array
    m: Array
    s: Array

    def at(self, k: Array) -> tuple[Array, Array, Array]:
        """Total variance, its slope and its curvature at k, of the smiles' own shape or broadcast against it."""
        y = k - self.m
        root = np.sqrt(y * y + self.s * self.s)
        w = self.a + self.b * (self.rho * y + root)
        return w, self.b * (self.rho + y / root), self.b * self.s**2 / root**3

    def columns(self) -> Smiles:
        """The same with each parameter a column, to be broadcast against rows of k."""
        return Smiles(*(np.asarray(getattr(self, name))[..., None] for name in Smiles.__slots__))


def density_factor(k: Array, w: Array, slope: Array, curvature: Array) -> Array:
    """(1 - k w'/(2w))^2 - w'^2/4 (1/w + 1/4) + w''/2; not negative where prices allow no butterfly."""
    return np.asarray((1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + 0.25) + curvature / 2)


def butterfly_free(smiles: Smiles) -> Any:
    """Which smiles pass: positive variance, wings below Lee's bound, at each knot a density factor above its margin."""
    least = smiles.a + smiles.b * smiles.s * np.sqrt(1 - smiles.rho**2)
    passed = (least > 1e-7) & (smiles.b * (1 + np.abs(smiles.rho)) <= MAX_WING_SLOPE)
    columns = smiles.columns()
    k = columns.m + columns.s * np.sinh(KNOTS)
    with np.errstate(all="ignore"):
        factor = density_factor(k, *columns.at(k))
    return passed & (np.nan_to_num(factor, nan=-1.0) >= DENSITY_MARGIN).all(axis=-1)


@dataclass(frozen=True, slots=True)
class Surface:
    """Smiles of rising expiries in years; total variance grows linearly in time between them and from 0."""

    years: Array
    smiles: Smiles

    def _around(self, t: float) -> tuple[int, float, float]:
        after = min(int(np.searchsorted(self.years, t)), len(self.years) - 1)
        start = float(self.years[after - 1]) if after else 0.0
        return after, (t - start) / (float(self.years[after]) - start), float(self.years[after]) - start

    def _slice(self, index: int, k: Array) -> tuple[Array, Array, Array]:
        if index < 0:
            return np.zeros_like(k), np.zeros_like(k), np.zeros_like(k)
        one = Smiles(*(getattr(self.smiles, name)[index] for name in Smiles.__slots__))
        return one.at(k)

    def total_variance(self, k: Array, t: float) -> Array:
        """w(k, t)."""
        after, share, _ = self._around(t)
        return np.asarray((1 - share) * self._slice(after - 1, k)[0] + share * self._slice(after, k)[0])

    def local_volatility(self, k: Array, t: float) -> Array:
        """Dupire's local volatility at t > 0; NaN where the surface allows arbitrage."""
        after, share, length = self._around(t)
        pairs = zip(self._slice(after - 1, k), self._slice(after, k), strict=True)
        w, slope, curvature = ((1 - share) * before + share * later for before, later in pairs)
        rate = (self._slice(after, k)[0] - self._slice(after - 1, k)[0]) / length
        with np.errstate(invalid="ignore"):
            return np.asarray(np.sqrt(rate / density_factor(k, w, slope, curvature)))


def fit_smile(k: Array, volatility: Array, years: float) -> Smiles:
    """The smile closest to these volatilities that passes `butterfly_free`, each parameter an array of one.

    Least squares over m and s by Nelder and Mead from several starts, a, b and rho inside by a linear problem
    (Zeliade 2009, "Quasi-explicit calibration of Gatheral's SVI model"), with a penalty on arbitrage.
    """
    from scipy.optimize import minimize  # noqa: PLC0415

    target = volatility**2 * years

    def loss(parameters: Any) -> float:
        smile = _smile(parameters)
        w = smile.at(k)[0]
        penalty = 0.0 if butterfly_free(smile)[0] else 1.0
        return float(np.sum((np.sqrt(np.maximum(w, 0) / years) - volatility) ** 2)) + penalty * (
            0.01 + float(np.sum((w - target) ** 2))
        )

    level = float(target.min())
    starts: Sequence[tuple[float, ...]] = [
        (0.5 * level, np.log(0.5 * np.sqrt(level)), rho, m, np.log(s))
        for rho in (-0.9, -0.3)
        for m, s in ((0.0, 0.1), (0.1, 0.3))
    ]
    results = [
        minimize(loss, start, method="Nelder-Mead", options={"maxiter": 3_000, "xatol": 1e-9, "fatol": 1e-13})
        for start in starts
    ]
    return _smile(min(results, key=lambda result: float(result.fun)).x)


def _smile(parameters: Any) -> Smiles:
    a, log_b, rho, m, log_s = (np.atleast_1d(float(value)) for value in parameters)
    return Smiles(a, np.exp(np.clip(log_b, -20, 2)), np.tanh(rho), m, np.exp(np.clip(log_s, -7, 2)))
