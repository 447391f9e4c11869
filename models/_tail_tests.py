"""Backtests of Value at Risk and expected shortfall: coverage, independence, the shortfall's size; the FZ0 loss.

Kupiec (1995), "Techniques for verifying the accuracy of risk measurement models"; Christoffersen (1998), "Evaluating
interval forecasts"; Acerbi and Szekely (2014), "Backtesting expected shortfall", the second test; Fissler and Ziegel
(2016) with the loss of Patton, Ziegel and Chen (2019), "Dynamic semiparametric models for expected shortfall".

Everywhere `var` and `shortfall` are positive losses, `returns` signed: a hit is a return below -var.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import xlogy
from scipy.stats import chi2

from models._registry import Array

_DRAWS: Final = 4_000
_SEED: Final = 20_260_301


@dataclass(frozen=True, slots=True)
class Coverage:
    """Hits among days, and the p values of Kupiec's test, of Christoffersen's independence, and of both together."""

    days: int
    hits: int
    unconditional: float
    independence: float
    conditional: float

    @property
    def passes(self) -> bool:
        """All three above 5 %."""
        return min(self.unconditional, self.independence, self.conditional) > 0.05


def coverage(returns: Array, var: Array, level: float) -> Coverage:
    """Does `var` hold on a share `level` of days, and do its hits come alone? `level`: .01 for VaR99."""
    hits = returns < -var
    n, x = len(hits), int(hits.sum())
    kupiec = -2 * float(_log_likelihood(n - x, x, level) - _log_likelihood(n - x, x, x / n))
    before, after = hits[:-1], hits[1:]
    n00, n01 = int(np.sum(~before & ~after)), int(np.sum(~before & after))
    n10, n11 = int(np.sum(before & ~after)), int(np.sum(before & after))
    joint = _log_likelihood(n00 + n10, n01 + n11, (n01 + n11) / (n - 1))
    apart = _log_likelihood(n00, n01, n01 / max(1, n00 + n01)) + _log_likelihood(n10, n11, n11 / max(1, n10 + n11))
    independence = -2 * float(joint - apart)
    return Coverage(
        n,
        x,
        float(chi2.sf(max(kupiec, 0.0), 1)),
        float(chi2.sf(max(independence, 0.0), 1)),
        float(chi2.sf(max(kupiec + independence, 0.0), 2)),
    )


def _log_likelihood(misses: int, hits: int, share: float) -> float:
    return float(xlogy(misses, 1 - share) + xlogy(hits, share))


def shortfall_test(returns: Array, var: Array, shortfall: Array, level: float, standard: Array) -> tuple[float, float]:
    """Acerbi and Szekely's Z2 and its one-sided p value: below 5 % the losses beyond `var` were larger than forecast.

    `standard`: a large sample of returns, in units of the shortfall, under the forecast's own distribution, on which
    a hit is one below -var/shortfall; from it the statistic's distribution is drawn.
    """
    n = len(returns)
    z2 = float(np.sum(np.where(returns < -var, returns / shortfall, 0.0)) / (n * level) + 1.0)
    threshold = -float(np.mean(var / shortfall))
    generator = np.random.default_rng(_SEED)
    tail = np.where(standard < threshold, standard, 0.0)
    draws = np.array([float(np.sum(generator.choice(tail, n))) for _ in range(_DRAWS)]) / (n * level) + 1.0
    return z2, float(np.mean(draws <= z2))


def pinball(returns: Array, var: Array, level: float) -> Array:
    """Quantile loss of each day, returns in percent."""
    r, quantile = 100 * returns, -100 * var
    return np.asarray(np.where(r < quantile, (1 - level) * (quantile - r), level * (r - quantile)))


def fz0(returns: Array, var: Array, shortfall: Array, level: float) -> Array:
    """The FZ0 loss of each day, for both forecasts together."""
    beyond = np.maximum(-var - returns, 0.0)
    return np.asarray(beyond / (level * shortfall) + var / shortfall + np.log(shortfall) - 1.0)
