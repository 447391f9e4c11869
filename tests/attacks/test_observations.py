"""Attacks 7, 8, 9, 21, 28 and 29 on ObservationFeed: what publishers' signatures must not be made to say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account.messages import encode_defunct

from oracle.market.publishers import report_digest
from tests.support.forgery import mirrored
from tests.support.local_chain import LocalChain, account
from tests.support.observations import PRICE, PUBLISHERS, QUORUM, Publishers, deploy_feed


def test_attack_07_rollback__reports_of_a_recorded_round__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    old = feed.sign(feed.report())
    feed.chain.send(feed.contract.functions.submit(*old))
    feed.observe(PRICE + 1)
    with reverts("WrongRound", 1, 3):
        feed.contract.functions.submit(*old).call()


def test_attack_07_rollback__second_set_signed_for_a_recorded_round__refused(
    reverts, observation_feed: Publishers
) -> None:
    feed = observation_feed
    rival = feed.sign(feed.report(PRICE - 1), [4, 5, 6])
    feed.chain.send(feed.contract.functions.submit(*feed.sign(feed.report())))
    with reverts("WrongRound", 1, 2):
        feed.contract.functions.submit(*rival).call()


@pytest.mark.parametrize("earlier", [0, 1, 3600])
def test_attack_07_rollback__old_time_under_the_next_round__refused(
    reverts, observation_feed: Publishers, earlier: int
) -> None:
    feed = observation_feed
    feed.observe()
    last = feed.contract.functions.observedAt(1).call()
    feed.chain.mine(last + 1900)
    with reverts("ObservationTooEarly", last - earlier, last + 1800):
        feed.contract.functions.submit(*feed.sign(feed.report(observed_at=last - earlier))).call()


def test_attack_08_laundering__report_held_back__refused_as_stale(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    held = feed.sign(feed.report())
    feed.chain.mine(feed.chain.now() + 3601)
    with reverts("StaleReport", 3601, 3600):
        feed.contract.functions.submit(*held).call()


def test_attack_08_laundering__report_published_late__keeps_its_own_time(observation_feed: Publishers) -> None:
    feed = observation_feed
    report = feed.report()
    feed.chain.set_next_time(report.observed_at + 3600)
    feed.chain.send(feed.contract.functions.submit(*feed.sign(report)))
    _, _, started_at, updated_at, _ = feed.contract.functions.latestRoundData().call()
    assert (started_at, updated_at) == (report.observed_at, report.observed_at + 3600)


def test_attack_08_laundering__old_report_as_the_end_of_a_batch__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    now = feed.chain.now()
    signed = [feed.sign(feed.report(round_id=i + 1, observed_at=now + 1800 * i)) for i in range(2)]
    feed.chain.mine(now + 1800 + 3601)
    with reverts("StaleReport", 3601, 3600):
        feed.contract.functions.submitMany([r for r, _ in signed], [s for _, s in signed]).call()


def test_attack_08_laundering__history_in_a_batch__every_round_keeps_its_time(observation_feed: Publishers) -> None:
    feed = observation_feed
    feed.history([PRICE] * 10)
    times = [feed.contract.functions.observedAt(i).call() for i in range(1, 11)]
    assert times == list(range(times[-1] - 9 * 3600, times[-1] + 1, 3600))


def test_attack_08_laundering__new_time_on_signed_reports__refused(reverts_any, observation_feed: Publishers) -> None:
    feed = observation_feed
    reports, signatures = feed.sign(feed.report())
    feed.chain.mine(feed.chain.now() + 3601)
    renewed = [(round_id, feed.chain.now(), price, version) for round_id, _, price, version in reports]
    with reverts_any("NotPublisher", "SignersNotSorted"):
        feed.contract.functions.submit(renewed, signatures).call()


STRANGERS = ("NotPublisher", "SignersNotSorted")  # to whom a signature over another digest recovers


def test_attack_09_replay__other_feed_of_the_same_publishers__refused(
    chain: LocalChain, reverts_any, observation_feed: Publishers
) -> None:
    other = deploy_feed(chain, description="OTHER / USD")
    signed = other.sign(other.report())
    with reverts_any(*STRANGERS):
        observation_feed.contract.functions.submit(*signed).call()
    chain.send(other.contract.functions.submit(*signed))


@pytest.mark.parametrize("chain_id", [1, 10, 42161])
def test_attack_09_replay__same_address_on_another_chain__refused(
    reverts_any, observation_feed: Publishers, chain_id: int
) -> None:
    feed = observation_feed
    elsewhere = Publishers(feed.chain, feed.contract)
    elsewhere.domain = replace(feed.domain, chain_id=chain_id)
    with reverts_any(*STRANGERS):
        feed.contract.functions.submit(*elsewhere.sign(feed.report())).call()


def test_attack_09_replay__next_round_with_the_last_signatures__refused(
    reverts_any, observation_feed: Publishers
) -> None:
    feed = observation_feed
    reports, signatures = feed.sign(feed.report())
    feed.chain.send(feed.contract.functions.submit(reports, signatures))
    feed.chain.mine(feed.chain.now() + 3600)
    moved = [(2, feed.chain.now(), price, version) for _, _, price, version in reports]
    with reverts_any(*STRANGERS):
        feed.contract.functions.submit(moved, signatures).call()


@pytest.mark.parametrize("bias_bps", [-99, -50, 50, 99])
def test_attack_21_manipulation__one_of_three_within_the_spread__median_unmoved(
    observation_feed: Publishers, bias_bps: int
) -> None:
    feed = observation_feed
    report = feed.report()
    liar = replace(report, price=PRICE + PRICE * bias_bps // 10_000)
    for place in range(3):
        members = feed.signer_order(PUBLISHERS)[:3]
        signed = feed.sign_each({m: liar if i == place else report for i, m in enumerate(members)})
        with feed.chain.undone():
            feed.chain.send(feed.contract.functions.submit(*signed))
            assert feed.contract.functions.latestAnswer().call() == PRICE


@pytest.mark.parametrize("price", [1, PRICE // 2, PRICE * 2, 2**64 - 1])
def test_attack_21_manipulation__one_far_away__named_and_left_out(
    reverts, observation_feed: Publishers, price: int
) -> None:
    feed = observation_feed
    report = feed.report()
    members = feed.signer_order(PUBLISHERS)
    signed = feed.sign_each(dict.fromkeys(members[:3], report) | {members[3]: replace(report, price=price)})
    with reverts("ReportDeviates", account(members[3]).address, price, PRICE):
        feed.contract.functions.submit(*signed).call()
    assert feed.contract.functions.submit(*feed.sign(report, members[:3])).call() == 1


@pytest.mark.parametrize("price", [PRICE * 89 // 100, PRICE * 111 // 100, 10**18])
def test_attack_21_manipulation__a_bare_quorum_colludes__move_refused(
    reverts, observation_feed: Publishers, price: int
) -> None:
    feed = observation_feed
    feed.observe()
    feed.chain.mine(feed.chain.now() + 3600)
    move_bps = -(-abs(price - PRICE) * 10_000 // PRICE)
    with reverts("MoveNeedsAllPublishers", move_bps, 1000):
        feed.contract.functions.submit(*feed.sign(feed.report(price))).call()


def test_attack_21_manipulation__two_disjoint_quorums__cannot_be_configured(
    reverts, observation_feed: Publishers
) -> None:
    members = [account(i).address for i in range(2, 6)]
    with reverts("InvalidConfiguration"):
        observation_feed.contract.functions.setPublishers(members, 2).call({"from": observation_feed.chain.address(0)})


@pytest.mark.parametrize(("reports", "signatures"), [(3, 2), (2, 3), (3, 0), (0, 3), (5, 3), (3, 5)])
def test_attack_28_lengths__reports_and_signatures_differ__refused(
    reverts, observation_feed: Publishers, reports: int, signatures: int
) -> None:
    all_reports, all_signatures = observation_feed.sign(observation_feed.report(), 5)
    with reverts("ArrayLengthMismatch", reports, signatures):
        observation_feed.contract.functions.submit(all_reports[:reports], all_signatures[:signatures]).call()


@pytest.mark.parametrize(("reports", "signatures"), [(2, 1), (1, 2), (1, 0), (0, 1)])
def test_attack_28_lengths__batches_differ__refused(
    reverts, observation_feed: Publishers, reports: int, signatures: int
) -> None:
    one, its_signatures = observation_feed.sign(observation_feed.report())
    batch = observation_feed.contract.functions.submitMany([one] * reports, [its_signatures] * signatures)
    with reverts("ArrayLengthMismatch", reports, signatures):
        batch.call()


def test_attack_28_lengths__second_of_a_batch_differs__nothing_recorded(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    first = feed.sign(feed.report())
    feed.chain.mine(feed.chain.now() + 1800)
    second = feed.sign(feed.report(round_id=2))
    batch = ([first[0], second[0]], [first[1], second[1][:2]])
    with reverts("ArrayLengthMismatch", 3, 2):
        feed.contract.functions.submitMany(*batch).call()
    assert feed.contract.functions.latestRound().call() == 0


def test_attack_29_signatures__one_publisher_counted_as_three__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    reports, signatures = feed.sign(feed.report(), [2])
    address = account(2).address
    with reverts("SignersNotSorted", address, address):
        feed.contract.functions.submit(reports * QUORUM, signatures * QUORUM).call()


def test_attack_29_signatures__mirrored_to_count_twice__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    reports, signatures = feed.sign(feed.report(), 2)
    twin = mirrored(signatures[1])
    with reverts("ECDSAInvalidSignatureS", twin[32:64]):
        feed.contract.functions.submit([*reports, reports[1]], [*signatures, twin]).call()


def test_attack_29_signatures__rotated_set_with_the_same_members__refused(
    reverts, observation_feed: Publishers
) -> None:
    feed = observation_feed
    pending = feed.sign(feed.report())
    members = [account(i).address for i in PUBLISHERS]
    feed.chain.send(feed.contract.functions.setPublishers(members, QUORUM))
    with reverts("PublisherSetChanged", 1, 2):
        feed.contract.functions.submit(*pending).call()


def test_attack_29_signatures__publisher_removed_and_restored__old_report_refused(
    reverts, observation_feed: Publishers
) -> None:
    feed = observation_feed
    pending = feed.sign(feed.report())
    members = [account(i).address for i in PUBLISHERS]
    feed.chain.send(feed.contract.functions.setPublishers(members[1:], QUORUM))
    feed.chain.send(feed.contract.functions.setPublishers(members, QUORUM))
    with reverts("PublisherSetChanged", 1, 3):
        feed.contract.functions.submit(*pending).call()


@pytest.mark.parametrize("form", ["personal message", "bare hash of the fields"])
def test_attack_29_signatures__not_typed_data__refused(reverts_any, observation_feed: Publishers, form: str) -> None:
    feed = observation_feed
    report = feed.report()
    reports, _ = feed.sign(report)
    digest = report_digest(feed.domain, report)
    bare = b"".join(value.to_bytes(32) for value in report.as_tuple())
    message = encode_defunct(digest if form == "personal message" else bare)
    signatures = [bytes(account(i).sign_message(message).signature) for i in feed.signer_order(PUBLISHERS[:3])]
    with reverts_any("NotPublisher", "SignersNotSorted"):
        feed.contract.functions.submit(reports, signatures).call()


def test_attack_29_signatures__of_a_key_outside_the_set__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    members = feed.signer_order([*PUBLISHERS[:2], 11])
    with reverts("NotPublisher", account(11).address):
        feed.contract.functions.submit(*feed.sign(feed.report(), members)).call()
