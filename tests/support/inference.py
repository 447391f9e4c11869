"""Fixtures for everything that verifies proofs: a registry, a verifier and one tiny model on the session's chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi import encode
from web3 import Web3
from web3.contract import Contract

from oracle.chain.build import ContractArtifact
from oracle.domain.commitments import input_commitment
from oracle.settings import Settings
from oracle.units import int_from_felt, wad_from_scaled
from tests.support.local_chain import LocalChain
from tests.support.tiny_circuit import SCALE_BITS, TinyCircuit, TinyProof

WEIGHTS = ((1.5, -2.0), (0.25, 0.75), (-1.0, 0.5))
OTHER_WEIGHTS = ((1.5, -2.0), (0.25, 0.75), (-1.0, 4.0))
NONCE = bytes.fromhex("5a" * 32)
OBSERVED_AT = 1_700_000_000


@dataclass(frozen=True)
class Claim:
    """The four arguments of verifyInference."""

    model_id: int
    commitment: bytes
    output: bytes
    proof: bytes

    @property
    def arguments(self) -> tuple[int, bytes, bytes, bytes]:
        """As the contract takes them."""
        return self.model_id, self.commitment, self.output, self.proof


@dataclass(frozen=True)
class Inference:
    """A registry and a verifier with one active tiny model, and what it takes to talk to them."""

    chain: LocalChain
    circuit: TinyCircuit
    registry: Contract
    verifier: Contract
    halo2: Contract
    model_id: int = 1

    def context(self, version: int = 1, observed_at: int = OBSERVED_AT, nonce: bytes = NONCE) -> tuple[int, int, bytes]:
        """An InferenceContext."""
        return version, observed_at, nonce

    def commitment(self, proof: TinyProof, context: tuple[int, int, bytes] | None = None, **domain: Any) -> bytes:
        """The input commitment by the Python twin; `domain` replaces parts of it."""
        version, observed_at, nonce = context or self.context()
        values = {
            "chain_id": self.chain.web3.eth.chain_id,
            "verifier": self.verifier.address,
            "model_id": self.model_id,
        }
        values |= {"version": version, "nonce": nonce, "observed_at": observed_at, "input_instances": proof.inputs}
        return input_commitment(**(values | domain))

    def claim(self, proof: TinyProof, /, **changed: Any) -> Claim:
        """A true claim about `proof`, except for what `changed` says."""
        context = changed.get("context", self.context())
        return Claim(
            model_id=changed.get("model_id", self.model_id),
            commitment=changed.get("commitment", self.commitment(proof, context)),
            output=changed.get("output", encode_output(proof.outputs)),
            proof=changed.get("proof", encode_proof(proof.zk_proof, list(proof.instances), context)),
        )


def encode_output(output_instances: list[int]) -> bytes:
    """abi.encode(int256[]) of outputs as WAD."""
    return encode(["int256[]"], [[wad_from_scaled(int_from_felt(felt), SCALE_BITS) for felt in output_instances]])


def encode_proof(zk_proof: bytes, instances: list[int], context: tuple[int, int, bytes]) -> bytes:
    """abi.encode(bytes, uint256[], InferenceContext)."""
    return encode(["bytes", "uint256[]", "(uint32,uint64,bytes32)"], [zk_proof, instances, context])


def verifier_spec(web3: Web3, verifier: str, **changed: Any) -> tuple[Any, ...]:
    """The VerifierSpec of a tiny circuit's verifier at `verifier`, except for what `changed` says."""
    values = {
        "verifier": verifier,
        "code_hash": bytes(web3.keccak(web3.eth.get_code(Web3.to_checksum_address(verifier)))),
        "input_count": len(WEIGHTS),
        "output_count": len(WEIGHTS[0]),
        "input_scales": bytes([SCALE_BITS]),
        "output_scales": bytes([SCALE_BITS]),
    }
    assert not set(changed) - set(values)
    return tuple((values | changed).values())


def deploy_artifact(chain: LocalChain, artifact: ContractArtifact) -> Contract:
    """A contract that is not in build/, such as a generated verifier, on `chain`."""
    factory = chain.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    receipt = chain.send(factory.constructor())
    return chain.web3.eth.contract(address=receipt["contractAddress"], abi=artifact.abi)


def returning(data: bytes) -> bytes:
    """Instructions that return `data`, whatever they are asked; as a creation's, they deploy it."""
    return bytes([0x61, *len(data).to_bytes(2), 0x80, 0x60, 0x0A, 0x5F, 0x39, 0x5F, 0xF3]) + data


def deploy_bytecode(chain: LocalChain, code: bytes) -> str:
    """The address of a contract of these instructions."""
    sent = chain.web3.eth.send_transaction({"from": chain.address(0), "data": returning(code)})
    address = chain.web3.eth.wait_for_transaction_receipt(sent, timeout=60, poll_latency=0.01)["contractAddress"]
    assert address is not None
    assert bytes(chain.web3.eth.get_code(address)) == code
    return str(address)


@pytest.fixture(scope="session")
def circuit(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> TinyCircuit:
    """The tiny circuit of most tests."""
    return TinyCircuit.make(tmp_path_factory.mktemp("tiny"), settings, WEIGHTS)


@pytest.fixture(scope="session")
def other_circuit(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> TinyCircuit:
    """A circuit of the same shape with other weights: what an attacker would like to prove with."""
    return TinyCircuit.make(tmp_path_factory.mktemp("other"), settings, OTHER_WEIGHTS)


@pytest.fixture(scope="session")
def halo2(chain: LocalChain, circuit: TinyCircuit) -> Contract:
    """The tiny circuit's generated verifier."""
    return deploy_artifact(chain, circuit.verifier)


@pytest.fixture(scope="session")
def spec(chain: LocalChain, halo2: Contract) -> tuple[Any, ...]:
    """The VerifierSpec of the tiny circuit."""
    return verifier_spec(chain.web3, halo2.address)


@pytest.fixture(scope="session")
def inference(chain: LocalChain, circuit: TinyCircuit, halo2: Contract, spec: tuple[Any, ...]) -> Inference:
    """Registry without delay, verifier and the tiny model, active as version 1 of model 1. Account 0 owns all."""
    registry = chain.deploy("ModelRegistry", chain.address(0), chain.address(10), 0)
    chain.send(registry.functions.registerModelWithVerifier(circuit.commitment, spec))
    verifier = chain.deploy("InferenceVerifier", registry.address)
    return Inference(chain, circuit, registry, verifier, halo2)


@pytest.fixture(scope="session")
def tiny_proof(circuit: TinyCircuit) -> TinyProof:
    """A proof whose outputs are 5.5 and -2.25 and whose third input is negative."""
    return circuit.prove([1.0, 2.0, -3.5])
