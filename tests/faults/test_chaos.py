"""The short form of scripts/chaos.py: a few kills and faults under load, then the accounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.settings import Settings
from tests.support.chaos import Chaos
from tests.support.cluster import Cluster
from tests.support.onchain_stack import OnchainStack
from tests.support.postgres import PostgresServer

KILLS = 2


@pytest.fixture
def cluster(settings: Settings, tmp_path: Path, postgres: PostgresServer) -> Iterator[Cluster]:
    own = settings.model_copy(update={"state_dir": tmp_path / "state"})
    stack = OnchainStack.deploy(own, block_time=1, state_file=own.state_dir / "chain.json")
    cluster = Cluster.over(stack, postgres, tmp_path)
    yield cluster
    cluster.close()
    stack.close()


@pytest.mark.slow
def test_chaos__few_kills_under_load__everything_adds_up(cluster: Cluster) -> None:
    cluster.serve()
    cluster.worker()
    cluster.wait_ready()
    report = Chaos(cluster, 3, lambda _: None).run(kills=KILLS, limit_secs=20)
    assert report.broken == []
    assert report.kills == KILLS
    assert report.statuses == {"fulfilled": report.asked_on_chain}
    assert report.asked_on_chain > 0
    assert report.accepted > 0
