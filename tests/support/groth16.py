"""A small network with keys of its own, proofs of it, and its verifier on a chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from web3.contract import Contract

from oracle.chain import solc
from oracle.chain.build import ContractArtifact
from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.groth16.circuit import Layout, NetworkCircuit
from oracle.proving.groth16.keys import Proof, ProvingKey
from oracle.proving.groth16.network import IntegerNetwork, Matrix, Offset, Relu, Shift
from oracle.proving.groth16.prover import prove
from oracle.proving.groth16.setup import Secrets, key_from_secrets
from oracle.proving.groth16.solidity import CONTRACT, verifier_source
from oracle.proving.srs.store import DEV
from oracle.settings import Settings
from tests.support.inference import deploy_artifact
from tests.support.local_chain import LocalChain

WIDTHS = (5, 4)


def small_network(bias: int = 7) -> IntegerNetwork:
    """2-3-1 with a ReLU, a rounding and offsets; `bias`: of the output."""
    return IntegerNetwork(
        2,
        4,
        8,
        (
            Matrix(((3, -2), (1, 5), (-7, 1))),
            Offset((3, -4, 0)),
            Relu(),
            Matrix(((2, -3, 1),)),
            Shift(4),
            Offset((bias,)),
        ),
    )


@dataclass(frozen=True)
class Claim:
    """What a prover hands over: the proof, and inputs then outputs as field elements."""

    proof: Proof
    instances: tuple[int, ...]


@dataclass(frozen=True)
class SmallCircuit:
    """A network circuit under the development secrets."""

    circuit: NetworkCircuit

    @cached_property
    def key(self) -> ProvingKey:
        """Its keys."""
        return key_from_secrets(self.circuit.build()[0], Secrets.development())

    @cached_property
    def layout(self) -> Layout:
        """Its public words."""
        return self.circuit.build()[1]

    @cached_property
    def source(self) -> str:
        """Its verifier."""
        return verifier_source(self.key.verifying, self.layout, DEV)

    def prove(self, inputs: Sequence[int]) -> Claim:
        """A fresh proof."""
        builder, _, outputs = self.circuit.build(inputs)
        return Claim(prove(self.key, builder), tuple(v % BN254_SCALAR_FIELD for v in (*inputs, *outputs)))


def deploy_verifier(chain: LocalChain, settings: Settings, source: str) -> Contract:
    """A generated Groth16 verifier on a chain."""
    return deploy_artifact(chain, compile_groth16(settings, source))


def compile_groth16(settings: Settings, source: str) -> ContractArtifact:
    """A generated verifier, compiled with the project's settings."""
    output = solc.compile_standard_json(settings, {"Verifier.sol": source})
    contract = output["contracts"]["Verifier.sol"][CONTRACT]
    code = contract["evm"]
    return ContractArtifact(
        CONTRACT,
        tuple(contract["abi"]),
        bytes.fromhex(code["bytecode"]["object"]),
        bytes.fromhex(code["deployedBytecode"]["object"]),
    )
