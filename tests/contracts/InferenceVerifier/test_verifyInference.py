"""verifyInference: ERC-7992's entry. True claims pass; the lies are in tests/attacks."""

from __future__ import annotations

import pytest

from tests.support.inference import Inference, encode_output, encode_proof
from tests.support.local_chain import LocalChain
from tests.support.tiny_circuit import TinyProof


def send(inference: Inference, claim, sender: int = 11):
    """The events of a verifyInference transaction by a stranger."""
    call = inference.verifier.functions.verifyInference(*claim.arguments)
    receipt = inference.chain.send(call, inference.chain.address(sender))
    return inference.verifier.events.InferenceVerified().process_receipt(receipt)


def test_verify_inference__true_claim__emits_and_anyone_may(inference, tiny_proof):
    claim = inference.claim(tiny_proof)
    (event,) = send(inference, claim)
    assert dict(event["args"]) == {
        "modelId": 1,
        "inputCommitment": claim.commitment,
        "output": claim.output,
        "caller": inference.chain.address(11),
    }


def test_verify_inference__twice__is_stateless(inference, tiny_proof):
    claim = inference.claim(tiny_proof)
    assert len(send(inference, claim)) == len(send(inference, claim)) == 1


def test_verify_inference__the_twin_of_the_commitment__is_the_contracts_own(inference, tiny_proof):
    read = inference.verifier.functions.inputCommitment
    assert read(1, inference.context(), tiny_proof.inputs).call() == inference.commitment(tiny_proof)


@pytest.mark.parametrize("cut", [0, 1, 31, 32, 64, 160, 192, 193, 1000, -1, -32])
def test_verify_inference__truncated_encoding__invalid_proof(inference, tiny_proof, reverts, cut):
    proof = inference.claim(tiny_proof).proof[:cut]
    with reverts("InvalidProof"):
        send(inference, inference.claim(tiny_proof, proof=proof))


@pytest.mark.parametrize("tail", [b"\x00", b"\x00" * 32, b"\xff" * 7])
def test_verify_inference__trailing_bytes__invalid_proof(inference, tiny_proof, reverts, tail):
    with reverts("InvalidProof"):
        send(inference, inference.claim(tiny_proof, proof=inference.claim(tiny_proof).proof + tail))


@pytest.mark.parametrize("word", [0, 1], ids=["offset-of-proof", "offset-of-instances"])
def test_verify_inference__same_values_in_another_layout__invalid_proof(inference, tiny_proof, reverts, word):
    """The moved array is a true copy at the end: it decodes, but it is not the one encoding."""
    proof = inference.claim(tiny_proof).proof
    start = int.from_bytes(proof[32 * word : 32 * word + 32], "big")
    moved = bytearray(proof + proof[start:])
    moved[32 * word : 32 * word + 32] = len(proof).to_bytes(32, "big")
    with reverts("InvalidProof"):
        send(inference, inference.claim(tiny_proof, proof=bytes(moved)))


def test_verify_inference__dirty_version__invalid_proof(inference, tiny_proof, reverts):
    proof = bytearray(inference.claim(tiny_proof).proof)
    proof[64] = 1  # above the 32 bits of the version
    with reverts("InvalidProof"):
        send(inference, inference.claim(tiny_proof, proof=bytes(proof)))


@pytest.mark.parametrize("count", [0, 4, 6])
def test_verify_inference__wrong_number_of_instances__says_how_many(inference, tiny_proof, reverts, count):
    instances = [*tiny_proof.instances, 0][:count]
    proof = encode_proof(tiny_proof.zk_proof, instances, inference.context())
    with reverts("InstanceCountMismatch", count, 5):
        send(inference, inference.claim(tiny_proof, proof=proof))


@pytest.mark.parametrize("output", [b"", b"\x00" * 31, b"\x00" * 64], ids=["empty", "short", "no-values"])
def test_verify_inference__malformed_output__mismatch(inference, tiny_proof, reverts, output):
    with reverts("OutputMismatch"):
        send(inference, inference.claim(tiny_proof, output=output))


def test_verify_inference__output_with_a_tail__mismatch(inference, tiny_proof, reverts):
    with reverts("OutputMismatch"):
        send(inference, inference.claim(tiny_proof, output=encode_output(tiny_proof.outputs) + b"\x00"))


def test_verify_inference__unknown_model__not_found(inference, tiny_proof, reverts):
    with reverts("ModelNotFound", 2**200):
        send(inference, inference.claim(tiny_proof, model_id=2**200))


def test_verify_inference__deprecated__refused(inference, tiny_proof: TinyProof, chain: LocalChain, reverts):
    chain.send(inference.registry.functions.deprecateModel(1))
    with reverts("VerificationRefused_ModelDeprecated", 1):
        send(inference, inference.claim(tiny_proof))


def test_verify_inference__superseded__mismatch_but_the_typed_entry_serves(inference, tiny_proof, spec, reverts):
    model_hash, *rest = inference.circuit.commitment
    for call in (
        inference.registry.functions.updateModel(1, (model_hash[::-1], *rest)),
        inference.registry.functions.bindVerifier(1, spec),
        inference.registry.functions.activate(1),
    ):
        inference.chain.send(call)
    with reverts("ModelMismatch"):
        send(inference, inference.claim(tiny_proof))
    send(inference, inference.claim(tiny_proof, context=inference.context(version=2)))
    arguments = (1, inference.context(), tiny_proof.signed_inputs, tiny_proof.outputs, tiny_proof.zk_proof)
    inference.verifier.functions.verifyInputs(*arguments).call()
