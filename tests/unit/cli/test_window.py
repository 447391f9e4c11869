"""Which part of a market the demo replays by default."""

from __future__ import annotations

import pytest

from oracle.cli.demo.window import FALL_SPAN, LEAD_IN, TAIL, worst_fall
from oracle.domain.observations import Observation
from oracle.errors import InvalidInput

WARM_UP = 33


def _series(prices: list[int], start: int = 0) -> list[Observation]:
    return [Observation(start + 3600 * index, price) for index, price in enumerate(prices)]


def test_worst_fall__one_crash__lead_in_before_the_peak_and_tail_after_the_trough() -> None:
    prices = [1000] * 200 + [900, 800, 700] + [700] * 100
    window = worst_fall(_series(prices), WARM_UP, 7200)
    trough = 202
    peak = 199
    assert window.start == 3600 * (peak - LEAD_IN)
    assert window.end == 3600 * (trough + TAIL)


def test_worst_fall__slow_slide_longer_than_the_span__only_the_span_counts() -> None:
    slide = [2000 - 5 * index for index in range(200)]
    crash = [1005, 700]
    window = worst_fall(_series([2000] * 50 + slide + crash), WARM_UP, 7200)
    peak = 251 - FALL_SPAN
    assert window.start == 3600 * (peak - LEAD_IN)


def test_worst_fall__crash_within_the_warm_up__not_shown() -> None:
    prices = [1000, 100] + [100] * 60 + [95] * 40
    window = worst_fall(_series(prices), WARM_UP, 7200)
    assert window.start >= 3600 * WARM_UP


def test_worst_fall__gap__window_and_history_on_one_side() -> None:
    before = _series([1000] * 100)
    after = _series([500] * 40 + [400] * 60, start=3600 * 1000)
    window = worst_fall([*before, *after], WARM_UP, 7200)
    assert window.start >= after[WARM_UP].observed_at


@pytest.mark.parametrize("count", [0, 1, WARM_UP, WARM_UP + 1])
def test_worst_fall__too_few__says_so(count: int) -> None:
    with pytest.raises(InvalidInput):
        worst_fall(_series([1000] * count), WARM_UP, 7200)
