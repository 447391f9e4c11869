"""Belonging to the processes that share a database: a heartbeat, and the sweep that takes up what dead ones left.

A process that is only slow may be taken for dead. Then two run the same workflow for a while: steps' results are kept
once, transactions go out once by their key in the outbox, and a contract takes one answer.
"""

from __future__ import annotations

import threading
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from oracle.daemon.durable import DurableEngine
from oracle.errors import OracleError
from oracle.store.executors import ExecutorStore

# Heartbeats within the silence after which a process counts as dead; each beat is also a sweep
BEATS: Final = 5

_log = structlog.get_logger(__name__)


class Membership:
    """Beats and sweeps in a thread of its own, from `join` to `leave`."""

    def __init__(self, store: ExecutorStore, durable: DurableEngine, silence_secs: float) -> None:
        self._store = store
        self._durable = durable
        self._beat_secs = silence_secs / BEATS
        self._silence_secs = silence_secs
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def join(self) -> None:
        """Begins."""
        self._stop.clear()
        self._store.beat(self._durable.executor_id)
        self._thread = threading.Thread(target=self._run, name="plumbline-membership", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Ends; call it when the engine has stopped. What it had begun and not ended is others' at their next sweep."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(self._beat_secs)
            self._thread = None
        try:
            self._store.retire(self._durable.executor_id)
        except (SQLAlchemyError, OracleError) as error:
            _log.warning("left without a word: others wait out the silence", detail=str(error))

    def _run(self) -> None:
        while not self._stop.wait(self._beat_secs):
            try:
                self._store.beat(self._durable.executor_id)
                self.sweep()
            except (SQLAlchemyError, OracleError) as error:  # the database is away: beats again when it is back
                _log.warning("no heartbeat", error=type(error).__name__, detail=str(error))

    def sweep(self) -> int:
        """Frees what dead processes had begun; how many workflows. Any number of processes may sweep at once."""
        freed = 0
        for dead in self._store.silent(self._silence_secs):
            if dead == self._durable.executor_id:
                continue
            count = self._durable.release(dead)  # before it is forgotten: who dies in between leaves it to the next
            self._store.forget(dead, self._silence_secs)
            freed += count
            _log.warning("took up what a silent process had begun", executor=dead, workflows=count)
        return freed
