"""One step of a request: noted, measured, logged under the request's id, and run once to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from oracle.daemon.durable import INTERNAL, DurableEngine, Interrupted, StepFailed, cause_of
from oracle.daemon.logs import bound
from oracle.daemon.metrics import Metrics
from oracle.daemon.tracing import Tracing
from oracle.domain.requests import Request
from oracle.errors import SkipCycle
from oracle.store.requests import RequestStore

Facts = dict[str, Any]
"""What a step leaves to the next: plain JSON, large integers as decimal strings."""

# From here on a transaction may be on its way
POINT_OF_NO_RETURN: Final = ("submit", "confirm")

_log = structlog.get_logger(__name__)


class RequestEnded(SkipCycle):
    """The request was cancelled while its workflow ran."""


class Steps:
    """Runs the steps of requests."""

    def __init__(self, durable: DurableEngine, requests: RequestStore, metrics: Metrics, tracing: Tracing) -> None:
        self._durable = durable
        self._requests = requests
        self._metrics = metrics
        self._tracing = tracing

    def run(self, request: Request, name: str, work: Callable[[], Facts], *, attempts: int = 0) -> Facts:
        """What the step found out, with its "seconds". Raises StepFailed, Interrupted."""
        return dict(self._durable.step(name, lambda: self._noted(request, name, work), attempts=attempts))

    def _noted(self, request: Request, name: str, work: Callable[[], Facts]) -> Facts:
        with bound(request_id=request.id, step=name):
            if not self._requests.begin_step(request.id, name):
                raise RequestEnded(f"the request {request.id} has ended")
            with (
                self._tracing.span(name, request.id, subject=request.subject) as told,
                self._metrics.timed(name) as measured,
            ):
                facts = work()
                told.update(facts)
            _log.info("step done", subject=request.subject, seconds=round(measured["seconds"], 3))
            return {**facts, "seconds": measured["seconds"]}

    def progress(self, request: Request, data: Mapping[str, Any]) -> None:
        """Notes progress within a step, for whoever follows the request."""
        self._requests.progress(request.id, data)

    def workflow(self, body: Callable[[Request], Facts]) -> Callable[[str], Facts]:
        """A workflow that ends its request with what `body` returns, or with the cause of its failure."""

        def run(request_id: str) -> Facts:
            stopping, outlast = self._durable.stopping, self._durable.outlast
            request = outlast(lambda: self._requests.get(request_id))
            try:
                result = body(request)
            except Exception as error:
                if stopping.is_set():
                    raise Interrupted(request_id) from error
                return self._failed(request, error)
            if outlast(lambda: self._requests.fulfil(request_id, result)):
                self._metrics.finished.labels(request.kind.value, "fulfilled").inc()
            return result

        return run

    def _failed(self, request: Request, error: Exception) -> Facts:
        cause = cause_of(error)
        if self._durable.outlast(lambda: self._requests.fail(request.id, cause)):
            self._metrics.failures.labels(cause.step or "workflow", cause.error).inc()
            self._metrics.finished.labels(request.kind.value, "failed").inc()
            unknown = None if isinstance(error, StepFailed) and cause.error != INTERNAL else error
            _log.warning(
                "request failed",
                request_id=request.id,
                step=cause.step,
                error=cause.error,
                detail=cause.message,
                exc_info=unknown,
            )
        return {"failed": cause.as_json()}
