"""What a request may look like at all: how large, how slow, and what counts as JSON."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oracle.api.problems import ApiError, api_problem, problem

MAX_BODY_BYTES: Final = 1 << 20
BODY_TIMEOUT_SECS: Final = 20.0
MAX_DEPTH: Final = 64
JSON_TYPE: Final = "application/json"
_QUOTE, _BACKSLASH = b'"\\'
_OPENING: Final = b"[{"
_CLOSING: Final = b"]}"


class BodyLimits:
    """ASGI middleware: refuses bodies that are larger or slower to come than allowed."""

    def __init__(
        self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES, timeout_secs: float = BODY_TIMEOUT_SECS
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_secs = timeout_secs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reads the body within the limits, then hands it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._timeout_secs):
                body = await self._read(scope, receive)
        except TimeoutError:
            refusal = problem(
                HTTPStatus.REQUEST_TIMEOUT, "RequestTimeout", f"the body did not come within {self._timeout_secs:.0f} s"
            )
        except ApiError as error:
            refusal = api_problem(error)
        else:
            if body is not None:
                await self._app(scope, _replay(body, receive), send)
            return
        refusal.headers["Connection"] = "close"
        await refusal(scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None when the client has gone."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > self._max_bytes:
            raise self._too_large()
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> ApiError:
        return ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLarge", f"the body has more than {self._max_bytes} bytes"
        )


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

    def require_json(self) -> None:
        """Raises ApiError 415 for a body of another media type."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON_TYPE:
            raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", f"the body must be {JSON_TYPE}")


def parse_json(body: bytes) -> Any:
    """The value of a JSON text. Raises ApiError 400."""
    try:
        text = body.decode()  # UTF-8, as RFC 8259 has it; json.loads would take others
        _check_depth(body)
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
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


def _check_depth(body: bytes) -> None:
    """Refuses what is nested deeper than MAX_DEPTH, before a parser descends into it.

    Brackets in strings do not count. The interpreter's own limit is no protection: libraries raise it, and then the
    parser ends the process.
    """
    depth, in_string, escaped = 0, False, False
    for byte in body:
        if in_string:
            if escaped:
                escaped = False
            elif byte == _BACKSLASH:
                escaped = True
            elif byte == _QUOTE:
                in_string = False
        elif byte == _QUOTE:
            in_string = True
        elif byte in _OPENING:
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        elif byte in _CLOSING:
            depth -= 1


class StrictRoute(APIRoute):
    """A route whose body is read by StrictRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See APIRoute."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            if self.body_field is not None:
                strict.require_json()
            return await handle(strict)

        return strictly
