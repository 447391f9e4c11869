"""verifyInputs: the typed entry for contracts that computed the inputs themselves."""

from __future__ import annotations

import pytest

from oracle.constants import BN254_SCALAR_FIELD as P
from oracle.units import felt_from_int
from tests.support.inference import NONCE, OBSERVED_AT, Inference
from tests.support.local_chain import LocalChain
from tests.support.tiny_circuit import SCALE_BITS, TinyProof

S = 2**SCALE_BITS


def verify(inference: Inference, proof: TinyProof, **changed):
    """verifyInputs of `proof` with arguments replaced."""
    values = {
        "model_id": inference.model_id,
        "context": inference.context(),
        "inputs": proof.signed_inputs,
        "outputs": proof.outputs,
        "zk_proof": proof.zk_proof,
    } | changed
    return inference.verifier.functions.verifyInputs(*values.values()).call()


def test_verify_inputs__true_proof__returns_outputs_as_wad_and_the_commitment(inference, tiny_proof):
    outputs, commitment = verify(inference, tiny_proof)
    assert outputs == [55 * 10**17, -225 * 10**16]
    assert commitment == inference.commitment(tiny_proof)


def test_verify_inputs__a_second_proof_of_one_witness__gives_the_same(inference, circuit, tiny_proof):
    second = circuit.prove_anew([1.0, 2.0, -3.5])
    assert second.zk_proof != tiny_proof.zk_proof
    assert verify(inference, second) == verify(inference, tiny_proof)


@pytest.mark.parametrize(
    "context", [(1, OBSERVED_AT + 1, NONCE), (1, OBSERVED_AT, bytes(32)), (1, 0, NONCE), (1, 2**64 - 1, b"\xff" * 32)]
)
def test_verify_inputs__other_context__other_commitment(inference, tiny_proof, context):
    _, commitment = verify(inference, tiny_proof, context=context)
    assert commitment == inference.commitment(tiny_proof, context)
    assert commitment != inference.commitment(tiny_proof)


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("change", [1, -1, S])
def test_verify_inputs__other_input__invalid_proof(inference, tiny_proof, reverts, index, change):
    inputs = tiny_proof.signed_inputs
    inputs[index] += change
    with reverts("InvalidProof"):
        verify(inference, tiny_proof, inputs=inputs)


@pytest.mark.parametrize("inputs", [[], [1], [1, 2], [1, 2, 3, 4]])
def test_verify_inputs__wrong_number_of_inputs__says_how_many(inference, tiny_proof, reverts, inputs):
    with reverts("InstanceCountMismatch", len(inputs), 3):
        verify(inference, tiny_proof, inputs=inputs)


@pytest.mark.parametrize("outputs", [[], [1], [1, 2, 3]])
def test_verify_inputs__wrong_number_of_outputs__says_how_many(inference, tiny_proof, reverts, outputs):
    with reverts("InstanceCountMismatch", len(outputs), 2):
        verify(inference, tiny_proof, outputs=outputs)


@pytest.mark.parametrize("value", [2**63, -(2**63), 2**255 - 1, -(2**255), P, -P])
def test_verify_inputs__input_of_2_to_the_63__out_of_range(inference, tiny_proof, reverts, value):
    inputs = tiny_proof.signed_inputs
    inputs[1] = value
    with reverts("ValueOutOfRange", 1, value % P):
        verify(inference, tiny_proof, inputs=inputs)


@pytest.mark.parametrize("value", [2**63 - 1, 1 - 2**63])
def test_verify_inputs__largest_input__is_only_unproven(inference, tiny_proof, reverts, value):
    inputs = tiny_proof.signed_inputs
    inputs[1] = value
    with reverts("InvalidProof"):
        verify(inference, tiny_proof, inputs=inputs)


@pytest.mark.parametrize("felt", [P, P + 1, 2**256 - 1])
def test_verify_inputs__output_outside_the_field__is_named(inference, tiny_proof, reverts, felt):
    with reverts("InstanceNotInField", 1, felt):
        verify(inference, tiny_proof, outputs=[tiny_proof.outputs[0], felt])


@pytest.mark.parametrize("felt", [2**63, P - 2**63, P // 2, P // 2 + 1])
def test_verify_inputs__output_of_2_to_the_63__out_of_range(inference, tiny_proof, reverts, felt):
    with reverts("ValueOutOfRange", 0, felt):
        verify(inference, tiny_proof, outputs=[felt, tiny_proof.outputs[1]])


@pytest.mark.parametrize("value", [0, 1, -1, 2**63 - 1, 1 - 2**63])
def test_verify_inputs__other_output__invalid_proof(inference, tiny_proof, reverts, value):
    with reverts("InvalidProof"):
        verify(inference, tiny_proof, outputs=[tiny_proof.outputs[0], felt_from_int(value)])


def test_verify_inputs__unknown_model__not_found(inference, tiny_proof, reverts):
    with reverts("ModelNotFound", 2**200):
        verify(inference, tiny_proof, model_id=2**200)


def test_verify_inputs__unknown_version__not_found(inference, tiny_proof, reverts):
    with reverts("VersionNotFound", 1, 2):
        verify(inference, tiny_proof, context=inference.context(version=2))


def test_verify_inputs__deprecated_model__refused(inference, tiny_proof, chain: LocalChain, reverts):
    chain.send(inference.registry.functions.deprecateModel(1))
    with reverts("ModelIsDeprecated", 1):
        verify(inference, tiny_proof)


@pytest.mark.parametrize("zk_proof", [b"", b"\x00", b"\x00" * 3136], ids=["empty", "one-byte", "zeros"])
def test_verify_inputs__no_proof__invalid_proof(inference, tiny_proof, reverts, zk_proof):
    with reverts("InvalidProof"):
        verify(inference, tiny_proof, zk_proof=zk_proof)


def test_verify_inputs__proof_of_other_inputs__invalid_proof(inference, circuit, tiny_proof, reverts):
    with reverts("InvalidProof"):
        verify(inference, tiny_proof, zk_proof=circuit.prove([0.5, 0.5, 0.5]).zk_proof)
