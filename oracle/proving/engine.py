"""The proving engine: everything that the service and the CLI ask of circuits.

Thread-safe and blocking. Circuits are looked up by id in settings.circuits_dir and in settings.state_dir/circuits.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from oracle.constants import LOCAL_CHAIN_IDS, SAFE_SRS_KINDS
from oracle.domain.proofs import Proof, Witness
from oracle.errors import ArtifactMismatch, InvalidInput, NotFound, ProofRejected, UnsafeSetup
from oracle.proving import quantise as quantisation
from oracle.proving.building.keys import Built, keys_intact, prepare_keys
from oracle.proving.building.manifest import MANIFEST, CircuitManifest, check_folder, read_manifest
from oracle.proving.felts import felt_from_hex
from oracle.proving.files import sha256_bytes, storage_guard
from oracle.proving.srs.store import find_srs
from oracle.proving.uploaded import confinement_of
from oracle.proving.witness import make_witness
from oracle.proving.workers.pool import ToolError, Worker, WorkerPool
from oracle.proving.workers.verification import check_proof
from oracle.settings import Settings

OnProgress: TypeAlias = Callable[[str, float, str], None]
_Ready: TypeAlias = tuple[CircuitManifest, Built, Path, Path]

VERIFY_TIMEOUT_SECS: Final = 60.0
MIN_PROVE_TIMEOUT_FACTOR: Final = 30.0


def silent(stage: str, fraction: float, detail: str) -> None:
    """A progress callback that does nothing."""


@dataclass(frozen=True, slots=True)
class UnusableCircuit:
    """A circuit folder that cannot be used, and why."""

    folder: Path
    reason: str


class ProvingEngine:
    """Witnesses, proofs and verification over the circuit folders, in worker processes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = WorkerPool(size=settings.max_workers, memory_mb=settings.prove_memory_mb)
        self._prepared: dict[str, _Ready] = {}
        self._lock = threading.Lock()
        self.fetch: Callable[[str], None] | None = None
        """Called for a circuit that is in neither folder: where it can, it brings it into the user's."""

    @property
    def folders(self) -> tuple[Path, Path]:
        """Where circuits are looked up: those of the project, then the user's."""
        return self._settings.circuits_dir, self._settings.state_dir / "circuits"

    def circuits(self) -> list[CircuitManifest]:
        """The manifests of all circuits that can be used, by id."""
        return self._survey()[0]

    def unusable(self) -> list[UnusableCircuit]:
        """The circuit folders whose manifest cannot be used, by name, with the reason."""
        return self._survey()[1]

    def _survey(self) -> tuple[list[CircuitManifest], list[UnusableCircuit]]:
        """A name in both folders is the project's, as in `folder`."""
        found: dict[str, CircuitManifest] = {}
        unusable: dict[str, UnusableCircuit] = {}
        for root in reversed(self.folders):
            for path in sorted(root.glob(f"[!.]*/{MANIFEST}")):
                folder = path.parent
                try:
                    manifest = read_manifest(folder)
                    if manifest.circuit_id != folder.name:
                        raise ArtifactMismatch(f"{path} is the manifest of {manifest.circuit_id}")
                except (ArtifactMismatch, NotFound, OSError) as error:
                    unusable[folder.name] = UnusableCircuit(folder, str(error))
                    found.pop(folder.name, None)
                else:
                    found[folder.name] = manifest
                    unusable.pop(folder.name, None)
        return [found[name] for name in sorted(found)], [unusable[name] for name in sorted(unusable)]

    def circuit(self, circuit_id: str) -> CircuitManifest:
        """The manifest of one circuit. Raises NotFound."""
        return read_manifest(self.folder(circuit_id))

    def folder(self, circuit_id: str) -> Path:
        """The folder of one circuit. Raises NotFound."""
        found = self._found(circuit_id)
        if found is None and self.fetch is not None:
            self.fetch(circuit_id)
            found = self._found(circuit_id)
        if found is not None:
            return found
        known = ", ".join(manifest.circuit_id for manifest in self.circuits()) or "none"
        raise NotFound(f"there is no circuit {circuit_id!r}; known: {known}")

    def _found(self, circuit_id: str) -> Path | None:
        named = Path(circuit_id).name == circuit_id
        return next(
            (root / circuit_id for root in self.folders if named and (root / circuit_id / MANIFEST).exists()), None
        )

    def prepare(self, circuit_id: str, on_progress: OnProgress | None = None) -> CircuitManifest:
        """Makes what proving needs and is not there: SRS, compiled circuit, proving key. All hashes are checked.

        Raises NotFound, ArtifactMismatch, StorageFull, UnsafeSetup for a development set-up off local chains.
        """
        return self._ready(circuit_id, on_progress or silent)[0]

    def quantise(self, circuit_id: str, inputs: Sequence[Sequence[float]]) -> list[int]:
        """Real inputs, one row for each input tensor, as the circuit's signed integers. Raises InputRejected."""
        return quantisation.quantise(self.circuit(circuit_id), inputs)

    def witness(self, circuit_id: str, quantised: Sequence[int], cancel: threading.Event | None = None) -> Witness:
        """A checked witness of exactly these signed integers. Raises InputRejected; see oracle.proving.witness."""
        manifest, built, folder, _ = self._ready(circuit_id, silent)
        with self._worker(manifest, cancel) as worker:
            return make_witness(
                worker, manifest, quantised, circuit_folder=folder, built=built, timeout=self._timeout(manifest)
            )

    def prove(
        self,
        circuit_id: str,
        witness: Witness,
        *,
        on_progress: OnProgress | None = None,
        cancel: threading.Event | None = None,
        place: int = 0,
    ) -> Proof:
        """A proof of the witness, verified here before it is handed out. Of those that wait the least `place` is next.

        Raises WorkerTimeout or WorkerOutOfMemory when the worker had to be killed, Cancelled, ArtifactMismatch when
        the key or the set-up turned out damaged, and InvalidInput for a witness of another circuit.
        """
        report = on_progress or silent
        if witness.circuit_id != circuit_id:
            raise InvalidInput(f"the witness is of {witness.circuit_id}, not of {circuit_id}")
        manifest, built, folder, srs = self._ready(circuit_id, report)
        started = time.monotonic()
        report("queue", 0.0, f"{self._pool.waiting} ahead")
        with self._worker(manifest, cancel, place) as worker:
            queued = time.monotonic() - started
            report("prove", 0.0, f"about {manifest.measured.prove_seconds:.1f} s")
            result = self._call_prove(worker, (manifest, built, folder, srs), witness, cancel)
            proof = Proof(
                circuit_id,
                bytes.fromhex(result["proof"]),
                tuple(felt_from_hex(text) for text in result["instances"]),
                {"queue": queued, "prove": result["seconds"], "prove_cpu": result["cpu_seconds"]},
            )
            report("verify", 0.9, "checking the proof")
            try:
                check_proof(worker, proof, manifest, folder=folder, srs=srs, timeout=VERIFY_TIMEOUT_SECS)
                if proof.instances != witness.instances:
                    raise ProofRejected("the proof's instances are not the witness's")
            except ProofRejected as error:
                self._forget(circuit_id)
                raise self._explain(manifest, built, error) from error
        report("done", 1.0, f"{time.monotonic() - started:.1f} s")
        return proof

    def verify(self, circuit_id: str, proof: Proof) -> None:
        """Raises ProofRejected unless the proof is valid for its instances under this circuit's verifying key."""
        if proof.circuit_id != circuit_id:
            raise ProofRejected(f"the proof is of {proof.circuit_id}, not of {circuit_id}")
        manifest = self.circuit(circuit_id)
        folder = self.folder(circuit_id)
        check_folder(folder, manifest)
        srs = find_srs(self._settings.cache_dir, manifest.logrows, manifest.srs_kind, manifest.srs_hash)
        with self._worker(manifest, None) as worker:
            check_proof(worker, proof, manifest, folder=folder, srs=srs, timeout=VERIFY_TIMEOUT_SECS)

    def inputs(self, circuit_id: str, proof: Proof) -> list[float]:
        """The proof's inputs as real numbers."""
        manifest = self.circuit(circuit_id)
        values = proof.integers()[: manifest.input_count]
        return [value for row in quantisation.real_rows(manifest, values) for value in row]

    def outputs(self, circuit_id: str, proof: Proof) -> list[float]:
        """The proof's outputs as real numbers."""
        manifest = self.circuit(circuit_id)
        return quantisation.real_outputs(manifest, proof.integers()[manifest.input_count :])

    def close(self) -> None:
        """Ends all workers."""
        self._pool.close()

    def _ready(self, circuit_id: str, report: OnProgress) -> _Ready:
        folder = self.folder(circuit_id)
        manifest = read_manifest(folder)
        with self._lock:
            known = self._prepared.get(circuit_id)
        if known is not None and known[0] == manifest and known[1].proving_key.exists() and known[3].exists():
            return known
        check_folder(folder, manifest)
        self._refuse_unsafe(manifest)
        cache = self._settings.cache_dir
        report("srs", 0.0, f"2^{manifest.logrows} rows, {manifest.srs_kind}")
        with storage_guard(cache):
            srs = find_srs(
                cache,
                manifest.logrows,
                manifest.srs_kind,
                manifest.srs_hash,
                lambda done: report("srs", done, f"2^{manifest.logrows} rows"),
            )
            report("keys", 0.0, f"about {manifest.measured.setup_seconds:.1f} s when missing")
            built = prepare_keys(
                folder,
                manifest,
                srs,
                cache,
                memory_mb=self._settings.prove_memory_mb,
                confinement=confinement_of(self._settings, folder, manifest),
            )
        report("keys", 1.0, "proving key ready")
        ready = (manifest, built, folder, srs)
        with self._lock:
            self._prepared[circuit_id] = ready
        return ready

    def _refuse_unsafe(self, manifest: CircuitManifest) -> None:
        """Nothing is proven for a real chain under a set-up that lets somebody forge."""
        chain_id = self._settings.chain_id
        if manifest.srs_kind not in SAFE_SRS_KINDS and chain_id not in LOCAL_CHAIN_IDS:
            raise UnsafeSetup(
                f"{manifest.circuit_id} has a set-up of kind {manifest.srs_kind}, under which proofs can be forged: "
                f"not for chain {chain_id}",
                remedy="import a public ceremony's file by `plumbline srs import`, then `plumbline model rebuild`",
            )

    def _forget(self, circuit_id: str) -> None:
        with self._lock:
            self._prepared.pop(circuit_id, None)

    @contextmanager
    def _worker(self, manifest: CircuitManifest, cancel: threading.Event | None, place: int = 0) -> Iterator[Worker]:
        need = manifest.measured.peak_memory_mb
        confinement = confinement_of(self._settings, self.folder(manifest.circuit_id), manifest)
        # A worker that may read these files alone serves no other build of the circuit
        key = f"{manifest.circuit_id} {manifest.vk_hash}" if confinement else manifest.circuit_id
        with self._pool.worker(key, cancel, need_mb=need, confinement=confinement, place=place) as worker:
            yield worker

    def _timeout(self, manifest: CircuitManifest) -> float:
        return max(self._settings.prove_timeout_secs, MIN_PROVE_TIMEOUT_FACTOR * manifest.measured.witness_seconds)

    def _call_prove(
        self,
        worker: Worker,
        ready: _Ready,
        witness: Witness,
        cancel: threading.Event | None,
    ) -> dict[str, Any]:
        manifest, built, _, srs = ready
        with (
            storage_guard(worker.folder),
            tempfile.NamedTemporaryFile("w", dir=worker.folder, suffix=".witness") as file,
        ):
            file.write(witness.document)
            file.flush()
            try:
                result: dict[str, Any] = worker.call(
                    "prove",
                    witness_path=file.name,
                    circuit=str(built.compiled),
                    pk=str(built.proving_key),
                    srs_path=str(srs),
                    timeout=self._settings.prove_timeout_secs,
                    cancel=cancel,
                )
            except ToolError as error:
                self._forget(manifest.circuit_id)
                raise self._explain(manifest, built, error) from error
        return result

    def _explain(self, manifest: CircuitManifest, built: Built, error: Exception) -> Exception:
        """What is to be said of a proof that could not be made or does not verify: whose file is damaged."""
        find_srs(self._settings.cache_dir, manifest.logrows, manifest.srs_kind, manifest.srs_hash)
        if not keys_intact(built.folder, manifest):
            return ArtifactMismatch(
                f"the proving key or the compiled circuit in {built.folder} is damaged",
                remedy="call again: it is rebuilt from the circuit's folder",
            )
        return ProofRejected(f"the witness does not prove under {manifest.circuit_id}: {error}")


def proof_hash(proof: Proof) -> str:
    """SHA-256 of the proof's bytes and instances, for logs and file names."""
    return sha256_bytes(proof.zk_proof + b"".join(felt.to_bytes(32, "big") for felt in proof.instances))
