"""Ending work that is under way in this process, by its request's id."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Cancels:
    """The flags that this process's work looks at. Safe for threads."""

    def __init__(self) -> None:
        self._under_way: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    @contextmanager
    def during(self, request_id: str) -> Iterator[threading.Event]:
        """The flag of a request's work, which can be set until the block ends."""
        cancel = threading.Event()
        with self._lock:
            self._under_way[request_id] = cancel
        try:
            yield cancel
        finally:
            with self._lock:
                del self._under_way[request_id]

    def cancel(self, request_id: str) -> None:
        """Ends the request's work, if any is under way."""
        with self._lock:
            cancel = self._under_way.get(request_id)
        if cancel is not None:
            cancel.set()

    def cancel_all(self) -> None:
        """Ends all work; the next start begins it again."""
        with self._lock:
            for cancel in self._under_way.values():
                cancel.set()
