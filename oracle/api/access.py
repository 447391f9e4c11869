"""Who asks: keys, roles, rates and quotas, decided before a body is read. Without a known caller nothing is answered.

`AccessControl` finds the caller (401), counts the request against the caller's rate (429); `require(role)` is the
route's word on who may (403). A database that does not answer is a 503, never an open door.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import structlog
from fastapi import Request, Security
from fastapi.security import HTTPBearer
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy.exc import DBAPIError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oracle.api.problems import ApiError, ProblemResponse, api_problem, problem, status_of
from oracle.domain.access import ApiKey, Role, parse_token
from oracle.domain.requests import Priority
from oracle.errors import ConfigurationError
from oracle.settings import LOOPBACK_HOSTS, Settings
from oracle.store.db import database_error
from oracle.store.keys import KeyStore

# What probes and programs need before they have a key
OPEN_PATHS: Final = frozenset({"/v1/health/live", "/v1/health/ready", "/openapi.json"})
# A revoked key is refused within this
KEY_FRESH_SECS: Final = 1.0
# Proofs of a quota that one of high priority takes
HIGH_COST: Final = 4
KEPT_KEYS: Final = 1_024
# Refused keys from one address
MAX_REFUSALS: Final = 30
REFUSALS_SECS: Final = 60
CHALLENGE: Final = 'Bearer realm="plumbline"'

_log = structlog.get_logger(__name__)
_bearer = HTTPBearer(auto_error=False, scheme_name="apiKey", description="A key of `plumbline key create`.")


class Gate:
    """The keys of a service, and how often each was used of late. `keys` None: everybody is the operator."""

    def __init__(self, keys: KeyStore | None) -> None:
        self.keys = keys
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._refusals = RateLimitItemPerSecond(MAX_REFUSALS, REFUSALS_SECS)
        self._known: dict[str, tuple[float, ApiKey | None]] = {}

    async def caller(self, authorization: str | None, address: str) -> ApiKey | None:
        """Whose key this is; None when no keys are asked for. Raises ApiError 401, 429; the database's errors."""
        if self.keys is None:
            return None
        if authorization is None:
            raise _unauthorised("this service asks for a key", CHALLENGE)
        if not self._limiter.test(self._refusals, address):
            raise _too_many("too many refused keys from this address", REFUSALS_SECS, {})
        scheme, _, text = authorization.partition(" ")
        parsed = parse_token(text.strip()) if scheme.lower() == "bearer" else None
        key = await self._find(parsed[0]) if parsed else None
        if parsed is None or key is None or not key.matches(parsed[1]) or not key.valid_at(time.time()):
            self._limiter.hit(self._refusals, address)
            raise _unauthorised("the key is unknown, revoked or over", f'{CHALLENGE}, error="invalid_token"')
        return key

    async def _find(self, key_id: str) -> ApiKey | None:
        assert self.keys is not None
        now = time.monotonic()
        known = self._known.get(key_id)
        if known is not None and now - known[0] < KEY_FRESH_SECS:
            return known[1]
        found = await asyncio.to_thread(self.keys.find, key_id)
        if len(self._known) >= KEPT_KEYS:
            self._known.clear()
        self._known[key_id] = (now, found)
        return found

    def count(self, key: ApiKey) -> dict[str, str]:
        """Counts a request; the headers that say what is left. Raises ApiError 429."""
        item = RateLimitItemPerSecond(key.rate.amount, key.rate.period_secs)
        passed = self._limiter.hit(item, key.id)
        stats = self._limiter.get_window_stats(item, key.id)
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        headers = {
            "RateLimit-Limit": str(key.rate.amount),
            "RateLimit-Remaining": str(stats.remaining),
            "RateLimit-Reset": str(reset),
        }
        if not passed:
            raise _too_many(f"the key {key.name!r} may ask {key.rate}", reset, headers)
        return headers


class AccessControl:
    """ASGI middleware: no request goes on without its caller in `request.state.caller`."""

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses, or hands on with the headers of the rate limit."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        headers: dict[str, str] = {}
        try:
            if self._gate.keys is None:
                _require_from_here(scope)
            caller = await self._gate.caller(_header(scope, b"authorization"), (scope.get("client") or ("",))[0])
            if caller is not None:
                headers = self._gate.count(caller)
        except (ApiError, DBAPIError) as error:
            refusal = api_problem(error) if isinstance(error, ApiError) else _closed(error)
            refusal.headers["Connection"] = "close"  # the body is not read
            await refusal(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        scope["state"]["admitted"] = True

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in headers.items()),
                ]
            await send(message)

        await self._app(scope, receive, with_headers if headers else send)


def require(role: Role) -> Callable[..., Awaitable[ApiKey | None]]:
    """A dependency: the caller's key, None where none is asked for. Raises ApiError 403 for a lesser role."""

    async def caller(request: Request, _: Annotated[Any, Security(_bearer)]) -> ApiKey | None:
        state = request.state
        if not getattr(state, "admitted", False):
            raise ApiError(HTTPStatus.FORBIDDEN, "Forbidden", "the request came past the door")
        key: ApiKey | None = state.caller
        if key is not None and not key.role.includes(role):
            raise ApiError(
                HTTPStatus.FORBIDDEN,
                "Forbidden",
                f"the key {key.name!r} is a {key.role.value}'s; this takes a {role.value}'s",
                headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{role.value}"'},
            )
        return key

    return caller


def cost_of(key: ApiKey | None, priority: Priority) -> int:
    """What a proof counts against a key's quota. Raises ApiError 403 for one that may not go before others.

    An operator may, and whoever pays with a quota.
    """
    if priority is not Priority.HIGH or key is None or key.role.includes(Role.OPERATOR):
        return 1
    if key.proofs_per_day is None:
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "Forbidden",
            f"the key {key.name!r} has no quota, so its proofs go before nobody's",
            "ask with normal priority, or with an operator's key or one of `plumbline key create --proofs-per-day`",
        )
    return HIGH_COST


def charge(gate: Gate, key: ApiKey | None, proofs: int) -> None:
    """Counts proofs against a key's quota of the day. Raises ApiError 429 QuotaExceeded; blocks on the database."""
    if key is None or gate.keys is None or not proofs:
        return
    left = gate.keys.charge(key, proofs)
    if left is not None:
        raise _too_many(
            f"the key {key.name!r} may ask for {key.proofs_per_day} proofs a day", math.ceil(left), {}, "Quota"
        )


def refund(gate: Gate, key: ApiKey | None, proofs: int) -> None:
    """Takes back what was charged for requests that were not made."""
    if key is not None and gate.keys is not None and proofs:
        gate.keys.refund(key, proofs)


def wants_keys(settings: Settings) -> bool:
    """Whether the API asks for keys. Raises ConfigurationError for one without keys off loopback."""
    local = settings.api_host in LOOPBACK_HOSTS
    if settings.api_keys == "off" and not local:
        raise ConfigurationError(
            f"the API would listen on {settings.api_host} and ask nobody for a key",
            remedy="leave PLUMBLINE_API_KEYS at auto or required, and make keys with `plumbline key create`",
        )
    return settings.api_keys == "required" or not local


def _require_from_here(scope: Scope) -> None:
    """Raises ApiError 403 for what a page of another site sends, through its own name for this machine or not.

    A service on loopback that asks for no key is open to this machine's programs; a browser is one, and runs anybody's.
    """
    for name in (b"host", b"origin"):
        told = _header(scope, name)
        if told is None and not any(key == name for key, _ in scope["headers"]):
            continue
        try:
            host = urlsplit(told if name == b"origin" else f"//{told}").hostname if told else None
        except ValueError:
            host = None
        if host not in LOOPBACK_HOSTS:
            raise ApiError(
                HTTPStatus.FORBIDDEN,
                "ForeignOrigin",
                f"a service without keys answers this machine alone, not the {name.decode()} {told!r}",
                "call it as 127.0.0.1 or localhost, or set PLUMBLINE_API_KEYS=required and send a key",
            )


def _header(scope: Scope, name: bytes) -> str | None:
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else None


def _unauthorised(detail: str, challenge: str) -> ApiError:
    return ApiError(
        HTTPStatus.UNAUTHORIZED,
        "Unauthorized",
        detail,
        "send `Authorization: Bearer KEY`; keys are made by `plumbline key create`",
        headers={"WWW-Authenticate": challenge},
    )


def _too_many(detail: str, wait_secs: int, headers: dict[str, str], what: str = "RateLimit") -> ApiError:
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"{what}Exceeded",
        detail,
        f"ask again in {wait_secs} s",
        headers={"Retry-After": str(wait_secs), **headers},
    )


def _closed(error: DBAPIError) -> ProblemResponse:
    _log.error("keys cannot be read", cause=str(error.orig))
    known = database_error(error)
    return problem(status_of(known), type(known).__name__, "keys cannot be checked now")


__all__ = ["AccessControl", "Gate", "charge", "cost_of", "refund", "require", "wants_keys"]
