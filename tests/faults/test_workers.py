"""Workers over PostgreSQL: what a killed one had begun goes on elsewhere, and nothing is done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from oracle.settings import Settings
from oracle.store.db import open_engine, request_events
from tests.support.cluster import BRIDGE_ADDRESS, Cluster, namespaces_allowed, networks
from tests.support.onchain_stack import OnchainStack
from tests.support.postgres import WHY_NOT, PostgresServer, binaries
from tests.support.waiting import until

WORKERS = 2
REQUESTS = 6


@pytest.fixture
def cluster(settings: Settings, tmp_path: Path) -> Iterator[Cluster]:
    if binaries() is None:
        pytest.skip(WHY_NOT)
    if not namespaces_allowed():
        pytest.skip("network namespaces are not allowed here: run as root with CAP_NET_ADMIN")
    with networks(WORKERS):
        postgres = PostgresServer.create(BRIDGE_ADDRESS)
        stack = OnchainStack.deploy(settings.model_copy(update={"state_dir": tmp_path / "state"}))
        cluster = Cluster.over(stack, postgres, tmp_path, namespaces=True)
        try:
            yield cluster
        finally:
            cluster.close()
            stack.close()
            postgres.remove()


def endings(cluster: Cluster) -> Counter[str]:
    """How many final events each request has."""
    engine = open_engine(cluster.database_url)
    final = request_events.c.event.in_(("fulfilled", "failed", "cancelled"))
    with engine.connect() as connection:
        found = Counter(str(row[0]) for row in connection.execute(sa.select(request_events.c.request_id).where(final)))
    engine.dispose()
    return found


@pytest.mark.slow
def test_workers__one_killed_one_stopped__every_request_ends_once(cluster: Cluster) -> None:
    serve = cluster.serve()
    first, second = (cluster.worker() for _ in range(WORKERS))
    cluster.wait_ready()
    onchain = [cluster.stack.ask() for _ in range(2)]
    ids = [cluster.prove(index) for index in range(REQUESTS)]
    until(lambda: first.says("step done") > 0, 60)
    first.kill()
    until(lambda: any(member.says("took up what a silent") for member in (serve, second)), 60)
    until(lambda: all(cluster.request(one)["finishedAt"] for one in ids), 120)
    assert {cluster.request(one)["state"] for one in ids} == {"fulfilled"}
    for request_id in onchain:
        cluster.stack.answered(request_id)
    assert second.terminate() == 0
    assert serve.alive()
    until(lambda: set(endings(cluster)) >= set(ids), 20)
    assert set(endings(cluster).values()) == {1}
