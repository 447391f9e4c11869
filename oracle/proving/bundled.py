"""A proof checked with the files that came with it, which are anybody's: in a confined worker, under a known set-up."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from oracle.domain.proofs import Proof
from oracle.errors import ArtifactMismatch, ProofRejected
from oracle.proving.building.manifest import MANIFEST, SETTINGS, VERIFYING_KEY, read_manifest
from oracle.proving.files import sha256_bytes
from oracle.proving.srs.store import find_srs
from oracle.proving.workers.confinement import Confinement
from oracle.proving.workers.pool import Worker, WorkerFailed
from oracle.proving.workers.verification import check_proof
from oracle.settings import Settings

CHECK_SECS = 120.0
CPU_SECS = 120


def check_bundled(settings: Settings, files: Mapping[str, bytes], proof: Proof) -> None:
    """Raises ProofRejected unless the proof is valid for its instances under the vk.key among the files.

    manifest.json must pin that key and settings.json (ArtifactMismatch), and its set-up must be here or be the
    development one (NotFound). The sandbox is as strong as this machine gives.
    """
    with tempfile.TemporaryDirectory(prefix="plumbline-evidence-") as name:
        folder = Path(name)
        for file in (MANIFEST, SETTINGS, VERIFYING_KEY):
            (folder / file).write_bytes(files[file])
        manifest = read_manifest(folder)
        pinned = {SETTINGS: manifest.circuit_hash, VERIFYING_KEY: manifest.vk_hash}
        wrong = [file for file, pin in pinned.items() if sha256_bytes(files[file]) != pin]
        if wrong:
            raise ArtifactMismatch(f"{', '.join(wrong)} is not the one that the manifest pins")
        srs = find_srs(settings.cache_dir, manifest.logrows, manifest.srs_kind, manifest.srs_hash)
        confinement = Confinement(folder, readable=(srs,), cpu_secs=CPU_SECS, weaker=True)
        with Worker(memory_mb=settings.upload_memory_mb, confinement=confinement) as worker:
            try:
                check_proof(worker, proof, manifest, folder=folder, srs=srs, timeout=CHECK_SECS)
            except WorkerFailed as error:  # the files are anybody's: what ends a worker proves nothing
                raise ProofRejected(f"the proof does not verify: {error}") from error
