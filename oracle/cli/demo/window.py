"""Which part of a market the demo replays: the days asked for, or the worst fall that the data holds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oracle.domain.observations import Observation
from oracle.errors import InvalidInput

# The default market's default days: the position is opened in the calm before Lehman, and the crash takes it
SP500_START: Final = "2008-09-02"
SP500_END: Final = "2008-10-31"

# Around the worst fall, in observations: the search's span, the calm shown before it and the rest shown after it
FALL_SPAN: Final = 40
LEAD_IN: Final = 24
TAIL: Final = 12


@dataclass(frozen=True, slots=True)
class ReplayWindow:
    """First and last observation times, unix seconds, both included."""

    start: int
    end: int


def worst_fall(observations: Sequence[Observation], warm_up: int, max_gap_secs: int) -> ReplayWindow:
    """The part around the largest relative fall within FALL_SPAN observations, after `warm_up` others.

    Neither the part nor the history before it holds a gap longer than `max_gap_secs`.
    Raises InvalidInput when there are not enough observations to show anything.
    """
    segments = [segment for segment in _segments(observations, max_gap_secs) if len(segment) > warm_up + 1]
    if not segments:
        raise InvalidInput(
            f"no {warm_up + 2} observations without a gap, but the first {warm_up} only fill the model's window",
            remedy="give a longer or denser series",
        )
    _, segment, peak, trough = max(
        (_largest_fall(segment, warm_up) for segment in segments), key=lambda found: found[0]
    )
    first = max(warm_up, peak - LEAD_IN)
    last = min(len(segment) - 1, trough + TAIL)
    return ReplayWindow(segment[first].observed_at, segment[last].observed_at)


def _segments(observations: Sequence[Observation], max_gap_secs: int) -> list[Sequence[Observation]]:
    cuts = [
        index
        for index in range(1, len(observations))
        if observations[index].observed_at - observations[index - 1].observed_at > max_gap_secs
    ]
    return [observations[start:stop] for start, stop in itertools.pairwise([0, *cuts, len(observations)])]


def _largest_fall(segment: Sequence[Observation], warm_up: int) -> tuple[float, Sequence[Observation], int, int]:
    """The fall, the segment, and the indices of the fall's peak and trough."""
    best = (0.0, warm_up, len(segment) - 1)
    falling: list[int] = []  # indices within the span whose prices fall: the first is the span's highest
    for index in range(warm_up, len(segment)):
        price = segment[index].price
        while falling and segment[falling[-1]].price <= price:
            falling.pop()
        falling.append(index)
        if falling[0] < index - FALL_SPAN:
            falling.pop(0)
        fall = 1 - price / segment[falling[0]].price
        if fall > best[0]:
            best = (fall, falling[0], index)
    return best[0], segment, best[1], best[2]
