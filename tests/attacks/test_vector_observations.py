"""Attacks 7, 9, 28, 29 on vectors: replays across feeds, kinds and chains, malleable signatures, lengths."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.forgery import mirrored
from tests.support.local_chain import LocalChain, account
from tests.support.observations import QUORUM, Publishers
from tests.support.vectors import VectorPublishers, deploy_vector_feed

STRANGERS = ("NotPublisher", "SignersNotSorted")  # to whom a signature over another digest recovers


@pytest.fixture(scope="module")
def feed(chain: LocalChain) -> VectorPublishers:
    """A vector feed of five publishers, quorum three, without rounds."""
    return deploy_vector_feed(chain)


def test_attack_09_replay__other_vector_feed_of_the_same_publishers__refused(chain, reverts_any, feed) -> None:
    other = deploy_vector_feed(chain)
    signed = other.sign(other.report())
    with reverts_any(*STRANGERS):
        feed.submit(signed).call()
    chain.send(other.submit(signed))


def test_attack_09_replay__signatures_of_a_price__refused(reverts_any, feed, observation_feed: Publishers) -> None:
    _, signatures = observation_feed.sign(observation_feed.report())
    reports, _ = feed.sign(feed.report())
    with reverts_any(*STRANGERS):
        feed.submit((reports, signatures)).call()


@pytest.mark.parametrize("change", [{"chain_id": 1}, {"name": "Plumbline ObservationFeed"}, {"version": "2"}])
def test_attack_09_replay__other_domain__refused(reverts_any, feed, change) -> None:
    elsewhere = VectorPublishers(feed.chain, feed.contract)
    elsewhere.domain = replace(feed.domain, **change)
    with reverts_any(*STRANGERS):
        feed.submit(elsewhere.sign(feed.report())).call()


def test_attack_07_rollback__reports_of_a_recorded_round__refused(reverts, reverts_any, feed) -> None:
    old = feed.sign(feed.report())
    feed.chain.send(feed.submit(old))
    with reverts("WrongRound", 1, 2):
        feed.submit(old).call()
    moved = [(2, *report[1:]) for report in old[0]]
    with reverts_any(*STRANGERS):
        feed.submit((moved, old[1])).call()


@pytest.mark.parametrize("shift", [[0, 1], [1, 0], [2, 1]])
def test_attack_29_tampered__values_swapped_after_signing__refused(reverts_any, feed, shift) -> None:
    reports, signatures = feed.sign(feed.report((5, 6, 7)))
    values = [5, 6, 7]
    values[shift[0]], values[shift[1]] = values[shift[1]], values[shift[0]]
    forged = [(*report[:2], tuple(values), report[3]) for report in reports]
    with reverts_any(*STRANGERS):
        feed.submit((forged, signatures)).call()


def test_attack_29_signatures__one_publisher_counted_as_three__refused(reverts, feed) -> None:
    reports, signatures = feed.sign(feed.report(), [2])
    address = account(2).address
    with reverts("SignersNotSorted", address, address):
        feed.submit((reports * QUORUM, signatures * QUORUM)).call()


def test_attack_29_signatures__mirrored_to_count_twice__refused(reverts, feed) -> None:
    reports, signatures = feed.sign(feed.report(), 2)
    twin = mirrored(signatures[1])
    with reverts("ECDSAInvalidSignatureS", twin[32:64]):
        feed.submit(([*reports, reports[1]], [*signatures, twin])).call()


def test_attack_29_signatures__of_a_key_outside_the_set__refused(reverts, feed) -> None:
    stranger = min((i for i in range(7, 20)), key=lambda i: int(account(i).address, 16))
    with reverts("NotPublisher", account(stranger).address):
        feed.submit(feed.sign(feed.report(), [stranger, 2, 3])).call()


@pytest.mark.parametrize(("reports", "signatures"), [(3, 2), (2, 3), (3, 0), (0, 3), (5, 3)])
def test_attack_28_lengths__reports_and_signatures_differ__refused(reverts, feed, reports, signatures) -> None:
    all_reports, all_signatures = feed.sign(feed.report(), 5)
    with reverts("ArrayLengthMismatch", reports, signatures):
        feed.submit((all_reports[:reports], all_signatures[:signatures])).call()
