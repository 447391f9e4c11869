"""Durable workflows: the one place that knows dbos.

dbos keeps one global instance for a process, logs to the console, and can speak to a console of its maker. Here it is
built in `start` and torn down in `stop`, its log goes through ours, it opens no port, and no telemetry is on.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import dbos
import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID
from dbos._recovery import recover_pending_workflows
from dbos._utils import INTERNAL_QUEUE_NAME
from sqlalchemy.engine import Engine

from oracle.domain.requests import Cause
from oracle.errors import Conflict, NotFound, OracleError, Retry, ServiceUnavailable
from oracle.store.db import outage

APP_NAME: Final = "plumbline"
# An idle queue that is asked twice as often costs twice as much: 5 % of a core at this pace
QUEUE_POLL_SECS: Final = 0.2
STOP_POLL_SECS: Final = 0.05
MAX_THREADS: Final = 64
SPARE_THREADS: Final = 8
OUTAGE_PAUSE_SECS: Final = 0.5
INTERNAL: Final = "InternalError"

_log = structlog.get_logger(__name__)

Workflow = Callable[[str], Any]
T = TypeVar("T")


class StepFailed(Exception):
    """A step ended with a cause; the same after a restart, when the step is not run again."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(f"{cause.error}: {cause.message}")
        self.cause = cause


class Interrupted(BaseException):
    """The engine stops while a step runs. No Exception: nothing may take it for the step's own failure."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a step whose error is a Retry is repeated, with pauses that double."""

    attempts: int = 8
    first_pause_secs: float = 0.25
    longest_pause_secs: float = 10.0


class _JsonSerializer(dbos.Serializer):
    """Keeps workflows' data as JSON, so that reading a database never runs code."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, StepFailed):
            return json.dumps({"stepFailed": data.cause.as_json()})
        if isinstance(data, BaseException):
            return json.dumps({"stepFailed": cause_of(data).as_json()})
        return json.dumps({"value": data}, allow_nan=False)

    def deserialize(self, serialized_data: str) -> Any:
        document = json.loads(serialized_data)
        if "stepFailed" in document:
            return StepFailed(Cause.from_json(document["stepFailed"]))
        value = document["value"]
        if isinstance(value, dict) and set(value) == {"args", "kwargs"}:
            return {"args": tuple(value["args"]), "kwargs": value["kwargs"]}
        return value

    def name(self) -> str:
        return "plumbline_json"


def cause_of(error: BaseException, step: str = "") -> Cause:
    """What an exception says about why a request failed."""
    if isinstance(error, StepFailed):
        return error.cause
    if isinstance(error, OracleError):
        node = str(getattr(error, "node", ""))
        return Cause(type(error).__name__, str(error), branch_of(error), error.remedy, step, node)
    return Cause(INTERNAL, f"{type(error).__name__}: {error}", "OracleError", "see the service's log", step)


def branch_of(error: OracleError) -> str:
    """The name of the error's branch: Retry, SkipCycle, Halt or InvalidInput."""
    line = [cls.__name__ for cls in type(error).__mro__]
    root = line.index(OracleError.__name__)
    return line[root - 1] if root else line[0]


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue: how many of its workflows run at once in this process, and of one partition anywhere."""

    name: str
    worker_concurrency: int
    partition_concurrency: int | None = None


class DurableEngine:
    """Runs workflows to their end, over any number of crashes.

    A workflow is a function of its own id, made of steps (`step`); a step that ended is not run again, one that was cut
    off is. Only workflows of the same `application_version` and `executor_id` are taken up after a restart. One engine
    at a time can be started in a process.
    """

    def __init__(
        self,
        database: Engine,
        *,
        application_version: str,
        executor_id: str,
        patience: Patience | None = None,
        at_once: int = 0,
    ) -> None:
        self._database = database
        self._version = application_version
        self.executor_id: Final = executor_id
        self._patience = patience or Patience()
        self._max_threads = max(MAX_THREADS, at_once + SPARE_THREADS)
        self._stopping = threading.Event()
        self._at_work = _Count()
        self._idle: set[str] = set()
        self._workflows: dict[str, Callable[[str], Any]] = {}
        self._started = False

    def start(
        self, workflows: Mapping[str, Workflow], queues: list[Queue], listen: Collection[str] | None = None
    ) -> None:
        """Takes up what was cut off, then accepts work: of the queues `listen` alone, where it is given.

        Raises Conflict when another engine runs in this process.
        """
        if not _process_lock.acquire(blocking=False):
            raise Conflict("a durable engine runs in this process already")
        self._stopping = threading.Event()
        try:
            self._launch(workflows, queues, listen)
        except BaseException:
            self._destroy()
            raise
        self._started = True

    def _launch(self, workflows: Mapping[str, Workflow], queues: list[Queue], listen: Collection[str] | None) -> None:
        _contain_log()
        config = DBOSConfig(
            name=APP_NAME,
            system_database_url=str(self._database.url.render_as_string(hide_password=False)),
            system_database_engine=self._database,
            application_version=self._version,
            executor_id=self.executor_id,
            serializer=_JsonSerializer(),
            enable_otlp=False,
            max_executor_threads=self._max_threads,
        )
        DBOS(config=config)
        self._workflows = {
            name: DBOS.workflow(name=name)(_own(function, self._at_work)) for name, function in workflows.items()
        }
        if listen is not None:
            DBOS.listen_queues(list(listen))
        DBOS.launch()
        for queue in queues:
            DBOS.register_queue(
                queue.name,
                worker_concurrency=queue.worker_concurrency,
                partition_concurrency=queue.partition_concurrency,
                polling_interval_sec=QUEUE_POLL_SECS,
            )

    def stop(self, timeout_secs: float = 0.0) -> None:
        """Waits up to `timeout_secs` for running workflows, then ends; the next start takes up what is cut off."""
        if not self._started:
            return
        self._stopping.set()
        deadline = time.monotonic() + timeout_secs
        while self._at_work.count and time.monotonic() < deadline:
            time.sleep(STOP_POLL_SECS)
        self._started = False
        self._destroy()

    def _destroy(self) -> None:
        DBOS.destroy(destroy_registry=True)
        _process_lock.release()

    @property
    def stopping(self) -> threading.Event:
        """Set when `stop` is called: what began before and fails then, fails because of it. Each start has its own."""
        return self._stopping

    @property
    def started(self) -> bool:
        """Whether it accepts work."""
        return self._started

    def step(self, name: str, function: Callable[[], Any], *, attempts: int = 0) -> Any:
        """The result, plain JSON, of a step of the workflow that calls; from the record where it ended before.

        An error of the branch Retry repeats the step, up to `attempts` times or the engine's patience; an outage of the
        database is waited out. Raises StepFailed when the step failed, now or before; Interrupted when the engine
        stops, and then the next start runs the step again.
        """
        return DBOS.run_step({"name": name}, lambda: self._patiently(name, function, attempts))

    def outlast(self, function: Callable[[], T]) -> T:
        """What the function returns, called again for as long as the database is away: so is the engine itself then.

        What it did before an outage it must find again. Raises Interrupted when the engine stops meanwhile.
        """
        stopping = self._stopping
        while True:
            try:
                return function()
            except Exception as error:
                away = outage(error)
                if away is None:
                    raise
                _log.warning("waits for the database", detail=str(away))
                if stopping.wait(OUTAGE_PAUSE_SECS):
                    raise Interrupted("the database is away") from error

    def _patiently(self, name: str, function: Callable[[], Any], attempts: int) -> Any:
        stopping = self._stopping
        pause, attempts = self._patience.first_pause_secs, attempts or self._patience.attempts
        for attempt in range(1, attempts + 1):
            if stopping.is_set():
                raise Interrupted(name)
            try:
                return self.outlast(function)
            except Exception as error:
                if stopping.is_set():
                    raise Interrupted(name) from error
                if not isinstance(error, Retry) or attempt == attempts:
                    _log.warning("step failed", step=name, error=type(error).__name__, detail=str(error))
                    raise StepFailed(cause_of(error, name)) from error
                _log.info("step will be repeated", step=name, attempt=attempt, pause=pause, detail=str(error))
            stopping.wait(pause)
            pause = min(pause * 2, self._patience.longest_pause_secs)
        raise AssertionError("unreachable")

    def enqueue(
        self, queue: str, workflow: str, workflow_id: str, partition: str | None = None, place: int | None = None
    ) -> None:
        """Puts a workflow into a queue; one that is known under this id already is left as it is.

        Of those that wait in a queue the one with the least `place` is begun first, from 1; without one before them.
        """
        self._require_started()
        with SetWorkflowID(workflow_id), SetEnqueueOptions(queue_partition_key=partition, priority=place):
            DBOS.enqueue_workflow(queue, self._workflows[workflow], workflow_id)

    def begin(self, workflow: str, workflow_id: str) -> None:
        """Runs a workflow here, now, past the queues; one that is known under this id already is left as it is."""
        self._require_started()
        with SetWorkflowID(workflow_id):
            DBOS.start_workflow(self._workflows[workflow], workflow_id)

    @property
    def at_work(self) -> int:
        """How many workflows this process runs now."""
        return self._at_work.count

    def release(self, executor_id: str) -> int:
        """Puts what an executor of this version had begun back into its queue; how many workflows."""
        self._require_started()
        instance = dbos._dbos._get_dbos_instance()
        return len(recover_pending_workflows(instance, [executor_id]))

    def reclaim(self) -> int:
        """Puts back what this process has claimed and does not run, by two calls' word; how many workflows.

        A claim whose answer the database did not deliver, as when it dies just then, is nobody's otherwise.
        """
        self._require_started()
        instance = dbos._dbos._get_dbos_instance()
        claimed = instance._sys_db.get_pending_workflows(self.executor_id, self._version)
        running = set(instance._active_workflows_set.activeList())
        idle = {one.workflow_id for one in claimed} - running
        lost, self._idle = idle & self._idle, idle
        for workflow_id in lost:
            instance._sys_db.reenqueue_for_recovery(workflow_id, [self.executor_id], INTERNAL_QUEUE_NAME)
            _log.warning("a claim was lost and is given back", request_id=workflow_id)
        return len(lost)

    def statuses(self, workflow_ids: Collection[str]) -> dict[str, str]:
        """The status of each workflow that is known."""
        self._require_started()
        found = DBOS.list_workflows(workflow_ids=list(workflow_ids), load_input=False, load_output=False)
        return {one.workflow_id: one.status for one in found}

    def cancel(self, workflow_id: str) -> None:
        """Ends a workflow before its next step."""
        self._require_started()
        DBOS.cancel_workflow(workflow_id)

    def known(self, workflow_id: str) -> bool:
        """Whether a workflow of this id was ever enqueued."""
        self._require_started()
        return DBOS.get_workflow_status(workflow_id) is not None

    def status(self, workflow_id: str) -> str:
        """ENQUEUED, PENDING, SUCCESS, ERROR, CANCELLED ... Raises NotFound."""
        self._require_started()
        status = DBOS.get_workflow_status(workflow_id)
        if status is None:
            raise NotFound(f"no workflow {workflow_id}")
        return status.status

    def running(self) -> int:
        """How many workflows run in this process now."""
        return self._count(["PENDING"])

    def waiting(self) -> int:
        """How many workflows wait for their turn."""
        return self._count(["ENQUEUED"])

    def _count(self, states: list[str]) -> int:
        self._require_started()
        system = dbos._dbos._get_dbos_instance()._sys_db
        table = system.tables.workflow_status
        query = sa.select(sa.func.count()).where(
            table.c.status.in_(states), table.c.application_version == self._version
        )
        with system.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def _require_started(self) -> None:
        if not self._started:
            raise ServiceUnavailable("the service is stopping or not started", remedy="try again shortly")


class _Count:
    """How many workflows are being run by this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    @property
    def count(self) -> int:
        with self._lock:
            return self._count

    def __enter__(self) -> None:
        with self._lock:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1


def _own(function: Workflow, at_work: _Count) -> Workflow:
    """A function that dbos may write its marks on; counted while it runs."""

    def run(workflow_id: str) -> Any:
        with at_work:
            return function(workflow_id)

    return run


class _ToOurLog(logging.Handler):
    """Passes dbos's warnings and errors on to our log, without its hints and banners."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger("oracle.daemon.durable").handle(record)


def _contain_log() -> None:
    log = logging.getLogger("dbos")
    log.handlers = [_ToOurLog(level=logging.WARNING)]
    log.propagate = False
    log.setLevel(logging.WARNING)


_process_lock: Final = threading.Lock()
