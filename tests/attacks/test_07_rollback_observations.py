"""Attack 7, on observations: older, still validly signed reports are brought to replace a newer price."""

from __future__ import annotations

import pytest

from tests.support.observations import PRICE, Publishers


def test_rollback__reports_of_a_recorded_round__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    old = feed.sign(feed.report())
    feed.chain.send(feed.contract.functions.submit(*old))
    feed.observe(PRICE + 1)
    with reverts("WrongRound", 1, 3):
        feed.contract.functions.submit(*old).call()


def test_rollback__second_set_signed_for_a_recorded_round__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    rival = feed.sign(feed.report(PRICE - 1), [4, 5, 6])
    feed.chain.send(feed.contract.functions.submit(*feed.sign(feed.report())))
    with reverts("WrongRound", 1, 2):
        feed.contract.functions.submit(*rival).call()


@pytest.mark.parametrize("earlier", [0, 1, 3600])
def test_rollback__old_time_under_the_next_round__refused(reverts, observation_feed: Publishers, earlier: int) -> None:
    feed = observation_feed
    feed.observe()
    last = feed.contract.functions.observedAt(1).call()
    feed.chain.mine(last + 1900)
    with reverts("ObservationTooEarly", last - earlier, last + 1800):
        feed.contract.functions.submit(*feed.sign(feed.report(observed_at=last - earlier))).call()
