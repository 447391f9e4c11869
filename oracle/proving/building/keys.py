"""Compiling a circuit and making its keys, the same on every machine.

A circuit with several lookup tables gets another verifying key from run to run unless settings.json is canonical, and
ezkl's own cache can poison or be raced for: each build runs in a worker of its own, whose cache is fresh.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from oracle.errors import ArtifactMismatch, StorageFull
from oracle.proving.building.manifest import NETWORK, SETTINGS, CircuitManifest
from oracle.proving.files import STORAGE_REMEDY, locked, sha256_file, staged_folder, write_atomic
from oracle.proving.workers.confinement import Confinement
from oracle.proving.workers.pool import Worker

COMPILED: Final = "network.compiled"
PROVING_KEY: Final = "pk.key"
HASHES: Final = "hashes.json"
BUILD_TIMEOUT_SECS: Final = 900.0


@dataclass(frozen=True, slots=True)
class CircuitParams:
    """ezkl's run arguments that the tuner chooses; scales in bits. Inputs and outputs are public, weights fixed.

    Weights finer than the input (param_scale above input_scale) make lookup tables small at little error: what is
    looked up is rescaled to the input's scale before.
    """

    input_scale: int
    param_scale: int
    rebase_multiplier: int
    decomp_base: int
    decomp_legs: int
    columns: int
    lookup_range: tuple[int, int]
    logrows: int
    disable_freivalds: bool = False

    def run_args(self) -> dict[str, Any]:
        """As ezkl names them. ignore_range_check_inputs_outputs stays off: it lets a forged input through."""
        return {
            "input_scale": self.input_scale,
            "param_scale": self.param_scale,
            "scale_rebase_multiplier": self.rebase_multiplier,
            "decomp_base": self.decomp_base,
            "decomp_legs": self.decomp_legs,
            "num_inner_cols": self.columns,
            "lookup_range": list(self.lookup_range),
            "logrows": self.logrows,
            "disable_freivalds": self.disable_freivalds,
            "rebase_scale": self.input_scale if self.param_scale > self.input_scale else None,
            "input_visibility": "public",
            "output_visibility": "public",
            "param_visibility": "fixed",
            "ignore_range_check_inputs_outputs": False,
        }


def canonical_settings(document: dict[str, Any]) -> str:
    """settings.json in its one form: lookups and range checks sorted, keys sorted, timestamp 0."""
    settings = dict(document)
    settings["timestamp"] = 0
    settings["required_lookups"] = sorted(settings["required_lookups"], key=lambda op: json.dumps(op, sort_keys=True))
    settings["required_range_checks"] = sorted(settings["required_range_checks"])
    return json.dumps(settings, indent=2, sort_keys=True) + "\n"


@dataclass(frozen=True, slots=True)
class Built:
    """A circuit that is compiled and has its proving key, in the cache."""

    folder: Path

    @property
    def compiled(self) -> Path:
        """ezkl's compiled circuit."""
        return self.folder / COMPILED

    @property
    def proving_key(self) -> Path:
        """ezkl's proving key."""
        return self.folder / PROVING_KEY


def compile_circuit(worker: Worker, circuit_folder: Path, target: Path) -> None:
    """Compiles network.onnx under settings.json into `target`, in a fresh worker. Raises ToolError, StorageFull."""
    worker.call(
        "compile",
        model=str(circuit_folder / NETWORK),
        circuit=str(target / COMPILED),
        settings_path=str(circuit_folder / SETTINGS),
        timeout=BUILD_TIMEOUT_SECS,
    )
    _require(target / COMPILED)


def make_keys(worker: Worker, srs: Path, target: Path, verifying_key: Path) -> float:
    """Makes the keys of the circuit compiled into `target`: the proving key there, the other as named.

    Returns the seconds of ezkl's setup. Raises StorageFull, ToolError, WorkerFailed.
    """
    result = worker.call(
        "setup",
        circuit=str(target / COMPILED),
        vk=str(verifying_key),
        pk=str(target / PROVING_KEY),
        srs_path=str(srs),
        timeout=BUILD_TIMEOUT_SECS,
    )
    _require(verifying_key)
    _require(target / PROVING_KEY)
    hashes = {name: sha256_file(target / name) for name in (COMPILED, PROVING_KEY)}
    write_atomic(target / HASHES, json.dumps(hashes, indent=2) + "\n")
    return float(result["seconds"])


def _require(path: Path) -> None:
    """ezkl does not always report that it could not write."""
    if not path.exists() or path.stat().st_size == 0:
        raise StorageFull(f"ezkl left {path.name} empty in {path.parent}", remedy=STORAGE_REMEDY)


def cache_folder(cache_dir: Path, manifest: CircuitManifest) -> Path:
    """Where a circuit's machine-made files live: named by its id and its verifying key."""
    return cache_dir / "circuits" / f"{manifest.circuit_id}-{manifest.vk_hash[2:18]}"


def prepare_keys(
    circuit_folder: Path,
    manifest: CircuitManifest,
    srs: Path,
    cache_dir: Path,
    *,
    memory_mb: int,
    confinement: Confinement | None = None,
) -> Built:
    """The circuit's compiled form and proving key, rebuilt when missing or damaged.

    Raises ArtifactMismatch when the rebuilt keys are not those that the manifest pins.
    """
    target = cache_folder(cache_dir, manifest)
    with locked(target.with_name(f"{target.name}.prepare")):
        if keys_intact(target, manifest):
            return Built(target)
        with (
            staged_folder(target) as stage,
            Worker(memory_mb=memory_mb, confinement=confinement.writing(stage) if confinement else None) as worker,
        ):
            verifying_key = stage / "vk.rebuilt"
            compile_circuit(worker, circuit_folder, stage)
            make_keys(worker, srs, stage, verifying_key)
            _compare("verifying key", sha256_file(verifying_key), manifest.vk_hash, manifest)
            _compare("proving key", sha256_file(stage / PROVING_KEY), manifest.pk_hash, manifest)
            verifying_key.unlink()
    return Built(target)


def keys_intact(target: Path, manifest: CircuitManifest) -> bool:
    """Whether the cached compiled circuit and proving key are whole, by their hashes."""
    try:
        recorded = json.loads((target / HASHES).read_text())
        return bool(
            sha256_file(target / COMPILED) == recorded[COMPILED]
            and sha256_file(target / PROVING_KEY) == recorded[PROVING_KEY] == manifest.pk_hash
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _compare(what: str, found: str, pinned: str, manifest: CircuitManifest) -> None:
    if found != pinned:
        raise ArtifactMismatch(
            f"the {what} of {manifest.circuit_id} came out as {found}, the manifest pins {pinned}",
            remedy="build the circuit again and deploy it as a new version",
        )
