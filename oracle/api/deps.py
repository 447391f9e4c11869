"""What the routes share: the service behind the app, and how errors are described in the OpenAPI document."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request

from oracle.api.problems import MEDIA_TYPE
from oracle.api.schemas import KEY_PATTERN, ProblemOut
from oracle.daemon.service import FIRST_POLL_SECS, LONGEST_POLL_SECS, OracleService
from oracle.domain.requests import Request as AcceptedRequest

_REASONS: Final = {
    400: "The body is not strict JSON.",
    404: "There is no such thing.",
    408: "The body was too slow to come.",
    409: "It contradicts an earlier request, or the chain refuses it.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The request does not fit its description, or the input is refused.",
    503: "The chain, a source or the service itself cannot answer now.",
    507: "The disk is full.",
}
BODY_ERRORS: Final = (400, 408, 413, 415)


def _service(request: Request) -> OracleService:
    service: OracleService = request.app.state.service
    return service


Service = Annotated[OracleService, Depends(_service)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=KEY_PATTERN,
        description="Repeating a request under its key gives the same request; another body under it, 409.",
        examples=["order-7-proof-1"],
    ),
]


async def ended(service: OracleService, request_id: str, wait_secs: float) -> AcceptedRequest:
    """The request once it has ended, or as it stands after the wait; holds no thread meanwhile. Raises NotFound."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + wait_secs, FIRST_POLL_SECS
    while True:
        found = await asyncio.to_thread(service.request, request_id)
        left = deadline - loop.time()
        if found.finished or left <= 0 or service.stopping.is_set():
            return found
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_POLL_SECS)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem documents that a route may answer with, for its OpenAPI description."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, 422, 503}):
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
        found[status] = {"description": _REASONS.get(status, HTTPStatus(status).phrase), "content": content}
    return found


__all__ = ["BODY_ERRORS", "IdempotencyKey", "ProblemOut", "Service", "ended", "errors"]
