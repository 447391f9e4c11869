"""A circuit's verifier written again by this release: keys, proofs and every other file stay as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

from oracle.constants import MAX_CODE_SIZE
from oracle.proving.building.build import CodeSize, CodeTooLarge
from oracle.proving.building.manifest import (
    SETTINGS,
    VERIFIER,
    VERIFYING_KEY,
    check_folder,
    read_manifest,
    write_manifest,
)
from oracle.proving.building.solidity import generate_verifier
from oracle.proving.files import locked, sha256_bytes, staged_folder
from oracle.proving.srs.store import find_srs
from oracle.proving.uploaded import confinement_of
from oracle.settings import Settings


def refresh_verifier(settings: Settings, folder: Path, *, code_size: CodeSize, plain: bool = False) -> bool:
    """Replaces Verifier.sol and what the manifest says of it, in one step; whether anything changed.

    `plain` writes ezkl's own verifier with the check of the offset. A deployed verifier stays what it is: other code
    needs a new version of its model. Raises ArtifactMismatch for a folder that is not what its manifest says,
    VerifierNotUnderstood, CodeTooLarge, ToolMissing.
    """
    with locked(folder.with_name(f"{folder.name}.rebuild")):
        manifest = read_manifest(folder)
        check_folder(folder, manifest)
        srs = find_srs(settings.cache_dir, manifest.logrows, manifest.srs_kind, manifest.srs_hash)
        memory_mb = settings.prove_memory_mb
        source = generate_verifier(
            folder / VERIFYING_KEY,
            folder / SETTINGS,
            srs,
            memory_mb=memory_mb,
            plain=plain,
            confinement=confinement_of(settings, folder, manifest),
        )
        digest = sha256_bytes(source.encode())
        if digest == manifest.verifier_source_hash:
            return False
        with staged_folder(folder) as stage:
            shutil.copytree(folder, stage, dirs_exist_ok=True)
            (stage / VERIFIER).write_text(source)
            size = code_size(stage / VERIFIER)
            if size > MAX_CODE_SIZE:
                raise CodeTooLarge(f"the verifier's code has {size} bytes, a contract may have {MAX_CODE_SIZE}")
            measured = manifest.measured.model_copy(update={"code_size": size})
            update = {"verifier_source_hash": digest, "measured": measured}
            write_manifest(stage, manifest.model_copy(update=update))
    return True
