"""The hashes against figures made with another tool, cast abi-encode and cast keccak."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from oracle.constants import BN254_SCALAR_FIELD as P
from oracle.domain.commitments import (
    ProvenRound,
    feed_nonce,
    feed_root,
    feed_root_zero,
    input_commitment,
    proof_hash,
)
from oracle.errors import FieldElementError

FEED = "0x00000000000000000000000000000000000000aA"
VERIFIER = "0x00000000000000000000000000000000000000bB"
CHAIN_ID = 31337
NONCE = bytes.fromhex("5b9925b8a1a5c3733996b86cc00f6c6d7eade4bebc6af85c2e8297d39efc4157")
COMMITMENT = bytes.fromhex("b5900ce58593eb1a6077113ac02e81d3e6ebc8a986cbb7fc9739ed8b8950ebd8")
ROOT_0 = bytes.fromhex("5fc241f29ac7d483096aa20e5ed27548a77ccf375063b2af9eac720cdb632c01")
ROOT_1 = bytes.fromhex("a6ce2f67bcc35fc599a72e1d43a5628d12cf619d011d02e61e0600493412701f")


def test_feed_nonce__known_feed_and_round__as_cast() -> None:
    assert feed_nonce(FEED, 3) == NONCE


def test_input_commitment__known_domain__as_cast() -> None:
    assert input_commitment(CHAIN_ID, VERIFIER, 4, 2, NONCE, 1_700_000_000, [5, 7]) == COMMITMENT


@pytest.mark.parametrize(
    "changed",
    [
        (1, VERIFIER, 4, 2, NONCE, 1_700_000_000, [5, 7]),
        (CHAIN_ID, FEED, 4, 2, NONCE, 1_700_000_000, [5, 7]),
        (CHAIN_ID, VERIFIER, 5, 2, NONCE, 1_700_000_000, [5, 7]),
        (CHAIN_ID, VERIFIER, 4, 3, NONCE, 1_700_000_000, [5, 7]),
        (CHAIN_ID, VERIFIER, 4, 2, bytes(32), 1_700_000_000, [5, 7]),
        (CHAIN_ID, VERIFIER, 4, 2, NONCE, 1_700_000_001, [5, 7]),
        (CHAIN_ID, VERIFIER, 4, 2, NONCE, 1_700_000_000, [7, 5]),
        (CHAIN_ID, VERIFIER, 4, 2, NONCE, 1_700_000_000, [5, 7, 0]),
    ],
)
def test_input_commitment__any_part_changed__another(changed) -> None:
    assert input_commitment(*changed) != COMMITMENT


@pytest.mark.parametrize("felt", [-1, P, 2**256])
def test_input_commitment__outside_the_field__refused(felt: int) -> None:
    with pytest.raises(FieldElementError):
        input_commitment(CHAIN_ID, VERIFIER, 4, 2, NONCE, 0, [0, felt])


def test_feed_root__first_round_with_a_negative_answer__as_cast() -> None:
    proven = ProvenRound(1, 4, 2, b"\x11" * 32, 40, 1_700_000_000, -5, 6, b"\x22" * 32)
    assert feed_root_zero(CHAIN_ID, FEED) == ROOT_0
    assert feed_root(ROOT_0, proven) == ROOT_1


def test_proof_hash__bytes__keccak() -> None:
    assert proof_hash(b"proof") == keccak(b"proof")
