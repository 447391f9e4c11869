"""The durable engine: a step that ended is not run again, one that was cut off is."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from oracle.daemon.caretaker import Caretaker
from oracle.daemon.durable import DurableEngine, Patience, Queue, StepFailed, cause_of
from oracle.daemon.metrics import Metrics
from oracle.daemon.steps import Steps
from oracle.daemon.tracing import Tracing
from oracle.domain.requests import Request, RequestKind, RequestState
from oracle.errors import (
    Conflict,
    ContractRevert,
    FieldElementError,
    NotFound,
    ProofRejected,
    ServiceUnavailable,
    SourceUnavailable,
    StorageFull,
)
from oracle.settings import PROJECT_ROOT
from oracle.store.db import create_tables, open_engine, sqlite_url
from oracle.store.requests import RequestStore
from tests.support.service_stack import pause_running
from tests.support.waiting import until

QUEUES = [Queue("work", 2), Queue("lines", 4, 1)]
PATIENCE = Patience(attempts=3, first_pause_secs=0.01)


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[DurableEngine]:
    pause_running()
    database = open_engine(sqlite_url(tmp_path / "workflows.db"))
    engine = DurableEngine(database, application_version="1", executor_id="here", patience=PATIENCE)
    yield engine
    engine.stop()
    database.dispose()


def run(durable: DurableEngine, workflow: Any, workflow_id: str = "one") -> str:
    """The final status of a workflow."""
    durable.start({"flow": workflow}, QUEUES)
    durable.enqueue("work", "flow", workflow_id)
    until(lambda: durable.status(workflow_id) not in {"ENQUEUED", "PENDING"})
    return durable.status(workflow_id)


def test_step__ends__gives_its_result(durable: DurableEngine) -> None:
    seen: list[Any] = []
    facts = {"big": str(2**200), "list": [1, 2.5, None, True], "args": [1], "kwargs": {}}
    assert run(durable, lambda _id: seen.append(durable.step("only", lambda: facts))) == "SUCCESS"
    assert seen == [facts]


def test_step__retry__is_repeated_until_it_works(durable: DurableEngine) -> None:
    calls: list[int] = []

    def flaky() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise SourceUnavailable("not yet")
        return len(calls)

    seen: list[Any] = []
    run(durable, lambda _id: seen.append(durable.step("flaky", flaky)))
    assert (seen, len(calls)) == ([3], 3)


@pytest.mark.parametrize(
    ("error", "calls"), [(SourceUnavailable("never"), 3), (ProofRejected("no"), 1), (ValueError("a fault"), 1)]
)
def test_step__fails__names_the_cause(durable: DurableEngine, error: Exception, calls: int) -> None:
    tried: list[int] = []
    failures: list[StepFailed] = []

    def failing() -> None:
        tried.append(1)
        raise error

    def flow(_id: str) -> None:
        try:
            durable.step("fails", failing)
        except StepFailed as failed:
            failures.append(failed)

    run(durable, flow)
    assert len(tried) == calls
    assert failures[0].cause == cause_of(error, "fails")


@pytest.mark.parametrize(
    ("error", "name", "branch"),
    [
        (SourceUnavailable("a", remedy="wait"), "SourceUnavailable", "Retry"),
        (ContractRevert("StaleAnswer", (1, 2)), "ContractRevert", "SkipCycle"),
        (StorageFull("b"), "StorageFull", "Halt"),
        (FieldElementError(5), "FieldElementError", "InvalidInput"),
        (KeyError("x"), "InternalError", "OracleError"),
    ],
)
def test_cause_of__each_branch__tells_what_a_loop_does(error: Exception, name: str, branch: str) -> None:
    cause = cause_of(error, "step")
    assert (cause.error, cause.branch, cause.step) == (name, branch, "step")
    assert cause.message


def test_enqueue__same_id_twice__runs_once(durable: DurableEngine) -> None:
    runs: list[str] = []
    durable.start({"flow": runs.append}, QUEUES)
    for _ in range(5):
        durable.enqueue("work", "flow", "same")
    until(lambda: durable.status("same") == "SUCCESS")
    durable.enqueue("work", "flow", "same")
    durable.enqueue("work", "flow", "other")
    until(lambda: durable.status("other") == "SUCCESS")
    assert sorted(runs) == ["other", "same"]


def test_enqueue__one_partition__one_at_a_time(durable: DurableEngine) -> None:
    lock, together, most = threading.Lock(), set[str](), {"a": 0, "b": 0}
    passed = threading.Event()

    def flow(workflow_id: str) -> None:
        line = workflow_id[0]
        with lock:
            together.add(workflow_id)
            most[line] = max(most[line], sum(other.startswith(line) for other in together))
            if len({other[0] for other in together}) == 2:
                passed.set()
        passed.wait(10)
        with lock:
            together.discard(workflow_id)

    durable.start({"flow": flow}, QUEUES)
    for number in range(3):
        for line in most:
            durable.enqueue("lines", "flow", f"{line}{number}", partition=line)
    until(lambda: all(durable.status(f"{line}{n}") == "SUCCESS" for line in most for n in range(3)))
    assert most == {"a": 1, "b": 1}


def test_start__second_engine_in_the_process__conflict(durable: DurableEngine, tmp_path: Path) -> None:
    durable.start({}, QUEUES)
    second = DurableEngine(open_engine(sqlite_url(tmp_path / "other.db")), application_version="1", executor_id="x")
    with pytest.raises(Conflict):
        second.start({}, QUEUES)
    durable.stop()
    second.start({}, QUEUES)
    second.stop()


def test_start__opens_no_port_and_logs_no_banner(
    durable: DurableEngine, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def listening() -> set[int]:
        mine = psutil.Process().net_connections("inet")
        return {connection.laddr.port for connection in mine if connection.status == psutil.CONN_LISTEN}

    before = listening()
    with caplog.at_level(logging.INFO):
        run(durable, lambda _id: None)
        assert listening() == before
        durable.stop()
    assert capfd.readouterr() == ("", "")
    assert caplog.messages == []


def test_calls__not_started__service_unavailable(durable: DurableEngine) -> None:
    for call in (lambda: durable.enqueue("work", "flow", "x"), lambda: durable.status("x"), durable.running):
        with pytest.raises(ServiceUnavailable):
            call()


def test_status__unknown__not_found(durable: DurableEngine) -> None:
    durable.start({}, QUEUES)
    with pytest.raises(NotFound):
        durable.status("nothing")
    assert not durable.known("nothing")


def test_stop__while_a_step_runs__leaves_it_to_the_next_start(durable: DurableEngine) -> None:
    """What fails because of the stop is no failure of the workflow."""
    began, proceed, ends = threading.Event(), threading.Event(), list[str]()

    def fails_when_stopped() -> str:
        stopping = durable.stopping
        began.set()
        proceed.wait(10)
        if stopping.is_set():
            raise ValueError("the worker was taken away")
        return "done"

    def flow(_id: str) -> None:
        try:
            ends.append(durable.step("long", fails_when_stopped))
        except StepFailed:
            ends.append("failed")

    durable.start({"flow": flow}, QUEUES)
    durable.enqueue("work", "flow", "one")
    assert began.wait(10)
    durable.stop()
    proceed.set()
    durable.start({"flow": flow}, QUEUES)
    until(lambda: durable.status("one") == "SUCCESS")
    assert ends == ["done"]


_KILLED = """
import json, os, signal, sys, time
from pathlib import Path
from oracle.daemon.caretaker import Caretaker
from oracle.daemon.durable import DurableEngine, Queue
from oracle.store.db import create_tables, open_engine, sqlite_url
from oracle.store.requests import RequestStore
folder, fatal = Path(sys.argv[1]), sys.argv[2]
engine = DurableEngine(open_engine(sqlite_url(folder / "workflows.db")), application_version="1", executor_id="here")
def note(name):
    with (folder / "ran").open("a") as file:
        file.write(name + "\\n")
    if name == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return name
def flow(workflow_id):
    names = [engine.step(name, lambda name=name: note(name)) for name in ("first", "second", "third")]
    (folder / "result").write_text(json.dumps(names))
engine.start({"flow": flow}, [Queue("work", 1)])
engine.enqueue("work", "flow", "one")
while not (folder / "result").exists():
    time.sleep(0.02)
engine.stop(5)
"""


def test_step__process_killed_in_the_second__first_is_not_run_again(tmp_path: Path) -> None:
    def start(fatal: str) -> int:
        command = [sys.executable, "-c", _KILLED, str(tmp_path), fatal]
        return subprocess.run(command, timeout=60, check=False, cwd=PROJECT_ROOT, env=dict(os.environ)).returncode

    assert start("second") == -signal.SIGKILL
    assert start("") == 0
    assert json.loads((tmp_path / "result").read_text()) == ["first", "second", "third"]
    assert (tmp_path / "ran").read_text().split() == ["first", "second", "second", "third"]


def test_reclaim__claim_that_nobody_runs__is_given_back(durable: DurableEngine) -> None:
    durable.start({"flow": lambda _id: None}, QUEUES, listen=["lines"])
    durable.enqueue("work", "flow", "lost")
    claim = sa.text("UPDATE workflow_status SET status = 'PENDING', executor_id = 'here' WHERE workflow_uuid = 'lost'")
    with durable._database.begin() as connection:
        connection.execute(claim)
    assert durable.reclaim() == 0  # it may be about to begin
    assert durable.reclaim() == 1
    assert durable.statuses(["lost", "unknown"]) == {"lost": "ENQUEUED"}
    assert (durable.waiting(), durable.running()) == (1, 0)
    assert durable.reclaim() == 0


def test_reclaim__workflow_that_runs__is_left_alone(durable: DurableEngine) -> None:
    going, begun = threading.Event(), threading.Event()

    def flow(_id: str) -> None:
        begun.set()
        going.wait(10)

    durable.start({"flow": flow}, QUEUES)
    durable.enqueue("work", "flow", "one")
    assert begun.wait(10)
    assert [durable.reclaim(), durable.reclaim(), durable.reclaim()] == [0, 0, 0]
    assert (durable.waiting(), durable.running()) == (0, 1)
    going.set()
    until(lambda: durable.status("one") == "SUCCESS")


def test_upgrade__requests_begun_by_the_old_version__left_to_it_and_ended_once(tmp_path: Path) -> None:
    """What docs/operators.md says of a WORKFLOWS_VERSION that changes."""
    pause_running()
    database = open_engine(sqlite_url(tmp_path / "plumbline.db"))
    create_tables(database)
    store = RequestStore(database, "here")
    ran: list[str] = []
    goes_on = threading.Event()

    def started(version: str) -> DurableEngine:
        engine = DurableEngine(database, application_version=version, executor_id=version, patience=PATIENCE)
        steps = Steps(engine, store, Metrics(), Tracing())

        def step(request: Request, name: str) -> None:
            steps.run(request, name, lambda: ran.append(f"{version} {request.subject} {name}") or {})

        def body(request: Request) -> dict[str, Any]:
            for name in ("first", "second") if version == "old" else ("other",):
                step(request, name)
                while request.subject == "begun" and name == "first" and not goes_on.wait(0.01):
                    if engine.stopping.is_set():
                        raise ServiceUnavailable("stopped in between")
            return {}

        engine.start({"proof": steps.workflow(body)}, QUEUES)
        return engine

    def ask(engine: DurableEngine, subject: str) -> str:
        request, _ = store.accept(RequestKind.PROOF, subject, {})
        engine.enqueue("work", "proof", request.id)
        return request.id

    old = started("old")
    begun = ask(old, "begun")
    until(lambda: ran == ["old begun first"])
    old.stop(5)

    new = started("new")
    fresh = ask(new, "fresh")
    Caretaker(new, store, still_secs=-1, take_up=lambda request: new.enqueue("work", "proof", request.id)).cycle()
    until(lambda: store.get(fresh).finished)
    assert not store.get(begun).finished
    new.stop(5)

    goes_on.set()
    kept = started("old")
    until(lambda: store.get(begun).finished)
    kept.stop(5)
    database.dispose()
    assert ran == ["old begun first", "new fresh other", "old begun second"]
    for request_id in (begun, fresh):
        assert store.get(request_id).state is RequestState.FULFILLED
        assert [event.event for event in store.events(request_id)].count("fulfilled") == 1


def test_enqueue__places__the_least_is_begun_first(durable: DurableEngine) -> None:
    """One runs, and holds the only worker until all others wait."""
    begun: list[str] = []
    go = threading.Event()

    def flow(workflow_id: str) -> None:
        begun.append(workflow_id)
        go.wait(30)

    durable.start({"flow": flow}, [Queue("single", 1)])
    durable.enqueue("single", "flow", "running", place=9)
    until(lambda: begun == ["running"])
    for name, place in (("third", 30), ("second", 20), ("first", 10), ("last", 40)):
        durable.enqueue("single", "flow", name, place=place)
    go.set()
    until(lambda: durable.status("last") == "SUCCESS")
    assert begun == ["running", "first", "second", "third", "last"]
