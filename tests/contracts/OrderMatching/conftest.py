"""The order book that these tests share; each test leaves it as it found it."""

from __future__ import annotations

import copy

import pytest

from tests.support.local_chain import LocalChain
from tests.support.matching import MatchingWorld, deploy_matching, list_series


@pytest.fixture(scope="session")
def _world(chain: LocalChain) -> MatchingWorld:
    return deploy_matching(chain)


@pytest.fixture
def world(_world: MatchingWorld) -> MatchingWorld:
    """A book at 2,000 and 60 %, three accounts of 100,000 that allowed the contract, fresh feeds."""
    _world.options.refresh()
    twin = copy.deepcopy(_world.twin)
    twin.around.book.feeds = _world.options.model().feeds  # type: ignore[attr-defined]
    return MatchingWorld(_world.options, _world.matching, twin, twin.around)  # type: ignore[arg-type]


@pytest.fixture
def series_id(world: MatchingWorld) -> int:
    """A listed call of strike 2,000, of 30 days."""
    return list_series(world)
