"""The registry and the verifier through the product's own client: what it encodes is what the contracts accept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.chain import reverts
from oracle.chain.models import (
    InferenceContext,
    InferenceVerifier,
    ModelRegistry,
    ModelStatus,
    VerifierSpec,
    decode_outputs,
    encode_outputs,
)
from oracle.errors import InvalidInput, ProofRejected, ValueOutOfRange
from oracle.units import WAD, felt_from_int
from tests.support.local_chain import LocalChain
from tests.support.market import Market

INPUTS = [(-1) ** i * i * 50 for i in range(32)] + [5_000, 410, 819, 6_963, 8_000, 300]
CONTEXT = InferenceContext(1, 1_700_000_000, bytes.fromhex("5a" * 32))
SPEC = VerifierSpec("0x" + "11" * 20, bytes(32), 2, 2, bytes([13]), bytes([1, 2]))


@pytest.fixture
def verifier(market: Market, chain: LocalChain) -> InferenceVerifier:
    return InferenceVerifier(market.client, market.deployer.deployment.inference_verifier)


def test_registry__deployed_model__read_back(market: Market, verifier: InferenceVerifier) -> None:
    registry = verifier.registry()
    record = market.deployer.deployment.model(market.circuit.circuit_id)
    version = registry.version(1, 1)
    assert (registry.count(), registry.current_version(1), registry.latest_version(1)) == (1, 1, 1)
    assert version.status is ModelStatus.ACTIVE
    assert "0x" + version.commitment.vk_hash.hex() == market.circuit.vk_hash == record.vk_hash
    assert registry.verifier_of(1, 1) == version.spec
    assert registry.owner(1) == market.deployer.deployment.deployer


def test_registry__unknown_model_or_version__reverts(verifier: InferenceVerifier) -> None:
    registry: ModelRegistry = verifier.registry()
    with pytest.raises(reverts.ModelNotFound):
        registry.owner(7)
    with pytest.raises(reverts.VersionNotFound):
        registry.version(1, 7)


def test_verify_and_store__true_proof__stored_under_the_predicted_id(
    market: Market, verifier: InferenceVerifier
) -> None:
    spec = verifier.registry().verifier_of(1, 1)
    proof = market.circuit.prove(INPUTS)
    inference = verifier.inference(1, spec, CONTEXT, proof.instances, proof.zk_proof)
    market.operator.transact("store", verifier.verify_and_store(inference))
    assert verifier.stored(inference.inference_id) == (1, inference.input_commitment, [5_000 * WAD >> 13])


def test_verify__other_context__commitment_mismatch(market: Market, verifier: InferenceVerifier) -> None:
    spec = verifier.registry().verifier_of(1, 1)
    proof = market.circuit.prove(INPUTS)
    inference = verifier.inference(1, spec, CONTEXT, proof.instances, proof.zk_proof)
    other = verifier.inference(1, spec, replace(CONTEXT, nonce=bytes(32)), proof.instances, proof.zk_proof)
    market.client.call(verifier.verify(inference))
    with pytest.raises(reverts.InputCommitmentMismatch):
        market.client.call(verifier.verify(replace(inference, proof=other.proof)))


def test_inference__too_few_instances__proof_rejected(verifier: InferenceVerifier) -> None:
    with pytest.raises(ProofRejected):
        verifier.inference(1, SPEC, CONTEXT, [1, 2, 3], b"")


def test_stored__unknown__reverts(verifier: InferenceVerifier) -> None:
    with pytest.raises(reverts.InferenceNotFound):
        verifier.stored(bytes(32))


def test_outputs_wad__scale_for_each__decoded() -> None:
    assert SPEC.outputs_wad([felt_from_int(-1), 3]) == [-WAD // 2, 3 * WAD // 4]


def test_outputs_wad__too_large_or_too_few__refused() -> None:
    with pytest.raises(ValueOutOfRange):
        SPEC.outputs_wad([1 << 63, 0])
    with pytest.raises(ProofRejected):
        SPEC.outputs_wad([1])


def test_decode_outputs__encoded__the_same() -> None:
    assert decode_outputs(encode_outputs([1, -2, 3])) == [1, -2, 3]


@pytest.mark.parametrize("output", [b"", bytes(32), encode_outputs([1]) + bytes(32), encode_outputs([1])[:-32]])
def test_decode_outputs__not_an_array__invalid_input(output: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_outputs(output)
