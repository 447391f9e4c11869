"""Attack 8, on observations: old data is published so that it looks like the block's."""

from __future__ import annotations

from tests.support.observations import PRICE, Publishers


def test_laundering__report_held_back__refused_as_stale(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    held = feed.sign(feed.report())
    feed.chain.mine(feed.chain.now() + 3601)
    with reverts("StaleReport", 3601, 3600):
        feed.contract.functions.submit(*held).call()


def test_laundering__report_published_late__keeps_its_own_time(observation_feed: Publishers) -> None:
    feed = observation_feed
    report = feed.report()
    feed.chain.set_next_time(report.observed_at + 3600)
    feed.chain.send(feed.contract.functions.submit(*feed.sign(report)))
    _, _, started_at, updated_at, _ = feed.contract.functions.latestRoundData().call()
    assert (started_at, updated_at) == (report.observed_at, report.observed_at + 3600)


def test_laundering__old_report_as_the_end_of_a_batch__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    now = feed.chain.now()
    signed = [feed.sign(feed.report(round_id=i + 1, observed_at=now + 1800 * i)) for i in range(2)]
    feed.chain.mine(now + 1800 + 3601)
    with reverts("StaleReport", 3601, 3600):
        feed.contract.functions.submitMany([r for r, _ in signed], [s for _, s in signed]).call()


def test_laundering__history_in_a_batch__every_round_keeps_its_time(observation_feed: Publishers) -> None:
    feed = observation_feed
    feed.history([PRICE] * 10)
    times = [feed.contract.functions.observedAt(i).call() for i in range(1, 11)]
    assert times == list(range(times[-1] - 9 * 3600, times[-1] + 1, 3600))


def test_laundering__new_time_on_signed_reports__refused(reverts_any, observation_feed: Publishers) -> None:
    feed = observation_feed
    reports, signatures = feed.sign(feed.report())
    feed.chain.mine(feed.chain.now() + 3601)
    renewed = [(round_id, feed.chain.now(), price, version) for round_id, _, price, version in reports]
    with reverts_any("NotPublisher", "SignersNotSorted"):
        feed.contract.functions.submit(renewed, signatures).call()
