"""verifyAndStoreInference and getInference: ERC-7992's storage extension."""

from __future__ import annotations

from eth_utils.crypto import keccak
from web3.logs import DISCARD


def inference_id(claim) -> bytes:
    """keccak256(abi.encodePacked(modelId, inputCommitment, output))."""
    return keccak(claim.model_id.to_bytes(32, "big") + claim.commitment + claim.output)


def test_verify_and_store__true_claim__can_be_read_again(inference, tiny_proof):
    claim = inference.claim(tiny_proof)
    call = inference.verifier.functions.verifyAndStoreInference(*claim.arguments)
    assert call.call() == inference_id(claim)
    receipt = inference.chain.send(call)
    (stored,) = inference.verifier.events.InferenceStored().process_receipt(receipt, errors=DISCARD)
    (verified,) = inference.verifier.events.InferenceVerified().process_receipt(receipt, errors=DISCARD)
    assert stored["args"]["inferenceId"] == inference_id(claim)
    assert verified["args"]["caller"] == inference.chain.address(0)
    read = inference.verifier.functions.getInference(inference_id(claim)).call()
    assert read == [1, claim.commitment, claim.output]


def test_verify_and_store__again__emits_no_second_time(inference, tiny_proof):
    call = inference.verifier.functions.verifyAndStoreInference(*inference.claim(tiny_proof).arguments)
    inference.chain.send(call)
    receipt = inference.chain.send(call)
    assert inference.verifier.events.InferenceStored().process_receipt(receipt, errors=DISCARD) == ()


def test_verify_and_store__false_claim__stores_nothing(inference, tiny_proof, reverts):
    claim = inference.claim(tiny_proof, output=b"\x01")
    with reverts("OutputMismatch"):
        inference.chain.send(inference.verifier.functions.verifyAndStoreInference(*claim.arguments))
    with reverts("InferenceNotFound", inference_id(claim)):
        inference.verifier.functions.getInference(inference_id(claim)).call()


def test_get_inference__never_stored__not_found(inference, reverts):
    with reverts("InferenceNotFound", b"\x01" * 32):
        inference.verifier.functions.getInference(b"\x01" * 32).call()
