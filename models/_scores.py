"""Out-of-sample scores of variance forecasts: QLIKE, and the Diebold-Mariano test between two forecasts.

Patton (2011), "Volatility forecast comparison using imperfect volatility proxies": QLIKE ranks forecasts rightly even
against squared returns. Diebold and Mariano (1995), "Comparing predictive accuracy".
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models._registry import Array

EWMA_LAMBDA: Final = 0.94
_PERCENT: Final = 100.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Mean loss of a forecast minus that of a baseline, its 95 % interval, and the test's two-sided p value."""

    difference: float
    low: float
    high: float
    p_value: float


def qlike(variance: Array, returns: Array) -> Array:
    """log(h) + r^2/h of each day, for returns in percent: the smaller the better."""
    percent = variance * _PERCENT**2
    return np.asarray(np.log(percent) + (returns * _PERCENT) ** 2 / percent)


def diebold_mariano(losses: Array, baseline: Array) -> Comparison:
    """Is the forecast better than the baseline? Newey-West variance with n^(1/3) lags."""
    gaps = losses - baseline
    n, mean = len(gaps), float(np.mean(gaps))
    centred = gaps - mean
    variance = float(centred @ centred) / n
    lags = int(n ** (1 / 3))
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag]) / n
    error = math.sqrt(max(variance, 0.0) / n)
    p_value = math.erfc(abs(mean) / error / math.sqrt(2)) if error > 0 else 1.0
    return Comparison(mean, mean - 1.96 * error, mean + 1.96 * error, p_value)


def ewma(returns: Array, first: int) -> Array:
    """RiskMetrics forecasts for the days from `first` on: h <- .94 h + .06 r^2, from the earlier days' mean square."""
    h = float(np.mean(returns[:first] ** 2))
    for r in returns[:first]:
        h = EWMA_LAMBDA * h + (1 - EWMA_LAMBDA) * r * r
    forecasts = []
    for r in returns[first:]:
        forecasts.append(h)
        h = EWMA_LAMBDA * h + (1 - EWMA_LAMBDA) * r * r
    return np.array(forecasts)


@dataclass(frozen=True, slots=True)
class GarchFit:
    """omega in units of the returns' variance, alpha, beta, gamma (0 without leverage); see `fit_garch`."""

    omega: float
    alpha: float
    beta: float
    gamma: float = 0.0

    @property
    def persistence(self) -> float:
        """What of today's variance is left after a step: alpha + beta + gamma/2."""
        return self.alpha + self.beta + self.gamma / 2

    def step(self, h: float, r: float, unit: float) -> float:
        """The next step's variance; `unit`: the variance that omega is in units of."""
        return self.omega * unit + (self.alpha + (self.gamma if r < 0 else 0.0)) * r * r + self.beta * h


def fit_garch(returns: Array, *, leverage: bool = False) -> GarchFit:
    """Gaussian quasi maximum likelihood, zero mean; with `leverage` GJR (Glosten, Jagannathan and Runkle 1993)."""
    from arch import arch_model  # noqa: PLC0415  (takes a second to import)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scaled = returns / np.std(returns)
        model: Any = arch_model(
            scaled, mean="Zero", vol="GARCH", p=1, o=int(leverage), q=1, dist="normal", rescale=False
        )
        fit = model.fit(disp="off", show_warning=False)
    gamma = float(fit.params["gamma[1]"]) if leverage else 0.0
    return GarchFit(float(fit.params["omega"]), float(fit.params["alpha[1]"]), float(fit.params["beta[1]"]), gamma)


def walk_forward(
    returns: Array, first: int, refit_every: int, window: int, *, leverage: bool = False
) -> tuple[Array, Array]:
    """One-day forecasts from `first` on by GARCH refitted on all earlier days: (windowed, full history).

    Windowed: what the circuit sees, the last `window` returns and their mean square as the variance before them. Full:
    the recursion from the first day. Both know only days before the one they forecast.
    """
    windowed, full = np.zeros(len(returns) - first), np.zeros(len(returns) - first)
    fit, unit, h = GarchFit(0.0, 0.0, 0.0), 1.0, 0.0
    for t in range(first, len(returns)):
        if (t - first) % refit_every == 0:
            past = returns[:t]
            unit = float(np.var(past))
            fit = fit_garch(past, leverage=leverage)
            h = unit
            for r in past:
                h = fit.step(h, r, unit)
        else:
            h = fit.step(h, returns[t - 1], unit)
        full[t - first] = h
        recent = returns[t - window : t]
        short = float(np.mean(recent**2))
        for r in recent:
            short = fit.step(short, r, unit)
        windowed[t - first] = short
    return windowed, full
