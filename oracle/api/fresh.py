"""Answers that are kept for a moment, so that a hundred readers of one feed ask the chain once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Final

# The chain's newest block is seen this much later, at most
KEPT_SECS: Final = 0.25
MAX_KEPT: Final = 1_024


class Fresh:
    """Bodies by key, each made at most once in KEPT_SECS however many ask. For one event loop.

    `forget` drops all: who is told that a request has ended must find what it changed.
    """

    def __init__(self, kept_secs: float = KEPT_SECS) -> None:
        self._kept_secs = kept_secs
        self._kept: dict[Hashable, tuple[float, bytes]] = {}
        self._under_way: dict[Hashable, asyncio.Task[bytes]] = {}

    async def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The body under a key, made in a thread where there is none. Raises what `make` raises, and keeps nothing."""
        kept = self._kept.get(key)
        if kept is not None and asyncio.get_running_loop().time() < kept[0]:
            return kept[1]
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(make))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._made(key, done))
        return await asyncio.shield(task)

    def forget(self) -> None:
        """Drops everything; what is being made is for those who asked before."""
        self._kept.clear()
        self._under_way.clear()

    def _made(self, key: Hashable, task: asyncio.Task[bytes]) -> None:
        failed = task.cancelled() or task.exception() is not None
        if self._under_way.get(key) is not task:
            return
        del self._under_way[key]
        if not failed:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = (asyncio.get_running_loop().time() + self._kept_secs, task.result())
