"""What a replay is judged by: coverage of a margin, its mean, what it missed by, and how fast it rose."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from oracle.errors import InvalidInput

LEVEL: Final = 0.01
DAY_HOURS: Final = 24
RISE_HOURS: Final = 120


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often a loss over a day exceeded the margin, against 1 % of `days`; `p` is Kupiec's."""

    days: int
    hits: int
    p: float

    @classmethod
    def of(cls, margins: Sequence[float], losses: Sequence[float]) -> Coverage:
        """Of one margin and the loss after it for each day."""
        hits = sum(loss > margin for margin, loss in zip(margins, losses, strict=True))
        return cls(len(losses), hits, kupiec(hits, len(losses)))


def kupiec(hits: int, trials: int, level: float = LEVEL) -> float:
    """p of Kupiec's (1995) unconditional coverage; 1 without a trial.

    "Techniques for verifying the accuracy of risk measurement models", eq. for LR_uc, chi-squared of one degree.
    """
    if not 0 <= hits <= trials:
        raise InvalidInput(f"{hits} hits in {trials} trials")
    if trials == 0:
        return 1.0
    ratio = 2 * (_log_likelihood(hits, trials, hits / trials) - _log_likelihood(hits, trials, level))
    return math.erfc(math.sqrt(max(0.0, ratio) / 2))


def daily_losses(prices: Sequence[float], *, is_long: bool) -> list[float]:
    """What a position loses over each of the non-overlapping days of hourly prices, a share; gains are negative."""
    sign = -1 if is_long else 1
    days = prices[::DAY_HOURS]
    return [sign * (after / before - 1) for before, after in itertools.pairwise(days)]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed."""
    if not values:
        raise InvalidInput("no values to take a quantile of")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def mean_excess(margins: Sequence[float], losses: Sequence[float]) -> float:
    """Mean of what the losses beyond the margin exceeded it by; 0 where none did."""
    beyond = [loss - margin for margin, loss in zip(margins, losses, strict=True) if loss > margin]
    return fmean(beyond) if beyond else 0.0


def same_hits_constant(losses: Sequence[float], hits: int) -> float:
    """The constant margin that so many of the losses exceed: the comparison that knows the sample."""
    if not 0 <= hits < len(losses):
        raise InvalidInput(f"no constant has {hits} of {len(losses)} losses beyond it")
    return sorted(losses, reverse=True)[hits]


def largest_rise(values: Sequence[float], span: int = RISE_HOURS) -> float:
    """The largest value over the smallest of the `span` hours before it, at least 1."""
    return max(
        (value / min(values[max(0, at - span) : at + 1]) for at, value in enumerate(values)),
        default=1.0,
    )


def _log_likelihood(hits: int, trials: int, share: float) -> float:
    calm = trials - hits
    return (hits * math.log(share) if hits else 0.0) + (calm * math.log(1 - share) if calm else 0.0)
