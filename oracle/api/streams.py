"""Server-sent events: one loop for whatever is followed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.responses import StreamingResponse

from oracle.api.problems import ApiError
from oracle.daemon.service import OracleService

POLL_SECS: Final = 0.15
KEEP_ALIVE_SECS: Final = 15.0
MAX_STREAMS: Final = 64
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One event; `last` ends the stream."""

    seq: int
    name: str
    data: Mapping[str, Any]
    last: bool = False

    def text(self) -> str:
        """As it goes over the wire."""
        return f"id: {self.seq}\nevent: {self.name}\ndata: {json.dumps(dict(self.data), ensure_ascii=True)}\n\n"


def stream(
    request: Request,
    read: Callable[[int], Iterable[Sent]],
    after: int,
    on_last: Callable[[], None] = lambda: None,
) -> StreamingResponse:
    """What `read(seq)` gives after an event, until its last, or until the client has gone or the service stops.

    `read` blocks, and is called in a thread; `on_last` is called before the last event is sent. Raises
    ApiError 503 when too many are open.
    """
    if request.app.state.streams >= MAX_STREAMS:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "TooManyStreams", f"{MAX_STREAMS} streams are open already")
    return StreamingResponse(_events(request, read, after, on_last), media_type="text/event-stream", headers=_HEADERS)


async def _events(
    request: Request, read: Callable[[int], Iterable[Sent]], after: int, on_last: Callable[[], None]
) -> AsyncIterator[str]:
    loop, state = asyncio.get_running_loop(), request.app.state
    service: OracleService = state.service
    state.streams += 1
    try:
        spoken = loop.time()
        while not service.stopping.is_set():
            for event in await asyncio.to_thread(read, after):
                after, spoken = event.seq, loop.time()
                if event.last:
                    on_last()
                yield event.text()
                if event.last:
                    return
            if await request.is_disconnected():
                return
            if loop.time() - spoken > KEEP_ALIVE_SECS:
                spoken = loop.time()
                yield ": keep-alive\n\n"
            await asyncio.sleep(POLL_SECS)
    finally:
        state.streams -= 1
