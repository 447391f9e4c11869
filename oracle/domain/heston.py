"""Heston's surface as the model's inputs, and the implied volatility as its answer; twin of HestonModule.sol.

Heston (1993), "A closed-form solution for options with stochastic volatility". The inputs' formulas stand in
models/heston.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from oracle.domain.transcendental import exp_wad, sqrt_wad
from oracle.domain.vectors import Bounds, div_wad, in_range, mul_wad, quantised, ratio_of
from oracle.units import WAD, div_trunc

_CENT: Final = WAD // 100
RANGES: Final[dict[str, Bounds]] = {
    "v0": (9 * _CENT, 121 * _CENT),
    "kappa": (WAD, 6 * WAD),
    "theta": (9 * _CENT, 121 * _CENT),
    "xi": (30 * _CENT, 250 * _CENT),
    "rho": (-80 * _CENT, 20 * _CENT),
}
DOMAIN: Final[tuple[Bounds, ...]] = (
    (-2 * WAD, 2 * WAD),
    (8 * _CENT, 9 * WAD // 8),
    (WAD // 4, 17 * WAD // 8),
    (-80 * _CENT, 20 * _CENT),
    (3 * _CENT, 13 * WAD // 4),
    (-520 * _CENT, 520 * _CENT),
    (0, 13 * WAD),
    (0, 15 * WAD // 16),
)


@dataclass(frozen=True, slots=True)
class _Variance:
    decay: int
    total: int
    deviation: int
    root_mean: int


@dataclass(frozen=True, slots=True)
class HestonFeatures:
    """One maturity and moneyness of a signed surface v0, kappa, theta, xi, rho; the answer is an implied volatility.

    `years_wad`: a month to a year. `log_moneyness_wad`: ln(K / F).
    """

    years_wad: int
    log_moneyness_wad: int

    contract: ClassVar[str] = "HestonModule"
    components: ClassVar[tuple[str, ...]] = tuple(RANGES)

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between source and scale. Raises ConfigurationOutOfRange."""
        in_range("yearsWad", self.years_wad, WAD // 12, WAD)
        in_range("logMoneynessWad", self.log_moneyness_wad, -3 * WAD, 3 * WAD)
        return (self.years_wad, self.log_moneyness_wad)

    def inputs(self, values: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 8 integers for a vector. Raises ConfigurationOutOfRange, InputOutOfDomain."""
        v0, _, _, xi, rho = values
        v = self._variance(values)
        root = sqrt_wad(v.total)
        nu = div_trunc(xi * v.deviation, v.total)
        z = div_wad(self.log_moneyness_wad, root)
        row = (
            z,
            root,
            div_wad(sqrt_wad(v0), v.root_mean),
            rho,
            nu,
            mul_wad(mul_wad(rho, nu), z),
            mul_wad(mul_wad(nu, z), z),
            v.decay,
        )
        return quantised(row, DOMAIN, scale_bits)

    def answer(
        self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int, values: Sequence[int] = ()
    ) -> int:
        """The implied volatility as WAD. Raises ValueOutOfRange."""
        return mul_wad(ratio_of(outputs_wad, 0), self._variance(values).root_mean)

    def _variance(self, values: Sequence[int]) -> _Variance:
        for (name, bounds), value in zip(RANGES.items(), values, strict=True):
            in_range(name, value, *bounds)
        v0, kappa, theta, _, _ = values
        years, gap = self.years_wad, v0 - theta
        decay = exp_wad(-mul_wad(kappa, years))
        phi = div_wad(WAD - decay, kappa)
        bent = mul_wad(phi, WAD + decay)
        total = div_trunc(theta * years + gap * phi, WAD)
        late = div_trunc(2 * years * decay, WAD)
        spread = div_trunc(theta * (years - 2 * phi + bent // 2) + gap * (bent - late), WAD)
        deviation = div_wad(sqrt_wad(spread), kappa)
        return _Variance(decay, total, deviation, sqrt_wad(div_wad(total, years)))
