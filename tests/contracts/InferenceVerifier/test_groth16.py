"""A Groth16 model, registered under its own proofSystemId, and verified by the same contract as every other."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from eth_abi import encode
from web3 import Web3
from web3.contract import Contract

from oracle.constants import BN254_SCALAR_FIELD, GROTH16_SYSTEM_ID, GROTH16_SYSTEM_NAME
from oracle.domain.commitments import input_commitment
from oracle.proving.groth16.circuit import NetworkCircuit
from oracle.units import int_from_felt, wad_from_scaled
from tests.support.groth16 import WIDTHS, Claim, SmallCircuit, deploy_verifier, small_network
from tests.support.inference import NONCE, OBSERVED_AT, encode_proof
from tests.support.local_chain import LocalChain

INPUT_SCALE, OUTPUT_SCALE = 4, 8
INPUTS = (5, -3)
CONTEXT = (1, OBSERVED_AT, NONCE)


@dataclass(frozen=True)
class Registered:
    """A registry with one Groth16 model, and the InferenceVerifier over it."""

    chain: LocalChain
    circuit: SmallCircuit
    registry: Contract
    verifier: Contract

    def arguments(self, claim: Claim) -> tuple[int, bytes, bytes, bytes]:
        """Of verifyInference."""
        count = len(INPUTS)
        commitment = input_commitment(
            self.chain.web3.eth.chain_id, self.verifier.address, 1, 1, NONCE, OBSERVED_AT, claim.instances[:count]
        )
        outputs = [wad_from_scaled(int_from_felt(felt), OUTPUT_SCALE) for felt in claim.instances[count:]]
        proof = encode_proof(claim.proof.encode(), list(claim.instances), CONTEXT)
        return 1, commitment, encode(["int256[]"], [outputs]), proof


@pytest.fixture(scope="module")
def model(chain, settings) -> Registered:
    circuit = SmallCircuit(NetworkCircuit(small_network(), WIDTHS))
    contract = deploy_verifier(chain, settings, circuit.source)
    registry = chain.deploy("ModelRegistry", chain.address(0), chain.address(10), 0)
    code_hash = bytes(Web3.keccak(chain.web3.eth.get_code(contract.address)))
    spec = (contract.address, code_hash, 2, 1, bytes([INPUT_SCALE]), bytes([OUTPUT_SCALE]))
    commitment = (b"\x01" * 32, b"\x02" * 32, b"\x03" * 32, GROTH16_SYSTEM_ID, "test:groth16")
    chain.send(registry.functions.registerModelWithVerifier(commitment, spec))
    return Registered(chain, circuit, registry, chain.deploy("InferenceVerifier", registry.address))


@pytest.fixture(scope="module")
def claim(model) -> Claim:
    return model.circuit.prove(INPUTS)


def test_proof_system_of__groth16_model__is_the_hash_of_its_name(model):
    assert Web3.keccak(text=GROTH16_SYSTEM_NAME)[:4] == GROTH16_SYSTEM_ID
    assert model.verifier.functions.proofSystemOf(1).call() == GROTH16_SYSTEM_ID


def test_verify_and_store_inference__groth16_proof__is_kept(model, claim):
    arguments = model.arguments(claim)
    model.chain.send(model.verifier.functions.verifyAndStoreInference(*arguments))
    inference_id = Web3.solidity_keccak(["uint256", "bytes32", "bytes"], arguments[:3])
    assert model.verifier.functions.getInference(inference_id).call() == list(arguments[:3])


def test_verify_inputs__groth16_proof__outputs_as_wad(model, claim):
    inputs, outputs = list(INPUTS), list(claim.instances[2:])
    found, _ = model.verifier.functions.verifyInputs(1, CONTEXT, inputs, outputs, claim.proof.encode()).call()
    assert found == [wad_from_scaled(int_from_felt(outputs[0]), OUTPUT_SCALE)]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_verify_inference__groth16_proof_of_other_values__invalid_proof(model, claim, reverts, position):
    instances = list(claim.instances)
    instances[position] = (instances[position] + 1) % BN254_SCALAR_FIELD
    forged = Claim(claim.proof, tuple(instances))
    with reverts("InvalidProof"):
        model.verifier.functions.verifyInference(*model.arguments(forged)).call()


def test_verify_inference__ezkl_proof_for_a_groth16_model__invalid_proof(model, claim, reverts, tiny_proof):
    _, commitment, output, _ = model.arguments(claim)
    proof = encode_proof(tiny_proof.zk_proof, list(claim.instances), CONTEXT)
    with reverts("InvalidProof"):
        model.verifier.functions.verifyInference(1, commitment, output, proof).call()
