"""Publishers: local keys that sign reports for an observation feed, of prices or of vectors, as EIP-712 typed data."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils import keccak  # type: ignore[attr-defined]

from oracle.domain.observations import REPORT_FIELDS, VECTOR_REPORT_FIELDS, AnyReport, Report, ReportDomain
from oracle.errors import InvalidInput

_LIMITS: Final = {"uint64": (1 << 64) - 1, "uint32": (1 << 32) - 1}
_INT256_LIMIT: Final = 1 << 255

R = TypeVar("R", bound=AnyReport)


def typed_data(domain: ReportDomain, report: AnyReport) -> dict[str, Any]:
    """The report as EIP-712 JSON, as any wallet signs it. Raises InvalidInput for a field outside its type."""
    kind, fields = _shape(report)
    message = dict(zip((name for name, _ in fields), report.as_tuple(), strict=True))
    _check(fields, message)
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            kind: [{"name": name, "type": type_} for name, type_ in fields],
        },
        "primaryType": kind,
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": domain.verifying_contract,
        },
        # eth_account takes no tuple for an array
        "message": {name: list(value) if isinstance(value, tuple) else value for name, value in message.items()},
    }


def report_digest(domain: ReportDomain, report: AnyReport) -> bytes:
    """The 32 bytes that a publisher signs; twin of the feeds' reportDigest."""
    message = signable(domain, report)
    return bytes(keccak(b"\x19" + message.version + message.header + message.body))


def sign_report(key: str | bytes, domain: ReportDomain, report: AnyReport) -> tuple[str, bytes]:
    """The signer's address and its signature of 65 bytes (r, s, v)."""
    account = Account.from_key(key)
    signed = account.sign_message(signable(domain, report))
    return account.address, bytes(signed.signature)


def sign_reports(keys: Sequence[str | bytes], domain: ReportDomain, report: R) -> tuple[list[R], list[bytes]]:
    """The report once for each key and the signatures, in rising order of the signers' addresses as the feed demands.

    Raises InvalidInput when one key comes twice.
    """
    return assemble([(*sign_report(key, domain, report), report) for key in keys])


def assemble(signed: Sequence[tuple[str, bytes, R]]) -> tuple[list[R], list[bytes]]:
    """Reports and signatures of several publishers, (signer, signature, report) each, in the order the feed demands."""
    ordered = sorted(signed, key=lambda entry: int(entry[0], 16))
    signers = [signer.lower() for signer, _, _ in ordered]
    for before, after in itertools.pairwise(signers):
        if before == after:
            raise InvalidInput(f"the publisher {after} signs twice")
    return [report for _, _, report in ordered], [signature for _, signature, _ in ordered]


def signable(domain: ReportDomain, report: AnyReport) -> SignableMessage:
    """What a wallet signs."""
    return encode_typed_data(full_message=typed_data(domain, report))


def _shape(report: AnyReport) -> tuple[str, tuple[tuple[str, str], ...]]:
    return ("Report", REPORT_FIELDS) if isinstance(report, Report) else ("VectorReport", VECTOR_REPORT_FIELDS)


def _check(fields: Sequence[tuple[str, str]], message: dict[str, Any]) -> None:
    for name, kind in fields:
        value = message[name]
        fits = (
            all(-_INT256_LIMIT <= v < _INT256_LIMIT for v in value)
            if kind == "int256[]"
            else 0 <= value <= _LIMITS[kind]
        )
        if not fits:
            raise InvalidInput(f"{name} = {value} does not fit in {kind}")
    if message.get("price") == 0:
        raise InvalidInput("a report's price is zero")
