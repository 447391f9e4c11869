"""A real ezkl circuit small enough to be made in a test session: outputs = x @ weights.

Everything is real: set-up, keys, proofs and the generated verifier. Only the model is tiny.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from oracle.chain.build import ContractArtifact
from oracle.chain.verifier_cache import compiled_verifier
from oracle.constants import BN254_SCALAR_FIELD, PROOF_SYSTEM_ID
from oracle.proving.building.solidity import patch_verifier
from oracle.proving.evm.optimise import optimise
from oracle.settings import Settings
from tests.support import ezkl_folder

SCALE_BITS = 13
MIN_LOGROWS = 8


@dataclass(frozen=True)
class TinyProof:
    """A proof as a prover hands it over; `instances` are inputs, then outputs."""

    zk_proof: bytes
    instances: tuple[int, ...]
    input_count: int

    @property
    def inputs(self) -> list[int]:
        """The input field elements."""
        return list(self.instances[: self.input_count])

    @property
    def outputs(self) -> list[int]:
        """The output field elements."""
        return list(self.instances[self.input_count :])

    @property
    def signed_inputs(self) -> list[int]:
        """The inputs as signed integers at SCALE_BITS."""
        return [felt if felt < BN254_SCALAR_FIELD // 2 else felt - BN254_SCALAR_FIELD for felt in self.inputs]


@dataclass(frozen=True)
class TinyCircuit:
    """A circuit in its folder, with proving key and SRS."""

    folder: Path
    settings: Settings
    input_count: int
    output_count: int
    _proofs: dict[tuple[float, ...], TinyProof] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, settings: Settings, weights: Sequence[Sequence[float]]) -> TinyCircuit:
        """Exports, compiles and sets up a circuit for `weights`, one row for each input."""
        model = ezkl_folder.linear_model(weights)
        arguments = ezkl_folder.run_args(SCALE_BITS)
        generated = ezkl_folder.make(folder, model, arguments, settings.cache_dir, least=MIN_LOGROWS)
        (folder / "Patched.sol").write_text(patch_verifier(generated))
        (folder / "Rewritten.sol").write_text(optimise(generated, len(weights)))
        return cls(folder, settings, len(weights), len(weights[0]))

    def prove(self, inputs: Sequence[float]) -> TinyProof:
        """A proof for `inputs`; the same object for the same inputs."""
        key = tuple(inputs)
        if key not in self._proofs:
            self._proofs[key] = self.prove_anew(inputs)
        return self._proofs[key]

    def prove_anew(self, inputs: Sequence[float]) -> TinyProof:
        """A fresh proof: proofs are blinded, so no two are the same."""
        return TinyProof(*ezkl_folder.prove(self.folder, inputs), self.input_count)

    @cached_property
    def verifier(self) -> ContractArtifact:
        """The verifier that ships: rewritten."""
        return compiled_verifier(self.settings, self.folder / "Rewritten.sol")

    @cached_property
    def patched_verifier(self) -> ContractArtifact:
        """The generated verifier with the check of proof.offset."""
        return compiled_verifier(self.settings, self.folder / "Patched.sol")

    @cached_property
    def unpatched_verifier(self) -> ContractArtifact:
        """The verifier as ezkl generates it."""
        return compiled_verifier(self.settings, self.folder / "Verifier.sol")

    @property
    def commitment(self) -> tuple[bytes, bytes, bytes, bytes, str]:
        """The ModelCommitment of ERC-7992: SHA-256 of the files."""
        files = ("network.onnx", "network.compiled", "vk.key")
        model, circuit, key = (sha256((self.folder / name).read_bytes()).digest() for name in files)
        return model, circuit, key, PROOF_SYSTEM_ID, "test:tiny"
