"""How `answer` follows `provenAnswer`: asymmetric, by observation time, frozen at zero, the bounds above all."""

from __future__ import annotations

import random

import pytest

from oracle.units import BPS, SECS_PER_HOUR, WAD
from tests.support.risk_feed import CALM, INTERVAL, UNLIMITED, Guards, RiskFeedStack

UP, DOWN = CALM[0] * 106 // 100, CALM[0]
BPS_HOURS = BPS * SECS_PER_HOUR


def limited(last: int, proven: int, elapsed: int, guards: Guards) -> int:
    """The answer by the words of IRiskFeed.Guards, written on its own."""
    rate = guards.rise_bps_per_hour if proven > last else guards.fall_bps_per_hour
    base = max(abs(last), (guards.max_answer - guards.min_answer) // BPS)
    room = base * rate * elapsed // BPS_HOURS
    answer = min(proven, last + room) if proven > last else max(proven, last - room)
    return min(max(answer, guards.min_answer), guards.max_answer)


def second_round(feed: RiskFeedStack, *prices: int, **guards: int) -> tuple[int, int, int]:
    """Last answer, proven answer and new answer of a round under changed guards."""
    last = feed.read.latestAnswer().call()
    feed.set_guards(**guards)
    feed.push(*prices)
    answer, proven, *_ = feed.read.round(feed.read.latestRound().call()).call()
    return last, proven, answer


def test_rates__rise_within__the_proven_answer(risk_feed):
    last, proven, answer = second_round(risk_feed, UP)
    assert answer == proven > last


@pytest.mark.parametrize("rate", [1, 100, 2500])
def test_rates__rise_beyond__by_the_rate_and_an_hour(risk_feed, rate):
    last, proven, answer = second_round(risk_feed, UP, rise_bps_per_hour=rate, fall_bps_per_hour=0)
    assert answer == last + last * rate * elapsed(risk_feed) // BPS_HOURS < proven


@pytest.mark.parametrize("rate", [1, 100, 2500])
def test_rates__fall_beyond__by_the_rate_and_an_hour(risk_feed, rate):
    risk_feed.push(UP)
    prices = [DOWN] * 33  # the jump leaves the window
    last, proven, answer = second_round(risk_feed, *prices, rise_bps_per_hour=0, fall_bps_per_hour=rate)
    assert answer == max(proven, last - last * rate * elapsed(risk_feed) // BPS_HOURS) < last


def elapsed(feed: RiskFeedStack) -> int:
    """Seconds between the two last rounds' observations."""
    latest = feed.read.latestRound().call()
    return feed.read.observedAt(latest).call() - feed.read.observedAt(latest - 1).call()


def test_rates__zero_rise__frozen_upwards_only(risk_feed):
    last, proven, answer = second_round(risk_feed, UP, rise_bps_per_hour=0)
    assert answer == last < proven
    last, proven, answer = second_round(risk_feed, *[DOWN] * 33, rise_bps_per_hour=0)
    assert answer == proven < last


def test_rates__zero_fall__frozen_downwards_only(risk_feed):
    risk_feed.push(UP)
    last, proven, answer = second_round(risk_feed, *[DOWN] * 33, fall_bps_per_hour=0)
    assert answer == last > proven
    last, proven, answer = second_round(risk_feed, UP, fall_bps_per_hour=0)
    assert answer == proven > last


def test_rates__limited_round__keeps_the_proven_answer_beside(risk_feed):
    observation = risk_feed.observe(UP)
    risk_feed.set_guards(rise_bps_per_hour=1)
    proof = risk_feed.prove()
    (event,) = risk_feed.events(risk_feed.submit(), "RoundProven")
    stored = risk_feed.read.round(2).call()
    assert stored[:2] == (event["answer"], event["provenAnswer"])
    assert event["provenAnswer"] == risk_feed.proven(proof) > event["answer"]
    assert event["observationRound"] == stored[4] == observation
    assert risk_feed.read.getAnswer(2).call() == risk_feed.read.latestAnswer().call() == event["answer"]


def test_rates__the_first_round__bound_by_nothing_but_the_bounds(empty_risk_feed):
    empty_risk_feed.set_guards(rise_bps_per_hour=0, fall_bps_per_hour=0)
    proven = empty_risk_feed.proven(empty_risk_feed.prove())
    empty_risk_feed.submit()
    assert empty_risk_feed.read.latestAnswer().call() == proven


def test_rates__new_bounds_beyond_the_last_answer__win_over_the_rates(risk_feed):
    bounds = {"min_answer": WAD * 3 // 2, "max_answer": 10 * WAD, "fallback_answer": 10 * WAD}
    last, proven, answer = second_round(risk_feed, CALM[0] * 13 // 10, rise_bps_per_hour=1, **bounds)
    assert last < bounds["min_answer"] < proven
    assert answer == bounds["min_answer"]


def test_rates__largest_rates_and_bounds__do_not_overflow(risk_feed):
    limit = 2**111 - 1
    bounds = {"min_answer": -limit - 1, "max_answer": limit, "fallback_answer": limit}
    last, proven, answer = second_round(risk_feed, UP, **bounds)
    assert answer == proven > last


@pytest.mark.parametrize("seed", range(4))
def test_rates__random_guards__as_the_words_say(risk_feed, seed):
    draw = random.Random(seed)
    rates = [0, 1, 10, 100, 1000, 5000, 20_000, UNLIMITED]
    guards = {
        "rise_bps_per_hour": draw.choice(rates),
        "fall_bps_per_hour": draw.choice(rates),
        "min_answer": draw.choice([0, 1, WAD // 100, -WAD]),
        "max_answer": draw.choice([5 * WAD, 1000 * WAD, 2**111 - 1]),
    }
    for prices in ([UP], [UP * 98 // 100], [DOWN] * 33):
        last, proven, answer = second_round(risk_feed, *prices, **guards)
        assert answer == limited(last, proven, elapsed(risk_feed), Guards(**guards))


def test_rates__elapsed_time__is_the_observations_not_the_blocks(risk_feed):
    """A late submission earns no larger step."""
    last = risk_feed.read.latestAnswer().call()
    risk_feed.set_guards(rise_bps_per_hour=100, heartbeat=10 * INTERVAL)
    observation = risk_feed.observe(UP)
    risk_feed.chain.mine(risk_feed.chain.now() + 5 * INTERVAL)
    risk_feed.submit(observation)
    seconds = elapsed(risk_feed)
    assert seconds < INTERVAL + 60
    assert risk_feed.read.latestAnswer().call() == last + last * 100 * seconds // BPS_HOURS
