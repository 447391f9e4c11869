"""A model that a stranger uploaded, brought to a circuit in the sandbox."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from oracle.errors import Conflict, InvalidInput
from oracle.proving.building.build import CodeSize, OnProgress
from oracle.proving.building.manifest import (
    MANIFEST,
    NETWORK,
    SETTINGS,
    VERIFIER,
    VERIFYING_KEY,
    CircuitManifest,
    Domain,
    check_folder,
    read_manifest,
)
from oracle.proving.files import sha256_bytes, staged_folder, write_atomic
from oracle.proving.intake import NAME, build_circuit
from oracle.proving.tuning.cost import Objective
from oracle.proving.uploaded import FOLDER_MB, MARKER, Upload, require_sandbox, upload_of
from oracle.proving.workers.confinement import Confinement
from oracle.settings import Settings

MAX_UPLOAD_BYTES: Final = 16 << 20
MAX_SAMPLES_BYTES: Final = 8 << 20
# Of one process, as a multiple of the job's wall-clock time: ezkl's set-up takes every core
CPU_SHARE: Final = 4.0
# What a circuit folder holds; an uploaded one its mark besides
CIRCUIT_FILES: Final = (NETWORK, SETTINGS, VERIFYING_KEY, VERIFIER, MANIFEST)


def build_upload(
    settings: Settings,
    name: str,
    upload: Upload,
    onnx: bytes,
    samples: bytes,
    *,
    max_error: float | None = None,
    domain: Sequence[Domain] | None = None,
    objective: Objective = "balanced",
    code_size: CodeSize | None = None,
    on_progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> CircuitManifest:
    """An uploaded model as a circuit in state_dir/circuits/<name>; one that this upload brought already is left alone.

    Raises SandboxUnavailable, Conflict for a name that is taken, ModelRejected (naming the node at fault),
    InputRejected for the samples, TookTooLong, Cancelled, StorageFull.
    """
    require_sandbox(settings)
    out = settings.state_dir / "circuits" / name
    if (out / MANIFEST).exists() and upload_of(out) == upload:
        return read_manifest(out)
    home = settings.state_dir / "uploads" / upload.request_id
    shutil.rmtree(home, ignore_errors=True)  # of an attempt that was cut off
    home.mkdir(parents=True)
    try:
        confinement = Confinement(
            home,
            cpu_secs=round(CPU_SHARE * settings.upload_timeout_secs),
            folder_mb=FOLDER_MB,
            weaker=settings.upload_sandbox == "weaker",
            deadline=time.monotonic() + settings.upload_timeout_secs,
            cancel=cancel,
        )
        (home / "upload.onnx").write_bytes(onnx)
        (home / "samples.json").write_bytes(samples)
        manifest = build_circuit(
            settings,
            name,
            home / "upload.onnx",
            home / "samples.json",
            home / "circuit",
            max_error=max_error,
            domain=domain,
            objective=objective,
            code_size=code_size,
            on_progress=on_progress,
            confinement=confinement,
            drawn=domain is not None,
        )
        _publish(home / "circuit", out, upload, manifest)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return manifest


def check_name(settings: Settings, name: str) -> None:
    """Raises InvalidInput for what is no name of a circuit, Conflict for one that is taken."""
    if not NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no name: use lower-case letters, digits and hyphens, at most 63")
    for root in (settings.circuits_dir, settings.state_dir / "circuits"):
        if (root / name / MANIFEST).exists():
            raise Conflict(f"there is a model {name!r} already", remedy="choose another name")


def _publish(made: Path, out: Path, upload: Upload, manifest: CircuitManifest) -> None:
    """Copies what a circuit folder holds, and nothing else that lies there, and marks it."""
    check_folder(made, manifest)
    with staged_folder(out) as stage:
        if (out / MANIFEST).exists():
            raise Conflict(f"there is a model {out.name!r} already", remedy="choose another name")
        for name in CIRCUIT_FILES:
            (stage / name).write_bytes((made / name).read_bytes())
        write_atomic(stage / MARKER, upload.model_dump_json(indent=2) + "\n")


def upload_record(request_id: str, onnx: bytes, samples: bytes) -> Upload:
    """What is kept of an upload beside its circuit."""
    return Upload(request_id=request_id, onnx_hash=sha256_bytes(onnx), samples_hash=sha256_bytes(samples))
