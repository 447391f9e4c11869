"""The settlement contract that these tests share; each test leaves it as it found it."""

from __future__ import annotations

import pytest

from tests.support.local_chain import LocalChain
from tests.support.rfq import RfqWorld, deploy_rfq


@pytest.fixture(scope="session")
def _world(chain: LocalChain) -> RfqWorld:
    return deploy_rfq(chain)


@pytest.fixture
def world(_world: RfqWorld) -> RfqWorld:
    """A book at 2,000 and 60 %, two accounts of 100,000 that allowed the contract, fresh feeds."""
    _world.options.refresh()
    return _world
