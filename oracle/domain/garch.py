"""GARCH(1,1) volatility: an asset's parameters, the horizon's weights, the recursion that the circuit proves.

Bollerslev (1986), "Generalized autoregressive conditional heteroskedasticity", eq. 1; the forecast over several steps
is Baillie and Bollerslev (1992). Integer parts are twins of contracts/features/GarchVolatilityModule.sol, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Final

from oracle.errors import InvalidInput, ValueOutOfRange
from oracle.units import WAD, scaled_from_wad

MIN_SCALE_BITS: Final = 8
MAX_SCALE_BITS: Final = 30
MAX_SIGMA_REF_WAD: Final = 10 * WAD
MAX_OMEGA_WAD: Final = 1024 * WAD
MAX_HORIZON: Final = 365
MAX_PERIODS_PER_YEAR: Final = 31_557_600  # steps of one second
MAX_VARIANCE_WAD: Final = 1 << 128


@dataclass(frozen=True, slots=True)
class GarchParams:
    """One asset's parameters, as GarchVolatilityModule's struct.

    `sigma_ref_wad`: reference volatility of one step, by which returns are standardised. `omega_wad`: in units of
    sigma_ref^2. `horizon`: steps that the forecast averages over. `periods_per_year`: steps of a year, to annualise.
    """

    sigma_ref_wad: int
    omega_wad: int
    alpha_wad: int
    beta_wad: int
    horizon: int
    periods_per_year: int

    def validate(self) -> None:
        """Raises InvalidInput where the contract's constructor reverts with ParameterOutOfRange."""
        ranges = (
            ("sigma_ref_wad", self.sigma_ref_wad, 1, MAX_SIGMA_REF_WAD),
            ("omega_wad", self.omega_wad, 1, MAX_OMEGA_WAD),
            ("alpha_wad", self.alpha_wad, 0, WAD - 1),
            ("beta_wad", self.beta_wad, 0, WAD - 1),
            ("alpha_wad + beta_wad", self.alpha_wad + self.beta_wad, 0, WAD - 1),
            ("horizon", self.horizon, 1, MAX_HORIZON),
            ("periods_per_year", self.periods_per_year, 1, MAX_PERIODS_PER_YEAR),
        )
        for name, value, low, high in ranges:
            if not low <= value <= high:
                raise InvalidInput(f"{name} is {value}, must be from {low} to {high}")


def quantised_parameters(params: GarchParams, scale_bits: int) -> tuple[int, int, int, int, int]:
    """omega, alpha, beta, a, b as integers at 2^scale_bits, as the circuit takes them.

    Raises InvalidInput for parameters out of range, and for those that the scale cannot hold: omega of zero, or alpha
    and beta that round to a sum of one.
    """
    params.validate()
    if not MIN_SCALE_BITS <= scale_bits <= MAX_SCALE_BITS:
        raise InvalidInput(f"scale_bits is {scale_bits}, must be from {MIN_SCALE_BITS} to {MAX_SCALE_BITS}")
    omega, alpha, beta = (
        scaled_from_wad(value, scale_bits) for value in (params.omega_wad, params.alpha_wad, params.beta_wad)
    )
    if omega < 1:
        raise InvalidInput(f"omega_wad {params.omega_wad} is zero at 2^{scale_bits}")
    if alpha + beta >= 1 << scale_bits:
        raise InvalidInput(f"alpha_wad + beta_wad rounds to one or more at 2^{scale_bits}")
    return (omega, alpha, beta, *horizon_weights(params, scale_bits))


def horizon_weights(params: GarchParams, scale_bits: int) -> tuple[int, int]:
    """(a, b) at 2^scale_bits: the average variance over the horizon is a*h + b, h the variance of the next step."""
    a_wad, b_wad = horizon_weights_wad(params)
    return scaled_from_wad(a_wad, scale_bits), scaled_from_wad(b_wad, scale_bits)


def horizon_weights_wad(params: GarchParams) -> tuple[int, int]:
    """(a, b) as WAD, each multiplication rounded down.

    With phi = alpha + beta: a = (1/k) sum_{j<k} phi^j and b = (omega/k) sum_{j=1..k-1} (k-j) phi^(j-1), the latter as
    the sum of the partial sums of the former.
    """
    return average_weights_wad(params.omega_wad, params.alpha_wad + params.beta_wad, params.horizon)


def average_weights_wad(omega_wad: int, persistence_wad: int, horizon: int) -> tuple[int, int]:
    """As horizon_weights_wad, for any model of that persistence. Twin of GarchForecast.horizonWeightsWad."""
    power, total, inner = WAD, 0, 0
    for _ in range(horizon):
        inner += total
        total += power
        power = power * persistence_wad // WAD
    return total // horizon, omega_wad * inner // WAD // horizon


def forecast(x: Sequence[float], h0: float, omega: float, alpha: float, beta: float, a: float, b: float) -> float:  # noqa: PLR0917
    """Average variance per step over the horizon, in units of sigma_ref^2: what the circuit computes, in floats.

    `x`: standardised returns, oldest first; `h0`: the variance in force at the first of them.
    """
    h = h0
    for value in x:
        h = omega + alpha * value * value + beta * h
    return a * h + b


def annualised_vol_wad(out_wad: int, params: GarchParams) -> int:
    """Annualised volatility as WAD, rounded up, for the circuit's output `out_wad` (variance in units of sigma_ref^2).

    Raises ValueOutOfRange for a negative output, or one of 2^128 and more, where the contract reverts.
    """
    return annualised_wad(out_wad, params.sigma_ref_wad, params.periods_per_year)


def annualised_wad(variance_wad: int, sigma_ref_wad: int, periods_per_year: int) -> int:
    """sqrt(variance * sigma_ref^2 * periods) as WAD, rounded up. Twin of GarchForecast.annualised.

    Raises ValueOutOfRange for a negative variance, or one of 2^128 and more.
    """
    if not 0 <= variance_wad < MAX_VARIANCE_WAD:
        raise ValueOutOfRange(variance_wad)
    yearly = variance_wad * (sigma_ref_wad**2 * periods_per_year) // WAD
    root = isqrt(yearly)
    return root if root * root == yearly else root + 1
