"""GARCH(1,1) volatility of four assets by one proof: inputs, answers and the rounds that belong together.

Twin of contracts/features/GarchBatchModule.sol.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from oracle.domain.deployment import ContractPlan, FeatureFeedPlan, FeedAddress, FeedGuards, InputScale
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


def batch_plans(group: str, assets: Sequence[BatchAsset], model: str, max_skew: int) -> list[FeatureFeedPlan]:
    """Plans of the four feeds that one proof of `model` serves, over price feeds that stand already.

    A round of the group is a round of the first asset's price feed. Raises InvalidInput.
    """
    if len(assets) != ASSETS:
        raise InvalidInput(f"{len(assets)} assets, one proof serves {ASSETS}")
    singles = tuple(
        ContractPlan(
            f"{group}/{asset.name}",
            GarchFeatures.contract,
            (FeedAddress(asset.observations), *asset.features.arguments(), InputScale()),
        )
        for asset in assets
    )
    batch = ContractPlan(group, "GarchBatchInputs", (singles, max_skew))
    return [
        FeatureFeedPlan(
            name=asset.name,
            description=asset.description,
            kind="volatility",
            unit="annualised volatility",
            observations=assets[0].observations,
            model=model,
            module=GarchBatchFeatures.contract,
            arguments=(batch, place),
            guards=asset.guards,
            group=group,
            params=asset.features.params,
        )
        for place, asset in enumerate(assets)
    ]


@dataclass(frozen=True, slots=True)
class BatchAsset:
    """One asset of a batch: its volatility feed's name and guards, its price feed's name, its parameters."""

    name: str
    description: str
    observations: str
    features: GarchFeatures
    guards: FeedGuards


@dataclass(frozen=True, slots=True)
class GarchBatchFeatures:
    """Four assets in the circuit's order; the answer is the annualised volatility of the one at `place`."""

    assets: tuple[GarchFeatures, ...]
    place: int

    contract: ClassVar[str] = "GarchBatchModule"
    prices: ClassVar[int] = GarchFeatures.prices

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
