"""Waiting for something that another thread or process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(happened: Callable[[], bool], timeout_secs: float = 20.0) -> None:
    """Returns once `happened()` is true; fails when it does not become so."""
    deadline = time.monotonic() + timeout_secs
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
