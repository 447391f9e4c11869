"""A circuit built again from its ONNX file and its manifest: every hash that the manifest pins must come out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from oracle.constants import EZKL_VERSION
from oracle.errors import ArtifactMismatch, Halt, InvalidInput, OracleError, SandboxUnavailable, StorageFull
from oracle.proving.building.keys import BUILD_TIMEOUT_SECS, PROVING_KEY, canonical_settings, compile_circuit, make_keys
from oracle.proving.building.manifest import NETWORK, SETTINGS, VERIFIER, VERIFYING_KEY, CircuitManifest
from oracle.proving.building.solidity import generate_verifier
from oracle.proving.files import sha256_bytes, sha256_file, storage_guard
from oracle.proving.srs.store import find_srs
from oracle.proving.uploaded import confinement_of
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings

OnProgress = Callable[[str, float, str], None]

# Of settings.json's run arguments, those that ezkl's gen_settings takes; the rest are its own constants
RUN_ARGUMENTS: Final = (
    "input_scale",
    "param_scale",
    "scale_rebase_multiplier",
    "decomp_base",
    "decomp_legs",
    "num_inner_cols",
    "lookup_range",
    "logrows",
    "disable_freivalds",
    "rebase_scale",
    "bounded_log_lookup",
    "rebase_frac_zero_constants",
    "ignore_range_check_inputs_outputs",
    "epsilon",
)
VISIBILITIES: Final = ("input_visibility", "output_visibility", "param_visibility")


@dataclass(frozen=True, slots=True)
class Reproduced:
    """One pinned fact and what came out; `committed`: the same of the file in the circuit's folder, where there is one.

    `rebuilt` is None when the build did not come so far.
    """

    name: str
    pinned: str
    committed: str | None
    rebuilt: str | None

    @property
    def same(self) -> bool:
        """Whether all are the same."""
        return self.rebuilt == self.pinned and self.committed in (None, self.pinned)


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of building a circuit again; `failure` says why it did not come to its end."""

    circuit_id: str
    facts: list[Reproduced]
    failure: str | None = None

    @property
    def ok(self) -> bool:
        """Whether everything pinned came out again."""
        return self.failure is None and all(fact.same for fact in self.facts)


def reproduce(
    settings: Settings, folder: Path, manifest: CircuitManifest, on_progress: OnProgress | None = None
) -> Reproduction:
    """Settings, circuit, keys and verifier from network.onnx and the manifest, in fresh folders and a fresh ezkl cache.

    The set-up alone is taken from the cache when it is there: it is named, and pinned, by its hash. Raises StorageFull,
    SandboxUnavailable and WorkerFailed; whatever else goes wrong is in the result.
    """
    report = on_progress or (lambda stage, fraction, detail: None)
    found: dict[str, str | None] = {}
    failure = None
    try:
        with (
            storage_guard(Path(tempfile.gettempdir())),
            tempfile.TemporaryDirectory(prefix="plumbline-reproduce-") as scratch,
        ):
            _rebuild(settings, folder, manifest, Path(scratch), report=report, found=found)
    except OSError as error:
        failure = f"{error.strerror}: {error.filename}"
    except OracleError as error:
        if not _about_the_circuit(error):
            raise
        failure = str(error)
    facts = [
        Reproduced(name, pinned, committed, found.get(name)) for name, pinned, committed in _pinned(folder, manifest)
    ]
    return Reproduction(manifest.circuit_id, facts, failure)


def _about_the_circuit(error: OracleError) -> bool:
    return isinstance(error, Halt | InvalidInput) and not isinstance(error, StorageFull | SandboxUnavailable)


def _pinned(folder: Path, manifest: CircuitManifest) -> list[tuple[str, str, str | None]]:
    def committed(name: str) -> str:
        path = folder / name
        return sha256_file(path) if path.exists() else "missing"

    return [
        ("ezkl", manifest.ezkl_version, EZKL_VERSION),
        ("modelHash", manifest.model_hash, committed(NETWORK)),
        ("circuitHash", manifest.circuit_hash, committed(SETTINGS)),
        ("srsHash", manifest.srs_hash, None),
        ("vkHash", manifest.vk_hash, committed(VERIFYING_KEY)),
        ("pkHash", manifest.pk_hash, None),
        ("verifierSource", manifest.verifier_source_hash, committed(VERIFIER)),
    ]


def _rebuild(
    settings: Settings,
    folder: Path,
    manifest: CircuitManifest,
    scratch: Path,
    *,
    report: OnProgress,
    found: dict[str, str | None],
) -> None:
    """Fills `found` as far as the build comes."""
    found["ezkl"] = version("ezkl")
    (scratch / NETWORK).write_bytes((folder / NETWORK).read_bytes())
    found["modelHash"] = sha256_file(scratch / NETWORK)
    confinement = confinement_of(settings, folder, manifest)
    if confinement:
        confinement = confinement.writing(scratch)
    with Worker(memory_mb=settings.prove_memory_mb, confinement=confinement) as worker:
        report("settings", 0.0, "from the run arguments")
        text = rebuilt_settings(worker, scratch / NETWORK, _read_settings(folder), scratch)
        (scratch / SETTINGS).write_text(text)
        found["circuitHash"] = sha256_bytes(text.encode())
        report("srs", 0.0, f"2^{manifest.logrows} rows, {manifest.srs_kind}")
        srs = find_srs(settings.cache_dir, manifest.logrows, manifest.srs_kind, manifest.srs_hash)
        found["srsHash"] = sha256_file(srs)
        report("keys", 0.0, f"about {manifest.measured.setup_seconds:.0f} s")
        compile_circuit(worker, scratch, scratch)
        make_keys(worker, srs, scratch, scratch / VERIFYING_KEY)
    found["vkHash"] = sha256_file(scratch / VERIFYING_KEY)
    found["pkHash"] = sha256_file(scratch / PROVING_KEY)
    report("verifier", 0.0, "generating Solidity")
    source = generate_verifier(
        scratch / VERIFYING_KEY,
        scratch / SETTINGS,
        srs,
        memory_mb=settings.prove_memory_mb,
        confinement=confinement,
    )
    found["verifierSource"] = sha256_bytes(source.encode())


def _read_settings(folder: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads((folder / SETTINGS).read_text())
        document["run_args"]["logrows"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactMismatch(f"{folder / SETTINGS} are no settings: {error}") from error
    return document


def rebuilt_settings(worker: Worker, model: Path, document: dict[str, Any], scratch: Path) -> str:
    """Canonical settings that ezkl derives anew from a model and the run arguments of a settings document."""
    arguments = document["run_args"]
    chosen = {name: arguments[name] for name in RUN_ARGUMENTS if name in arguments}
    chosen |= {name: str(arguments[name]).lower() for name in VISIBILITIES}
    derived = worker.call(
        "settings", model=str(model), out=str(scratch / "derived.json"), run_args=chosen, timeout=BUILD_TIMEOUT_SECS
    )
    return canonical_settings(derived)
