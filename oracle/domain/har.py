"""HAR-RV's inputs and answer: twin of HarVolatilityModule.sol, bit for bit.

Corsi (2009), "A simple approximate long-memory model of realized volatility", in logarithms. What each input is stands
in models/_rv_baselines.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import ClassVar, Final

from oracle.domain.realised_volatility import (
    CLOSES,
    DAYS,
    HOURS,
    MAX_SIGMA_REF_WAD,
    ROOT_OF_YEAR_WAD,
    WEEK,
    variance_sums,
    weekend_share,
)
from oracle.domain.transcendental import exp_wad, ln_wad
from oracle.domain.window import RETURN_BITS, checked_scale, checked_window
from oracle.errors import InputRejected, InvalidInput, ValueOutOfRange
from oracle.units import SECS_PER_HOUR, WAD, div_trunc, scaled_from_wad

MAX_COEFFICIENT_WAD: Final = 2 * WAD
MAX_CONSTANT_WAD: Final = 4 * WAD
MAX_MONTH_WAD: Final = 64 * WAD
MAX_OUTPUT_WAD: Final = 64 * WAD
FLOOR_WAD: Final = WAD >> 14


class CoefficientOutOfRange(InvalidInput):
    """A coefficient outside its range; 18 decimals."""

    def __init__(self, name: str, value: int, minimum: int, maximum: int) -> None:
        super().__init__(f"{name} is {value}, must be from {minimum} to {maximum}")
        self.name = name
        self.value = value


class NotStationary(InvalidInput):
    """The logarithms' coefficients sum to 1 or more: such a model has no mean."""

    def __init__(self, persistence_wad: int, limit_wad: int) -> None:
        super().__init__(f"the coefficients of day, week and month sum to {persistence_wad}, must be below {limit_wad}")
        self.persistence_wad = persistence_wad


class MonthOutOfRange(InputRejected):
    """The month's mean variance reaches 64 times sigma_ref^2: the inputs hold no more."""

    def __init__(self, variance_wad: int, limit_wad: int) -> None:
        super().__init__(f"the month's variance over sigma_ref^2 is {variance_wad}, below {limit_wad} is taken")
        self.variance_wad = variance_wad


@dataclass(frozen=True, slots=True)
class HarFeatures:
    """Logarithms of three realised variances, weekends and coefficients; the answer is the day's annualised volatility.

    `sigma_ref_wad`: the asset's long-run volatility of a day, in (0, 1]; coefficients as WAD.
    """

    sigma_ref_wad: int
    day_wad: int
    week_wad: int
    month_wad: int
    weekend_ahead_wad: int
    weekend_behind_wad: int
    constant_wad: int

    contract: ClassVar[str] = "HarVolatilityModule"
    prices: ClassVar[int] = CLOSES

    def arguments(self) -> tuple[object, ...]:
        """The struct. Raises InvalidInput, CoefficientOutOfRange, NotStationary."""
        if not 0 < self.sigma_ref_wad <= MAX_SIGMA_REF_WAD:
            raise InvalidInput(f"sigma_ref_wad is {self.sigma_ref_wad}, must be from 1 to {MAX_SIGMA_REF_WAD}")
        for name in ("day_wad", "week_wad", "month_wad", "weekend_ahead_wad", "weekend_behind_wad", "constant_wad"):
            limit, value = MAX_CONSTANT_WAD if name == "constant_wad" else MAX_COEFFICIENT_WAD, getattr(self, name)
            if abs(value) > limit:
                raise CoefficientOutOfRange(name, value, -limit, limit)
        persistence = self.day_wad + self.week_wad + self.month_wad
        if persistence >= WAD:
            raise NotStationary(persistence, WAD)
        return (astuple(self),)

    def inputs(self, prices: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 11 integers for a window of 721 prices that ends at `observed_at`, unix seconds.

        Raises FlatWindow, ReturnOutOfRange, MonthOutOfRange, InputRejected.
        """
        checked_window(prices, CLOSES)
        checked_scale(scale_bits)
        day, week, month = variance_sums(prices)
        level = self._relative(month, DAYS)
        if level >= MAX_MONTH_WAD:
            raise MonthOutOfRange(level, MAX_MONTH_WAD)
        logs = [ln_wad(value + FLOOR_WAD) for value in (self._relative(day, 1), self._relative(week, WEEK), level)]
        hour = observed_at // SECS_PER_HOUR
        return [
            *(scaled_from_wad(log, scale_bits) for log in logs),
            weekend_share(hour, scale_bits),
            weekend_share(hour - HOURS, scale_bits),
            *(scaled_from_wad(value, scale_bits) for value in astuple(self)[1:]),
        ]

    def _relative(self, total: int, days: int) -> int:
        """A sum of squares at 2^96, a day of so many, over sigma_ref^2 as WAD."""
        return total * WAD**3 // ((days * self.sigma_ref_wad**2) << 2 * RETURN_BITS)

    def answer(self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int) -> int:
        """sigma_ref * exp(output / 2) * sqrt(365) as WAD, rounded up. Raises ValueOutOfRange for another output."""
        (log,) = outputs_wad
        if abs(log) > MAX_OUTPUT_WAD:
            raise ValueOutOfRange(log)
        ratio = exp_wad(div_trunc(log, 2)) + 1
        return -(-ratio * self.sigma_ref_wad * ROOT_OF_YEAR_WAD // (WAD * WAD))
