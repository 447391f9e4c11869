"""Two SVI smiles as the local-volatility model's inputs, and its answer; twin of LocalVolatilityModule.sol.

Dupire (1994), "Pricing with a smile". The inputs' formulas stand in models/local_volatility.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from oracle.domain.svi import Slice, point_at, require_butterfly_free, require_calendar_free
from oracle.domain.transcendental import sqrt_wad
from oracle.domain.vectors import Bounds, div_wad, in_range, quantised, ratio_of
from oracle.errors import InputRejected
from oracle.units import WAD, div_trunc

MIN_DENSITY_WAD: Final = WAD // 20
_HALF: Final = WAD // 2
DOMAIN: Final[tuple[Bounds, ...]] = (
    (-5 * _HALF, 5 * _HALF),
    (0, 3 * _HALF),
    (-9 * WAD // 10, 9 * WAD // 10),
    (-12 * WAD, 12 * WAD),
    (0, 4 * WAD),
    (WAD // 20, 9 * WAD // 8),
    (WAD // 16, 2 * WAD),
)


class DensityBelowMargin(InputRejected):
    """The proven density factor is below what an answer is given from."""

    def __init__(self, density: int, minimum: int) -> None:
        super().__init__(f"the density factor is {density}, at least {minimum} is asked for (18 decimals)")
        self.density = density
        self.minimum = minimum


@dataclass(frozen=True, slots=True)
class LocalVolatilityFeatures:
    """One maturity and moneyness; the vector is a, b, rho, m, s of it and of the maturity before."""

    years_wad: int
    years_before_wad: int
    log_moneyness_wad: int

    contract: ClassVar[str] = "LocalVolatilityModule"
    components: ClassVar[tuple[str, ...]] = tuple(
        f"{name} {when}" for when in ("later", "earlier") for name in ("a", "b", "rho", "m", "s")
    )

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between source and scale. Raises ConfigurationOutOfRange."""
        in_range("yearsWad", self.years_wad, WAD // 1000, 10 * WAD)
        in_range("yearsBeforeWad", self.years_before_wad, WAD // 10_000, self.years_wad - WAD // 10_000)
        in_range("logMoneynessWad", self.log_moneyness_wad, -3 * WAD, 3 * WAD)
        return (self.years_wad, self.years_before_wad, self.log_moneyness_wad)

    def inputs(self, values: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 7 integers for a vector. Raises oracle.domain.svi's refusals of arbitrage, InputOutOfDomain."""
        later, earlier = Slice(*values[:5]), Slice(*values[5:])
        require_butterfly_free(later)
        require_butterfly_free(earlier)
        require_calendar_free(earlier, later)
        k = self.log_moneyness_wad
        w = point_at(later, k).variance
        rate = div_wad(w - point_at(earlier, k).variance, self.years_wad - self.years_before_wad)
        omega = sqrt_wad(w)
        row = (
            div_wad(k, omega),
            div_wad(later.b, omega),
            later.rho,
            div_wad(k - later.m, later.s),
            div_wad(later.b, later.s),
            omega,
            div_trunc(self.years_wad * rate, w),
        )
        return quantised(row, DOMAIN, scale_bits)

    def answer(
        self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int, values: Sequence[int] = ()
    ) -> int:
        """The local volatility as WAD. Raises ValueOutOfRange, DensityBelowMargin."""
        ratio = ratio_of(outputs_wad, 0)
        if outputs_wad[1] < MIN_DENSITY_WAD:
            raise DensityBelowMargin(outputs_wad[1], MIN_DENSITY_WAD)
        omega = sqrt_wad(point_at(Slice(*values[:5]), self.log_moneyness_wad).variance)
        return div_trunc(ratio * omega, sqrt_wad(self.years_wad))
