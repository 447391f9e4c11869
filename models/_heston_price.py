"""Prices and implied volatilities of the Heston model, whole arrays at a time.

Heston (1993), "A closed-form solution for options with stochastic volatility"; the single integral of Lewis (2001), "A
simple option formula for general jump-diffusion and other exponential Levy processes", with Black's model at the mean
variance as control variate (Andersen and Piterbarg 2010, "Interest Rate Modeling", 8.4). The characteristic function is
in the form that has no branch cuts (Albrecher et al. 2007, "The little Heston trap").

All prices are undiscounted, in units of the forward. Volatility and time in years.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models._black import black_call, implied_volatility
from models._registry import Array

NODES: Final = 128
# The integration variable is SPREAD sinh(t), t up to LAST, in units of 1 / (s sqrt T)
SPREAD: Final = 2.0
LAST: Final = 5.2
CHUNK: Final = 20_000


@dataclass(frozen=True, slots=True)
class HestonRows:
    """One option a row: dv = kappa (theta - v) dt + xi sqrt(v) dW, correlation rho with the forward's own noise."""

    log_moneyness: Array  # ln(K / F)
    years: Array
    v0: Array
    kappa: Array
    theta: Array
    xi: Array
    rho: Array

    def __len__(self) -> int:
        return len(self.years)

    def rows(self, part: slice) -> HestonRows:
        """A part of the rows."""
        return HestonRows(*(getattr(self, name)[part] for name in HestonRows.__slots__))


def mean_variance(p: HestonRows) -> Array:
    """s^2 = theta + (v0 - theta)(1 - e^(-kappa T)) / (kappa T): the expected average variance until T."""
    kt = p.kappa * p.years
    return np.asarray(p.theta + (p.v0 - p.theta) * -np.expm1(-kt) / kt)


def heston_call(p: HestonRows) -> Array:
    """Undiscounted call prices over the forward; within 1e-10 of QuantLib over the domain of models.heston."""
    parts = [_call(p.rows(slice(i, i + CHUNK))) for i in range(0, len(p), CHUNK)]
    return np.concatenate(parts)


def heston_volatility(p: HestonRows) -> Array:
    """Black implied volatilities."""
    return implied_volatility(heston_call(p), p.log_moneyness, p.years)


def _call(p: HestonRows) -> Array:
    variance = mean_variance(p) * p.years
    deviation = np.sqrt(variance)
    x, w = np.polynomial.legendre.leggauss(NODES)  # type: ignore[no-untyped-call]
    t = LAST * (x + 1) / 2
    y, dy = SPREAD * np.sinh(t), SPREAD * np.cosh(t) * w * LAST / 2
    u = y / deviation[:, None]
    shifted = u * u + 0.25
    # Black's characteristic function at u - i/2, times that of the model: both real parts after the phase
    black = -0.5 * variance[:, None] * shifted
    phase = -1j * u * p.log_moneyness[:, None]
    gap = (np.exp(black + phase) - np.exp(_log_characteristic(p, u, shifted) + phase)).real / shifted
    integral = (gap * dy).sum(axis=1) / deviation
    strike = np.exp(p.log_moneyness)
    control = black_call(p.log_moneyness, deviation)
    return np.asarray(control + np.sqrt(strike) / np.pi * integral)


def _log_characteristic(p: HestonRows, u: Array, shifted: Array) -> NDArray[np.complex128]:
    """ln E[(S_T / F)^(1/2 + iu)], with `shifted` = u^2 + 1/4."""
    kappa, xi, rho, years = (value[:, None] for value in (p.kappa, p.xi, p.rho, p.years))
    beta = kappa - rho * xi * (0.5 + 1j * u)
    root = np.sqrt(beta * beta + xi * xi * shifted)
    ratio = (beta - root) / (beta + root)
    decay = np.exp(-root * years)
    per_variance = (beta - root) / xi**2
    from_start = per_variance * (1 - decay) / (1 - ratio * decay)
    drift = kappa * p.theta[:, None] * (per_variance * years - 2 / xi**2 * np.log((1 - ratio * decay) / (1 - ratio)))
    return np.asarray(drift + from_start * p.v0[:, None])
