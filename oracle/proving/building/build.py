"""From chosen parameters to a whole circuit folder, proven to work once: keys, a real proof, verifier, manifest."""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oracle.constants import MAX_CODE_SIZE
from oracle.errors import ArtifactMismatch, ModelRejected
from oracle.proving.building.keys import (
    BUILD_TIMEOUT_SECS,
    COMPILED,
    PROVING_KEY,
    cache_folder,
    canonical_settings,
    compile_circuit,
    make_keys,
)
from oracle.proving.building.manifest import (
    NETWORK,
    SETTINGS,
    VERIFIER,
    VERIFYING_KEY,
    CircuitManifest,
    Measured,
    OutputTransform,
    write_manifest,
)
from oracle.proving.building.solidity import generate_verifier
from oracle.proving.files import sha256_file, staged_folder
from oracle.proving.srs.store import DEV, dev_srs
from oracle.proving.validation import Score, Validation, quantised_samples, score
from oracle.proving.workers.confinement import Confinement
from oracle.proving.workers.pool import ToolError, Worker

# Time after which no further sample is executed on the finished circuit
CHECK_SECS = 5.0
FIRST_PROOF_TIMEOUT_SECS = BUILD_TIMEOUT_SECS / 3

CodeSize = Callable[[Path], int]
# Gas of verifying a proof as a worker returns it, by a verifier's source; None where it cannot be measured here
VerificationGas = Callable[[Path, dict[str, Any]], int | None]
OnProgress = Callable[[str, float, str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be built: settings that ezkl wrote for a model, and what it is measured against."""

    circuit_id: str
    model: Path
    settings: dict[str, Any]
    validation: Validation
    max_error: float
    predicted_gas: int
    # The model before it was rewritten, how, and what takes the place of operators left out at its end
    source: Path | None = None
    rewrites: tuple[str, ...] = ()
    transforms: tuple[OutputTransform, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """Where and under what limits a circuit is built."""

    cache_dir: Path
    memory_mb: int
    prove_timeout_secs: float
    code_size: CodeSize | None
    report: OnProgress
    gas: VerificationGas | None = None
    # Of the workers that read the model, where it is a stranger's
    confinement: Confinement | None = None


class CandidateFailed(ModelRejected):
    """These parameters gave no sound circuit; others may."""


class CodeTooLarge(CandidateFailed):
    """The verifier does not fit into a contract; one with fewer columns or tables may."""


def build(plan: Plan, site: Site, out_dir: Path) -> CircuitManifest:
    """Builds the circuit and publishes its folder at `out_dir` in one step, and its proving key in the cache.

    Raises CandidateFailed when the keys cannot be made, the proof does not verify, the verifier's code is larger than a
    contract may be, or the errors exceed the budget; StorageFull, WorkerFailed.
    """
    logrows = int(plan.settings["run_args"]["logrows"])
    site.report("srs", 0.0, f"development set-up of 2^{logrows} rows")
    srs = dev_srs(site.cache_dir, logrows, lambda done: site.report("srs", done, f"2^{logrows} rows"))
    with staged_folder(out_dir) as stage:
        keys = Path(tempfile.mkdtemp(dir=stage, prefix="keys-"))
        shutil.copyfile(plan.model, stage / NETWORK)
        (stage / SETTINGS).write_text(canonical_settings(plan.settings))
        measured = _make_and_try(plan, site, srs, stage, keys)
        manifest = _manifest(plan, stage, keys, srs, measured)
        write_manifest(stage, manifest)
        cached = cache_folder(site.cache_dir, manifest)
        with staged_folder(cached) as cache_stage:
            for path in keys.iterdir():
                shutil.copyfile(path, cache_stage / path.name)
        shutil.rmtree(keys)
    return manifest


def _make_and_try(plan: Plan, site: Site, srs: Path, stage: Path, keys: Path) -> dict[str, Any]:
    """Keys, verifier, a proof; what was measured on the way. What is cheap to refuse is refused first."""
    rows = quantised_samples(plan.validation, plan.settings["model_input_scales"])
    logrows = plan.settings["run_args"]["logrows"]
    confinement = site.confinement.reading(srs) if site.confinement else None
    with Worker(memory_mb=site.memory_mb, confinement=confinement) as worker:
        try:
            site.report("samples", 0.0, f"{len(rows)} samples in the finished circuit")
            compile_circuit(worker, stage, keys)
            got, run = _check_samples(worker, plan, keys, rows)
            site.report("setup", 0.0, f"keys of 2^{logrows} rows")
            setup_seconds = make_keys(worker, srs, keys, stage / VERIFYING_KEY)
            site.report("verifier", 0.0, "generating Solidity")
            size = _write_verifier(site, srs, stage)
            site.report("prove", 0.0, "a first proof")
            timeout = max(site.prove_timeout_secs, FIRST_PROOF_TIMEOUT_SECS)
            proof = prove_once(worker, srs=srs, stage=stage, keys=keys, rows=rows[_middle(rows)], timeout_secs=timeout)
            gas = site.gas(stage / VERIFIER, proof) if site.gas is not None else None
        except ToolError as error:
            raise CandidateFailed(f"{error}") from error
    return {
        "error": got.error,
        "absolute_errors": got.absolute,
        "validation_samples": got.samples,
        "setup_seconds": round(setup_seconds, 3),
        "witness_seconds": round(run["seconds"] / max(1, got.samples), 4),
        "prove_seconds": round(proof["seconds"], 3),
        "prove_cpu_seconds": round(proof["cpu_seconds"], 3),
        "verify_seconds": round(proof["verify_seconds"], 4),
        "peak_memory_mb": int(proof["peak_mb"]),
        "proof_bytes": len(proof["proof"]) // 2,
        "proving_key_bytes": (keys / PROVING_KEY).stat().st_size,
        "rows": int(plan.settings["num_rows"]),
        "predicted_gas": plan.predicted_gas,
        "gas": gas,
        "code_size": size,
    }


def _write_verifier(site: Site, srs: Path, stage: Path) -> int | None:
    """Writes Verifier.sol; the size of its code when there is somebody to ask. Raises CodeTooLarge."""
    source = generate_verifier(
        stage / VERIFYING_KEY, stage / SETTINGS, srs, memory_mb=site.memory_mb, confinement=site.confinement
    )
    (stage / VERIFIER).write_text(source)
    if site.code_size is None:
        return None
    size = site.code_size(stage / VERIFIER)
    if size > MAX_CODE_SIZE:
        raise CodeTooLarge(f"the verifier's code has {size} bytes, a contract may have {MAX_CODE_SIZE}")
    return size


def _middle(rows: list[list[list[int]]]) -> int:
    """A sample that is none of the domain's edges, which come first."""
    return len(rows) // 2


def _check_samples(worker: Worker, plan: Plan, keys: Path, rows: list[list[list[int]]]) -> tuple[Score, dict[str, Any]]:
    """Executes every sample on the finished circuit; its errors and table lookups must be within what is promised."""
    run = worker.call(
        "witnesses", circuit=str(keys / COMPILED), samples=rows, seconds=CHECK_SECS, timeout=BUILD_TIMEOUT_SECS
    )
    got = score(plan.validation, run["outputs"], plan.settings["model_output_scales"])
    if got.error > plan.max_error:
        raise CandidateFailed(f"the circuit's error is {got.error:.2g}, more than the budget of {plan.max_error:.2g}")
    low, high = plan.settings["run_args"]["lookup_range"]
    if plan.settings["required_lookups"] and (run["lookup_min"] < low or run["lookup_max"] > high):
        raise CandidateFailed(f"lookups in [{run['lookup_min']}, {run['lookup_max']}] exceed the table [{low}, {high}]")
    return got, run


def prove_once(
    worker: Worker, *, srs: Path, stage: Path, keys: Path, rows: list[list[int]], timeout_secs: float
) -> dict[str, Any]:
    """The first proof under new keys, as a worker returns it, with the seconds of its verification (`verify_seconds`).

    Raises CandidateFailed where it does not verify, ArtifactMismatch where its instances are not the witness's.
    """
    witness = str(worker.folder / "first.witness")
    summary = worker.call("witness", circuit=str(keys / COMPILED), inputs=rows, out=witness)
    proof: dict[str, Any] = worker.call(
        "prove",
        witness_path=witness,
        circuit=str(keys / COMPILED),
        pk=str(keys / PROVING_KEY),
        srs_path=str(srs),
        timeout=timeout_secs,
    )
    started = time.monotonic()
    accepted = worker.call(
        "verify",
        proof=proof["proof"],
        instances=proof["instances"],
        settings_path=str(stage / SETTINGS),
        vk=str(stage / VERIFYING_KEY),
        srs_path=str(srs),
    )
    proof["verify_seconds"] = time.monotonic() - started
    if not accepted:
        raise CandidateFailed("a first proof does not verify")
    if len(proof["instances"]) != len(summary["inputs"]) + len(summary["outputs"]):
        raise ArtifactMismatch("the proof's instances are not the witness's inputs and outputs")
    return proof


def _manifest(plan: Plan, stage: Path, keys: Path, srs: Path, measured: dict[str, Any]) -> CircuitManifest:
    form, settings = plan.validation.form, plan.settings
    return CircuitManifest(
        circuit_id=plan.circuit_id,
        model_hash=sha256_file(stage / NETWORK),
        source_model_hash=sha256_file(plan.source) if plan.source else None,
        rewrites=list(plan.rewrites),
        outputs_transform=list(plan.transforms),
        circuit_hash=sha256_file(stage / SETTINGS),
        vk_hash=sha256_file(stage / VERIFYING_KEY),
        pk_hash=sha256_file(keys / PROVING_KEY),
        srs_hash=sha256_file(srs),
        srs_kind=DEV,
        verifier_source_hash=sha256_file(stage / VERIFIER),
        logrows=settings["run_args"]["logrows"],
        input_names=form.input_names,
        input_shapes=form.input_shapes,
        input_dtypes=form.input_dtypes,
        output_shapes=form.output_shapes,
        output_dtypes=form.output_dtypes,
        input_count=form.input_count,
        output_count=form.output_count,
        input_scale_bits=_per_value(settings["model_input_scales"], form.input_shapes),
        output_scale_bits=_per_value(settings["model_output_scales"], form.output_shapes),
        domain=plan.validation.domain,
        lookup_range=tuple(settings["run_args"]["lookup_range"]),
        max_error=plan.max_error,
        output_magnitudes=plan.validation.magnitudes,
        measured=Measured(**measured),
    )


def _per_value(scales: list[int], shapes: list[list[int]]) -> list[int]:
    """One scale for each value, or a single one when all are equal."""
    if len(set(scales)) == 1:
        return [int(scales[0])]
    counts = [math.prod(shape) for shape in shapes]
    return [int(scale) for scale, count in zip(scales, counts, strict=True) for _ in range(count)]
