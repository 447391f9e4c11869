"""VectorObservationFeed's reads, its ring, its administration."""

from __future__ import annotations

import pytest

from oracle.units import WAD
from tests.support.local_chain import account
from tests.support.observations import FeedLimits
from tests.support.vectors import COMPONENTS, VALUES, bytes32, deploy_vector_feed


def test_reads__before_the_first_round__no_data(reverts, feed):
    read = feed.contract.functions
    assert (read.latestRound().call(), read.earliestRound().call()) == (0, 0)
    for call in (read.latestRoundData(), read.latestAnswer(), read.latestTimestamp(), read.vector(0)):
        with reverts("NoDataPresent", 0):
            call.call()
    with reverts("NoDataPresent", 1):
        read.vector(1).call()


def test_vector__ring_full__oldest_gone(reverts, feed):
    rounds = 11
    for i in range(rounds):
        feed.observe((VALUES[0] + i, VALUES[1] - i, i))
    read = feed.contract.functions
    assert (read.latestRound().call(), read.earliestRound().call()) == (11, 4)
    for round_id in range(4, rounds + 1):
        i = round_id - 1
        assert read.vector(round_id).call()[0] == [VALUES[0] + i, VALUES[1] - i, i]
        assert read.getAnswer(round_id).call() == VALUES[0] + i
    with reverts("NoDataPresent", 3):
        read.vector(3).call()


def test_components__as_deployed(feed):
    read = feed.contract.functions
    assert read.components().call() == [(bytes32(name), low, high) for name, low, high in COMPONENTS]
    assert (read.componentCount().call(), read.decimals().call(), read.version().call()) == (3, 18, 1)


@pytest.mark.parametrize(
    "components", [[], [("a", 1, 1)], [("a", 2, 1)], [(f"c{i}", 0, 1) for i in range(65)]], ids=len
)
def test_constructor__senseless_components__refused(chain, reverts, components):
    with reverts("InvalidConfiguration"):
        deploy_vector_feed(chain, components)


def test_constructor__no_majority_or_ring_of_one__refused(chain, reverts):
    with reverts("InvalidConfiguration"):
        deploy_vector_feed(chain, quorum=2)
    with reverts("InvalidConfiguration"):
        deploy_vector_feed(chain, capacity=1)
    with reverts("InvalidConfiguration"):
        deploy_vector_feed(chain, limits=FeedLimits(min_interval=0))


def test_administration__stranger__refused(chain, reverts, feed):
    stranger = {"from": account(11).address}
    for call in (
        feed.contract.functions.setPublishers([account(2).address], 1),
        feed.contract.functions.setLimits(FeedLimits().as_tuple()),
    ):
        with reverts("OwnableUnauthorizedAccount", account(11).address):
            call.call(stranger)


def test_set_publishers__old_reports__refused(reverts, feed):
    pending = feed.sign(feed.report((WAD, 0, 0)))
    feed.chain.send(feed.contract.functions.setPublishers([account(i).address for i in (2, 3, 4)], 2))
    with reverts("PublisherSetChanged", 1, 2):
        feed.submit(pending).call()
