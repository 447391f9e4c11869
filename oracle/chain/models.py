"""ModelRegistry and InferenceVerifier: typed reads, and the calldata of an inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from web3.contract.contract import ContractFunction

from oracle.chain.client import ChainClient, checked_address
from oracle.domain.commitments import input_commitment
from oracle.errors import InvalidInput, ProofRejected
from oracle.units import int_from_felt, wad_from_scaled


class ModelStatus(IntEnum):
    """contracts/types/ModelTypes.sol, ModelStatus."""

    NONE = 0
    PROPOSED = 1
    TIMELOCKED = 2
    ACTIVE = 3
    SUPERSEDED = 4
    DEPRECATED = 5
    REVOKED = 6


@dataclass(frozen=True, slots=True)
class ModelCommitment:
    """ERC-7992's commitment: 32-byte hashes, 4-byte proof system."""

    model_hash: bytes
    circuit_hash: bytes
    vk_hash: bytes
    proof_system_id: bytes
    uri: str

    def as_tuple(self) -> tuple[bytes, bytes, bytes, bytes, str]:
        """In the ABI's order."""
        return self.model_hash, self.circuit_hash, self.vk_hash, self.proof_system_id, self.uri


@dataclass(frozen=True, slots=True)
class VerifierSpec:
    """The pinned verifier of one version; scales one for each value, or a single one for all."""

    verifier: str
    verifier_code_hash: bytes
    input_count: int
    output_count: int
    input_scale_bits: bytes
    output_scale_bits: bytes

    def as_tuple(self) -> tuple[str, bytes, int, int, bytes, bytes]:
        """In the ABI's order."""
        return (
            self.verifier,
            self.verifier_code_hash,
            self.input_count,
            self.output_count,
            self.input_scale_bits,
            self.output_scale_bits,
        )

    def outputs_wad(self, output_instances: Sequence[int]) -> list[int]:
        """Output field elements as WAD. Twin of InferenceVerifier.decodeOutputs.

        Raises ProofRejected for another number of them, FieldElementError, ValueOutOfRange.
        """
        if len(output_instances) != self.output_count:
            raise ProofRejected(f"{len(output_instances)} outputs, the model has {self.output_count}")
        scales = self.output_scale_bits * (self.output_count if len(self.output_scale_bits) == 1 else 1)
        return [wad_from_scaled(int_from_felt(felt), bits) for felt, bits in zip(output_instances, scales, strict=True)]


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a model; `activatable_at` in unix seconds, 0 without a verifier."""

    commitment: ModelCommitment
    spec: VerifierSpec
    status: ModelStatus
    activatable_at: int


@dataclass(frozen=True, slots=True)
class InferenceContext:
    """What a proof is made for, beside the model: version, observation time (unix seconds), 32-byte nonce."""

    version: int
    observed_at: int
    nonce: bytes

    def as_tuple(self) -> tuple[int, int, bytes]:
        """In the ABI's order."""
        return self.version, self.observed_at, self.nonce


@dataclass(frozen=True, slots=True)
class Inference:
    """The four arguments of verifyInference, and the id under which the storage extension keeps it."""

    model_id: int
    input_commitment: bytes
    output: bytes
    proof: bytes

    @property
    def inference_id(self) -> bytes:
        """keccak256(abi.encodePacked(modelId, inputCommitment, output))."""
        return bytes(keccak(self.model_id.to_bytes(32, "big") + self.input_commitment + self.output))


class ModelRegistry:
    """Reads of the registry, and calls to send."""

    def __init__(self, client: ChainClient, address: str) -> None:
        self._client = client
        self.contract = client.contract("ModelRegistry", address)

    def count(self) -> int:
        """How many models there are; ids run from 1."""
        return int(self._client.call(self.contract.functions.modelCount()))

    def owner(self, model_id: int) -> str:
        """The model's owner. Raises reverts.ModelNotFound."""
        return str(self._client.call(self.contract.functions.getModel(model_id))[2])

    def current_version(self, model_id: int) -> int:
        """The version that new proofs are for; 0 before the first activation. Raises reverts.ModelNotFound."""
        return int(self._client.call(self.contract.functions.currentVersion(model_id)))

    def latest_version(self, model_id: int) -> int:
        """The newest version, current or staged. Raises reverts.ModelNotFound."""
        return int(self._client.call(self.contract.functions.latestVersion(model_id)))

    def version(self, model_id: int, version: int) -> ModelVersion:
        """One version. Raises reverts.ModelNotFound, reverts.VersionNotFound."""
        commitment, spec, status, activatable_at = self._client.call(
            self.contract.functions.getVersion(model_id, version)
        )
        return ModelVersion(ModelCommitment(*commitment), _spec(spec), ModelStatus(status), int(activatable_at))

    def verifier_of(self, model_id: int, version: int) -> VerifierSpec:
        """The verifier of a version that proofs may be checked against now, its code compared with the pinned hash.

        Raises reverts.WrongModelStatus, reverts.VerifierCodeMismatch and those of `version`.
        """
        return _spec(self._client.call(self.contract.functions.verifierOf(model_id, version)))


class InferenceVerifier:
    """Reads of the verifier, and calls to send."""

    def __init__(self, client: ChainClient, address: str) -> None:
        self._client = client
        self.contract = client.contract("InferenceVerifier", address)

    @property
    def address(self) -> str:
        """Part of every input commitment."""
        return str(self.contract.address)

    def registry(self) -> ModelRegistry:
        """The registry that it asks."""
        return ModelRegistry(self._client, self._client.call(self.contract.functions.registry()))

    def inference(
        self, model_id: int, spec: VerifierSpec, context: InferenceContext, instances: Sequence[int], zk_proof: bytes
    ) -> Inference:
        """The claim that a proof supports, ready to be verified on chain; `instances` are inputs and outputs.

        Raises ProofRejected for another number of instances than the model's.
        """
        if len(instances) != spec.input_count + spec.output_count:
            raise ProofRejected(
                f"{len(instances)} instances, the model has {spec.input_count} inputs and {spec.output_count} outputs"
            )
        inputs, outputs = instances[: spec.input_count], instances[spec.input_count :]
        commitment = input_commitment(
            self._client.chain_id, self.address, model_id, context.version, context.nonce, context.observed_at, inputs
        )
        return Inference(
            model_id, commitment, encode_outputs(spec.outputs_wad(outputs)), encode_proof(zk_proof, instances, context)
        )

    def verify(self, inference: Inference) -> ContractFunction:
        """The call verifyInference: reverts, or emits InferenceVerified."""
        return self.contract.functions.verifyInference(*_arguments(inference))

    def verify_and_store(self, inference: Inference) -> ContractFunction:
        """The call verifyAndStoreInference."""
        return self.contract.functions.verifyAndStoreInference(*_arguments(inference))

    def stored(self, inference_id: bytes) -> tuple[int, bytes, list[int]]:
        """Model id, input commitment and outputs (WAD) of a stored inference. Raises reverts.InferenceNotFound."""
        model_id, commitment, output = self._client.call(self.contract.functions.getInference(inference_id))
        return int(model_id), bytes(commitment), decode_outputs(output)


def encode_proof(zk_proof: bytes, instances: Sequence[int], context: InferenceContext) -> bytes:
    """abi.encode(bytes zkProof, uint256[] instances, InferenceContext context): verifyInference's `proof`."""
    types = ("bytes", "uint256[]", "(uint32,uint64,bytes32)")
    return encode(types, (zk_proof, list(instances), context.as_tuple()))


def encode_outputs(outputs_wad: Sequence[int]) -> bytes:
    """abi.encode(int256[]): verifyInference's `output`."""
    return encode(("int256[]",), (list(outputs_wad),))


def decode_outputs(output: bytes) -> list[int]:
    """The inverse of encode_outputs."""
    words = [int.from_bytes(output[i : i + 32], "big", signed=True) for i in range(0, len(output), 32)]
    if len(words) < 2 or words[0] != 32 or len(words) != 2 + words[1]:
        raise InvalidInput("the output is not abi.encode(int256[])")
    return words[2:]


def _arguments(inference: Inference) -> tuple[int, bytes, bytes, bytes]:
    return inference.model_id, inference.input_commitment, inference.output, inference.proof


def _spec(raw: Sequence[Any]) -> VerifierSpec:
    verifier, code_hash, inputs, outputs, input_scales, output_scales = raw
    return VerifierSpec(
        checked_address(verifier),
        bytes(code_hash),
        int(inputs),
        int(outputs),
        bytes(input_scales),
        bytes(output_scales),
    )
