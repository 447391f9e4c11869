"""Waiting for the next block: however many wait, the node is asked once in a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

# Whoever looks less often than this does not know when a block came
PHASE_SECS: Final = 0.5


class Head(Protocol):
    """What is used of a block."""

    @property
    def number(self) -> int:
        """Its height."""

    @property
    def hash(self) -> bytes:
        """Its hash."""

    @property
    def timestamp(self) -> int:
        """Unix seconds."""


class HeadWatch:
    """The newest block, asked for at most every `poll_secs` by whoever waits. Safe for threads."""

    def __init__(self, newest: Callable[[], Head], poll_secs: float) -> None:
        self._newest = newest
        self._poll_secs: Final = poll_secs
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._seen: Head | None = None
        self._next_at: float | None = None

    def wait(self, after: bytes, timeout_secs: float) -> bytes:
        """The newest block's hash once it is not `after`, or as it is after the timeout. Raises RpcUnavailable."""
        deadline = time.monotonic() + timeout_secs
        while True:
            seen = self._look()
            left = deadline - time.monotonic()
            if seen != after or left <= 0:
                return seen
            time.sleep(min(self._poll_secs, left))

    def newest(self) -> bytes:
        """The newest block's hash, asked for now. Raises RpcUnavailable."""
        return self._newest().hash

    def next_in(self) -> float | None:
        """Seconds until the next block is expected, by the last two; None where that is not known."""
        with self._lock:
            left = None if self._next_at is None else self._next_at - time.monotonic()
        return left if left is not None and left > 0 else None

    def _look(self) -> bytes:
        with self._lock:
            now = time.monotonic()
            if self._seen is None or now - self._asked_at >= self._poll_secs:
                newest = self._newest()
                if self._seen is not None and newest.hash != self._seen.hash:
                    blocks, secs = newest.number - self._seen.number, newest.timestamp - self._seen.timestamp
                    timely = now - self._asked_at < PHASE_SECS and blocks > 0
                    self._next_at = now + secs / blocks if timely else None
                self._seen, self._asked_at = newest, time.monotonic()
            return self._seen.hash
