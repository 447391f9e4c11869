"""One vector feed of five publishers, quorum three, for the tests of this folder."""

from __future__ import annotations

import pytest

from tests.support.local_chain import LocalChain
from tests.support.vectors import VectorPublishers, deploy_vector_feed


@pytest.fixture(scope="module")
def feed(chain: LocalChain) -> VectorPublishers:
    """A fresh feed, hourly, without rounds."""
    return deploy_vector_feed(chain)
