"""A circuit under another set-up: same settings, other keys, other verifier, another manifest."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

from oracle.errors import ArtifactMismatch, InvalidInput, NotFound
from oracle.proving.building.build import FIRST_PROOF_TIMEOUT_SECS, CodeSize, OnProgress, prove_once
from oracle.proving.building.keys import PROVING_KEY, cache_folder, compile_circuit, make_keys
from oracle.proving.building.manifest import (
    SETTINGS,
    VERIFIER,
    VERIFYING_KEY,
    CircuitManifest,
    check_folder,
    read_manifest,
    write_manifest,
)
from oracle.proving.building.solidity import generate_verifier
from oracle.proving.files import locked, sha256_file, staged_folder
from oracle.proving.quantise import domain_at, split_rows
from oracle.proving.srs.store import DEV, StoredSrs, check_srs, dev_srs, stored_srs
from oracle.proving.uploaded import confinement_of
from oracle.proving.workers.pool import Worker
from oracle.settings import Settings


def choose_srs(settings: Settings, logrows: int, words: str) -> StoredSrs:
    """The set-up that is meant by KIND, or KIND/HASH with the hash's first digits, for circuits of 2^logrows rows.

    Raises NotFound, and InvalidInput when several are meant.
    """
    kind, _, digits = words.partition("/")
    if kind == DEV:
        dev_srs(settings.cache_dir, logrows)
    found = [
        one
        for one in stored_srs(settings.cache_dir)
        if (one.kind, one.logrows) == (kind, logrows) and one.srs_hash[2:].startswith(digits.removeprefix("0x"))
    ]
    if not found:
        raise NotFound(
            f"no set-up {words!r} of 2^{logrows} rows has been imported",
            remedy=f"`plumbline srs import FILE --logrows {logrows}`; `plumbline srs list` shows what is there",
        )
    if len(found) > 1:
        raise InvalidInput(f"{words!r} means {len(found)} set-ups", remedy="name it as KIND/HASH")
    check_srs(found[0].path, logrows, found[0].srs_hash)
    return found[0]


def rebuild_circuit(
    settings: Settings,
    folder: Path,
    srs: StoredSrs,
    *,
    code_size: CodeSize | None = None,
    on_progress: OnProgress | None = None,
) -> CircuitManifest:
    """Replaces the circuit in `folder` by the same circuit under another set-up; one proof of it has been verified.

    Its verifying key and its verifier are others: deployed models need a new version.

    Raises ArtifactMismatch for a folder that is not what its manifest says, ModelRejected for a proof that does not
    verify, StorageFull, WorkerFailed.
    """
    report = on_progress or (lambda stage, fraction, detail: None)
    manifest = read_manifest(folder)
    check_folder(folder, manifest)
    if srs.logrows != manifest.logrows:
        raise InvalidInput(f"{manifest.circuit_id} has 2^{manifest.logrows} rows, the set-up 2^{srs.logrows}")
    with locked(folder.with_name(f"{folder.name}.rebuild")), staged_folder(folder) as stage:
        shutil.copytree(folder, stage, dirs_exist_ok=True)
        keys = Path(tempfile.mkdtemp(dir=stage, prefix="keys-"))
        confinement = confinement_of(settings, folder, manifest)
        if confinement:
            confinement = confinement.reading(srs.path).writing(stage)
        with Worker(memory_mb=settings.prove_memory_mb, confinement=confinement) as worker:
            report("keys", 0.0, f"2^{srs.logrows} rows, {srs.kind} set-up")
            compile_circuit(worker, stage, keys)
            make_keys(worker, srs.path, keys, stage / VERIFYING_KEY)
            report("prove", 0.0, "a first proof")
            rows = split_rows(manifest, _middle(manifest))
            proof = prove_once(
                worker, srs=srs.path, stage=stage, keys=keys, rows=rows, timeout_secs=FIRST_PROOF_TIMEOUT_SECS
            )
            if len(proof["proof"]) // 2 != manifest.measured.proof_bytes:
                raise ArtifactMismatch(
                    f"the proof has {len(proof['proof']) // 2} bytes, the manifest says {manifest.measured.proof_bytes}"
                )
        report("verifier", 0.0, "generating Solidity")
        source = generate_verifier(
            stage / VERIFYING_KEY,
            stage / SETTINGS,
            srs.path,
            memory_mb=settings.prove_memory_mb,
            confinement=confinement,
        )
        (stage / VERIFIER).write_text(source)
        size = code_size(stage / VERIFIER) if code_size else manifest.measured.code_size
        rebuilt = manifest.model_copy(
            update={
                "vk_hash": sha256_file(stage / VERIFYING_KEY),
                "pk_hash": sha256_file(keys / PROVING_KEY),
                "srs_hash": srs.srs_hash,
                "srs_kind": srs.kind,
                "verifier_source_hash": sha256_file(stage / VERIFIER),
                "measured": manifest.measured.model_copy(update={"code_size": size}),
            }
        )
        write_manifest(stage, rebuilt)
        with staged_folder(cache_folder(settings.cache_dir, rebuilt)) as cached:
            for path in keys.iterdir():
                shutil.copyfile(path, cached / path.name)
        shutil.rmtree(keys)
    return rebuilt


def _middle(manifest: CircuitManifest) -> list[int]:
    """The middle of every input value's interval, as the circuit's integers."""
    values, position = [], 0
    for tensor, size in enumerate(manifest.input_sizes):
        for _ in range(size):
            domain = domain_at(manifest, tensor, position)
            values.append(math.floor((domain.low + domain.high) / 2 * 2.0 ** manifest.input_scale(position)))
            position += 1
    return values
