"""What a registered verifier may answer: one word, one, is a proof; whatever else it says or does is none."""

from __future__ import annotations

import pytest

from tests.support.inference import Inference, verifier_spec
from tests.support.local_chain import LocalChain

RETURN, REVERT = 0xF3, 0xFD
NO_PROOF = [
    pytest.param((0, 32, RETURN), id="zero"),
    pytest.param((2, 32, RETURN), id="two"),
    pytest.param((1, 0, RETURN), id="nothing"),
    pytest.param((1, 31, RETURN), id="short"),
    pytest.param((1, 64, RETURN), id="long"),
    pytest.param((1, 32, REVERT), id="reverts-with-one"),
    pytest.param((1, 0, REVERT), id="reverts"),
]


def answering(inference: Inference, word: int, size: int, end: int) -> int:
    """A model of one input and one output whose verifier ends every call with `size` bytes, the first word `word`."""
    chain = inference.chain
    code = bytes([0x60, word, 0x5F, 0x52, 0x60, size, 0x5F, end])  # mstore(0, word), end(0, size)
    creation = bytes([0x60, len(code), 0x80, 0x60, 0x09, 0x5F, 0x39, 0x5F, RETURN]) + code
    sent = chain.web3.eth.send_transaction({"from": chain.address(0), "data": creation})
    address = chain.web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]
    assert address is not None
    assert bytes(chain.web3.eth.get_code(address)) == code
    spec = verifier_spec(chain.web3, address, input_count=1, output_count=1)
    chain.send(inference.registry.functions.registerModelWithVerifier(inference.circuit.commitment, spec))
    return int(inference.registry.functions.modelCount().call())


def test_verify__verifier_that_says_one__is_a_proof(inference: Inference, chain: LocalChain) -> None:
    model = answering(inference, 1, 32, RETURN)
    outputs, _ = inference.verifier.functions.verifyInputs(model, inference.context(), [0], [2**13], b"").call()
    assert outputs == [10**18]
    batches = chain.deploy("BatchVerifier", inference.registry.address)
    commitment = batches.functions.batchCommitment(model, inference.context(), bytes(4)).call()
    arguments = (model, inference.context(), bytes(4), bytes(8), b"")
    assert batches.functions.verifyBatch(*arguments).call() == commitment


@pytest.mark.parametrize("answer", NO_PROOF)
def test_verify__verifier_that_says_anything_else__is_none(
    inference: Inference, chain: LocalChain, reverts, answer: tuple[int, int, int]
) -> None:
    model = answering(inference, *answer)
    with reverts("InvalidProof"):
        inference.verifier.functions.verifyInputs(model, inference.context(), [0], [0], b"").call()
    batches = chain.deploy("BatchVerifier", inference.registry.address)
    with reverts("InvalidBatchProof"):
        batches.functions.verifyBatch(model, inference.context(), bytes(4), bytes(8), b"").call()
