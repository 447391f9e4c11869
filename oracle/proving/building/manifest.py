"""The manifest of a circuit: what was built from what, pinned by hashes, and what the circuit may be asked."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oracle.constants import EZKL_VERSION
from oracle.errors import ArtifactMismatch, NotFound
from oracle.proving.files import sha256_file, write_atomic

MANIFEST: Final = "manifest.json"
NETWORK: Final = "network.onnx"
SETTINGS: Final = "settings.json"
VERIFYING_KEY: Final = "vk.key"
VERIFIER: Final = "Verifier.sol"


Hash: TypeAlias = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
OutputTransform: TypeAlias = Literal["identity", "sigmoid", "softmax", "log_softmax"]


class Domain(BaseModel):
    """The closed interval that every value of one input tensor must lie in."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low: float
    high: float


class Measured(BaseModel):
    """What the finished circuit did on the machine that built it; seconds are that machine's."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    error: float = Field(description="Largest error over the validation set, in units of the output's magnitude.")
    absolute_errors: list[float] = Field(description="Largest error of each output tensor, in its own units.")
    validation_samples: int
    setup_seconds: float
    witness_seconds: float
    prove_seconds: float
    prove_cpu_seconds: float
    verify_seconds: float
    peak_memory_mb: int
    proof_bytes: int
    proving_key_bytes: int
    rows: int
    predicted_gas: int
    gas: int | None = Field(None, description="Of a transaction that verifies the first proof; None: not measured.")
    code_size: int | None = Field(None, description="Bytes of the compiled verifier; None when it was not compiled.")


class CircuitManifest(BaseModel):
    """manifest.json. Hashes are SHA-256 of the files' bytes, 0x-prefixed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    circuit_id: str
    ezkl_version: str = EZKL_VERSION
    model_hash: Hash
    source_model_hash: Hash | None = Field(None, description="Of the file before it was rewritten for the circuit.")
    rewrites: list[str] = Field([], description="What was done to the model, in order.")
    outputs_transform: list[OutputTransform] = Field(
        [], description="What the consumer applies to each output tensor; empty: nothing was left out of the circuit."
    )
    circuit_hash: Hash
    vk_hash: Hash
    pk_hash: Hash
    srs_hash: Hash
    srs_kind: Literal["dev", "public", "trusted", "imported"]
    verifier_source_hash: Hash
    logrows: int
    rows: int = Field(default=1, ge=1, description="Rows of the model that one proof covers.")
    input_names: list[str]
    input_shapes: list[list[int]]
    input_dtypes: list[str]
    output_shapes: list[list[int]]
    output_dtypes: list[str]
    input_count: int
    output_count: int
    input_scale_bits: list[int] = Field(description="One for each input value, or a single one that serves all.")
    output_scale_bits: list[int] = Field(description="One for each output value, or a single one that serves all.")
    domain: list[Domain] = Field(description="One for each input tensor, or one for each input value.")
    lookup_range: tuple[int, int]
    max_error: float = Field(description="The error budget, in units of the output's magnitude.")
    output_magnitudes: list[float] = Field(
        description="Of each output tensor: the largest value of the validation set."
    )
    measured: Measured

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Raises ValueError where what is said of inputs and outputs does not fit together."""
        inputs, outputs = len(self.input_shapes), len(self.output_shapes)
        told = {
            "input_count": (self.input_count, {sum(self.input_sizes)}),
            "output_count": (self.output_count, {sum(self.output_sizes)}),
            "input_names": (len(self.input_names), {inputs}),
            "input_dtypes": (len(self.input_dtypes), {inputs}),
            "output_dtypes": (len(self.output_dtypes), {outputs}),
            "input_scale_bits": (len(self.input_scale_bits), {1, self.input_count}),
            "output_scale_bits": (len(self.output_scale_bits), {1, self.output_count}),
            "domain": (len(self.domain), {inputs, self.input_count}),
            "output_magnitudes": (len(self.output_magnitudes), {outputs}),
            "outputs_transform": (len(self.outputs_transform), {0, outputs}),
        }
        wrong = [f"{name} has {count}, not {sorted(of)}" for name, (count, of) in told.items() if count not in of]
        wrong += [f"domain {at} is empty" for at, domain in enumerate(self.domain) if domain.low > domain.high]
        if wrong or min(self.input_count, self.output_count) < 1:
            raise ValueError("; ".join(wrong) or "there are no inputs or no outputs")
        return self

    @property
    def input_sizes(self) -> list[int]:
        """Values in each input tensor."""
        return [math.prod(shape) for shape in self.input_shapes]

    @property
    def output_sizes(self) -> list[int]:
        """Values in each output tensor."""
        return [math.prod(shape) for shape in self.output_shapes]

    def input_scale(self, position: int) -> int:
        """Scale bits of the input value at a position."""
        return self.input_scale_bits[position if len(self.input_scale_bits) > 1 else 0]

    def output_scale(self, position: int) -> int:
        """Scale bits of the output value at a position."""
        return self.output_scale_bits[position if len(self.output_scale_bits) > 1 else 0]


def read_manifest(folder: Path) -> CircuitManifest:
    """The manifest of a circuit folder. Raises NotFound, and ArtifactMismatch for one that this release cannot use."""
    path = folder / MANIFEST
    try:
        manifest = CircuitManifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"there is no circuit in {folder}") from error
    except ValidationError as error:
        first = error.errors()[0]
        said = ": ".join([*map(str, first["loc"]), first["msg"]])
        raise ArtifactMismatch(f"{path} is not a manifest: {said}") from error
    if manifest.ezkl_version != EZKL_VERSION:
        raise ArtifactMismatch(f"{path} is of ezkl {manifest.ezkl_version}, this release speaks {EZKL_VERSION}")
    return manifest


def write_manifest(folder: Path, manifest: CircuitManifest) -> None:
    """Writes manifest.json in its one canonical form."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
    write_atomic(folder / MANIFEST, text)


def check_folder(folder: Path, manifest: CircuitManifest) -> None:
    """Raises ArtifactMismatch unless each committed file has the hash that the manifest pins."""
    pinned = {
        NETWORK: manifest.model_hash,
        SETTINGS: manifest.circuit_hash,
        VERIFYING_KEY: manifest.vk_hash,
        VERIFIER: manifest.verifier_source_hash,
    }
    for name, expected in pinned.items():
        path = folder / name
        if not path.exists():
            raise ArtifactMismatch(f"{path} is missing", remedy=f"build {manifest.circuit_id} again")
        found = sha256_file(path)
        if found != expected:
            raise ArtifactMismatch(
                f"{path} has hash {found}, the manifest says {expected}",
                remedy=f"restore it, or build it again: {name}",
            )
