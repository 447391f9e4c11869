"""Workers over PostgreSQL: what a killed one had begun goes on elsewhere, and nothing is done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from oracle.client import Client
from oracle.proving.workers.confinement import missing
from oracle.settings import Settings
from oracle.store.db import open_engine, request_events
from tests.support.cluster import BRIDGE_ADDRESS, Cluster, namespaces_allowed, networks
from tests.support.networks import relu
from tests.support.onchain_stack import OnchainStack
from tests.support.postgres import WHY_NOT, PostgresServer, binaries
from tests.support.waiting import until

WORKERS = 2
REQUESTS = 6


@pytest.fixture(scope="module")
def cluster(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A service that leaves proofs to its workers, which are in networks of their own."""
    if binaries() is None:
        pytest.skip(WHY_NOT)
    if not namespaces_allowed():
        pytest.skip("network namespaces are not allowed here: run as root with CAP_NET_ADMIN")
    folder = tmp_path_factory.mktemp("workers")
    with networks(WORKERS):
        postgres = PostgresServer.create(BRIDGE_ADDRESS)
        stack = OnchainStack.deploy(settings.model_copy(update={"state_dir": folder / "state"}))
        cluster = Cluster.over(stack, postgres, folder, namespaces=True)
        try:
            cluster.serve()
            for _ in range(WORKERS):
                cluster.worker()
            cluster.wait_ready()
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
@pytest.mark.skipif(bool(missing()), reason=f"this kernel lacks {', '.join(missing())}")
def test_upload__built_by_the_leader__proven_by_a_worker_that_fetches_it(cluster: Cluster, tmp_path: Path) -> None:
    network = relu(tmp_path)
    with Client(cluster.api_url) as oracle:
        asked = oracle.upload_model(
            "elsewhere", network.onnx.read_bytes(), network.calibration.read_bytes(), domain="-4:4"
        )
        built = oracle.wait(asked.id, 240)
        assert built.state == "fulfilled", built
        proven = oracle.wait(oracle.request_proof("elsewhere", [[0.5, -0.25, 1.5, 0.125]], submit=True).id, 120)
    assert proven.state == "fulfilled", proven
    assert sum(member.says("circuit fetched") for member in cluster.members[1:]) == 1
    (fetched,) = cluster.folder.glob("worker-*/circuits/elsewhere")
    theirs = cluster.stack.settings.state_dir / "circuits" / "elsewhere"
    assert {path.name: path.read_bytes() for path in fetched.iterdir()} == {
        path.name: path.read_bytes() for path in theirs.iterdir()
    }


@pytest.mark.slow
def test_workers__one_killed_one_stopped__every_request_ends_once(cluster: Cluster) -> None:
    serve, first, second = cluster.members
    onchain = [cluster.stack.ask() for _ in range(2)]
    ids = [cluster.prove(index) for index in range(REQUESTS)]
    done = first.says("step done")
    until(lambda: first.says("step done") > done, 60)
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
