"""What a registered verifier may answer: one word, one, is a proof; whatever else it says or does is none."""

from __future__ import annotations

import pytest
from eth_abi import encode

from oracle.constants import BN254_SCALAR_FIELD as P
from oracle.domain.commitments import input_commitment
from tests.support.inference import Inference, deploy_bytecode, returning, verifier_spec
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
    store = bytes([0x60, word, 0x5F, 0x52])  # at 0
    address = deploy_bytecode(chain, store + bytes([0x60, size, 0x5F, end]))
    spec = verifier_spec(chain.web3, address, input_count=1, output_count=1)
    chain.send(inference.registry.functions.registerModelWithVerifier(inference.circuit.commitment, spec))
    return int(inference.registry.functions.modelCount().call())


def test_verify__verifier_that_says_one__is_a_proof(inference: Inference, chain: LocalChain) -> None:
    model = answering(inference, 1, 32, RETURN)
    verifier, context = inference.verifier, inference.context()
    for value, felt in ((0, 0), (1, 1), (-1, P - 1), (1 - 2**63, P + 1 - 2**63)):
        outputs, commitment = verifier.functions.verifyInputs(model, context, [value], [2**13], b"").call()
        assert outputs == [10**18]
        version, observed_at, nonce = context
        assert commitment == input_commitment(
            chain.web3.eth.chain_id, verifier.address, model, version, nonce, observed_at, [felt]
        )
    batches = chain.deploy("BatchVerifier", inference.registry.address)
    commitment = batches.functions.batchCommitment(model, context, bytes(4)).call()
    arguments = (model, context, bytes(4), bytes(8), b"")
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


@pytest.mark.parametrize("system", [b"\xde\xad\xbe\xef", bytes(4)])
def test_verify_inference__registry_of_an_unknown_proof_system__refused(
    chain: LocalChain, reverts, system: bytes
) -> None:
    model = ((b"\1" * 32, b"\2" * 32, b"\3" * 32, system, ""), False, chain.address(0))
    said = encode(["(bytes32,bytes32,bytes32,bytes4,string)", "bool", "address"], model)
    verifier = chain.deploy("InferenceVerifier", deploy_bytecode(chain, returning(said)))
    with reverts("UnsupportedProofSystem", system):
        verifier.functions.verifyInference(1, bytes(32), b"", b"").call()
