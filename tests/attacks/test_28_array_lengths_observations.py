"""Attack 28, on observations: arrays of different lengths in single and bulk submissions."""

from __future__ import annotations

import pytest

from tests.support.observations import Publishers


@pytest.mark.parametrize(("reports", "signatures"), [(3, 2), (2, 3), (3, 0), (0, 3), (5, 3), (3, 5)])
def test_lengths__reports_and_signatures_differ__refused(
    reverts, observation_feed: Publishers, reports: int, signatures: int
) -> None:
    all_reports, all_signatures = observation_feed.sign(observation_feed.report(), 5)
    with reverts("ArrayLengthMismatch", reports, signatures):
        observation_feed.contract.functions.submit(all_reports[:reports], all_signatures[:signatures]).call()


@pytest.mark.parametrize(("reports", "signatures"), [(2, 1), (1, 2), (1, 0), (0, 1)])
def test_lengths__batches_differ__refused(reverts, observation_feed: Publishers, reports: int, signatures: int) -> None:
    one, its_signatures = observation_feed.sign(observation_feed.report())
    batch = observation_feed.contract.functions.submitMany([one] * reports, [its_signatures] * signatures)
    with reverts("ArrayLengthMismatch", reports, signatures):
        batch.call()


def test_lengths__second_of_a_batch_differs__nothing_recorded(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    first = feed.sign(feed.report())
    feed.chain.mine(feed.chain.now() + 1800)
    second = feed.sign(feed.report(round_id=2))
    batch = ([first[0], second[0]], [first[1], second[1][:2]])
    with reverts("ArrayLengthMismatch", 3, 2):
        feed.contract.functions.submitMany(*batch).call()
    assert feed.contract.functions.latestRound().call() == 0
