"""Twins of the hashes that contracts/verification and contracts/feeds compute, to verify a round off chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.constants import BN254_SCALAR_FIELD, FEED_ROOT_TAG_TEXT, INPUT_COMMITMENT_TAG_TEXT
from oracle.errors import FieldElementError

_COMMITMENT_TYPES = ("bytes32", "uint256", "address", "uint256", "uint32", "bytes32", "uint64", "bytes32")
_ROOT_TYPES = ("bytes32", "uint80", "uint256", "uint32", "bytes32", "uint64", "uint64", "int256", "int256", "bytes32")


@dataclass(frozen=True, slots=True)
class ProvenRound:
    """What one round adds to a feed's hash chain, as the event RoundProven tells it. Answers at the feed's decimals."""

    round_id: int
    model_id: int
    version: int
    input_commitment: bytes
    observation_round: int
    observed_at: int
    proven_answer: int
    answer: int
    proof_hash: bytes


def input_commitment(  # noqa: PLR0917 - the order in which the contract hashes them
    chain_id: int,
    verifier: str,
    model_id: int,
    version: int,
    nonce: bytes,
    observed_at: int,
    input_instances: Sequence[int],
) -> bytes:
    """The 32-byte commitment to a model's inputs (field elements) in one domain.

    Raises FieldElementError for an instance outside the field. Twin of InferenceVerifier.inputCommitment.
    """
    for felt in input_instances:
        if not 0 <= felt < BN254_SCALAR_FIELD:
            raise FieldElementError(felt)
    inputs_hash = keccak(b"".join(felt.to_bytes(32, "big") for felt in input_instances))
    tag = keccak(text=INPUT_COMMITMENT_TAG_TEXT)
    values = (tag, chain_id, verifier, model_id, version, nonce, observed_at, inputs_hash)
    return bytes(keccak(encode(_COMMITMENT_TYPES, values)))


def feed_nonce(feed: str, round_id: int) -> bytes:
    """The nonce of a feed's round, 32 bytes. Twin of RiskFeed's."""
    return bytes(keccak(encode(("address", "uint80"), (feed, round_id))))


def feed_root_zero(chain_id: int, feed: str) -> bytes:
    """The head of a feed's hash chain before its first round."""
    tag = keccak(text=FEED_ROOT_TAG_TEXT)
    return bytes(keccak(encode(("bytes32", "uint256", "address"), (tag, chain_id, feed))))


def feed_root(previous: bytes, proven: ProvenRound) -> bytes:
    """The head of a feed's hash chain after `proven`. Twin of IRiskFeed.root."""
    values = (
        previous,
        proven.round_id,
        proven.model_id,
        proven.version,
        proven.input_commitment,
        proven.observation_round,
        proven.observed_at,
        proven.proven_answer,
        proven.answer,
        proven.proof_hash,
    )
    return bytes(keccak(encode(_ROOT_TYPES, values)))


def proof_hash(zk_proof: bytes) -> bytes:
    """The hash under which a proof enters the chain of roots."""
    return bytes(keccak(zk_proof))
