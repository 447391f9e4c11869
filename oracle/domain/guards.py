"""The move limits of a RiskFeed: twin of RiskFeed._limited."""

from __future__ import annotations

from typing import Final

from oracle.domain.deployment import FeedGuards
from oracle.units import BPS, SECS_PER_HOUR

_RATE_UNIT: Final = SECS_PER_HOUR * BPS


def limited_answer(proven: int, last: int, elapsed_secs: int, guards: FeedGuards) -> int:
    """The answer that consumers read after `last`: `proven`, no farther than the rates allow, within the bounds.

    Answers at the feed's decimals; `elapsed_secs` between the two observation times. A rate counts from the last
    answer or, near zero, from a basis point of the bounds' span.
    """
    span = guards.max_answer - guards.min_answer
    base = max(abs(last), span // BPS)
    rate = guards.rise_bps_per_hour if proven > last else guards.fall_bps_per_hour
    allowed = base * rate * elapsed_secs // _RATE_UNIT
    answer = max(min(proven, last + allowed), last - allowed)
    return max(min(answer, guards.max_answer), guards.min_answer)
