"""Value at Risk and expected shortfall: the circuit's inputs and its two answers; twin of TailRiskModule.sol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from oracle.domain.garch import annualised_wad
from oracle.domain.gjr import GjrFeatures
from oracle.errors import InvalidInput
from oracle.units import WAD, scaled_from_wad

MIN_MULTIPLE_WAD: Final = WAD
MAX_MULTIPLE_WAD: Final = 16 * WAD
VALUE_AT_RISK: Final = 0
EXPECTED_SHORTFALL: Final = 1
# Squares of a normal variable's 99 % quantile, and of its mean loss beyond the 97.5 % quantile
NORMAL_Q99_SQUARED_WAD: Final = 5_411894431054341092
NORMAL_ES975_SQUARED_WAD: Final = 5_465321895224729744


@dataclass(frozen=True, slots=True)
class TailRiskFeatures:
    """As TailRiskModule's struct; the answer is a fraction of the price over the horizon.

    `place`: which of the two outputs the feed answers with, VALUE_AT_RISK or EXPECTED_SHORTFALL.
    """

    gjr: GjrFeatures
    quantile_squared_wad: int = NORMAL_Q99_SQUARED_WAD
    shortfall_squared_wad: int = NORMAL_ES975_SQUARED_WAD
    place: int = VALUE_AT_RISK

    contract: ClassVar[str] = "TailRiskModule"
    prices: ClassVar[int] = GjrFeatures.prices

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between source and scale. Raises InvalidInput."""
        for name, value in (("quantile", self.quantile_squared_wad), ("shortfall", self.shortfall_squared_wad)):
            if not MIN_MULTIPLE_WAD <= value <= MAX_MULTIPLE_WAD:
                raise InvalidInput(f"{name} squared is {value}, must be from {MIN_MULTIPLE_WAD} to {MAX_MULTIPLE_WAD}")
        if self.place not in {VALUE_AT_RISK, EXPECTED_SHORTFALL}:
            raise InvalidInput(f"place is {self.place}, must be 0 or 1")
        return ((*self.gjr.arguments(), self.quantile_squared_wad, self.shortfall_squared_wad, self.place),)

    def inputs(self, prices: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 41 integers for a window of 33 prices. Raises FlatWindow, InputRejected, InvalidInput."""
        squares = (self.quantile_squared_wad, self.shortfall_squared_wad)
        base = self.gjr.inputs(prices, observed_at, scale_bits)
        return [*base, *(scaled_from_wad(value, scale_bits) for value in squares)]

    def answer(self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int) -> int:
        """sigma_ref * sqrt(horizon * output) as WAD, rounded up. Raises ValueOutOfRange."""
        square = (outputs_wad[0], outputs_wad[1])[self.place]
        return annualised_wad(square, self.gjr.sigma_ref_wad, self.gjr.horizon)
