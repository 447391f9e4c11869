"""The risk weight's inputs and answer: twin of contracts/features/RiskWeightModule.sol, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from oracle.domain.market_state import RETURNS, ROOT_BITS, market_state
from oracle.errors import InvalidInput, ValueOutOfRange
from oracle.units import BPS, WAD, scaled_from_wad

MAX_STRIDE: Final = 8
MAX_WEIGHT_WAD: Final = 10 * WAD
_BASIS_POINT: Final = WAD // BPS


@dataclass(frozen=True, slots=True)
class RiskWeightFeatures:
    """As RiskWeightModule's struct; the answer is a weight, rounded up to a basis point.

    `stride`: prices that make 8 hours. `sigma_ref_wad`: the asset's long-run standard deviation of a week.
    """

    stride: int
    sigma_ref_wad: int
    confidence_wad: int

    contract: ClassVar[str] = "RiskWeightModule"

    @property
    def prices(self) -> int:
        """Prices that a window takes."""
        return RETURNS * self.stride + 1

    def arguments(self) -> tuple[object, ...]:
        """The module's constructor arguments between source and scale. Raises InvalidInput."""
        ranges = (
            ("stride", self.stride, 1, MAX_STRIDE),
            ("sigma_ref_wad", self.sigma_ref_wad, 1, 10 * WAD),
            ("confidence_wad", self.confidence_wad, 0, WAD),
        )
        for name, value, low, high in ranges:
            if not low <= value <= high:
                raise InvalidInput(f"{name} is {value}, must be from {low} to {high}")
        return ((self.stride, self.sigma_ref_wad, self.confidence_wad),)

    def inputs(self, prices: Sequence[int], observed_at: int, scale_bits: int) -> list[int]:
        """The 5 integers for a window. Raises FlatWindow, ReturnOutOfRange, InputRejected."""
        market = market_state(prices, self.stride, scale_bits)
        one = 1 << scale_bits
        ratio = (market.week * WAD // self.sigma_ref_wad) >> (ROOT_BITS - scale_bits)
        level = max((one + 19) // 20, min(ratio, 8 * one))
        return [level, *market.inputs[1:], scaled_from_wad(self.confidence_wad, scale_bits)]

    def answer(self, outputs_wad: Sequence[int], inputs: Sequence[int], scale_bits: int) -> int:
        """The weight as WAD. Raises ValueOutOfRange."""
        weight, _ = outputs_wad
        if not 0 <= weight <= MAX_WEIGHT_WAD:
            raise ValueOutOfRange(weight)
        return -(-weight // _BASIS_POINT) * _BASIS_POINT
