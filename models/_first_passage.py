"""Probability that a price falls to a barrier within a horizon: geometric Brownian motion without drift.

Harrison (1985), "Brownian Motion and Stochastic Flow Systems", 1.8: the law of a Brownian motion's minimum. Broadie,
Glasserman and Kou (1997), "A continuity correction for discrete barrier options", theorem 1.1: a barrier that is looked
at every dt acts as one further away by beta sigma sqrt(dt), beta = -zeta(1/2) / sqrt(2 pi) = .5826.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

from models._errors import ParameterOutOfRange
from models._position_errors import AlreadyLiquidatable, BadHealthFactor, PositionWithoutDebt
from models._registry import Array

MONITORING_SHIFT: Final = 0.5826


def log_health_factor(collateral: float, threshold: float, debt: float) -> float:
    """ln(HF), HF = collateral * threshold / debt: how far the price may fall, as a logarithm.

    Raises PositionWithoutDebt, BadHealthFactor (zero, negative, not finite), AlreadyLiquidatable (below 1).
    """
    if not debt > 0:
        raise PositionWithoutDebt(debt)
    return checked_log(collateral * threshold / debt)


def checked_log(health_factor: float) -> float:
    """ln of a health factor of 1 or more. Raises BadHealthFactor, AlreadyLiquidatable."""
    if not math.isfinite(health_factor) or health_factor <= 0:
        raise BadHealthFactor(health_factor)
    if health_factor < 1:
        raise AlreadyLiquidatable(health_factor)
    return math.log(health_factor)


def first_passage(distance: Array, variance: Array, looks: int | None = None) -> Array:
    """P(min over the horizon of ln price <= ln price now - distance), elementwise.

    distance: ln(HF), not negative. variance: sigma^2 h of the log price over the horizon, positive. looks: how often
    the price is looked at within the horizon, evenly; None: always. Raises ParameterOutOfRange.
    """
    distance, variance = np.broadcast_arrays(np.asarray(distance, dtype=float), np.asarray(variance, dtype=float))
    _require("ln(HF)", distance, distance >= 0, 0.0)
    _require("variance", variance, variance > 0, np.nextafter(0.0, 1.0))
    sigma = np.sqrt(variance)
    if looks is not None:
        distance = distance + MONITORING_SHIFT * sigma / math.sqrt(looks)
    direct = ndtr((-distance + variance / 2) / sigma)
    reflected = np.exp(distance + log_ndtr((-distance - variance / 2) / sigma))
    return np.asarray(np.minimum(direct + reflected, 1.0))


def _require(name: str, values: Array, good: NDArray[np.bool_], low: float) -> None:
    bad = ~(good & np.isfinite(values))
    if bad.any():
        raise ParameterOutOfRange(name, float(values[bad].flat[0]), low, math.inf)
