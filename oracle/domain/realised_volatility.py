"""The realised-volatility model's inputs and answer: twin of RealisedVolatilityModule.sol, bit for bit.

Corsi (2009), "A simple approximate long-memory model of realized volatility"; Parkinson (1980). What each input is
stands in models/_rv_features.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import ClassVar, Final

from oracle.domain.window import (
    RETURN_BITS,
    checked_scale,
    checked_window,
    positive_squares,
    root_of_ratio,
    simple_returns,
    sum_of_squares,
)
from oracle.errors import InputRejected, InvalidInput, ValueOutOfRange
from oracle.units import SECS_PER_HOUR, WAD, div_round

HOURS: Final = 24
DAYS: Final = 30
WEEK: Final = 7
CLOSES: Final = DAYS * HOURS + 1
CUT: Final = 8
MAX_SIGMA_REF_WAD: Final = WAD
MAX_OUTPUT_WAD: Final = 100 * WAD
PARKINSON_WAD: Final = 2_772588722239781237  # 4 ln 2
ROOT_OF_YEAR_WAD: Final = 19_104973174542800180  # sqrt(365), rounded up
_MAX_SPREAD: Final = 1 << 64
_ROOT_BITS: Final = 64


class LevelOutOfRange(InputRejected):
    """The month's volatility is more than eight times the long-run one: the input holds no more."""

    def __init__(self, level: int, maximum: int) -> None:
        super().__init__(f"the month's volatility over the long-run one is {level}, below {maximum} is taken")
        self.level = level
        self.maximum = maximum


@dataclass(frozen=True, slots=True)
class RealisedVolatilityFeatures:
    """Realised and range variances of 721 hourly prices; the answer is the annualised volatility of the day to come.

    `sigma_ref_wad`: the asset's long-run volatility of a day, in (0, 1].
    """

    sigma_ref_wad: int

    contract: ClassVar[str] = "RealisedVolatilityModule"
    prices: ClassVar[int] = CLOSES

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between source and scale. Raises InvalidInput."""
        if not 0 < self.sigma_ref_wad <= MAX_SIGMA_REF_WAD:
            raise InvalidInput(f"sigma_ref_wad is {self.sigma_ref_wad}, must be from 1 to {MAX_SIGMA_REF_WAD}")
        return (self.sigma_ref_wad,)

    def inputs(self, prices: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 8 integers for a window of 721 prices that ends at `observed_at`, unix seconds.

        Raises FlatWindow, ReturnOutOfRange, LevelOutOfRange, InputRejected.
        """
        checked_window(prices, CLOSES)
        checked_scale(scale_bits)
        day, week, month = variance_sums(prices)
        spreads = [_spread(prices, CLOSES - 1 - d * HOURS) ** 2 for d in range(WEEK)]
        hour = observed_at // SECS_PER_HOUR
        return [
            root_of_ratio(day * DAYS, month, scale_bits),
            root_of_ratio(week * DAYS, WEEK * month, scale_bits),
            _range_ratio(spreads[0], month, scale_bits),
            _range_ratio(sum(spreads), WEEK * month, scale_bits),
            *self._levels(prices, month, scale_bits),
            weekend_share(hour, scale_bits),
            weekend_share(hour - HOURS, scale_bits),
        ]

    def _levels(self, prices: Sequence[int], month: int, scale_bits: int) -> tuple[int, int]:
        cut = CUT << scale_bits
        root = root_of_ratio(month, DAYS, _ROOT_BITS - RETURN_BITS)
        level = (root * WAD // self.sigma_ref_wad) >> (_ROOT_BITS - scale_bits)
        if level >= cut:
            raise LevelOutOfRange(level, cut)
        before, last = prices[-1 - HOURS], prices[-1]
        fall = max(0, (before - last) << _ROOT_BITS) // before
        return level, min((fall << scale_bits) // root, cut)

    def answer(self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int) -> int:
        """output * level * sigma_ref * sqrt(365) as WAD, rounded up. Raises ValueOutOfRange for another output."""
        (ratio,) = outputs_wad
        if not 0 <= ratio <= MAX_OUTPUT_WAD:
            raise ValueOutOfRange(ratio)
        scaled = ratio * inputs[4] * self.sigma_ref_wad * ROOT_OF_YEAR_WAD
        return -(-scaled // (WAD * WAD << scale_bits))


def variance_sums(prices: Sequence[int]) -> tuple[int, int, int]:
    """Sums of squared returns, at 2^96, of the last day, seven days, all. Raises FlatWindow, ReturnOutOfRange."""
    returns = simple_returns(prices)
    month = positive_squares(returns)
    return sum_of_squares(returns[-HOURS:]), sum_of_squares(returns[-WEEK * HOURS :]), month


def _spread(prices: Sequence[int], last: int) -> int:
    """max / min - 1 of the 25 prices that end at `last`, at 2^48, rounded down."""
    day = prices[last - HOURS : last + 1]
    return min(((max(day) - min(day)) << RETURN_BITS) // min(day), _MAX_SPREAD)


def _range_ratio(squares: int, variance: int, scale_bits: int) -> int:
    ratio = (squares << 2 * scale_bits) * DAYS * WAD // (PARKINSON_WAD * variance)
    return min(isqrt(ratio), CUT << scale_bits)


def weekend_share(hour: int, scale_bits: int) -> int:
    """Share of the 24 hours from `hour` on (since 1970, a Thursday) that are on a Saturday or Sunday, UTC."""
    count = sum((hour + step) // HOURS % 7 in {2, 3} for step in range(HOURS))
    return div_round(count << scale_bits, HOURS)
