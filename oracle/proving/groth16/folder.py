"""The folder of a circuit's Groth16 set-up: keys, verifier and a manifest that pins them, beside nothing of ezkl's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from oracle.constants import LOCAL_CHAIN_IDS, SAFE_SRS_KINDS
from oracle.errors import ArtifactMismatch, NotFound, UnsafeSetup
from oracle.proving.building.manifest import CircuitManifest
from oracle.proving.files import sha256_file, staged_folder, write_atomic
from oracle.proving.groth16.circuit import NetworkCircuit, input_width
from oracle.proving.groth16.keys import (
    ProvingKey,
    canonical,
    digest,
    proving_document,
    proving_from,
    verifying_document,
)
from oracle.proving.groth16.network import network_document, read_network
from oracle.proving.groth16.phase2 import Contribution, contribution_from
from oracle.proving.groth16.solidity import verifier_source
from oracle.proving.quantise import domain_at

PROVING_KEY: Final = "pk.json"
TRANSCRIPT: Final = "transcript.json"
VERIFIER: Final = "Verifier.sol"
MANIFEST: Final = "manifest.json"
# Of the name under which the registry knows a network's Groth16 form; no circuit's own name has a full stop
SUFFIX: Final = ".groth16"
PINNED: Final = (PROVING_KEY, TRANSCRIPT, VERIFIER)


class Groth16Manifest(BaseModel):
    """manifest.json. `model_hash`, `circuit_hash`: of the ezkl circuit whose integers these are. Hashes are SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    circuit_id: str
    model_hash: str
    circuit_hash: str
    network_hash: str
    srs_kind: Literal["dev", "imported", "trusted"]
    transcript_hash: str | None
    constraints: int
    domain_size: int
    public_words: int
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Registration:
    """A network under Groth16 as a model of its own. `circuit_hash`: of its integers and widths, from which the
    constraints follow; `vk_hash`: of the verifying key. Hashes are SHA-256."""

    circuit_id: str
    model_hash: str
    circuit_hash: str
    vk_hash: str
    srs_kind: str
    input_count: int
    output_count: int
    input_scale_bits: Sequence[int]
    output_scale_bits: Sequence[int]


@dataclass(frozen=True, slots=True)
class Groth16Folder:
    """A set-up that was read and whose every hash holds."""

    path: Path
    manifest: Groth16Manifest
    circuit: NetworkCircuit
    key: ProvingKey
    contributions: tuple[Contribution, ...]

    def registration(self, of: CircuitManifest) -> Registration:
        """What the registry shall say, `of` being the ezkl circuit whose integers these are."""
        return Registration(
            circuit_id=f"{of.circuit_id}{SUFFIX}",
            model_hash=of.model_hash,
            circuit_hash=self.manifest.network_hash,
            vk_hash=digest(verifying_document(self.key.verifying)),
            srs_kind=self.manifest.srs_kind,
            input_count=of.input_count,
            output_count=of.output_count,
            input_scale_bits=of.input_scale_bits,
            output_scale_bits=of.output_scale_bits,
        )

    def refuse_unsafe(self, chain_id: int) -> None:
        """Raises UnsafeSetup where somebody who made the key could forge for a real chain."""
        if self.manifest.srs_kind not in SAFE_SRS_KINDS and chain_id not in LOCAL_CHAIN_IDS:
            raise UnsafeSetup(
                f"the Groth16 set-up of {self.manifest.circuit_id} is of kind {self.manifest.srs_kind}, under which "
                f"proofs can be forged: not for chain {chain_id}",
                remedy="set it up from a ceremony's .ptau, let others contribute, then `groth16 check --trust`",
            )


def groth16_folder(state_dir: Path, manifest: CircuitManifest) -> Path:
    """Where a circuit's Groth16 set-up lives: no cache, for a contribution cannot be made again."""
    return state_dir / "groth16" / f"{manifest.circuit_id}-{manifest.model_hash[2:10]}{manifest.circuit_hash[2:10]}"


def network_circuit(folder: Path, manifest: CircuitManifest) -> NetworkCircuit:
    """The constraints of an ezkl circuit folder's network over its domain. Raises InvalidInput where it has none."""
    network = read_network(folder)
    domains = [domain_at(manifest, 0, position) for position in range(network.input_count)]
    return NetworkCircuit(network, tuple(input_width(one.low, one.high, network.input_scale) for one in domains))


def write_setup(
    target: Path,
    manifest: CircuitManifest,
    circuit: NetworkCircuit,
    key: ProvingKey,
    *,
    srs_kind: Literal["dev", "imported", "trusted"],
    contributions: Sequence[Contribution] = (),
    transcript_hash: str | None = None,
) -> Groth16Manifest:
    """Writes a set-up's folder, all of it or nothing. Raises StorageFull."""
    builder, layout, _ = circuit.build()
    with staged_folder(target) as stage:
        write_atomic(stage / PROVING_KEY, canonical(proving_document(key)))
        write_atomic(stage / TRANSCRIPT, canonical({"contributions": [one.document() for one in contributions]}))
        write_atomic(stage / VERIFIER, verifier_source(key.verifying, layout, srs_kind))
        made = Groth16Manifest(
            circuit_id=manifest.circuit_id,
            model_hash=manifest.model_hash,
            circuit_hash=manifest.circuit_hash,
            network_hash=_network_hash(circuit),
            srs_kind=srs_kind,
            transcript_hash=transcript_hash,
            constraints=len(builder.constraints),
            domain_size=key.size,
            public_words=layout.word_count,
            files={name: sha256_file(stage / name) for name in PINNED},
        )
        write_atomic(stage / MANIFEST, json.dumps(made.model_dump(mode="json"), indent=2, sort_keys=True) + "\n")
    return made


def read_setup(target: Path, folder: Path, manifest: CircuitManifest) -> Groth16Folder:
    """A circuit's Groth16 set-up. Raises NotFound, and ArtifactMismatch for a damaged one or one of another circuit."""
    try:
        found = Groth16Manifest.model_validate_json((target / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise NotFound(
            f"{manifest.circuit_id} has no Groth16 set-up", remedy=f"plumbline groth16 setup {manifest.circuit_id}"
        ) from error
    except ValidationError as error:
        raise ArtifactMismatch(f"{target / MANIFEST} is no manifest: {error.errors()[0]['msg']}") from error
    for name in PINNED:
        if not (target / name).is_file() or sha256_file(target / name) != found.files.get(name):
            raise ArtifactMismatch(f"{target / name} is not the file that the manifest pins", remedy="set it up again")
    circuit = network_circuit(folder, manifest)
    pinned = (found.model_hash, found.circuit_hash, found.network_hash)
    if pinned != (manifest.model_hash, manifest.circuit_hash, _network_hash(circuit)):
        raise ArtifactMismatch(f"{target} is of another network than {manifest.circuit_id}", remedy="set it up again")
    key = proving_from(_json(target / PROVING_KEY))
    contributions = tuple(contribution_from(one) for one in _json(target / TRANSCRIPT)["contributions"])
    return Groth16Folder(target, found, circuit, key, contributions)


def _network_hash(circuit: NetworkCircuit) -> str:
    return digest({**network_document(circuit.network), "input_widths": list(circuit.input_widths)})


def _json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document
