"""A real ezkl circuit with the shape of the volatility model, small enough for a test session: it returns h0.

38 inputs, one output: the window's own variance, so that the whole way of a number runs with real proofs in a second.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from oracle.domain.features import MODEL_INPUTS, WINDOW
from oracle.proving.evm.optimise import optimise
from oracle.settings import Settings
from tests.support import ezkl_folder

SCALE_BITS = 13
LOGROWS = 10


@dataclass(frozen=True)
class WindowProof:
    """A proof as a prover hands it over."""

    zk_proof: bytes
    instances: tuple[int, ...]

    @property
    def outputs(self) -> list[int]:
        """The output field elements."""
        return list(self.instances[MODEL_INPUTS:])


@dataclass(frozen=True)
class WindowCircuit:
    """The circuit in its folder; has what a deployment reads of a manifest."""

    folder: Path
    circuit_id: str = "window-variance"
    srs_kind: str = "dev"
    input_count: int = MODEL_INPUTS
    output_count: int = 1
    input_scale_bits: tuple[int, ...] = (SCALE_BITS,)

    @classmethod
    def make(cls, folder: Path, circuit_id: str = "window-variance", weight: float = 1.0) -> WindowCircuit:
        """Exports, compiles and sets up the circuit; its output is `weight` times h0."""
        weights = [[weight if place == WINDOW else 0.0] for place in range(MODEL_INPUTS)]
        model, arguments = ezkl_folder.linear_model(weights), ezkl_folder.run_args(SCALE_BITS)
        source = ezkl_folder.make(folder, model, arguments, Settings().cache_dir, least=LOGROWS)
        (folder / "Verifier.sol").write_text(optimise(source, MODEL_INPUTS))
        return cls(folder, circuit_id)

    def prove(self, inputs: Sequence[int]) -> WindowProof:
        """A proof for signed integers at SCALE_BITS."""
        values = [value / 2**SCALE_BITS for value in inputs]
        return WindowProof(*ezkl_folder.prove(self.folder, values))

    @property
    def verifier_source(self) -> Path:
        """The rewritten verifier."""
        return self.folder / "Verifier.sol"

    @cached_property
    def output_scale_bits(self) -> tuple[int, ...]:
        """What ezkl made of it."""
        return tuple(json.loads((self.folder / "settings.json").read_text())["model_output_scales"])

    @property
    def model_hash(self) -> str:
        return self._hash("network.onnx")

    @property
    def circuit_hash(self) -> str:
        return self._hash("settings.json")

    @property
    def vk_hash(self) -> str:
        return self._hash("vk.key")

    def _hash(self, name: str) -> str:
        return "0x" + sha256((self.folder / name).read_bytes()).hexdigest()
