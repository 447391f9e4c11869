"""Attack 29, on observations: signatures that are no EIP-712, malleable, reused, doubled, or of a rotated set."""

from __future__ import annotations

import pytest
from eth_account.messages import encode_defunct

from oracle.market.publishers import report_digest
from tests.support.local_chain import account
from tests.support.observations import PUBLISHERS, QUORUM, Publishers

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def mirrored(signature: bytes) -> bytes:
    """The other signature of the same message by the same key: s' = n - s."""
    s = SECP256K1_ORDER - int.from_bytes(signature[32:64])
    return signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])


def test_signatures__one_publisher_counted_as_three__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    reports, signatures = feed.sign(feed.report(), [2])
    address = account(2).address
    with reverts("SignersNotSorted", address, address):
        feed.contract.functions.submit(reports * QUORUM, signatures * QUORUM).call()


def test_signatures__mirrored_to_count_twice__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    reports, signatures = feed.sign(feed.report(), 2)
    twin = mirrored(signatures[1])
    with reverts("ECDSAInvalidSignatureS", twin[32:64]):
        feed.contract.functions.submit([*reports, reports[1]], [*signatures, twin]).call()


def test_signatures__rotated_set_with_the_same_members__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    pending = feed.sign(feed.report())
    members = [account(i).address for i in PUBLISHERS]
    feed.chain.send(feed.contract.functions.setPublishers(members, QUORUM))
    with reverts("PublisherSetChanged", 1, 2):
        feed.contract.functions.submit(*pending).call()


def test_signatures__publisher_removed_and_restored__old_report_refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    pending = feed.sign(feed.report())
    members = [account(i).address for i in PUBLISHERS]
    feed.chain.send(feed.contract.functions.setPublishers(members[1:], QUORUM))
    feed.chain.send(feed.contract.functions.setPublishers(members, QUORUM))
    with reverts("PublisherSetChanged", 1, 3):
        feed.contract.functions.submit(*pending).call()


@pytest.mark.parametrize("form", ["personal message", "bare hash of the fields"])
def test_signatures__not_typed_data__refused(reverts_any, observation_feed: Publishers, form: str) -> None:
    feed = observation_feed
    report = feed.report()
    reports, _ = feed.sign(report)
    digest = report_digest(feed.domain, report)
    bare = b"".join(value.to_bytes(32) for value in report.as_tuple())
    message = encode_defunct(digest if form == "personal message" else bare)
    signatures = [bytes(account(i).sign_message(message).signature) for i in feed.signer_order(PUBLISHERS[:3])]
    with reverts_any("NotPublisher", "SignersNotSorted"):
        feed.contract.functions.submit(reports, signatures).call()


def test_signatures__of_a_key_outside_the_set__refused(reverts, observation_feed: Publishers) -> None:
    feed = observation_feed
    members = feed.signer_order([*PUBLISHERS[:2], 11])
    with reverts("NotPublisher", account(11).address):
        feed.contract.functions.submit(*feed.sign(feed.report(), members)).call()
