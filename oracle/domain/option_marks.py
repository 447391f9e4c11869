"""Eight strikes of an expiry as the marks model's inputs, and one of them as its answer; twin of OptionMarkModule.sol.

The inputs' formulas stand in models/option_marks.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from oracle.domain.black76 import root_years_wad
from oracle.domain.transcendental import ln_wad
from oracle.domain.vectors import Bounds, div_wad, in_range, mul_wad, quantised, ratio_of
from oracle.units import WAD

STRIKES: Final = 8
MAX_MONEY: Final = 10**36
_CENT: Final = WAD // 100
ATM_RANGE: Final[Bounds] = (_CENT, 5 * WAD)
DOMAIN: Final[tuple[Bounds, ...]] = (
    (-3 * WAD, 3 * WAD),
    (WAD // 16, WAD),
    (-30 * _CENT, 20 * _CENT),
    (-_CENT, 7 * _CENT),
    (-90 * _CENT, 90 * _CENT),
    (-9 * _CENT, 63 * _CENT),
)


@dataclass(frozen=True, slots=True)
class OptionMarkFeatures:
    """Eight strikes (WAD) of one expiry (unix seconds), from forward, atm, rr, bf; `place`: which it answers for."""

    strikes_wad: tuple[int, ...]
    expiry: int
    place: int = 0

    contract: ClassVar[str] = "OptionMarkModule"
    components: ClassVar[tuple[str, ...]] = ("forward", "atm", "rr", "bf")

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between source and scale. Raises ConfigurationOutOfRange."""
        in_range("strikes", len(self.strikes_wad), STRIKES, STRIKES)
        for strike in self.strikes_wad:
            in_range("strikeWad", strike, 1, MAX_MONEY)
        in_range("place", self.place, 0, STRIKES - 1)
        return (self.strikes_wad, self.expiry, self.place)

    def inputs(self, values: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 48 integers for a vector. Raises ConfigurationOutOfRange, InputOutOfDomain, black76's refusals."""
        forward, atm, rr, bf = values
        in_range("forward", forward, 1, MAX_MONEY)
        in_range("atm", atm, *ATM_RANGE)
        root = root_years_wad(self.expiry, observed_at)
        skew, wings = div_wad(rr, atm), div_wad(bf, atm)
        row: list[int] = []
        for strike in self.strikes_wad:
            z = div_wad(ln_wad(strike) - ln_wad(forward), mul_wad(atm, root))
            row += (z, root, skew, wings, mul_wad(z, skew), mul_wad(mul_wad(z, z), wings))
        return quantised(row, DOMAIN * STRIKES, scale_bits)

    def answer(
        self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int, values: Sequence[int] = ()
    ) -> int:
        """The strike's implied volatility as WAD. Raises ValueOutOfRange."""
        return mul_wad(ratio_of(outputs_wad, self.place), values[1])
