"""A loop in a thread of its own, whose pauses grow while what it needs is away.

The cycle follows lidofinance/lido-oracle, src/modules/common/daemon_module.py; the sleep that takes the work's time
off, stakewise/v3-operator, src/common/tasks.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from oracle.daemon.metrics import Metrics
from oracle.errors import Halt, OracleError, Retry
from oracle.store.db import outage

# After the first failure, at least; then it doubles
LEAST_PAUSE_SECS: Final = 0.5

_log = structlog.get_logger(__name__)


class PatientLoop:
    """Calls `cycle` every `secs`, less what it took.

    After a Retry, a Halt or an outage of the database the pause doubles, up to `longest_secs`; other errors of ours
    leave it as it is. What is none of ours goes to `on_fatal` and ends the loop.
    """

    def __init__(
        self,
        name: str,
        cycle: Callable[[], object],
        *,
        secs: float,
        longest_secs: float,
        metrics: Metrics,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self._name = name
        self._cycle = cycle
        self._secs = secs
        self._longest_secs = longest_secs
        self._metrics = metrics
        self._on_fatal = on_fatal
        self.stopping: Final = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"plumbline-{name}", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self, timeout_secs: float = 10.0) -> None:
        """Ends after the cycle that runs now, or after the timeout."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_secs)

    def _run(self) -> None:
        pause = self._secs
        while not self.stopping.is_set():
            started = time.monotonic()
            try:
                self._cycle()
                pause = self._secs
            except Exception as error:  # noqa: BLE001  handed on: the process ends and the next one goes on
                known = error if isinstance(error, OracleError) else outage(error)
                if known is None:
                    self._on_fatal(error)
                    return
                if isinstance(known, Retry | Halt):
                    pause = min(max(pause * 2, LEAST_PAUSE_SECS), self._longest_secs)
                self._failed(known)
            self.stopping.wait(max(0.0, pause - (time.monotonic() - started)))

    def _failed(self, error: OracleError) -> None:
        self._metrics.failures.labels(self._name, type(error).__name__).inc()
        log = _log.error if isinstance(error, Halt) else _log.warning
        log("cycle failed", loop=self._name, error=type(error).__name__, detail=str(error), remedy=error.remedy)
