"""The database goes away in the middle of a step, and between two: every request ends once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from oracle.daemon.durable import DurableEngine, Patience, Queue
from oracle.daemon.metrics import Metrics
from oracle.daemon.steps import Facts, Steps
from oracle.daemon.tracing import Tracing
from oracle.domain.requests import Request, RequestKind, RequestState
from oracle.store.db import create_tables, open_engine, outage
from oracle.store.requests import RequestStore
from tests.support.postgres import PostgresServer
from tests.support.service_stack import pause_running
from tests.support.waiting import until

AWAY_SECS = 0.5
# One attempt: whoever counts an outage as the step's own failure fails the request
PATIENCE = Patience(attempts=1)


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[sa.Engine]:
    engine = open_engine(postgres.database())
    create_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def durable(database: sa.Engine) -> Iterator[DurableEngine]:
    pause_running()
    engine = DurableEngine(database, application_version="1", executor_id="here", patience=PATIENCE)
    yield engine
    engine.stop()


def _goes_away(postgres: PostgresServer, mode: str) -> None:
    postgres.stop(mode)
    threading.Timer(AWAY_SECS, postgres.start).start()


def _ended(store: RequestStore, request_id: str) -> bool:
    try:
        return store.get(request_id).finished
    except sa.exc.OperationalError as error:
        assert outage(error) is not None
        return False


def test_workflow__database_restarts_in_a_step_and_dies_between_two__request_ends_once(
    postgres: PostgresServer, database: sa.Engine, durable: DurableEngine
) -> None:
    store = RequestStore(database, "here")
    steps = Steps(durable, store, Metrics(), Tracing())
    began: list[str] = []

    def work() -> Facts:
        began.append("first")
        if len(began) == 1:
            _goes_away(postgres, "fast")
        store.progress(request.id, {"written": True})  # fails while it is away
        return {"found": len(began)}

    def body(one: Request) -> Facts:
        first = steps.run(one, "first", work)
        if began[-1] == "first":
            began.append("between")
            _goes_away(postgres, "immediate")
        return {"found": first["found"]}

    durable.start({RequestKind.PROOF.value: steps.workflow(body)}, [Queue("work", 2)])
    request, _ = store.accept(RequestKind.PROOF, "tiny", {})
    durable.enqueue("work", RequestKind.PROOF.value, request.id)
    until(lambda: _ended(store, request.id), 60)
    until(lambda: durable.running() == durable.waiting() == 0, 60)
    ended = store.get(request.id)
    assert (ended.state, ended.cause) == (RequestState.FULFILLED, None)
    assert began.count("first") > 1
    assert began[-1] == "between"
    events = [event.event for event in store.events(request.id)]
    assert events.count(RequestState.FULFILLED.value) == 1
    assert RequestState.FAILED.value not in events
