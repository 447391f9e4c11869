"""What the routes share: the service behind the app, and how errors are described in the OpenAPI document."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response

from oracle.api.access import Gate, require
from oracle.api.fresh import Fresh, read_key
from oracle.api.problems import MEDIA_TYPE
from oracle.api.schemas import KEY_PATTERN, ProblemOut, Schema
from oracle.daemon.service import FIRST_POLL_SECS, LONGEST_POLL_SECS, OracleService
from oracle.domain.access import ApiKey, Role
from oracle.domain.archive import MEDIA_TYPE as ARCHIVE_TYPE
from oracle.domain.requests import Request as AcceptedRequest
from oracle.domain.requests import RequestKind

_REASONS: Final = {
    400: "The body is not strict JSON.",
    401: "There is no key, or one that opens nothing.",
    403: "The key's role does not allow it.",
    404: "There is no such thing.",
    408: "The body was too slow to come.",
    409: "It contradicts an earlier request, or the chain refuses it.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The request does not fit its description, or the input is refused.",
    429: "The key's rate or quota is used up; Retry-After says until when.",
    503: "The chain, a source or the service itself cannot answer now.",
    507: "The disk is full.",
}
_ANYWHERE: Final = (401, 403, 422, 429, 503)
# Who learns later than this that a request has ended reads nothing older than it anyway
CHANGED_WITHIN_SECS: Final = 10.0
BODY_ERRORS: Final = (400, 408, 413, 415)
_TEXT: Final = {"schema": {"type": "string"}}
_HEADERS: Final[dict[int, dict[str, Any]]] = {
    401: {"WWW-Authenticate": _TEXT},
    429: dict.fromkeys(("Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"), _TEXT),
}


async def _service(request: Request) -> OracleService:
    service: OracleService = request.app.state.service
    return service


async def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


Service = Annotated[OracleService, Depends(_service)]
Keys = Annotated[Gate, Depends(_gate)]
Reader = Annotated[ApiKey | None, Depends(require(Role.READER))]
Prover = Annotated[ApiKey | None, Depends(require(Role.PROVER))]
Operator = Annotated[ApiKey | None, Depends(require(Role.OPERATOR))]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=KEY_PATTERN,
        description="Repeating a request under its key gives the same request; another body under it, 409.",
        examples=["order-7-proof-1"],
    ),
]


async def kept(request: Request, make: Callable[[], Schema], head: Callable[[], bytes] | None = None) -> Response:
    """The document as an answer: reads are many, and the chain is asked once for all of them.

    What is on chain comes with `head`, and is kept for a block; the rest for KEPT_SECS.
    """
    fresh: Fresh = request.app.state.fresh
    key = read_key(request.scope)

    def made() -> bytes:
        return make().model_dump_json(by_alias=True).encode()

    body = await (fresh.get(key, made) if head is None else fresh.at(key, head, made))
    return Response(body, media_type="application/json")


def forget_if_ended(request: Request, found: AcceptedRequest) -> AcceptedRequest:
    """The same; who learns here that it has ended finds what it changed at the next read."""
    if found.finished_at is not None and time.time() - found.finished_at < CHANGED_WITHIN_SECS:
        look_again(request, found)
    return found


def archived(content: bytes, name: str) -> Response:
    """An archive as a file to keep."""
    return Response(
        content, media_type=ARCHIVE_TYPE, headers={"Content-Disposition": f'attachment; filename="{name}.zip"'}
    )


ARCHIVE_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A zip that `plumbline verify --evidence` checks.",
        "content": {
            ARCHIVE_TYPE: {"schema": {"type": "string", "format": "binary"}, "example": "(the archive's bytes)"}
        },
    }
}


def look_again(request: Request, ended_one: AcceptedRequest) -> None:
    """Has the next read see what a request changed: the chain, or the models that are here."""
    fresh: Fresh = request.app.state.fresh
    if ended_one.kind is RequestKind.MODEL:
        fresh.forget()
    elif changes(ended_one):
        fresh.recheck()


def changes(request: AcceptedRequest) -> bool:
    """Whether a request changes what is on chain; a proof that stays here does not."""
    return request.kind is not RequestKind.PROOF or bool(request.body.get("submit"))


def scoped(idempotency_key: str | None, caller: ApiKey | None) -> str | None:
    """The idempotency key as it is kept: two callers that choose the same one do not meet."""
    return idempotency_key if caller is None or idempotency_key is None else f"{caller.id} {idempotency_key}"


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
    for status in sorted({*statuses, *_ANYWHERE}):
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
        found[status] = {"description": _REASONS.get(status, HTTPStatus(status).phrase), "content": content}
        if status in _HEADERS:
            found[status]["headers"] = _HEADERS[status]
    return found


__all__ = [
    "ARCHIVE_ANSWER",
    "BODY_ERRORS",
    "IdempotencyKey",
    "Keys",
    "Operator",
    "ProblemOut",
    "Prover",
    "Reader",
    "Service",
    "archived",
    "changes",
    "ended",
    "errors",
    "forget_if_ended",
    "kept",
    "look_again",
    "scoped",
]
