"""GJR-GARCH volatility: an asset's parameters, the circuit's inputs, the answer; twin of GjrVolatilityModule.sol.

Glosten, Jagannathan and Runkle (1993), "On the relation between the expected value and the volatility of the nominal
excess return on stocks".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from oracle.domain.features import initial_variance, standardised_returns
from oracle.domain.garch import (
    MAX_HORIZON,
    MAX_OMEGA_WAD,
    MAX_PERIODS_PER_YEAR,
    MAX_SIGMA_REF_WAD,
    annualised_wad,
    average_weights_wad,
)
from oracle.domain.window import FlatWindow, checked_scale, checked_window
from oracle.errors import InvalidInput
from oracle.units import WAD, scaled_from_wad

WINDOW: Final = 32


@dataclass(frozen=True, slots=True)
class GjrFeatures:
    """One asset's parameters, as GjrVolatilityModule's struct; the answer is an annualised volatility.

    `sigma_ref_wad`: reference volatility of one step. `omega_wad`: in units of sigma_ref^2. `horizon`: steps that the
    forecast averages over. `periods_per_year`: steps of a year.
    """

    sigma_ref_wad: int
    omega_wad: int
    alpha_wad: int
    gamma_wad: int
    beta_wad: int
    horizon: int
    periods_per_year: int

    contract: ClassVar[str] = "GjrVolatilityModule"
    prices: ClassVar[int] = WINDOW + 1

    @property
    def persistence_wad(self) -> int:
        """alpha + gamma / 2 + beta."""
        return self.alpha_wad + self.gamma_wad // 2 + self.beta_wad

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between source and scale. Raises InvalidInput."""
        ranges = (
            ("sigma_ref_wad", self.sigma_ref_wad, 1, MAX_SIGMA_REF_WAD),
            ("omega_wad", self.omega_wad, 1, MAX_OMEGA_WAD),
            ("alpha_wad", self.alpha_wad, 0, WAD - 1),
            ("gamma_wad", self.gamma_wad, 0, 2 * WAD - 1),
            ("beta_wad", self.beta_wad, 0, WAD - 1),
            ("alpha + gamma / 2 + beta", self.persistence_wad, 0, WAD - 1),
            ("horizon", self.horizon, 1, MAX_HORIZON),
            ("periods_per_year", self.periods_per_year, 1, MAX_PERIODS_PER_YEAR),
        )
        for name, value, low, high in ranges:
            if not low <= value <= high:
                raise InvalidInput(f"{name} is {value}, must be from {low} to {high}")
        fields = (self.sigma_ref_wad, self.omega_wad, self.alpha_wad, self.gamma_wad, self.beta_wad)
        return ((*fields, self.horizon, self.periods_per_year),)

    def quantised(self, scale_bits: int) -> tuple[int, ...]:
        """omega, alpha, gamma, beta, a, b at 2^scale_bits.

        Raises InvalidInput for parameters out of range, and for those that the scale cannot hold.
        """
        self.arguments()
        checked_scale(scale_bits)
        omega, alpha, gamma, beta = (
            scaled_from_wad(value, scale_bits)
            for value in (self.omega_wad, self.alpha_wad, self.gamma_wad, self.beta_wad)
        )
        if omega < 1:
            raise InvalidInput(f"omega_wad {self.omega_wad} is zero at 2^{scale_bits}")
        if 2 * alpha + gamma + 2 * beta >= 2 << scale_bits:
            raise InvalidInput(f"alpha + gamma / 2 + beta rounds to one or more at 2^{scale_bits}")
        a, b = average_weights_wad(self.omega_wad, self.persistence_wad, self.horizon)
        return omega, alpha, gamma, beta, scaled_from_wad(a, scale_bits), scaled_from_wad(b, scale_bits)

    def inputs(self, prices: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 39 integers for a window of 33 prices. Raises FlatWindow, InputRejected, InvalidInput."""
        checked_window(prices, self.prices)
        parameters = self.quantised(scale_bits)
        x = standardised_returns(prices, self.sigma_ref_wad, scale_bits)
        if not any(x):
            raise FlatWindow(len(prices))
        return [*x, initial_variance(x, scale_bits), *parameters]

    def answer(self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int) -> int:
        """The annualised volatility as WAD, rounded up. Raises ValueOutOfRange."""
        (variance,) = outputs_wad
        return annualised_wad(variance, self.sigma_ref_wad, self.periods_per_year)
