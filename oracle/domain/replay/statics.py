"""What is fixed before a sample, from the hours before it alone: the static twin's constants, the quantile's multiple.

The static margin is what a risk team would set from history: the move of one day that either side's loss exceeds in
one hour of a hundred. The proven Value at Risk's multiple is fitted to the same hours by the same rule, on moves in
units of the forecast (filtered historical simulation: Barone-Adesi, Giannopoulos and Vosper, 1999).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import median
from typing import Final

from oracle.domain.garch import GarchParams, forecast
from oracle.domain.gjr import WINDOW, GjrFeatures
from oracle.domain.replay.measures import DAY_HOURS, LEVEL, quantile
from oracle.domain.tail_risk import MAX_MULTIPLE_WAD, MIN_MULTIPLE_WAD, TailRiskFeatures
from oracle.errors import InvalidInput
from oracle.units import WAD

MIN_HISTORY_HOURS: Final = 1_000
_MAX_RETURN: Final = 32.0


@dataclass(frozen=True, slots=True)
class Statics:
    """WAD: the static twin's margin, the median of the feed's answers before the sample, the hours that say so."""

    margin: int
    reference_risk: int
    hours: int


def two_sided(moves: Sequence[float]) -> float:
    """The move whose either side is exceeded by the level: of both sides together by twice of it."""
    return quantile([abs(move) for move in moves], 1 - 2 * LEVEL)


def day_moves(prices: Sequence[int]) -> list[float]:
    """The relative move over the day that begins at each hour."""
    return [after / before - 1 for before, after in zip(prices, prices[DAY_HOURS:], strict=False)]


def day_volatility(prices: Sequence[int], params: GarchParams) -> float:
    """The model's standard deviation of the day after a window of 33 hourly prices, a share; in floats."""
    sigma = params.sigma_ref_wad / WAD
    returns = [(after - before) / before / sigma for before, after in itertools.pairwise(prices)]
    x = [max(-_MAX_RETURN, min(_MAX_RETURN, r)) for r in returns]
    omega, alpha, beta = (value / WAD for value in (params.omega_wad, params.alpha_wad, params.beta_wad))
    phi, horizon = alpha + beta, params.horizon
    powers = [phi**j for j in range(horizon)]
    a = sum(powers) / horizon
    b = omega / horizon * sum((horizon - j) * powers[j - 1] for j in range(1, horizon))
    h0 = sum(value * value for value in x) / len(x)
    return sigma * sqrt(horizon * forecast(x, h0, omega, alpha, beta, a, b))


def calibrated(prices: Sequence[int], params: GarchParams) -> tuple[Statics, TailRiskFeatures]:
    """Both from the hourly prices before a sample; `params` come from the same prices.

    Raises InvalidInput for fewer than 1,000 of them: a 99 % quantile needs as many.
    """
    if len(prices) < MIN_HISTORY_HOURS:
        raise InvalidInput(
            f"there are {len(prices)} hours before the sample, its constants need at least {MIN_HISTORY_HOURS}",
            remedy="Give --start later, or a file that begins earlier.",
        )
    moves = day_moves(prices)
    sigmas = [day_volatility(prices[at - WINDOW : at + 1], params) for at in range(WINDOW, len(prices))]
    aligned = list(zip(moves[WINDOW:], sigmas, strict=False))
    multiple = two_sided([move / sigma for move, sigma in aligned if sigma > 0])
    squared = max(MIN_MULTIPLE_WAD, min(MAX_MULTIPLE_WAD, round(multiple * multiple * WAD)))
    answers = median(sigmas) * sqrt(squared / WAD)
    statics = Statics(ceil(two_sided(moves) * WAD), round(answers * WAD), len(prices))
    return statics, tail_risk(params, squared)


def tail_risk(params: GarchParams, quantile_squared: int) -> TailRiskFeatures:
    """The feed's features: GARCH without asymmetry, Value at Risk over the horizon."""
    gjr = GjrFeatures(
        sigma_ref_wad=params.sigma_ref_wad,
        omega_wad=params.omega_wad,
        alpha_wad=params.alpha_wad,
        gamma_wad=0,
        beta_wad=params.beta_wad,
        horizon=params.horizon,
        periods_per_year=params.periods_per_year,
    )
    return TailRiskFeatures(gjr, quantile_squared_wad=quantile_squared)
