"""Push decisions, with no chain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.domain.push_policy import Answer, Candidate, Push, PushFacts, PushRule, decide, deviation_bps
from oracle.errors import InvalidInput

RULE = PushRule(heartbeat_secs=1_000, deviation_threshold_bps=100)
LAST = Answer(value=10_000, observed_at=5_000)
UNMOVED = Candidate(5_050, 10_000)


def facts(*, now: int = 5_100, published: Answer | None = LAST, candidate: Candidate | None = UNMOVED) -> PushFacts:
    return PushFacts(now=now, rule=RULE, published=published, candidate=candidate)


@pytest.mark.parametrize(
    ("given_facts", "push", "word"),
    [
        (facts(candidate=None), Push.NO, "nothing new"),
        (facts(candidate=None, published=None), Push.NO, "nothing new"),
        (facts(published=None), Push.YES, "first answer"),
        (facts(candidate=Candidate(5_000, 99_999)), Push.NO, "no observation newer"),
        (facts(candidate=Candidate(4_999, 99_999)), Push.NO, "no observation newer"),
        (facts(now=6_000), Push.YES, "heartbeat"),
        (facts(now=5_999), Push.EARLY, "nears the heartbeat"),
        (facts(now=5_500), Push.EARLY, "nears the heartbeat"),
        (facts(now=5_499), Push.NO, "below"),
        (facts(candidate=Candidate(5_050)), Push.YES, "known only to the proof"),
        (facts(candidate=Candidate(5_050, 10_100)), Push.YES, "move of 100 bps has reached"),
        (facts(candidate=Candidate(5_050, 9_900)), Push.YES, "move of 100 bps has reached"),
        (facts(candidate=Candidate(5_050, 10_050)), Push.EARLY, "move of 50 bps nears"),
        (facts(candidate=Candidate(5_050, 10_049)), Push.NO, "move of 49 bps are below"),
        (facts(now=4_000), Push.NO, "age 0 s"),
    ],
)
def test_decide__each_rule__gives_its_answer_and_reason(given_facts: PushFacts, push: Push, word: str) -> None:
    decision = decide(given_facts)
    assert decision.push is push
    assert word in decision.reason


def test_decide__threshold_of_zero__pushes_every_observation() -> None:
    rule = PushRule(heartbeat_secs=1_000, deviation_threshold_bps=0)
    assert decide(PushFacts(5_001, rule, LAST, Candidate(5_001, 10_000))).push is Push.YES


@given(now=st.integers(5_000, 10_000), later=st.integers(0, 5_000), value=st.integers(0, 10**20))
def test_decide__as_time_passes__never_turns_back(now: int, later: int, value: int) -> None:
    order = [Push.NO, Push.EARLY, Push.YES]
    candidate = Candidate(5_001, value)
    sooner = decide(facts(now=now, candidate=candidate)).push
    assert order.index(decide(facts(now=now + later, candidate=candidate)).push) >= order.index(sooner)


@pytest.mark.parametrize(
    ("before", "after", "bps"),
    [
        (100, 100, 0),
        (0, 0, 0),
        (0, 1, 10_000),
        (10_000, 10_001, 1),
        (10_001, 10_000, 1),
        (3, 4, 3_334),
        (-100, -101, 100),
        (1, 10**30, (10**30 - 1) * 10_000),
    ],
)
def test_deviation_bps__known_moves__rounded_up(before: int, after: int, bps: int) -> None:
    assert deviation_bps(before, after) == bps


@pytest.mark.parametrize("arguments", [(0, 1), (-1, 1), (1, -1), (1, 1, 0), (1, 1, 10_001)])
def test_push_rule__senseless__refused(arguments: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput):
        PushRule(*arguments)
