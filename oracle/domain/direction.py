"""The direction model's inputs and answer: twin of contracts/features/DirectionModule.sol, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from oracle.domain.logistic import probability_wad
from oracle.domain.window import checked_scale, checked_window, positive_squares, root_of_ratio, simple_returns
from oracle.units import div_round

WINDOW: Final = 32
_EXTRA_BITS: Final = 16
_LIMIT_MILLIS: Final = 5_657


@dataclass(frozen=True, slots=True)
class DirectionFeatures:
    """32 returns in units of their own root mean square; the answer is a probability as WAD. No parameters."""

    contract: ClassVar[str] = "DirectionModule"
    prices: ClassVar[int] = WINDOW + 1

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between source and scale."""
        return ()

    def inputs(self, prices: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 32 integers for a window of 33 prices. Raises FlatWindow, ReturnOutOfRange, InputRejected."""
        checked_window(prices, self.prices)
        checked_scale(scale_bits)
        returns = simple_returns(prices)
        root = root_of_ratio(positive_squares(returns), WINDOW, _EXTRA_BITS)
        limit = (_LIMIT_MILLIS << scale_bits) // 1000
        shift = _EXTRA_BITS + scale_bits
        return [max(-limit, min(limit, div_round(value << shift, root))) for value in returns]

    def answer(self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int) -> int:
        """The probability of a rise as WAD, for the model's log-odds."""
        (logit,) = outputs_wad
        return probability_wad(logit)
