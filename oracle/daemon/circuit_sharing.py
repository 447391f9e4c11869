"""Uploaded circuits on every machine: who builds one keeps its files as artifacts, who is to prove it fetches them.

Nothing of it is believed: each file has the hash that its upload's record names, and the manifest's hashes are those of
that record too. What is fetched is marked as uploaded, so that it is touched by confined workers alone, as where it was
built. Compiled circuit and proving key are made anew from it.
"""

from __future__ import annotations

import threading
from pathlib import Path

import structlog

from oracle.domain.requests import Request, RequestKind
from oracle.errors import ArtifactMismatch, ServiceUnavailable
from oracle.proving.building.manifest import MANIFEST, check_folder, read_manifest
from oracle.proving.files import staged_folder, write_atomic
from oracle.proving.uploaded import MARKER, Upload
from oracle.proving.uploads import CIRCUIT_FILES
from oracle.settings import Settings
from oracle.store.artifacts import Artifacts
from oracle.store.requests import RequestStore

_log = structlog.get_logger(__name__)


def keep_circuit(artifacts: Artifacts, folder: Path) -> dict[str, str]:
    """The artifact that each file of a circuit folder is, by its name. Raises StorageFull, ConfigurationError."""
    return {name: artifacts.put((folder / name).read_bytes()) for name in CIRCUIT_FILES}


class CircuitFetcher:
    """Brings uploaded circuits into this machine's state folder. Safe for threads."""

    def __init__(self, settings: Settings, requests: RequestStore, artifacts: Artifacts) -> None:
        self._settings = settings
        self._requests = requests
        self._artifacts = artifacts
        self._lock = threading.Lock()

    def fetch(self, name: str) -> None:
        """Puts the circuit that an upload of this name has brought into the state folder; nothing without one.

        Raises ServiceUnavailable while the upload has not ended, NotFound for an artifact that is gone,
        ArtifactMismatch for one that is not what the upload's record says.
        """
        uploads = self._requests.recent(kind=RequestKind.MODEL, subject=name)
        if any(not one.finished for one in uploads):
            raise ServiceUnavailable(f"the upload of {name!r} has not ended yet")
        brought = next((one for one in uploads if one.result and "files" in one.result), None)
        if brought is None:
            return
        folder = self._settings.state_dir / "circuits" / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            if (folder / MANIFEST).exists():  # another thread was faster
                return
            with staged_folder(folder) as stage:
                self._fill(stage, brought)
        _log.info("circuit fetched", circuit=name, request_id=brought.id)

    def _fill(self, stage: Path, brought: Request) -> None:
        record = dict(brought.result or {})
        files = dict(record["files"])
        if set(files) != set(CIRCUIT_FILES):
            raise ArtifactMismatch(f"the record of {brought.subject!r} names {sorted(files)}, no circuit's files")
        for name in CIRCUIT_FILES:
            (stage / name).write_bytes(self._artifacts.get(str(files[name])))
        manifest = read_manifest(stage)
        check_folder(stage, manifest)
        found = (manifest.circuit_id, manifest.model_hash, manifest.circuit_hash, manifest.vk_hash)
        told = (brought.subject, *(record[name] for name in ("modelHash", "circuitHash", "vkHash")))
        if found != told:
            raise ArtifactMismatch(f"the circuit kept for {brought.subject!r} has {found}, its record says {told}")
        mark = Upload(
            request_id=brought.id,
            onnx_hash=f"0x{brought.body['onnx']}",
            samples_hash=f"0x{brought.body['samples']}",
        )
        write_atomic(stage / MARKER, mark.model_dump_json(indent=2) + "\n")
