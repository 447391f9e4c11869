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


class RequestState(StrEnum):
    """Where a request stands."""

    ACCEPTED = "accepted"  # kept, not begun
    RUNNING = "running"  # a workflow is at one of its steps
    FULFILLED = "fulfilled"  # done; `result` says what
    FAILED = "failed"  # ended without effect, or with a known one; `cause` says why
    CANCELLED = "cancelled"  # ended by its owner before its transaction was sent


FINAL_STATES: Final = frozenset({RequestState.FULFILLED, RequestState.FAILED, RequestState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a request failed: the error's class, its message, what to do about it, and where it happened.

    `branch` is Retry, SkipCycle, Halt or InvalidInput: what a loop does with such an error.
    """

    error: str
    message: str
    branch: str = "OracleError"
    remedy: str = ""
    step: str = ""

    def as_json(self) -> dict[str, str]:
        """The fields by name."""
        return {
            "error": self.error,
            "message": self.message,
            "branch": self.branch,
            "remedy": self.remedy,
            "step": self.step,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Cause:
        """The inverse of as_json; unknown fields are ignored."""
        known = ("error", "message", "branch", "remedy", "step")
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
