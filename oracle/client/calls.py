"""What can be asked, once for both clients: each call as method, path, body and the type of its answer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import httpx

from oracle.api.schemas import (
    CardOut,
    EvidenceOut,
    FeedOut,
    FeedsOut,
    HealthOut,
    ModelOut,
    ModelsOut,
    PositionOut,
    PositionsOut,
    ProofOut,
    RequestOut,
    RequestsOut,
    RoundOut,
    RoundsOut,
    Schema,
    VerificationOut,
    VerifyOut,
)
from oracle.client.problems import problem_error
from oracle.domain.requests import FINAL_STATES

CONNECT_TIMEOUT_SECS: Final = 5.0
# A push proves and waits for the chain before it answers
ANSWER_TIMEOUT_SECS: Final = 600.0
LONG_POLL_SECS: Final = 30.0
RETRY_STATUS: Final = frozenset({429, 502, 503, 504})
FIRST_PAUSE_SECS: Final = 0.25
LONGEST_PAUSE_SECS: Final = 60.0

T = TypeVar("T")
S = TypeVar("S", bound=Schema)
Inputs = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. All may be sent again: those that make something carry an idempotency key."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    # A form instead of a JSON body
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, bytes, str]] = field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """For httpx."""
        query = {name: value for name, value in self.query.items() if value is not None}
        sent: dict[str, Any] = {"method": self.method, "url": self.path, "params": query, "headers": self.headers}
        return sent | ({"data": self.form, "files": self.files} if self.files else {"json": self.body})

    def answer(self, response: httpx.Response) -> T:
        """The typed answer. Raises the OracleError that a problem document stands for."""
        if not response.is_success:
            raise problem_error(response)
        return self.read(response)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a request: `name` is its new state, or "progress"; `seq` orders the events."""

    seq: int
    name: str
    data: Mapping[str, Any]

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return self.name in FINAL_STATES


def pause_secs(response: httpx.Response | None, attempt: int) -> float:
    """How long to wait before the next attempt: what Retry-After says, else doubling."""
    told = response.headers.get("retry-after", "") if response is not None else ""
    if told.isascii() and told.isdigit():
        return min(float(told), LONGEST_PAUSE_SECS)
    return min(FIRST_PAUSE_SECS * 2.0**attempt, LONGEST_PAUSE_SECS)


def headers_of(key: str) -> dict[str, str]:
    """What goes with every request."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def _one(schema: type[S]) -> Callable[[httpx.Response], S]:
    return lambda response: schema.model_validate_json(response.content)


def _json(response: httpx.Response) -> Any:
    return response.json() if response.content else None


def _key(idempotency_key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": idempotency_key or secrets.token_hex(16)}


def raw(method: str, path: str, query: Mapping[str, Any], body: Any = None, idempotency_key: str = "") -> Call[Any]:
    """Any call, its answer as plain JSON."""
    return Call(method, path, _json, query, body, _key(idempotency_key) if idempotency_key else {})


def health() -> Call[HealthOut]:
    return Call("GET", "/v1/health/ready", _one(HealthOut))


def feeds() -> Call[list[FeedOut]]:
    return Call("GET", "/v1/feeds", lambda response: _one(FeedsOut)(response).feeds)


def feed(name: str) -> Call[FeedOut]:
    return Call("GET", f"/v1/feeds/{name}", _one(FeedOut))


def rounds(name: str, limit: int, before: int | None) -> Call[list[RoundOut]]:
    query = {"limit": limit, "before": before}
    return Call("GET", f"/v1/feeds/{name}/rounds", lambda response: _one(RoundsOut)(response).rounds, query)


def round_(name: str, round_id: int) -> Call[RoundOut]:
    return Call("GET", f"/v1/feeds/{name}/rounds/{round_id}", _one(RoundOut))


def evidence(name: str, round_id: int) -> Call[EvidenceOut]:
    return Call("GET", f"/v1/feeds/{name}/rounds/{round_id}/evidence", _one(EvidenceOut))


def evidence_archive(name: str, round_id: int) -> Call[bytes]:
    return Call("GET", f"/v1/feeds/{name}/rounds/{round_id}/evidence.zip", lambda response: response.content)


def request_archive(request_id: str) -> Call[bytes]:
    return Call("GET", f"/v1/requests/{request_id}/evidence.zip", lambda response: response.content)


def verify_round(name: str, round_id: int) -> Call[VerificationOut]:
    return Call("GET", f"/v1/feeds/{name}/rounds/{round_id}/verify", _one(VerificationOut))


def positions(name: str) -> Call[list[PositionOut]]:
    return Call("GET", f"/v1/feeds/{name}/positions", lambda response: _one(PositionsOut)(response).positions)


def push(name: str, key: str | None) -> Call[RequestOut]:
    return Call("POST", f"/v1/feeds/{name}/push", _one(RequestOut), headers=_key(key))


def models() -> Call[list[ModelOut]]:
    return Call("GET", "/v1/models", lambda response: _one(ModelsOut)(response).models)


def model(name: str) -> Call[ModelOut]:
    return Call("GET", f"/v1/models/{name}", _one(ModelOut))


def card(name: str) -> Call[CardOut]:
    return Call("GET", f"/v1/models/{name}/card", _one(CardOut))


def upload_model(name: str, onnx: bytes, samples: Any, options: Mapping[str, Any], key: str | None) -> Call[RequestOut]:
    """`samples`: in ezkl's form, as text or as a document; `options`: fields of the form, None for what is not said."""
    content = samples if isinstance(samples, bytes) else json.dumps(samples).encode()
    files = {
        "model": ("network.onnx", onnx, "application/octet-stream"),
        "samples": ("samples.json", content, "application/json"),
    }
    form = {"name": name} | {field: _text(value) for field, value in options.items() if value is not None}
    return Call("POST", "/v1/models", _one(RequestOut), headers=_key(key), form=form, files=files)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def request_proof(name: str, inputs: Inputs, submit: bool, priority: str, key: str | None) -> Call[RequestOut]:
    body = _proof_body(name, inputs, submit, priority)
    return Call("POST", "/v1/proof-requests", _one(RequestOut), body=body, headers=_key(key))


def request_proofs(
    name: str, batch: Sequence[Inputs], submit: bool, priority: str, key: str | None
) -> Call[list[RequestOut]]:
    body = {"requests": [_proof_body(name, inputs, submit, priority) for inputs in batch]}
    path = "/v1/proof-request-batches"
    return Call("POST", path, lambda response: _one(RequestsOut)(response).requests, body=body, headers=_key(key))


def _proof_body(name: str, inputs: Inputs, submit: bool, priority: str) -> dict[str, Any]:
    rows = [list(map(float, row)) for row in inputs]
    return {"model": name, "inputData": rows, "submit": submit, "priority": priority}


def request(request_id: str, wait_secs: float) -> Call[RequestOut]:
    return Call("GET", f"/v1/requests/{request_id}", _one(RequestOut), {"waitSecs": wait_secs})


def cancel(request_id: str) -> Call[RequestOut]:
    return Call("DELETE", f"/v1/requests/{request_id}", _one(RequestOut))


def proof(request_id: str) -> Call[ProofOut]:
    return Call("GET", f"/v1/requests/{request_id}/proof", _one(ProofOut))


def verify(found: ProofOut) -> Call[VerifyOut]:
    return Call("POST", "/v1/verify", _one(VerifyOut), body=found.model_dump(mode="json", by_alias=True))


class EventReader:
    """Server-sent events out of the lines of a stream, and where to go on after it broke."""

    def __init__(self, request_id: str) -> None:
        self.path = f"/v1/requests/{request_id}/events"
        self.after = 0
        self.ended = False
        self._fields: dict[str, str] = {}

    def headers(self) -> dict[str, str]:
        """For the next stream; what the last one left half-said is said again."""
        self._fields = {}
        return {"Last-Event-ID": str(self.after), "Accept": "text/event-stream"}

    def feed(self, line: str) -> Iterator[Event]:
        """The event that a line ends, if it ends one."""
        if line and not line.startswith(":"):
            name, _, value = line.partition(":")
            self._fields[name] = value.removeprefix(" ")
        elif not line and "data" in self._fields:
            fields, self._fields = self._fields, {}
            event = Event(int(fields.get("id", self.after)), fields.get("event", ""), json.loads(fields["data"]))
            self.after, self.ended = event.seq, event.final
            yield event
