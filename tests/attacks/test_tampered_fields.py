"""One field of a true claim changed at a time, with the exact error: proof, instances, commitment, model, domain.

Each also changes together with everything that an attacker can recompute: then only the proof is left to refuse it.
"""

from __future__ import annotations

import pytest
from eth_abi import encode

from oracle.constants import BN254_SCALAR_FIELD as P
from oracle.units import int_from_felt, wad_from_scaled
from tests.support.inference import (
    NONCE,
    OBSERVED_AT,
    Claim,
    Inference,
    deploy_artifact,
    encode_output,
    encode_proof,
    verifier_spec,
)
from tests.support.tiny_circuit import SCALE_BITS, TinyProof

INPUTS, OUTPUTS = range(3), range(3, 5)


def verify(inference: Inference, claim: Claim) -> None:
    """Simulates verifyInference."""
    inference.verifier.functions.verifyInference(*claim.arguments).call()


def with_instances(inference: Inference, proof: TinyProof, instances: list[int], **changed) -> Claim:
    """The true claim with other instances in its proof argument."""
    argument = encode_proof(proof.zk_proof, instances, inference.context())
    return inference.claim(proof, proof=argument, **changed)


def other(instances: tuple[int, ...], index: int, value: int) -> list[int]:
    """The instances with one replaced."""
    return [value if i == index else felt for i, felt in enumerate(instances)]


def test_untampered__claim__passes(inference, tiny_proof):
    verify(inference, inference.claim(tiny_proof))


@pytest.mark.parametrize("index", INPUTS)
def test_attack_01_tampered_input_instance__commitment_kept__input_commitment_mismatch(
    inference, tiny_proof, reverts, index
):
    changed = other(tiny_proof.instances, index, tiny_proof.instances[index] + 1)
    with reverts("InputCommitmentMismatch"):
        verify(inference, with_instances(inference, tiny_proof, changed))


@pytest.mark.parametrize("index", INPUTS)
def test_attack_01_tampered_input_instance__commitment_recomputed__invalid_proof(inference, tiny_proof, reverts, index):
    changed = other(tiny_proof.instances, index, tiny_proof.instances[index] + 1)
    commitment = inference.commitment(tiny_proof, input_instances=changed[:3])
    with reverts("InvalidProof"):
        verify(inference, with_instances(inference, tiny_proof, changed, commitment=commitment))


@pytest.mark.parametrize("index", OUTPUTS)
def test_attack_12_tampered_output_instance__output_kept__output_mismatch(inference, tiny_proof, reverts, index):
    changed = other(tiny_proof.instances, index, tiny_proof.instances[index] + 1)
    with reverts("OutputMismatch"):
        verify(inference, with_instances(inference, tiny_proof, changed))


@pytest.mark.parametrize("index", OUTPUTS)
def test_attack_12_tampered_output_instance__output_recomputed__invalid_proof(inference, tiny_proof, reverts, index):
    changed = other(tiny_proof.instances, index, tiny_proof.instances[index] + 1)
    with reverts("InvalidProof"):
        verify(inference, with_instances(inference, tiny_proof, changed, output=encode_output(changed[3:])))


@pytest.mark.parametrize("change", [1, -1, 10**18])
@pytest.mark.parametrize("index", [0, 1])
def test_attack_12_tampered_output__output_mismatch(inference, tiny_proof, reverts, index, change):
    values = [wad_from_scaled(int_from_felt(felt), SCALE_BITS) for felt in tiny_proof.outputs]
    values[index] += change
    with reverts("OutputMismatch"):
        verify(inference, inference.claim(tiny_proof, output=encode(["int256[]"], [values])))


@pytest.mark.parametrize("bit", [0, 7, 100, 255])
def test_attack_01_tampered_commitment__input_commitment_mismatch(inference, tiny_proof, reverts, bit):
    flipped = (int.from_bytes(inference.commitment(tiny_proof), "big") ^ 1 << bit).to_bytes(32, "big")
    with reverts("InputCommitmentMismatch"):
        verify(inference, inference.claim(tiny_proof, commitment=flipped))


@pytest.mark.parametrize(
    "context",
    [(1, OBSERVED_AT + 1, NONCE), (1, OBSERVED_AT - 1, NONCE), (1, OBSERVED_AT, NONCE[:-1] + b"\x00")],
    ids=["observedAt+1", "observedAt-1", "nonce"],
)
def test_attack_08_tampered_context__input_commitment_mismatch(inference, tiny_proof, reverts, context):
    argument = encode_proof(tiny_proof.zk_proof, list(tiny_proof.instances), context)
    with reverts("InputCommitmentMismatch"):
        verify(inference, inference.claim(tiny_proof, proof=argument))


@pytest.mark.parametrize("version", [0, 2, 2**32 - 1])
def test_attack_26_tampered_version__model_mismatch(inference, tiny_proof, reverts, version):
    with reverts("ModelMismatch"):
        verify(inference, inference.claim(tiny_proof, context=(version, OBSERVED_AT, NONCE)))


@pytest.mark.parametrize(
    "domain",
    [{"chain_id": 1}, {"chain_id": 31338}, {"verifier": "0x" + "11" * 20}, {"version": 2}, {"model_id": 2}],
    ids=str,
)
def test_attack_09_tampered_domain__input_commitment_mismatch(inference, tiny_proof, reverts, domain):
    commitment = inference.commitment(tiny_proof, **domain)
    with reverts("InputCommitmentMismatch"):
        verify(inference, inference.claim(tiny_proof, commitment=commitment))


@pytest.fixture(scope="module")
def other_model(inference, other_circuit) -> int:
    """A second model of the same shape with other weights."""
    halo2 = deploy_artifact(inference.chain, other_circuit.verifier)
    spec = verifier_spec(inference.chain.web3, halo2.address)
    inference.chain.send(inference.registry.functions.registerModelWithVerifier(other_circuit.commitment, spec))
    model_id: int = inference.registry.functions.modelCount().call()
    return model_id


def test_attack_09_tampered_model_id__commitment_kept__input_commitment_mismatch(
    inference, tiny_proof, reverts, other_model
):
    with reverts("InputCommitmentMismatch"):
        verify(inference, inference.claim(tiny_proof, model_id=other_model))


def test_attack_09_tampered_model_id__commitment_recomputed__invalid_proof(inference, tiny_proof, reverts, other_model):
    commitment = inference.commitment(tiny_proof, model_id=other_model)
    with reverts("InvalidProof"):
        verify(inference, inference.claim(tiny_proof, model_id=other_model, commitment=commitment))


def test_attack_09_tampered_model_id__that_never_was__model_not_found(inference, tiny_proof, reverts):
    with reverts("ModelNotFound", 2**200):
        verify(inference, inference.claim(tiny_proof, model_id=2**200))


def test_attack_24_tampered_proof__one_bit_of_every_word__invalid_proof(inference, tiny_proof, reverts):
    for word in range(len(tiny_proof.zk_proof) // 32):
        flipped = bytearray(tiny_proof.zk_proof)
        flipped[32 * word + 31 - word % 32] ^= 1 << word % 8
        argument = encode_proof(bytes(flipped), list(tiny_proof.instances), inference.context())
        with reverts("InvalidProof"):
            verify(inference, inference.claim(tiny_proof, proof=argument))


@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize("times", [1, 2, 4])
def test_attack_05_field_aliasing_of_every_instance(inference, tiny_proof, reverts, index, times):
    """n + p is the same field element: accepted anywhere, it would be a second encoding of one inference."""
    aliased = tiny_proof.instances[index] + times * P
    changed = other(tiny_proof.instances, index, aliased)
    place = index if index < 3 else index - 3
    with reverts("InstanceNotInField", place, aliased):
        verify(inference, with_instances(inference, tiny_proof, changed))


@pytest.mark.parametrize("index", range(5))
def test_attack_05_field_aliasing_in_the_generated_verifier_itself(inference, tiny_proof, reverts, index):
    changed = other(tiny_proof.instances, index, tiny_proof.instances[index] + P)
    with reverts(""):
        inference.halo2.functions.verifyProof(tiny_proof.zk_proof, changed).call()
