"""VectorObservationFeed.submit: what is recorded, and every way in which reports can be wrong."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from oracle.market.publishers import report_digest
from oracle.units import WAD
from tests.support.call_gas import execution_gas
from tests.support.local_chain import GAS_DEPLOYER
from tests.support.vectors import COMPONENTS, VALUES, deploy_vector_feed

SPANS = [high - low for _, low, high in COMPONENTS]


def test_submit__quorum__vector_and_times_recorded(feed):
    receipt = feed.observe()
    observed_at = feed.contract.functions.observedAt(1).call()
    assert feed.contract.functions.vector(1).call() == [list(VALUES), observed_at]
    assert feed.contract.functions.latestRoundData().call() == [1, VALUES[0], observed_at, feed.chain.now(), 1]
    assert feed.chain.log(feed.contract, receipt) == [
        ("NewRound", {"roundId": 1, "startedBy": receipt["from"], "startedAt": observed_at}),
        ("AnswerUpdated", {"current": VALUES[0], "roundId": 1, "updatedAt": feed.chain.now()}),
        ("VectorRecorded", {"roundId": 1, "values": list(VALUES), "observedAt": observed_at, "reportCount": 3}),
    ]


def test_submit__reports_differ__median_of_each_component(feed):
    rows = [(3 * WAD, 0, -7), (3 * WAD + 1, -1, 5), (3 * WAD + 9, 4, -2), (3 * WAD - 5, 9, -3)]
    feed.chain.send(feed.submit(feed.sign_values(rows[:3])))
    assert feed.contract.functions.vector(1).call()[0] == [3 * WAD + 1, 0, -2]
    feed.chain.mine(feed.chain.now() + 3600)
    feed.chain.send(feed.submit(feed.sign_values(rows)))
    assert feed.contract.functions.vector(2).call()[0] == [
        3 * WAD,
        2,
        -3,
    ]  # (3e18 + 3e18 + 1) // 2, (0 + 4) // 2, -5 // 2


def test_submit__random_rows__sorted_median(chain, feed):
    rng = random.Random(1)
    for _ in range(25):
        rows = [[rng.randint(-WAD // 100, WAD // 100) for _ in range(2)] for _ in range(rng.randint(3, 5))]
        arguments = feed.sign_values([(WAD + row[0], *row) for row in rows])
        with chain.undone():
            chain.send(feed.submit(arguments))
            values = feed.contract.functions.vector(1).call()[0]
        for column, value in enumerate(values[1:]):
            ordered = sorted(row[column] for row in rows)
            middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
            assert value == sum(middle) // len(middle)


def test_submit__extreme_bounds_and_odd_count__read_back(chain):
    low, high = -(2**127), 2**127 - 1
    feed = deploy_vector_feed(chain, [("a", low, high), ("b", low, high), ("c", low, high)], capacity=2)
    for values in ((low, high, -1), (high, low, 0), (-1, 1, low), (0, -1, high)):
        feed.observe(values, signers=5)
        round_id = feed.contract.functions.latestRound().call()
        assert feed.contract.functions.vector(round_id).call()[0] == list(values)


@pytest.mark.parametrize("count", [1, 4, 7])
def test_submit__any_number_of_components__each_in_its_place(chain, count):
    feed = deploy_vector_feed(chain, [(f"c{i}", -WAD, WAD) for i in range(count)], capacity=3)
    rows = [[(-1) ** (i + place) * (100 * place + i + 1) for i in range(count)] for place in range(3)]
    for row in rows:
        feed.observe(row)
    assert [feed.contract.functions.vector(place + 1).call()[0] for place in range(3)] == rows


def test_submit__fewer_than_quorum__refused(reverts, feed):
    with reverts("QuorumNotReached", 2, 3):
        feed.submit(feed.sign(feed.report(), 2)).call()


@pytest.mark.parametrize("values", [(), VALUES[:2], (*VALUES, 0)])
def test_submit__other_number_of_values__refused(reverts, feed, values):
    with reverts("ComponentCountMismatch", len(values), 3):
        feed.submit(feed.sign(feed.report(values))).call()


@pytest.mark.parametrize(
    ("component", "value"), [(0, -1), (0, 100 * WAD + 1), (1, WAD + 1), (2, -WAD - 1), (2, 2**255 - 1), (1, -(2**255))]
)
def test_submit__value_out_of_bounds__refused(reverts, feed, component, value):
    values = [*VALUES]
    values[component] = value
    _, low, high = COMPONENTS[component]
    with reverts("ComponentOutOfBounds", component, value, low, high):
        feed.submit(feed.sign(feed.report(values))).call()


@pytest.mark.parametrize("component", [0, 1, 2])
def test_submit__one_report_far_from_the_median__refused(reverts, feed, component):
    near, room = list(VALUES), SPANS[component] * 500 // 10_000
    at_the_edge, beyond = [*near], [*near]
    at_the_edge[component] += room if component else -room // 2
    beyond[component] += room + 1
    feed.submit(feed.sign_values([near, near, at_the_edge])).call()
    with reverts("ComponentDeviates", component, beyond[component], near[component]):
        feed.submit(feed.sign_values([near, near, beyond])).call()


def test_submit__large_move__needs_every_publisher(reverts, feed):
    feed.observe()
    moved = [VALUES[0], VALUES[1] + SPANS[1] // 10 + 1, VALUES[2]]
    feed.chain.mine(feed.chain.now() + 3600)
    for at_the_limit in ((VALUES[0], VALUES[1] + SPANS[1] // 10, VALUES[2]), (VALUES[0] - 3 * WAD, *VALUES[1:])):
        feed.submit(feed.sign(feed.report(at_the_limit), 4)).call()
    with reverts("ComponentMoveNeedsAllPublishers", 1, VALUES[1], moved[1]):
        feed.submit(feed.sign(feed.report(moved), 4)).call()
    feed.chain.send(feed.submit(feed.sign(feed.report(moved), 5)))


def test_submit__times_out_of_order__refused(reverts, feed):
    feed.observe()
    last = feed.contract.functions.observedAt(1).call()
    feed.chain.mine(last + 5000)
    now = feed.chain.now()
    with reverts("ObservationTooEarly", last, last + 1800):
        feed.submit(feed.sign(feed.report(observed_at=last))).call()
    with reverts("ObservationFromFuture", now + 100, now):
        feed.submit(feed.sign(feed.report(observed_at=now + 100))).call()
    feed.chain.mine(last + 1800 + 3601)
    with reverts("StaleReport", 3601, 3600):
        feed.submit(feed.sign(feed.report(observed_at=last + 1800))).call()


def test_submit__reports_of_different_times__refused(reverts, feed):
    report = feed.report()
    later = replace(report, observed_at=report.observed_at - 1)
    arguments = feed.sign_each({2: report, 3: later, 4: later})
    times = [r[1] for r in arguments[0]]
    other = next(t for t in times if t != times[0])
    with reverts("ObservedAtMismatch", times[0], other):
        feed.submit(arguments).call()


def test_report_digest__python_twin__equal(feed):
    rng = random.Random(2)
    for count in (0, 1, 3, 17):
        values = tuple(rng.choice((-1, 1)) * rng.getrandbits(255) for _ in range(count))
        report = feed.report(values, round_id=rng.getrandbits(64), observed_at=rng.getrandbits(64))
        assert feed.contract.functions.reportDigest(report.as_tuple()).call() == report_digest(feed.domain, report)


@pytest.mark.parametrize("count", [3, 32])
def test_submit__gas(gas_chain, gas_snapshot, count):
    components = [(f"c{i}", -WAD, WAD) for i in range(count)]
    feed = deploy_vector_feed(gas_chain, components, deployer=GAS_DEPLOYER)
    feed.observe([i + 1 for i in range(count)])
    receipt = feed.observe([i + 2 for i in range(count)])
    gas_snapshot(f"VectorObservationFeed.submit/3-of-5-of-{count}", execution_gas(gas_chain, receipt))
