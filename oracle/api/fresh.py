"""Answers that are kept, so that a hundred readers of one feed ask the chain once, and once for each of its blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

# The chain's newest block is seen this much later, at most
KEPT_SECS: Final = 0.25
# What hangs on the newest block alone is made again after this all the same; no sooner: who reads then waits for it
LONGEST_SECS: Final = 60.0
MAX_KEPT: Final = 1_024
_HEAD: Final = ("newest block",)


class Fresh:
    """Bodies by key, each made once however many ask. For one event loop.

    `get` keeps a body for `kept_secs`; `at` for as long as the newest block is the same, which it asks for as often.
    `recheck` and `forget`: who is told that a request has ended must find what it changed.
    """

    def __init__(self, kept_secs: float = KEPT_SECS) -> None:
        self._kept_secs = kept_secs
        self._kept: dict[Hashable, tuple[float, bytes, bytes]] = {}  # until when, at which block, the body
        self._under_way: dict[Hashable, asyncio.Task[bytes]] = {}
        self._head: Callable[[], bytes] | None = None

    async def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The body under a key, made in a thread where there is none. Raises what `make` raises, and keeps nothing."""
        kept = self.peek(key)
        return kept if kept is not None else await self._made_once(key, b"", make, self._kept_secs)

    async def at(self, key: Hashable, head: Callable[[], bytes], make: Callable[[], bytes]) -> bytes:
        """As `get`, for what the chain's newest block decides, whose hash `head` gives."""
        self._head = head
        newest = await self.get(_HEAD, head)
        kept = self._kept.get(key)
        if kept is not None and kept[1] == newest and self._now() < kept[0]:
            return kept[2]
        return await self._made_once(key, newest, make, LONGEST_SECS)

    def peek(self, key: Hashable) -> bytes | None:
        """The body that may be given for a key now; None when it has to be made."""
        now, kept = self._now(), self._kept.get(key)
        if kept is None or now >= kept[0]:
            return None
        if kept[1]:
            head = self._kept.get(_HEAD)
            if head is None or now >= head[0] or head[2] != kept[1]:
                return None
            self._renew(head[0] - now)
        return kept[2]

    def _renew(self, left_secs: float) -> None:
        """Asks for the newest block before what is known of it is too old, so that nobody waits for it."""
        if left_secs < self._kept_secs / 2 and _HEAD not in self._under_way and self._head is not None:
            self._begin(_HEAD, b"", self._head, self._kept_secs)

    def recheck(self) -> None:
        """Has the chain asked for its newest block before anything that hangs on it is given again."""
        self._kept.pop(_HEAD, None)
        self._under_way.pop(_HEAD, None)

    def forget(self) -> None:
        """Drops everything; what is being made is for those who asked before."""
        self._kept.clear()
        self._under_way.clear()

    async def _made_once(self, key: Hashable, head: bytes, make: Callable[[], bytes], secs: float) -> bytes:
        task = self._under_way.get((key, head) if head else key) or self._begin(key, head, make, secs)
        return await asyncio.shield(task)

    def _begin(self, key: Hashable, head: bytes, make: Callable[[], bytes], secs: float) -> asyncio.Task[bytes]:
        name = (key, head) if head else key
        task = asyncio.create_task(asyncio.to_thread(make))
        self._under_way[name] = task
        task.add_done_callback(lambda done: self._made(name, key, head, secs, done))
        return task

    def _made(self, name: Hashable, key: Hashable, head: bytes, secs: float, task: asyncio.Task[bytes]) -> None:
        failed = task.cancelled() or task.exception() is not None
        if self._under_way.get(name) is not task:
            return
        del self._under_way[name]
        if not failed:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = (self._now() + secs, head, task.result())

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class KeptReads:
    """ASGI middleware behind the door: what is kept is given from here, past routing and validation.

    Only what a route has made for exactly this path and query is kept, and every caller that the door lets in may read.
    """

    def __init__(self, app: ASGIApp, *, fresh: Fresh) -> None:
        self._app = app
        self._fresh = fresh

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or hands on."""
        if scope["type"] == "http" and scope["method"] == "GET" and not _has_body(scope):
            body = self._fresh.peek(read_key(scope))
            if body is not None:
                await Response(body, media_type="application/json")(scope, receive, send)
                return
        await self._app(scope, receive, send)


def read_key(scope: Scope) -> Hashable:
    """What an answer is kept under."""
    return scope["path"], scope["query_string"]


def _has_body(scope: Scope) -> bool:
    return any(name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"])
