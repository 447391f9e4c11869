"""The book that these tests share; each test leaves it as it found it."""

from __future__ import annotations

import pytest

from tests.support.local_chain import LocalChain
from tests.support.options import OptionsWorld, deploy_options


@pytest.fixture(scope="session")
def _world(chain: LocalChain) -> OptionsWorld:
    world = deploy_options(chain)
    for account in (world.maker, world.taker, world.keeper):
        world.deposit(100_000, account)
    return world


@pytest.fixture
def world(_world: OptionsWorld) -> OptionsWorld:
    """A book at 2,000 and 60 %, three accounts of 100,000 each, fresh feeds, no positions."""
    _world.refresh()
    return _world
