"""What a request may look like at all: how large, how slow, and what counts as JSON."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oracle.api.problems import ApiError, ProblemResponse, api_problem, problem
from oracle.domain.json_text import parse_shallow

MAX_BODY_BYTES: Final = 1 << 20
BODY_TIMEOUT_SECS: Final = 20.0
# Bodies larger than usual that are read at once
MAX_LARGE: Final = 4
JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """How large a body may be, and how long it may take."""

    max_bytes: int = MAX_BODY_BYTES
    timeout_secs: float = BODY_TIMEOUT_SECS


class BodyLimits:
    """ASGI middleware: refuses bodies that are larger or slower to come than allowed.

    `limit_of` may allow a request more than the others; of such there are no more than MAX_LARGE at once.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int = MAX_BODY_BYTES,
        timeout_secs: float = BODY_TIMEOUT_SECS,
        limit_of: Callable[[Scope], BodyLimit | None] = lambda _: None,
    ) -> None:
        self._app = app
        self._usual = BodyLimit(max_bytes, timeout_secs)
        self._limit_of = limit_of
        self._large = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reads the body within the limits, then hands it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        more = self._limit_of(scope)
        if more is None:
            await self._limited(self._usual, scope, receive, send)
        elif self._large >= MAX_LARGE:
            await _refuse(_many_large(), scope, receive, send)
        else:
            self._large += 1
            try:
                await self._limited(more, scope, receive, send)
            finally:
                self._large -= 1

    async def _limited(self, limit: BodyLimit, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(limit.timeout_secs):
                body = await self._read(limit, scope, receive)
        except TimeoutError:
            refusal = problem(
                HTTPStatus.REQUEST_TIMEOUT, "RequestTimeout", f"the body did not come within {limit.timeout_secs:.0f} s"
            )
        except ApiError as error:
            refusal = api_problem(error)
        else:
            if body is not None:
                await self._app(scope, _replay(body, receive), send)
            return
        await _refuse(refusal, scope, receive, send)

    async def _read(self, limit: BodyLimit, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None when the client has gone."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > limit.max_bytes:
            raise _too_large(limit)
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > limit.max_bytes:
                raise _too_large(limit)
            if not message.get("more_body", False):
                return bytes(body)


def _too_large(limit: BodyLimit) -> ApiError:
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLarge", f"the body has more than {limit.max_bytes} bytes"
    )


def _many_large() -> ProblemResponse:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", f"{MAX_LARGE} uploads are coming in already")


async def _refuse(refusal: ProblemResponse, scope: Scope, receive: Receive, send: Send) -> None:
    refusal.headers["Connection"] = "close"  # the rest of the body is not read
    await refusal(scope, receive, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


class StrictRequest(Request):
    """A request whose JSON is JSON: no NaN, no infinity, no number beyond a float, no endless nesting."""

    async def json(self) -> Any:
        """The parsed body. Raises ApiError 400 for anything that is not strict JSON."""
        return parse_json(await self.body())

    def require(self, media_type: str) -> None:
        """Raises ApiError 415 for a body of another media type."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != media_type:
            raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", f"the body must be {media_type}")


def parse_json(body: bytes) -> Any:
    """The value of a JSON text. Raises ApiError 400."""
    try:
        value = parse_shallow(body, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
    except ValueError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "MalformedJson", f"the body is not JSON: {error}") from None
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is beyond a 64-bit float")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has one key twice")
    return found


class StrictRoute(APIRoute):
    """A route whose body is read by StrictRequest, and is JSON."""

    media_type = JSON_TYPE

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See APIRoute."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            if self.body_field is not None:
                strict.require(self.media_type)
            return await handle(strict)

        return strictly


class FormRoute(StrictRoute):
    """A route whose body is a form with files."""

    media_type = FORM_TYPE
