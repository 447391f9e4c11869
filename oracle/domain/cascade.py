"""A lending book's histogram as the cascade model's inputs, and its figures as answers; twin of CascadeModule.sol.

The inputs' formulas stand in models/cascade.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from oracle.domain.vectors import Bounds, div_wad, in_range, mul_wad, quantised, ratio_of
from oracle.errors import InputRejected
from oracle.units import WAD, div_trunc

EDGES: Final = tuple(
    thousandths * WAD // 1000
    for thousandths in (0, 20, 40, 60, 80, 100, 125, 150, 175, 200, 250, 300, 350, 400, 500, 600, 800)
)
BUCKETS: Final = len(EDGES) - 1
FIGURES: Final = ("lar95", "var95", "evar99", "amplification")
AMPLIFICATION: Final = FIGURES.index("amplification")
SIGMA_RANGE: Final[Bounds] = (WAD // 100, 3 * WAD // 10)
MAX_MONEY: Final = 10**36
MAX_BUFFER_WAD: Final = 3 * WAD
MAX_IMPACT_WAD: Final = 4 * WAD
MAX_SLOPE_WAD: Final = 3 * WAD
MAX_BETA_WAD: Final = 8 * WAD
_SHOCK_95: Final = 2010 * WAD // 1024
_QUARTERS: Final = (-6, -4, -2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 22)
LEVELS: Final = tuple(_SHOCK_95 + quarters * WAD // 4 for quarters in _QUARTERS)
_SHOCK_LEVEL: Final = _QUARTERS.index(0)
_ONE_AND_BONUS: Final = 105 * 10**34
_LAST_TWO: Final[tuple[Bounds, ...]] = ((WAD // 10, 3 * WAD), (0, MAX_BETA_WAD))


class NegativeDebt(InputRejected):
    """A bucket's debt is negative."""

    def __init__(self, bucket: int, debt: int) -> None:
        super().__init__(f"bucket {bucket} holds a debt of {debt}, must not be negative")
        self.bucket = bucket
        self.debt = debt


class EmptyBook(InputRejected):
    """No bucket holds any debt."""

    def __init__(self) -> None:
        super().__init__("no bucket of the histogram holds any debt")


class ImpactTooSteep(InputRejected):
    """The price would run away: the impact rises by more than the model's domain allows in a sigma."""

    def __init__(self, level: int, slope_wad: int, max_wad: int) -> None:
        super().__init__(f"the impact rises by {slope_wad} a sigma up to level {level}, must be at most {max_wad}")
        self.level = level
        self.slope_wad = slope_wad


@dataclass(frozen=True, slots=True)
class CascadeFeatures:
    """One figure of a book: the vector is sigma, depth, and the debts of 16 buckets of ln(health factor), as WAD.

    `buffer_wad`: -ln(liquidation threshold * 1.05). `place`: 0 LaR95, 1 VaR95, 2 EVaR99 (in the debts' unit, rounded
    up), 3 amplification.
    """

    buffer_wad: int
    place: int = 0

    contract: ClassVar[str] = "CascadeModule"
    components: ClassVar[tuple[str, ...]] = ("sigma", "depth", *(f"debt{i}" for i in range(BUCKETS)))

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between source and scale. Raises ConfigurationOutOfRange."""
        in_range("bufferWad", self.buffer_wad, 0, MAX_BUFFER_WAD)
        in_range("place", self.place, 0, len(FIGURES) - 1)
        return (self.buffer_wad, self.place)

    def inputs(self, values: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 20 integers for a vector.

        Raises ConfigurationOutOfRange (sigma, depth), NegativeDebt, EmptyBook, InputOutOfDomain, ImpactTooSteep.
        """
        sigma, depth, *debts = values
        in_range("sigma", sigma, *SIGMA_RANGE)
        in_range("depth", depth, 1, MAX_MONEY)
        for bucket, debt in enumerate(debts):
            if debt < 0:
                raise NegativeDebt(bucket, debt)
        if not any(debts):
            raise EmptyBook
        impacts: list[int] = []
        for k, level in enumerate(LEVELS):
            impacts.append(within(debts, mul_wad(level, sigma)) * _ONE_AND_BONUS // (depth * sigma))
            quantised(impacts, [(0, MAX_IMPACT_WAD)] * len(impacts), scale_bits)
            if k > _SHOCK_LEVEL:
                slope = div_wad(impacts[k] - impacts[k - 1], level - LEVELS[k - 1])
                if slope > MAX_SLOPE_WAD:
                    raise ImpactTooSteep(k, slope, MAX_SLOPE_WAD)
        row = (*impacts, 10 * sigma, min(div_wad(2 * self.buffer_wad, sigma), MAX_BETA_WAD))
        return quantised(row, ((0, MAX_IMPACT_WAD),) * len(LEVELS) + _LAST_TWO, scale_bits)

    def answer(
        self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int, values: Sequence[int] = ()
    ) -> int:
        """The figure as WAD. Raises ValueOutOfRange."""
        ratio = ratio_of(outputs_wad, self.place)
        if self.place == AMPLIFICATION:
            return ratio
        sigma, depth, *_ = values
        return -(-ratio * depth * sigma // _ONE_AND_BONUS)


def within(debts: Sequence[int], distance: int) -> int:
    """Debt within a distance (WAD) of liquidation, even within a bucket, rounded down."""
    below = 0
    for debt, low, high in zip(debts, EDGES, EDGES[1:], strict=False):
        if distance < high:
            return below + div_trunc(debt * (distance - low), high - low)
        below += debt
    return below
