"""A proof checked in a worker process, under the files of a circuit's folder."""

from __future__ import annotations

from pathlib import Path

from oracle.constants import BN254_SCALAR_FIELD
from oracle.domain.proofs import Proof
from oracle.errors import ProofRejected
from oracle.proving.building.manifest import SETTINGS, VERIFYING_KEY, CircuitManifest
from oracle.proving.felts import hex_from_int
from oracle.proving.workers.pool import ToolError, Worker


def check_proof(
    worker: Worker, proof: Proof, manifest: CircuitManifest, *, folder: Path, srs: Path, timeout: float
) -> None:
    """Raises ProofRejected unless the proof is valid for its instances under the folder's key; WorkerFailed.

    `folder` must hold the settings and the key that the manifest pins, which is the caller's to check.
    """
    name, expected = manifest.circuit_id, manifest.input_count + manifest.output_count
    if len(proof.instances) != expected:
        raise ProofRejected(f"the proof has {len(proof.instances)} instances, {name} has {expected}")
    if len(proof.zk_proof) != manifest.measured.proof_bytes:
        raise ProofRejected(f"the proof has {len(proof.zk_proof)} bytes, {name} has {manifest.measured.proof_bytes}")
    if any(not 0 <= felt < BN254_SCALAR_FIELD for felt in proof.instances):
        raise ProofRejected("an instance is not a field element")
    try:
        accepted = worker.call(
            "verify",
            proof=proof.zk_proof.hex(),
            instances=[hex_from_int(felt) for felt in proof.instances],
            settings_path=str(folder / SETTINGS),
            vk=str(folder / VERIFYING_KEY),
            srs_path=str(srs),
            timeout=timeout,
        )
    except ToolError as error:
        raise ProofRejected(f"the proof does not verify under {name}: {error.message}") from error
    if not accepted:
        raise ProofRejected(f"the proof does not verify under {name}")
