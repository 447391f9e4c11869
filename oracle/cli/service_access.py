"""Asking the running service: through its API, at the address in the stack's record."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from oracle import errors
from oracle.cli import stack as records
from oracle.client import Client
from oracle.client.problems import named_error
from oracle.domain.requests import FINAL_STATES, RequestState
from oracle.errors import OracleError, Retry, ServiceUnavailable
from oracle.settings import Settings

# One long poll; the API answers earlier when the request ends
WAIT_SECS: Final = 30
# A service that was killed is back within this, and goes on with what it had begun
PATIENCE_SECS: Final = 60.0
PAUSE_SECS: Final = 0.5

Say = Callable[[str], None]
T = TypeVar("T")


def api(settings: Settings) -> Client:
    """A client of the running stack's service, else of the one at PLUMBLINE_API_HOST and PLUMBLINE_API_PORT.

    Raises NotFound without either, ServiceUnavailable for a stack without an API.
    """
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    stack = records.find(settings)
    if settings.api_port and (stack is None or not stack.alive()):
        return Client(f"http://{settings.api_host}:{settings.api_port}", key, tries=1)
    stack = records.require(settings)
    if not stack.api_url:
        raise ServiceUnavailable("the stack has no API yet", remedy="wait until `plumbline up` has printed its URLs")
    return Client(stack.api_url, key, tries=1)


def push_and_wait(settings: Settings, name: str, say: Say) -> dict[str, Any]:
    """Pushes a feed and returns its new round: what the request came to, with the feed's name, kind and decimals."""
    with api(settings) as client:
        feed = patiently(lambda: client.get(f"/v1/feeds/{name}"), say)
        key = secrets.token_hex(16)
        request = patiently(lambda: client.post(f"/v1/feeds/{name}/push", idempotency_key=key), say)
        result = follow(client, request, say)
    kept = {key: feed[key] for key in ("name", "kind", "address", "decimals")}
    return {**kept, **exact(result), "requestId": request["id"]}


def patiently(ask: Callable[[], T], say: Say) -> T:
    """The answer, over a restart of the service. Only for what may be asked twice."""
    deadline = time.monotonic() + PATIENCE_SECS
    while True:
        try:
            return ask()
        except Retry as error:
            if time.monotonic() > deadline:
                raise
            say(f"waiting for the service: {error}")
            time.sleep(PAUSE_SECS)


def follow(client: Client, request: dict[str, Any], say: Say) -> dict[str, Any]:
    """The result of a request once it has ended, over restarts of the service. Raises the error that it failed with."""
    path = f"/v1/requests/{request['id']}"
    while request["state"] not in FINAL_STATES:
        say(f"request {request['id']}: {request['step'] or request['state']}")
        request = patiently(lambda: client.get(path, waitSecs=WAIT_SECS), say)
    if request["state"] == RequestState.FULFILLED:
        return dict(request["result"] or {})
    raise request_error(request)


def follow_events(client: Client, request_id: str, say: Say) -> dict[str, Any]:
    """As follow, saying each stage as the service reports it."""
    for event in client.events(request_id):
        if event.name == "progress":
            say(f"{event.data.get('stage')} {event.data.get('detail')}")
        elif not event.final:
            say(str(event.data.get("step") or event.name))
    return follow(client, client.get(f"/v1/requests/{request_id}"), say)


def request_error(request: Mapping[str, Any]) -> OracleError:
    """The error that ended a request."""
    cause = request.get("cause") or {}
    step = f" (at {cause['step']})" if cause.get("step") else ""
    message = str(cause.get("message") or f"request {request['id']} was {request['state']}")
    branch = getattr(errors, str(cause.get("branch")), OracleError)
    return named_error(str(cause.get("error") or ""), message + step, str(cause.get("remedy") or ""), branch)


def exact(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document of the API with its decimal strings as integers, which Python keeps exact."""
    return {name: _integer(value) for name, value in document.items()}


def _integer(value: Any) -> Any:
    if isinstance(value, list):
        return [_integer(item) for item in value]
    return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value
