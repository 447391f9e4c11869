"""The GARCH circuit's inputs from a window of prices: bit-exact twin of GarchVolatilityModule.inputs.

Layout: x_1..x_32 (standardised simple returns, oldest first), h0, omega, alpha, beta, a, b; all at 2^scale_bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from oracle.domain.garch import GarchParams, quantised_parameters
from oracle.errors import InputRejected
from oracle.units import WAD, div_round

WINDOW: Final = 32
PRICES: Final = WINDOW + 1
MODEL_INPUTS: Final = WINDOW + 6
MAX_STANDARDISED_RETURN: Final = 32
_PRICE_LIMIT: Final = 1 << 64


def garch_inputs(prices: Sequence[int], params: GarchParams, scale_bits: int) -> list[int]:
    """The 38 integers that a proof must carry for a window of 33 prices (8 decimals, oldest first).

    Raises InputRejected for another number of prices or one outside uint64, InvalidInput for bad parameters.
    """
    if len(prices) != PRICES:
        raise InputRejected(f"{len(prices)} prices, the window has {PRICES}")
    if any(not 0 < price < _PRICE_LIMIT for price in prices):
        raise InputRejected("prices must be positive and below 2^64")
    parameters = quantised_parameters(params, scale_bits)
    x = standardised_returns(prices, params.sigma_ref_wad, scale_bits)
    return [*x, initial_variance(x, scale_bits), *parameters]


def standardised_returns(prices: Sequence[int], sigma_ref_wad: int, scale_bits: int) -> list[int]:
    """(p_t - p_{t-1}) / p_{t-1} / sigma_ref at 2^scale_bits, rounded half away from zero, clamped to +-32.

    Twin of StandardisedReturns.fill.
    """
    limit = MAX_STANDARDISED_RETURN << scale_bits
    returns = (
        div_round((price - before) * WAD << scale_bits, before * sigma_ref_wad)
        for before, price in itertools.pairwise(prices)
    )
    return [max(-limit, min(limit, x)) for x in returns]


def initial_variance(x: Sequence[int], scale_bits: int) -> int:
    """The window's mean squared return at 2^scale_bits, rounded down: the variance in force at its first return."""
    return sum(value * value for value in x) // (len(x) << scale_bits)
