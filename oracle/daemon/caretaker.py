"""Looks after requests that nothing works on, though they have not ended.

A request is in the database before its workflow is in the queue, and a claim is in the database before it is in memory:
what dies between two writes, process or database, leaves the one without the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from oracle.daemon.durable import DurableEngine
from oracle.domain.requests import Request
from oracle.store.requests import RequestStore

# A workflow in one of these runs no more; its request ends with it
DEAD_STATES: Final = frozenset({"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
# Requests looked at in one cycle; the next goes on behind them
PAGE: Final = 200


class Caretaker:
    """One cycle: claims of this process that it does not run; for the process that leads, a page of the requests that
    have been still for `still_secs`, of which `take_up` gets those without a living workflow."""

    def __init__(
        self,
        durable: DurableEngine,
        requests: RequestStore,
        still_secs: float,
        take_up: Callable[[Request], None] | None,
    ) -> None:
        self._durable = durable
        self._requests = requests
        self._still_secs = still_secs
        self._take_up = take_up
        self._after = ""

    def cycle(self) -> None:
        """Looks at one page."""
        self._durable.reclaim()
        self._look()

    def everything(self) -> None:
        """Looks at every request, however long the queue is."""
        self._after = ""
        self._look()
        while self._after:
            self._look()

    def _look(self) -> None:
        if self._take_up is None:
            return
        still = self._requests.still(time.time() - self._still_secs, after=self._after, limit=PAGE)
        self._after = still[-1].id if len(still) == PAGE else ""
        known = self._durable.statuses([request.id for request in still]) if still else {}
        for request in still:
            if request.id not in known or known[request.id] in DEAD_STATES:
                self._take_up(request)
