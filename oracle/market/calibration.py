"""An asset's GARCH(1,1) parameters from its past prices: Gaussian quasi maximum likelihood with `arch`.

Bollerslev (1986), https://doi.org/10.1016/0304-4076(86)90063-1. No look-ahead: the caller hands over only prices from
before the first step, and `calibrate_source` does so by itself.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from oracle.domain.garch import GarchParams
from oracle.errors import InvalidInput
from oracle.market.base import MarketSource
from oracle.units import WAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_PRICES: Final = 250
MAX_PRICES: Final = 10_000

# The circuit's domain (circuits/garch-vol-32/manifest.json). A fit outside it is moved to its edge, its long-run
# variance set to the sample's: GARCH on a series with a break tends to persistence 1, which has no long-run variance.
ALPHA_RANGE: Final = (0.01, 0.30)
BETA_RANGE: Final = (0.50, 0.97)
MAX_PERSISTENCE: Final = 0.998

# Returns are cut at so many reference volatilities, in the circuit as here
MAX_RETURN: Final = 32.0

# The model's long-run variance is the unit unless it is further than this factor from the sample's
_TRUSTED_FACTOR: Final = 4.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fit and what it rests on. `log_likelihood` is that of the returns in units of their sample deviation."""

    params: GarchParams
    returns: int
    log_likelihood: float
    moved_into_domain: bool


def fit_garch(prices: Sequence[int], *, periods_per_year: int, horizon: int) -> GarchParams:
    """Parameters of one asset from at least 250 prices, oldest first, one a step; see `calibrate`."""
    return calibrate(prices, periods_per_year=periods_per_year, horizon=horizon).params


def calibrate_source(source: MarketSource, before: int, *, horizon: int | None = None) -> Calibration:
    """The fit on the last 10,000 observations of `source` strictly before the unix time `before`."""
    past = source.history(before - 1, MAX_PRICES)
    return calibrate(
        [observation.price for observation in past],
        periods_per_year=source.periods_per_year,
        horizon=source.horizon if horizon is None else horizon,
    )


def calibrate(prices: Sequence[int], *, periods_per_year: int, horizon: int) -> Calibration:
    """The fit with its likelihood.

    sigma_ref, in which returns are measured, is the root of the fitted long-run variance, or of the sample's where the
    two differ by more than a factor of 4. Raises InvalidInput for fewer than 250 prices, prices that are not positive,
    a flat series, and one whose variance is a single jump.
    """
    returns = _simple_returns(prices)
    sample = float(np.std(returns))
    alpha, beta, omega, log_likelihood = _fit_standardised(returns / sample)
    inside = ALPHA_RANGE[0] <= alpha <= ALPHA_RANGE[1] and BETA_RANGE[0] <= beta <= BETA_RANGE[1]
    inside = inside and alpha + beta <= MAX_PERSISTENCE
    if not inside:
        alpha = min(max(alpha, ALPHA_RANGE[0]), ALPHA_RANGE[1])
        beta = min(max(beta, BETA_RANGE[0]), BETA_RANGE[1], MAX_PERSISTENCE - alpha)
        omega = 1.0 - alpha - beta
    long_run = omega / (1.0 - alpha - beta)
    unit = long_run if 1 / _TRUSTED_FACTOR <= long_run <= _TRUSTED_FACTOR else 1.0
    params = GarchParams(
        sigma_ref_wad=round(sample * math.sqrt(unit) * WAD),
        omega_wad=round(omega / unit * WAD),
        alpha_wad=round(alpha * WAD),
        beta_wad=round(beta * WAD),
        horizon=horizon,
        periods_per_year=periods_per_year,
    )
    params.validate()
    return Calibration(params, len(returns), log_likelihood, moved_into_domain=not inside)


def _simple_returns(prices: Sequence[int]) -> NDArray[np.float64]:
    """(p_t - p_{t-1}) / p_{t-1}, checked to be a market's."""
    if len(prices) < MIN_PRICES:
        raise InvalidInput(
            f"a fit needs at least {MIN_PRICES} prices, here are {len(prices)}",
            remedy="Start later, so that more of the series is history, or give a longer one.",
        )
    if min(prices) <= 0:
        raise InvalidInput(f"a fit needs positive prices, here is {min(prices)}")
    levels = np.asarray(prices, dtype=np.float64)
    returns = np.diff(levels) / levels[:-1]
    total = float(np.sum(returns**2))
    if not np.isfinite(total) or float(np.std(returns)) == 0.0:
        raise InvalidInput("a flat series has no volatility to fit", remedy="Give a series whose price moves.")
    if float(np.max(returns**2)) > total / 2:
        raise InvalidInput(
            f"one return of {float(returns[np.argmax(np.abs(returns))]):+.1%} makes up most of the variance",
            remedy="Check the series for a split or a wrong price, or start after the jump.",
        )
    return np.asarray(returns)


def _fit_standardised(returns: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """alpha, beta, omega and the log-likelihood of zero-mean Gaussian GARCH(1,1) on returns of unit deviation."""
    from arch import arch_model  # noqa: PLC0415  (takes a second to import)

    clipped = np.clip(returns, -MAX_RETURN, MAX_RETURN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = arch_model(clipped, mean="Zero", vol="GARCH", p=1, q=1, dist="normal", rescale=False)
        fit = model.fit(disp="off", show_warning=False)
    if fit.convergence_flag != 0:
        raise InvalidInput(
            f"the likelihood has no maximum that can be found: {fit.optimization_result.message}",
            remedy="Give a longer series.",
        )
    return (
        float(fit.params["alpha[1]"]),
        float(fit.params["beta[1]"]),
        float(fit.params["omega"]),
        float(fit.loglikelihood),
    )
