"""The vault that these tests share; each test leaves it as it found it."""

from __future__ import annotations

import pytest

from tests.support.lending import SUPPLIED, LendingWorld, deploy_world
from tests.support.local_chain import LocalChain


@pytest.fixture(scope="session")
def _world(chain: LocalChain) -> LendingWorld:
    world = deploy_world(chain)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    return world


@pytest.fixture
def world(_world: LendingWorld, chain: LocalChain) -> LendingWorld:
    """A vault of 18-decimal collateral at 2,000 and 6-decimal debt, a million of it supplied, feeds fresh."""
    _world.refresh()
    return _world


@pytest.fixture
def opened(world: LendingWorld) -> LendingWorld:
    """As `world`, and the borrower owes 150,000 against 100 tokens of collateral."""
    world.open_position(100 * 10**18, 150_000 * 10**6)
    return world
