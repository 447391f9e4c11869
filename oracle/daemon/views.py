"""What the service says about feeds, rounds and models: facts from the chain at the time of asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FeedView:
    """A feed and its newest round; before the first, `round_id` is 0 and the answer None.

    `answer` at `decimals`; times are unix seconds of the chain's clock. `age_secs`: since `observed_at`.
    """

    name: str
    kind: str
    address: str
    decimals: int
    description: str
    round_id: int
    answer: int | None
    observed_at: int
    updated_at: int
    age_secs: int
    stale: bool
    heartbeat: int
    source: str
    observations: str = ""
    model: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class RoundView:
    """One round; the last field is of proven feeds only. Answers at the feed's decimals.

    `observation_round` 0: of a batch of positions, which keeps the time of its newest price alone.
    """

    feed: str
    round_id: int
    answer: int
    observed_at: int
    updated_at: int
    observation_round: int
    proven_answer: int | None = None


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model that the service can prove, and where it is registered; `model_id` None before that."""

    name: str
    circuit_id: str
    model_hash: str
    circuit_hash: str
    vk_hash: str
    srs_kind: str
    logrows: int
    input_shapes: tuple[tuple[int, ...], ...]
    input_count: int
    output_count: int
    max_error: float | None
    domain: tuple[Mapping[str, float], ...] = ()
    measured: Mapping[str, Any] = field(default_factory=dict)
    model_id: int | None = None
    version: int | None = None
    verifier: str = ""
    active: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that readiness depends on."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Health:
    """All checks; good when each is."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(check.ok for check in self.checks)
