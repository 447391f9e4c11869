"""Reports signed as EIP-712 typed data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi import encode
from eth_account import Account
from eth_utils import keccak

from oracle.domain.observations import Report, ReportDomain
from oracle.errors import InvalidInput
from oracle.market.publishers import assemble, report_digest, sign_report, sign_reports

DOMAIN = ReportDomain(31337, "0x" + "11" * 20)
REPORT = Report(7, 1_700_000_000, 4_200_000_000_000, 3)
KEYS = [bytes([i]) * 32 for i in range(1, 6)]


def test_report_digest__by_hand__equal() -> None:
    domain_type = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    separator = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [
                keccak(domain_type),
                keccak(text="Plumbline ObservationFeed"),
                keccak(text="1"),
                31337,
                DOMAIN.verifying_contract,
            ],
        )
    )
    report_type = b"Report(uint64 roundId,uint64 observedAt,uint64 price,uint32 publisherSetVersion)"
    struct = keccak(
        encode(["bytes32", "uint64", "uint64", "uint64", "uint32"], [keccak(report_type), *REPORT.as_tuple()])
    )
    assert report_digest(DOMAIN, REPORT) == keccak(b"\x19\x01" + separator + struct)


def test_sign_report__recovered__is_the_signer() -> None:
    signer, signature = sign_report(KEYS[0], DOMAIN, REPORT)
    assert len(signature) == 65
    assert Account._recover_hash(report_digest(DOMAIN, REPORT), signature=signature) == signer


def test_sign_reports__any_order_of_keys__rising_addresses() -> None:
    forward, backward = sign_reports(KEYS, DOMAIN, REPORT), sign_reports(KEYS[::-1], DOMAIN, REPORT)
    assert forward == backward
    digest = report_digest(DOMAIN, REPORT)
    signers = [int(Account._recover_hash(digest, signature=signature), 16) for signature in forward[1]]
    assert signers == sorted(signers)
    assert forward[0] == [REPORT] * 5


@pytest.mark.parametrize(
    "other",
    [replace(DOMAIN, chain_id=1), replace(DOMAIN, verifying_contract="0x" + "22" * 20), replace(DOMAIN, version="2")],
)
def test_report_digest__other_domain__differs(other: ReportDomain) -> None:
    assert report_digest(other, REPORT) != report_digest(DOMAIN, REPORT)


def test_assemble__prices_of_their_own__kept_with_their_signer() -> None:
    own = [replace(REPORT, price=REPORT.price + i) for i in range(3)]
    signed = [(*sign_report(key, DOMAIN, report), report) for key, report in zip(KEYS, own, strict=False)]
    reports, signatures = assemble(signed)
    for report, signature in zip(reports, signatures, strict=True):
        signer = Account._recover_hash(report_digest(DOMAIN, report), signature=signature)
        assert (signer, signature, report) in signed


def test_sign_reports__one_key_twice__invalid_input() -> None:
    with pytest.raises(InvalidInput, match="signs twice"):
        sign_reports([KEYS[0], KEYS[0]], DOMAIN, REPORT)


@pytest.mark.parametrize(
    ("report", "problem"),
    [
        (replace(REPORT, price=0), "price is zero"),
        (replace(REPORT, price=1 << 64), "price = 18446744073709551616 does not fit in uint64"),
        (replace(REPORT, round_id=-1), "roundId = -1"),
        (replace(REPORT, publisher_set_version=1 << 32), "publisherSetVersion"),
    ],
)
def test_sign_report__field_out_of_range__invalid_input(report: Report, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        sign_report(KEYS[0], DOMAIN, report)
