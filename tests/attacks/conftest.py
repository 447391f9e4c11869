"""What the attacks are made on."""

from __future__ import annotations

import pytest

from tests.support.local_chain import LocalChain
from tests.support.observations import Publishers, deploy_feed


@pytest.fixture(scope="module")
def observation_feed(chain: LocalChain) -> Publishers:
    """An ObservationFeed of five publishers, quorum three, hourly, without rounds."""
    return deploy_feed(chain)
