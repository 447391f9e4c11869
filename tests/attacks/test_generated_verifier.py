"""Attack 32: what checks a proof and what computes with it must read the same bytes."""

from __future__ import annotations

import pytest
from web3.exceptions import ContractLogicError, Web3RPCError

from oracle.units import felt_from_int
from tests.support.forgery import Forger, canonical
from tests.support.inference import deploy_artifact, encode_proof
from tests.support.tiny_circuit import SCALE_BITS

FALSE_OUTPUT = felt_from_int(1_000_000 << SCALE_BITS)


@pytest.fixture(scope="module")
def forgery(chain, circuit, tiny_proof) -> bytes:
    """Calldata that claims an output of a million for the inputs of an honest proof."""
    instances = [*tiny_proof.inputs, FALSE_OUTPUT, tiny_proof.outputs[1]]
    return Forger(chain, circuit).forge(tiny_proof, instances)


def call(chain, address: str, data: bytes) -> bool:
    """What a verifier says to raw calldata."""
    try:
        return int.from_bytes(chain.web3.eth.call({"to": address, "data": data}), "big") == 1
    except (ContractLogicError, Web3RPCError):
        return False


def test_attack_32_forgery_works_on_the_verifier_as_generated(chain, circuit, tiny_proof, forgery):
    """Else the tests below would prove nothing."""
    unpatched = deploy_artifact(chain, circuit.unpatched_verifier).address
    assert call(chain, unpatched, forgery)
    assert not call(chain, unpatched, canonical(tiny_proof.zk_proof, [*tiny_proof.inputs, FALSE_OUTPUT, 0]))


def test_attack_32_forgery_fails_on_our_verifier(chain, halo2, tiny_proof, forgery):
    assert not call(chain, halo2.address, forgery)
    assert call(chain, halo2.address, canonical(tiny_proof.zk_proof, list(tiny_proof.instances)))


@pytest.mark.parametrize("place", ["body", "transcript"])
def test_attack_32_forged_bytes_through_the_typed_entries(inference, tiny_proof, forgery, reverts, place):
    """Whichever half of the forgery is handed over as the proof, it is encoded anew."""
    length = len(tiny_proof.zk_proof)
    zk_proof = forgery[0x64 : 0x64 + length] if place == "body" else forgery[-length:]
    outputs = [FALSE_OUTPUT, tiny_proof.outputs[1]]
    with reverts("InvalidProof"):
        inference.verifier.functions.verifyInputs(
            1, inference.context(), tiny_proof.signed_inputs, outputs, zk_proof
        ).call()


def test_attack_32_forged_calldata_as_the_proof_argument(inference, tiny_proof, forgery, reverts):
    with reverts("InvalidProof"):
        inference.verifier.functions.verifyInference(*inference.claim(tiny_proof, proof=forgery[4:]).arguments).call()


def test_attack_32_forged_calldata_inside_the_proof_argument(inference, tiny_proof, forgery, reverts):
    proof = encode_proof(forgery, list(tiny_proof.instances), inference.context())
    with reverts("InvalidProof"):
        inference.verifier.functions.verifyInference(*inference.claim(tiny_proof, proof=proof).arguments).call()
