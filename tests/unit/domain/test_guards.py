"""The move limits of a risk feed as a pure function; compared with the contract in tests/unit/chain/test_feeds.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from oracle.domain.deployment import FeedGuards
from oracle.domain.guards import limited_answer

GUARDS = FeedGuards(0, 10_000, 10_000, 1_000, 100, 3600, 1)
answers = st.integers(0, 10_000)


def test_limited_answer__within_the_rates__the_proven_one() -> None:
    assert limited_answer(1_050, 1_000, 3_600, GUARDS) == 1_050


def test_limited_answer__too_fast_up_or_down__as_far_as_allowed() -> None:
    assert limited_answer(5_000, 1_000, 3_600, GUARDS) == 1_100
    assert limited_answer(10, 1_000, 3_600, GUARDS) == 990


def test_limited_answer__near_zero__a_basis_point_of_the_span_counts() -> None:
    wide = FeedGuards(0, 10**9, 0, 10_000, 10_000, 3600, 1)
    assert limited_answer(10**9, 0, 3_600, wide) == 10**5


def test_limited_answer__near_zero_between_signed_bounds__their_whole_span_counts() -> None:
    signed = FeedGuards(-(10**9), 2 * 10**9, 0, 10_000, 5_000, 3600, 1)
    assert limited_answer(10**9, 0, 3_600, signed) == 3 * 10**5
    assert limited_answer(-(10**9), 0, 3_600, signed) == -15 * 10**4


def test_limited_answer__last_outside_new_bounds__bounds_win() -> None:
    assert limited_answer(0, 50_000, 3_600, GUARDS) == 10_000


def test_limited_answer__zero_rate__frozen() -> None:
    frozen = FeedGuards(0, 10_000, 0, 0, 0, 3600, 1)
    assert limited_answer(9_000, 1_000, 10**6, frozen) == 1_000


@given(answers, answers, st.integers(0, 10**7))
def test_limited_answer__any__between_last_and_proven(proven: int, last: int, elapsed: int) -> None:
    answer = limited_answer(proven, last, elapsed, GUARDS)
    assert min(proven, last) <= answer <= max(proven, last)
