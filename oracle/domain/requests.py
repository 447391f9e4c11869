"""The life of a request: what is asked, where it stands, how it ended.

ACCEPTED -> RUNNING -> FULFILLED | FAILED | CANCELLED. A request only ever moves to the right, and ends once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class RequestKind(StrEnum):
    """What is asked for."""

    ROUND = "round"  # a proven round of a feed: the next observation, its proof, its answer on chain
    PRICE = "price"  # the next observation of a price feed
    PROOF = "proof"  # one inference of a registered model
    INFERENCE = "inference"  # one that a contract asked for on chain, answered there
    MODEL = "model"  # an uploaded network: its circuit, its verifier on chain, its registration


class RequestState(StrEnum):
    """Where a request stands."""

    ACCEPTED = "accepted"  # kept, not begun
    RUNNING = "running"  # a workflow is at one of its steps
    FULFILLED = "fulfilled"  # done; `result` says what
    FAILED = "failed"  # ended without effect, or with a known one; `cause` says why
    CANCELLED = "cancelled"  # ended by its owner before its transaction was sent


FINAL_STATES: Final = frozenset({RequestState.FULFILLED, RequestState.FAILED, RequestState.CANCELLED})


class Priority(StrEnum):
    """How soon a proof is begun, among those that wait. Each is a head start; none lets another wait for ever."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def lead_secs(self) -> int:
        """Seconds by which it stands behind a high one: accepted so much later, a high one still comes first."""
        return {Priority.HIGH: 0, Priority.NORMAL: 300, Priority.LOW: 900}[self]


# 2026-01-01; places fit into 31 bits until 2094
_EPOCH: Final = 1_767_225_600


def place_in_queue(priority: Priority, accepted_at: float) -> int:
    """Where a request stands among those that wait, the least first: the moment that it was accepted, and its lead."""
    return max(1, int(accepted_at) - _EPOCH + priority.lead_secs)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a request failed: the error's class, its message, what to do about it, and where it happened.

    `branch` is Retry, SkipCycle, Halt or InvalidInput: what a loop does with such an error. `node` is the one of a
    model that is at fault.
    """

    error: str
    message: str
    branch: str = "OracleError"
    remedy: str = ""
    step: str = ""
    node: str = ""

    def as_json(self) -> dict[str, str]:
        """The fields by name."""
        return {
            "error": self.error,
            "message": self.message,
            "branch": self.branch,
            "remedy": self.remedy,
            "step": self.step,
            **({"node": self.node} if self.node else {}),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Cause:
        """The inverse of as_json; unknown fields are ignored."""
        known = ("error", "message", "branch", "remedy", "step", "node")
        return cls(**{name: str(fields[name]) for name in known if name in fields})


@dataclass(frozen=True, slots=True)
class Request:
    """One accepted request. Times are unix seconds; `subject` is the feed's or the model's name."""

    id: str
    kind: RequestKind
    subject: str
    body: Mapping[str, Any]
    idempotency_key: str | None
    state: RequestState
    step: str
    created_at: float
    updated_at: float
    finished_at: float | None = None
    result: Mapping[str, Any] | None = None
    cause: Cause | None = None

    @property
    def priority(self) -> Priority:
        """How soon its work begins; feeds, and what a contract pays for, have a clock on chain, and so are high."""
        usual = Priority.NORMAL if self.kind is RequestKind.PROOF else Priority.HIGH
        return Priority(self.body.get("priority", usual))

    @property
    def place(self) -> int:
        """Where it stands among those that wait."""
        return place_in_queue(self.priority, self.created_at)

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_STATES


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """Something that happened to a request; `seq` rises over all requests."""

    seq: int
    request_id: str
    at: float
    event: str
    data: Mapping[str, Any]
