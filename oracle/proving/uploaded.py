"""What keeps an uploaded circuit in the sandbox for good: a mark in its folder.

An uploaded circuit's folder holds `upload.json` beside its files. Whatever reads such a circuit's network, or what was
made of it, does so in a confined worker (oracle.proving.workers.confinement): while it is built
(oracle.proving.uploads), and for every witness, proof and check afterwards.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from oracle.errors import ArtifactMismatch, InvalidInput, SandboxUnavailable
from oracle.proving.building.keys import cache_folder
from oracle.proving.building.manifest import CircuitManifest
from oracle.proving.workers.confinement import MECHANISMS, Confinement, exposed, missing
from oracle.settings import Settings

MARKER: Final = "upload.json"
PROVING_CPU_SECS: Final = 24 * 3_600
FOLDER_MB: Final = 8_192


class Upload(BaseModel):
    """upload.json: which request brought the circuit, and the hashes of what was sent, 0x-prefixed SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str
    onnx_hash: str
    samples_hash: str


def sandbox_lacks(settings: Settings) -> tuple[str, ...]:
    """What the sandbox lacks here: mechanisms of the kernel, or a secret folder outside what every worker reads."""
    secrets = [settings.state_dir, *([settings.keystore] if settings.keystore else [])]
    open_ = [f"a place for {path} outside the libraries" for path in secrets if exposed(path)]
    return (*_missing(), *open_)


@lru_cache(maxsize=1)
def _missing() -> tuple[str, ...]:
    return missing()


def require_sandbox(settings: Settings) -> None:
    """Raises SandboxUnavailable where a stranger's model would be read by a process that is not fully confined.

    PLUMBLINE_UPLOAD_SANDBOX=weaker permits what the kernel lacks, never an exposed folder.
    """
    lacking = sandbox_lacks(settings)
    permitted = MECHANISMS if settings.upload_sandbox == "weaker" else ()
    refused = [name for name in lacking if name not in permitted]
    if refused:
        raise SandboxUnavailable(
            f"uploads are not read here: the sandbox lacks {', '.join(refused)}",
            remedy="run it on Linux 6.2 or newer with user namespaces, or permit less by "
            "PLUMBLINE_UPLOAD_SANDBOX=weaker on a machine that holds nothing else",
        )


def upload_of(folder: Path) -> Upload | None:
    """What is known of an uploaded circuit; None for one that was not uploaded.

    A mark that cannot be read is a mark: raises ArtifactMismatch.
    """
    path = folder / MARKER
    if not path.exists():
        return None
    try:
        return Upload.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtifactMismatch(f"{path} is no record of an upload: {error.errors()[0]['msg']}") from error


def confinement_of(settings: Settings, folder: Path, manifest: CircuitManifest) -> Confinement | None:
    """Of every worker that touches a circuit; None for one that was not uploaded. Raises SandboxUnavailable."""
    if upload_of(folder) is None:
        return None
    require_sandbox(settings)
    home = settings.state_dir / "confined" / manifest.circuit_id
    home.mkdir(parents=True, exist_ok=True)
    return Confinement(
        home,
        readable=(folder, cache_folder(settings.cache_dir, manifest), settings.cache_dir / "srs"),
        cpu_secs=PROVING_CPU_SECS,
        folder_mb=FOLDER_MB,
        private=True,
        weaker=settings.upload_sandbox == "weaker",
    )


def refuse_uploaded(folder: Path) -> None:
    """Raises InvalidInput for an uploaded circuit, where something would read its network outside the sandbox."""
    if (folder / MARKER).exists():
        raise InvalidInput(
            f"{folder.name} was uploaded; this would read it outside the sandbox",
            remedy="add a copy of the ONNX file that you trust by `plumbline model add`",
        )
