"""ObservationFeed.submit: what is recorded, and every reason to refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_utils import keccak

from oracle.domain.observations import ReportDomain
from oracle.market.publishers import report_digest
from tests.support.local_chain import GAS_DEPLOYER, LocalChain, account
from tests.support.observations import PRICE, PUBLISHERS, FeedLimits, Publishers, deploy_feed

HOUR = 3600
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def refuse(reverts, feed, reports, signatures, error, *args):
    with reverts(error, *args):
        feed.contract.functions.submit(reports, signatures).call()


def test_submit__first_round__recorded_and_events(chain: LocalChain, feed: Publishers) -> None:
    report = feed.report()
    reports, signatures = feed.sign(report)
    receipt = chain.send(feed.contract.functions.submit(reports, signatures), chain.address(1))
    published = chain.now()
    assert feed.contract.functions.latestRoundData().call() == [1, PRICE, report.observed_at, published, 1]
    assert chain.events(feed.contract, "ObservationRecorded", receipt) == [{
        "roundId": 1, "price": PRICE, "observedAt": report.observed_at, "segmentStart": 1, "reportCount": 3,
    }]  # fmt: skip
    assert chain.events(feed.contract, "NewRound", receipt) == [{
        "roundId": 1, "startedBy": chain.address(1), "startedAt": report.observed_at,
    }]  # fmt: skip
    assert chain.events(feed.contract, "AnswerUpdated", receipt) == [{
        "current": PRICE, "roundId": 1, "updatedAt": published,
    }]  # fmt: skip


@pytest.mark.parametrize(
    ("offsets", "median"),
    [((0, 1, 2), 1), ((2, 0, 1), 1), ((0, 0, 7), 0), ((0, 1, 2, 9), 1), ((3, 0, 0, 8), 1), ((4, 3, 2, 1, 0), 2)],
)
def test_submit__reports_differ__median_rounded_down(feed: Publishers, offsets, median) -> None:
    members = feed.signer_order(PUBLISHERS)[: len(offsets)]
    report = feed.report()
    signed = feed.sign_each({m: replace(report, price=PRICE + o) for m, o in zip(members, offsets, strict=True)})
    feed.chain.send(feed.contract.functions.submit(*signed))
    assert feed.contract.functions.latestAnswer().call() == PRICE + median


def test_submit__largest_price__recorded(feed: Publishers) -> None:
    feed.observe(2**64 - 1)
    assert feed.contract.functions.latestAnswer().call() == 2**64 - 1


def test_submit__gap_within_max_interval__same_segment(feed: Publishers) -> None:
    feed.observe()
    observed = feed.contract.functions.observedAt(1).call()
    feed.chain.mine(observed + 6 * HOUR)
    feed.chain.send(feed.contract.functions.submit(*feed.sign(feed.report())))
    assert feed.contract.functions.segmentStart().call() == 1


def test_submit__gap_over_max_interval__new_segment(feed: Publishers) -> None:
    feed.observe()
    observed = feed.contract.functions.observedAt(1).call()
    feed.chain.mine(observed + 6 * HOUR + 1)
    feed.chain.send(feed.contract.functions.submit(*feed.sign(feed.report())))
    assert feed.contract.functions.segmentStart().call() == 2


def test_submit__fewer_signatures_than_reports__reverts(reverts, feed: Publishers) -> None:
    reports, signatures = feed.sign(feed.report())
    refuse(reverts, feed, reports, signatures[:2], "ArrayLengthMismatch", 3, 2)


def test_submit__below_quorum__reverts(reverts, feed: Publishers) -> None:
    refuse(reverts, feed, *feed.sign(feed.report(), 2), "QuorumNotReached", 2, 3)


def test_submit__nothing__reverts(reverts, feed: Publishers) -> None:
    refuse(reverts, feed, [], [], "QuorumNotReached", 0, 3)


@pytest.mark.parametrize("round_id", [0, 2, 2**64 - 1])
def test_submit__other_round__reverts(reverts, feed: Publishers, round_id: int) -> None:
    refuse(reverts, feed, *feed.sign(feed.report(round_id=round_id)), "WrongRound", round_id, 1)


def test_submit__same_reports_again__reverts(reverts, feed: Publishers) -> None:
    reports, signatures = feed.sign(feed.report())
    feed.chain.send(feed.contract.functions.submit(reports, signatures))
    refuse(reverts, feed, reports, signatures, "WrongRound", 1, 2)


def test_submit__rotated_publishers__reverts(reverts, feed: Publishers) -> None:
    reports, signatures = feed.sign(feed.report())
    members = [account(i).address for i in PUBLISHERS]
    feed.chain.send(feed.contract.functions.setPublishers(members, 3))
    refuse(reverts, feed, reports, signatures, "PublisherSetChanged", 1, 2)


def test_submit__removed_publisher__reverts(reverts, feed: Publishers) -> None:
    removed = PUBLISHERS[0]
    feed.chain.send(feed.contract.functions.setPublishers([account(i).address for i in PUBLISHERS[1:]], 3))
    refuse(reverts, feed, *feed.sign(feed.report()), "NotPublisher", account(removed).address)


def test_submit__times_differ__reverts(reverts, feed: Publishers) -> None:
    report = feed.report()
    members = feed.signer_order(PUBLISHERS[:3])
    signed = {m: replace(report, observed_at=report.observed_at - (m == members[1])) for m in members}
    now = report.observed_at
    refuse(reverts, feed, *feed.sign_each(signed), "ObservedAtMismatch", now, now - 1)


def test_submit__zero_price__reverts(reverts, feed: Publishers) -> None:
    reports, signatures = feed.sign(feed.report())
    round_id, observed_at, _, version = reports[0]
    refuse(reverts, feed, [(round_id, observed_at, 0, version), *reports[1:]], signatures, "ZeroPrice")


def test_submit__stranger_signs__reverts(reverts, feed: Publishers) -> None:
    signed = feed.sign(feed.report(), [10, *PUBLISHERS[:2]])
    refuse(reverts, feed, *signed, "NotPublisher", account(10).address)


def test_submit__changed_price_under_signature__reverts(reverts_any, feed: Publishers) -> None:
    reports, signatures = feed.sign(feed.report())
    forged = [(*r[:2], r[2] + 1, r[3]) for r in reports]
    with reverts_any("NotPublisher", "SignersNotSorted"):
        feed.contract.functions.submit(forged, signatures).call()


def test_submit__one_publisher_twice__reverts(reverts, feed: Publishers) -> None:
    reports, signatures = feed.sign(feed.report(), 2)
    twice = feed.signer_order(PUBLISHERS[:2])[1]
    address = account(twice).address
    refuse(reverts, feed, [*reports, reports[1]], [*signatures, signatures[1]], "SignersNotSorted", address, address)


def test_submit__unsorted_signers__reverts(reverts, feed: Publishers) -> None:
    reports, signatures = feed.sign(feed.report())
    first, second = feed.signer_order(PUBLISHERS[:3])[:2]
    swapped = [signatures[1], signatures[0], signatures[2]]
    refuse(reverts, feed, reports, swapped, "SignersNotSorted", account(second).address, account(first).address)


def test_submit__malleable_signature__reverts(reverts, feed: Publishers) -> None:
    reports, signatures = feed.sign(feed.report())
    r, s, v = signatures[0][:32], int.from_bytes(signatures[0][32:64]), signatures[0][64]
    high = (SECP256K1_ORDER - s).to_bytes(32)
    signatures[0] = r + high + bytes([55 - v])
    refuse(reverts, feed, reports, signatures, "ECDSAInvalidSignatureS", high)


@pytest.mark.parametrize("length", [0, 64, 66])
def test_submit__signature_of_wrong_length__reverts(reverts, feed: Publishers, length: int) -> None:
    reports, signatures = feed.sign(feed.report())
    signatures[0] = (signatures[0] + b"\0")[:length]
    refuse(reverts, feed, reports, signatures, "ECDSAInvalidSignatureLength", length)


def test_submit__signature_of_no_key__reverts(reverts, feed: Publishers) -> None:
    reports, signatures = feed.sign(feed.report())
    signatures[0] = bytes(64) + b"\x1b"
    refuse(reverts, feed, reports, signatures, "ECDSAInvalidSignature")


def test_submit__personal_message_signature__reverts(reverts_any, feed: Publishers) -> None:
    from eth_account.messages import encode_defunct

    report = feed.report()
    reports, _ = feed.sign(report)
    digest = report_digest(feed.domain, report)
    members = feed.signer_order(PUBLISHERS[:3])
    signatures = [bytes(account(m).sign_message(encode_defunct(digest)).signature) for m in members]
    with reverts_any("NotPublisher", "SignersNotSorted"):
        feed.contract.functions.submit(reports, signatures).call()


@pytest.mark.parametrize(
    "change", [{"chain_id": 1}, {"verifying_contract": "0x" + "11" * 20}, {"name": "Other feed"}, {"version": "2"}]
)
def test_submit__signed_for_another_domain__reverts(reverts_any, feed: Publishers, change) -> None:
    other = Publishers(feed.chain, feed.contract)
    other.domain = replace(feed.domain, **change)
    with reverts_any("NotPublisher", "SignersNotSorted"):
        feed.contract.functions.submit(*other.sign(feed.report())).call()


def test_submit__signed_for_another_feed__reverts(chain: LocalChain, reverts_any, feed: Publishers) -> None:
    other = deploy_feed(chain, description="OTHER / USD")
    signed = other.sign(feed.report())
    assert other.contract.functions.submit(*signed).call() == 1
    with reverts_any("NotPublisher", "SignersNotSorted"):
        feed.contract.functions.submit(*signed).call()


def test_submit__observed_after_the_block__reverts(reverts, chain: LocalChain, feed: Publishers) -> None:
    now = chain.now()
    refuse(reverts, feed, *feed.sign(feed.report(observed_at=now + 1)), "ObservationFromFuture", now + 1, now)


def test_submit__largest_time__reverts(reverts, chain: LocalChain, feed: Publishers) -> None:
    time = 2**64 - 1
    refuse(reverts, feed, *feed.sign(feed.report(observed_at=time)), "ObservationFromFuture", time, chain.now())


def test_submit__sooner_than_min_interval__reverts(reverts, feed: Publishers) -> None:
    feed.observe()
    earliest = feed.contract.functions.observedAt(1).call() + 1800
    feed.chain.mine(earliest + 60)
    refuse(
        reverts, feed, *feed.sign(feed.report(observed_at=earliest - 1)), "ObservationTooEarly", earliest - 1, earliest
    )
    signed = feed.sign(feed.report(observed_at=earliest))
    assert feed.contract.functions.submit(*signed).call() == 2


def test_submit__older_than_max_report_age__reverts(reverts, chain: LocalChain, feed: Publishers) -> None:
    observed = chain.now()
    chain.mine(observed + HOUR + 1)
    refuse(reverts, feed, *feed.sign(feed.report(observed_at=observed)), "StaleReport", HOUR + 1, HOUR)
    assert feed.contract.functions.submit(*feed.sign(feed.report(observed_at=observed + 1))).call() == 1


@pytest.mark.parametrize("side", [-1, 1])
def test_submit__report_far_from_median__reverts(reverts, feed: Publishers, side: int) -> None:
    members = feed.signer_order(PUBLISHERS[:3])
    report = feed.report()
    at_limit = replace(report, price=PRICE + side * PRICE // 100)
    signed = feed.sign_each({members[0]: report, members[1]: report, members[2]: at_limit})
    assert feed.contract.functions.submit(*signed).call() == 1
    beyond = replace(report, price=at_limit.price + side)
    signed = feed.sign_each({members[0]: report, members[1]: report, members[2]: beyond})
    refuse(reverts, feed, *signed, "ReportDeviates", account(members[2]).address, beyond.price, PRICE)


def test_submit__both_sides_far__names_the_lowest(reverts, feed: Publishers) -> None:
    members = feed.signer_order(PUBLISHERS[:3])
    report = feed.report()
    low, high = replace(report, price=1), replace(report, price=2**64 - 1)
    signed = feed.sign_each({members[0]: high, members[1]: report, members[2]: low})
    refuse(reverts, feed, *signed, "ReportDeviates", account(members[2]).address, 1, PRICE)


@pytest.mark.parametrize("side", [-1, 1])
def test_submit__large_move__needs_all_publishers(reverts, feed: Publishers, side: int) -> None:
    feed.observe()
    feed.chain.mine(feed.chain.now() + HOUR)
    at_limit = PRICE + side * PRICE // 10
    assert feed.contract.functions.submit(*feed.sign(feed.report(at_limit))).call() == 2
    refuse(reverts, feed, *feed.sign(feed.report(at_limit + side), 4), "MoveNeedsAllPublishers", 1001, 1000)
    assert feed.contract.functions.submit(*feed.sign(feed.report(at_limit + side), 5)).call() == 2


def test_submit__large_move_after_a_gap__needs_all_publishers(reverts, feed: Publishers) -> None:
    feed.observe()
    feed.chain.mine(feed.chain.now() + 30 * 24 * HOUR)
    refuse(reverts, feed, *feed.sign(feed.report(2 * PRICE)), "MoveNeedsAllPublishers", 10_000, 1000)


def test_submit__refused__nothing_changes(feed: Publishers) -> None:
    feed.observe()
    before = feed.contract.functions.latestRoundData().call()
    feed.chain.mine(feed.chain.now() + HOUR)
    reports, signatures = feed.sign(feed.report(2 * PRICE))
    transaction = feed.contract.functions.submit(reports, signatures)
    sent = transaction.transact({"from": feed.chain.address(0), "gas": 1_000_000})
    assert feed.chain.web3.eth.wait_for_transaction_receipt(sent)["status"] == 0
    assert feed.contract.functions.latestRoundData().call() == before


@pytest.mark.parametrize(("quorum", "members"), [(1, 1), (2, 3), (3, 5), (5, 5)])
def test_submit__gas__as_recorded(gas_snapshot, gas_chain: LocalChain, quorum: int, members: int) -> None:
    feed = deploy_feed(gas_chain, members=PUBLISHERS[:members], quorum=quorum, deployer=GAS_DEPLOYER)
    gas_snapshot(f"ObservationFeed.submit/first-of-slot-{quorum}-of-{members}", feed.observe(signers=quorum)["gasUsed"])
    gas_snapshot(f"ObservationFeed.submit/{quorum}-of-{members}", feed.observe(signers=quorum)["gasUsed"])


def test_submit__full_ring__gas_as_recorded(gas_snapshot, gas_chain: LocalChain) -> None:
    feed = deploy_feed(gas_chain, FeedLimits(min_interval=60), deployer=GAS_DEPLOYER)
    feed.history([PRICE] * 64, interval=60)
    feed.observe(signers=3)
    gas_snapshot("ObservationFeed.submit/3-of-5-full-ring", feed.observe(signers=3)["gasUsed"])


def test_report_digest__typed_data__as_wallets_compute_it(feed: Publishers) -> None:
    report = feed.report()
    assert feed.contract.functions.reportDigest(report.as_tuple()).call() == report_digest(feed.domain, report)
    field = "Report(uint64 roundId,uint64 observedAt,uint64 price,uint32 publisherSetVersion)"
    words = b"".join(v.to_bytes(32) for v in report.as_tuple())
    struct_hash = keccak(keccak(text=field) + words)
    assert feed.contract.functions.reportDigest(report.as_tuple()).call() == keccak(
        b"\x19\x01" + separator(feed.domain) + struct_hash
    )


def test_eip712_domain__read_from_chain__is_the_publishers(feed: Publishers) -> None:
    _, name, version, chain_id, address, _, _ = feed.contract.functions.eip712Domain().call()
    assert ReportDomain(chain_id, address, name, version) == feed.domain


def separator(domain: ReportDomain) -> bytes:
    kind = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    fields = (keccak(text=domain.name), keccak(text=domain.version))
    address = bytes.fromhex(domain.verifying_contract[2:]).rjust(32, b"\0")
    return keccak(keccak(text=kind) + b"".join(fields) + domain.chain_id.to_bytes(32) + address)
