"""The market that these tests share; each test leaves it as it found it."""

from __future__ import annotations

import pytest

from tests.support.local_chain import LocalChain
from tests.support.perp import PerpWorld, deploy_perp


@pytest.fixture(scope="session")
def _world(chain: LocalChain) -> PerpWorld:
    return deploy_perp(chain)


@pytest.fixture
def world(_world: PerpWorld, chain: LocalChain) -> PerpWorld:
    """A market at 2,000, volatility 60 %, with a fund of ten million and fresh feeds; nobody has a position."""
    _world.refresh()
    return _world


@pytest.fixture
def opened(world: PerpWorld) -> PerpWorld:
    """As `world`, and the trader is long for 100,000 with 10,000 of collateral."""
    world.open(True, 100_000, 10_000)
    return world
