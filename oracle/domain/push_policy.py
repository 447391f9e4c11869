"""Whether a feed shall be pushed now: a pure function of facts.

The three answers and the early thresholds follow pyth-crosschain, apps/price_pusher/src/price-config.ts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from oracle.errors import InvalidInput
from oracle.units import BPS

EARLY_SHARE_BPS: Final = 5_000


class Push(Enum):
    """YES: push. EARLY: push only where it costs nothing else its turn. NO: leave it."""

    YES = "yes"
    EARLY = "early"
    NO = "no"


@dataclass(frozen=True, slots=True)
class PushRule:
    """What a feed promises: a new answer after `heartbeat_secs`, or once it moved by `deviation_threshold_bps`.

    `early_share_bps` is the share of either at which a push is welcome but not needed.
    """

    heartbeat_secs: int
    deviation_threshold_bps: int
    early_share_bps: int = EARLY_SHARE_BPS

    def __post_init__(self) -> None:
        if self.heartbeat_secs <= 0:
            raise InvalidInput(f"a heartbeat of {self.heartbeat_secs} s is not positive")
        if self.deviation_threshold_bps < 0:
            raise InvalidInput(f"a deviation threshold of {self.deviation_threshold_bps} bps is negative")
        if not 0 < self.early_share_bps <= BPS:
            raise InvalidInput(f"an early share of {self.early_share_bps} bps is not within 1..{BPS}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A value at the feed's decimals and the time of the newest observation in it, unix seconds."""

    value: int
    observed_at: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a push would publish: the newest observation's time, and the expected value where it is known."""

    observed_at: int
    value: int | None = None


@dataclass(frozen=True, slots=True)
class PushFacts:
    """What is known at `now` (unix seconds, the chain's clock).

    `published` is the feed's last answer, None before the first. `candidate` is what a push would publish, None when
    there is nothing to publish; its value is None when only a proof would tell.
    """

    now: int
    rule: PushRule
    published: Answer | None
    candidate: Candidate | None


@dataclass(frozen=True, slots=True)
class PushDecision:
    """The answer and, in words, why."""

    push: Push
    reason: str


def decide(facts: PushFacts) -> PushDecision:
    """Whether to push, with the reason. The first rule that applies decides, from top to bottom."""
    candidate, published = facts.candidate, facts.published
    if candidate is None:
        return PushDecision(Push.NO, "nothing new to publish")
    if published is None:
        return PushDecision(Push.YES, "first answer")
    if candidate.observed_at <= published.observed_at:
        return PushDecision(Push.NO, f"no observation newer than {published.observed_at}")
    return _decide_newer(facts.rule, max(0, facts.now - published.observed_at), published.value, candidate.value)


def _decide_newer(rule: PushRule, age: int, before: int, after: int | None) -> PushDecision:
    heartbeat, threshold = rule.heartbeat_secs, rule.deviation_threshold_bps
    if age >= heartbeat:
        return PushDecision(Push.YES, f"age {age} s has reached the heartbeat of {heartbeat} s")
    if after is None:
        return PushDecision(Push.YES, "new observation, its value known only to the proof")
    move = deviation_bps(before, after)
    if move >= threshold:
        return PushDecision(Push.YES, f"move of {move} bps has reached the threshold of {threshold} bps")
    if age * BPS >= heartbeat * rule.early_share_bps:
        return PushDecision(Push.EARLY, f"age {age} s nears the heartbeat of {heartbeat} s")
    if move * BPS >= threshold * rule.early_share_bps:
        return PushDecision(Push.EARLY, f"move of {move} bps nears the threshold of {threshold} bps")
    return PushDecision(Push.NO, f"age {age} s and move of {move} bps are below their thresholds")


def deviation_bps(before: int, after: int) -> int:
    """How far `after` lies from `before`, in bps of `before`, rounded up; from zero, any move is 10,000 bps."""
    if after == before:
        return 0
    if before == 0:
        return BPS
    return -(-abs(after - before) * BPS // abs(before))
