"""Four assets observed at about the same times, each a little off, one of them for longer than its feed keeps."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from web3.contract import Contract

from oracle.domain.feature_modules import GarchFeatures
from oracle.domain.garch_batch import ASSETS
from oracle.domain.observations import Report
from oracle.units import BPS, SECS_PER_HOUR
from tests.support.feature_cases import market
from tests.support.local_chain import LocalChain
from tests.support.observations import FeedLimits, Publishers, deploy_feed
from tests.support.risk_feed import PARAMS, deploy_module

CAPACITY = 64
COUNTS = (40, 44, 40, 70)
LARGEST_LAG = 600
BATCH = 35


@dataclass(frozen=True)
class Asset:
    """A price feed and what it holds; `first` is the earliest round that it keeps."""

    publishers: Publishers
    prices: Sequence[int]
    times: Sequence[int]

    @property
    def first(self) -> int:
        """Rounds count from 1."""
        return max(1, len(self.prices) - CAPACITY + 1)

    @property
    def kept_times(self) -> Sequence[int]:
        """Of the rounds from `first` on."""
        return self.times[self.first - 1 :]

    def window(self, round_id: int) -> Sequence[int]:
        """The 33 prices that end at a round."""
        return self.prices[round_id - GarchFeatures.prices : round_id]


@dataclass(frozen=True)
class Assets:
    """The four, and modules over them."""

    chain: LocalChain
    all: tuple[Asset, ...]

    def singles(self, features: Sequence[GarchFeatures], scale_bits: int) -> list[str]:
        """A GarchVolatilityModule for each asset."""
        pairs = zip(self.all, features, strict=True)
        return [
            deploy_module(self.chain, asset.publishers.contract.address, each.params, scale_bits).address
            for asset, each in pairs
        ]

    def batch(self, singles: Sequence[str], max_skew: int = LARGEST_LAG) -> Contract:
        """The inputs over these."""
        return self.chain.deploy("GarchBatchInputs", list(singles), max_skew)

    def module(self, batch: Contract, place: int = 0) -> Contract:
        """The module of one asset of a batch."""
        return self.chain.deploy("GarchBatchModule", batch.address, place)


@pytest.fixture(scope="module")
def features() -> tuple[GarchFeatures, ...]:
    """Parameters of four assets, the later the wilder."""
    return tuple(GarchFeatures(replace(PARAMS, sigma_ref_wad=PARAMS.sigma_ref_wad * (1 + i))) for i in range(ASSETS))


@pytest.fixture(scope="module")
def assets(chain: LocalChain) -> Assets:
    """Hourly prices that end now, each asset's other than the first up to ten minutes early."""
    chain.mine(chain.now() + SECS_PER_HOUR * (max(COUNTS) + 1))
    return Assets(chain, tuple(_asset(chain, i, count, chain.now()) for i, count in enumerate(COUNTS)))


def _asset(chain: LocalChain, seed: int, count: int, end: int) -> Asset:
    rng = random.Random(seed)
    publishers = deploy_feed(chain, FeedLimits(max_report_age=BATCH * 3 * SECS_PER_HOUR, max_move_bps=BPS))
    prices = market(count, seed)
    times = [end - SECS_PER_HOUR * (count - 1 - j) - (rng.randint(0, LARGEST_LAG) if seed else 0) for j in range(count)]
    reports = [Report(j + 1, time, price, 1) for j, (time, price) in enumerate(zip(times, prices, strict=True))]
    signed = [publishers.sign(report) for report in reports]
    for start in range(0, count, BATCH):
        part = signed[start : start + BATCH]
        chain.send(publishers.contract.functions.submitMany([r for r, _ in part], [s for _, s in part]))
    return Asset(publishers, prices, times)
