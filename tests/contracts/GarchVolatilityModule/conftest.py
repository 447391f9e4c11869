"""A feed with more than a window of history, and an hourly module on it."""

from __future__ import annotations

import random

import pytest
from web3.contract import Contract

from tests.support.local_chain import LocalChain
from tests.support.modules import deploy_module
from tests.support.observations import PRICE, Publishers, deploy_feed


@pytest.fixture(scope="module")
def prices() -> list[int]:
    """40 hourly prices."""
    rng = random.Random(1)
    path = [PRICE]
    for _ in range(39):
        path.append(int(path[-1] * (1 + rng.gauss(0, 0.006))))
    return path


@pytest.fixture(scope="module")
def feed(chain: LocalChain, prices: list[int]) -> Publishers:
    """A feed whose first 40 rounds are `prices`."""
    feed = deploy_feed(chain)
    feed.history(prices)
    return feed


@pytest.fixture(scope="module")
def module(chain: LocalChain, feed: Publishers) -> Contract:
    """The module of that feed."""
    return deploy_module(chain, feed.contract.address)
