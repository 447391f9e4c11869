"""isStale, latestAnswerNoOlderThan, conservativeAnswer: age is the observation's, not the publication's."""

from __future__ import annotations

import pytest

from oracle.units import WAD
from tests.support.risk_feed import INTERVAL

HEARTBEAT = 2 * INTERVAL
FALLBACK = 5 * WAD


def at_age(feed, age: int) -> None:
    """The newest block is `age` seconds after the last round's observation."""
    feed.chain.mine(feed.read.observedAt(feed.read.latestRound().call()).call() + age)


@pytest.mark.parametrize(("age", "stale"), [(10, False), (HEARTBEAT, False), (HEARTBEAT + 1, True)])
def test_is_stale__by_age__from_a_second_beyond_the_heartbeat(risk_feed, age, stale):
    at_age(risk_feed, age)
    assert risk_feed.read.isStale().call() is stale
    latest = risk_feed.read.latestAnswer().call()
    assert risk_feed.read.conservativeAnswer().call() == [FALLBACK if stale else latest, stale]


def test_is_stale__no_rounds__stale_with_the_fallback(empty_risk_feed):
    assert empty_risk_feed.read.isStale().call()
    assert empty_risk_feed.read.conservativeAnswer().call() == [FALLBACK, True]


def test_is_stale__paused__stale_with_the_fallback(risk_feed):
    risk_feed.chain.send(risk_feed.read.pause(), risk_feed.chain.address(risk_feed.guardian))
    assert risk_feed.read.isStale().call()
    assert risk_feed.read.conservativeAnswer().call() == [FALLBACK, True]
    risk_feed.chain.send(risk_feed.read.unpause())
    assert not risk_feed.read.isStale().call()


def test_latest_answer_no_older_than__on_the_second__the_answer(risk_feed):
    at_age(risk_feed, 100)
    assert risk_feed.read.latestAnswerNoOlderThan(100).call() == risk_feed.read.latestAnswer().call()


@pytest.mark.parametrize("max_staleness", [0, 99])
def test_latest_answer_no_older_than__older__says_both(risk_feed, reverts, max_staleness):
    at_age(risk_feed, 100)
    with reverts("StaleAnswer", 100, max_staleness):
        risk_feed.read.latestAnswerNoOlderThan(max_staleness).call()


def test_latest_answer_no_older_than__paused__refused(risk_feed, reverts):
    risk_feed.chain.send(risk_feed.read.pause(), risk_feed.chain.address(risk_feed.guardian))
    with reverts("EnforcedPause"):
        risk_feed.read.latestAnswerNoOlderThan(10**9).call()


def test_latest_answer_no_older_than__no_rounds__no_data(empty_risk_feed, reverts):
    with reverts("NoDataPresent", 0):
        empty_risk_feed.read.latestAnswerNoOlderThan(10**9).call()
