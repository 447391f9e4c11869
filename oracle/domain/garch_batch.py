"""GARCH(1,1) volatility of four assets by one proof: inputs, answers and the rounds that belong together.

Twin of contracts/features/GarchBatchModule.sol.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from oracle.domain.feature_modules import GarchFeatures
from oracle.errors import InputRejected, InvalidInput

ASSETS: Final = 4


class WindowsNotAligned(InputRejected):
    """An asset was not observed within the skew of the first one's time; unix seconds."""

    def __init__(self, asset: int, observed_at: int, expected: int, max_skew: int) -> None:
        super().__init__(f"asset {asset} was observed at {observed_at}, must be within {max_skew} s of {expected}")
        self.asset = asset
        self.observed_at = observed_at


def aligned_place(asset: int, times: Sequence[int], time: int, max_skew: int) -> int:
    """Where in an asset's rising times of observation its window ends: the first from `time - max_skew` on.

    Raises WindowsNotAligned when that one is later than `time + max_skew`, or not there yet.
    """
    place = bisect_left(times, time - max_skew)
    found = times[min(place, len(times) - 1)]
    if place == len(times) or found > time + max_skew:
        raise WindowsNotAligned(asset, found, time, max_skew)
    return place


@dataclass(frozen=True, slots=True)
class GarchBatchFeatures:
    """Four assets in the circuit's order; the answer is the annualised volatility of the one at `place`."""

    assets: tuple[GarchFeatures, ...]
    place: int

    contract: ClassVar[str] = "GarchBatchModule"

    def __post_init__(self) -> None:
        if len(self.assets) != ASSETS or not 0 <= self.place < ASSETS:
            raise InvalidInput(f"{len(self.assets)} assets and place {self.place}, must be {ASSETS}, 0 to {ASSETS - 1}")

    def inputs(self, windows: Sequence[Sequence[int]], observed_at: int, scale_bits: int) -> list[int]:
        """The 152 integers for four windows of 33 prices. Raises as GarchFeatures.inputs."""
        rows = zip(self.assets, windows, strict=True)
        return [value for asset, prices in rows for value in asset.inputs(prices, observed_at, scale_bits)]

    def answer(self, outputs_wad: Sequence[int], scale_bits: int) -> int:
        """The annualised volatility as WAD."""
        if len(outputs_wad) != ASSETS:
            raise InvalidInput(f"{len(outputs_wad)} outputs, must be {ASSETS}")
        return self.assets[self.place].answer([outputs_wad[self.place]], [], scale_bits)
