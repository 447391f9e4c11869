"""Publishers: local keys that sign reports for an ObservationFeed as EIP-712 typed data."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils import keccak  # type: ignore[attr-defined]

from oracle.domain.observations import REPORT_FIELDS, Report, ReportDomain
from oracle.errors import InvalidInput

_UINT64_MAX: Final = (1 << 64) - 1
_UINT32_MAX: Final = (1 << 32) - 1


def typed_data(domain: ReportDomain, report: Report) -> dict[str, Any]:
    """The report as EIP-712 JSON, as any wallet signs it. Raises InvalidInput for a field outside its type."""
    _check(report)
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Report": [{"name": name, "type": kind} for name, kind in REPORT_FIELDS],
        },
        "primaryType": "Report",
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": domain.verifying_contract,
        },
        "message": dict(zip((name for name, _ in REPORT_FIELDS), report.as_tuple(), strict=True)),
    }


def report_digest(domain: ReportDomain, report: Report) -> bytes:
    """The 32 bytes that a publisher signs; twin of IObservationFeed.reportDigest."""
    message = _signable(domain, report)
    return bytes(keccak(b"\x19" + message.version + message.header + message.body))


def sign_report(key: str | bytes, domain: ReportDomain, report: Report) -> tuple[str, bytes]:
    """The signer's address and its signature of 65 bytes (r, s, v)."""
    account = Account.from_key(key)
    signed = account.sign_message(_signable(domain, report))
    return account.address, bytes(signed.signature)


def sign_reports(keys: Sequence[str | bytes], domain: ReportDomain, report: Report) -> tuple[list[Report], list[bytes]]:
    """The report once for each key and the signatures, in rising order of the signers' addresses as the feed demands.

    Raises InvalidInput when one key comes twice.
    """
    return assemble([(*sign_report(key, domain, report), report) for key in keys])


def assemble(signed: Sequence[tuple[str, bytes, Report]]) -> tuple[list[Report], list[bytes]]:
    """Reports and signatures of several publishers, (signer, signature, report) each, in the order the feed demands."""
    ordered = sorted(signed, key=lambda entry: int(entry[0], 16))
    signers = [signer.lower() for signer, _, _ in ordered]
    for before, after in itertools.pairwise(signers):
        if before == after:
            raise InvalidInput(f"the publisher {after} signs twice")
    return [report for _, _, report in ordered], [signature for _, signature, _ in ordered]


def _signable(domain: ReportDomain, report: Report) -> SignableMessage:
    return encode_typed_data(full_message=typed_data(domain, report))


def _check(report: Report) -> None:
    limits = (_UINT64_MAX, _UINT64_MAX, _UINT64_MAX, _UINT32_MAX)
    for (name, kind), value, limit in zip(REPORT_FIELDS, report.as_tuple(), limits, strict=True):
        if not 0 <= value <= limit:
            raise InvalidInput(f"{name} = {value} does not fit in {kind}")
    if report.price == 0:
        raise InvalidInput("a report's price is zero")
