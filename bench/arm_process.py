"""One arm over one network, in a process that its parent may kill at any moment: what was measured is on disk.

.venv/bin/python -m bench.arm_process FOLDER   with FOLDER/case.json and FOLDER/record.json; the record is updated
"""

from __future__ import annotations

import dataclasses
import json
import math
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.cases import Case, Rows, read_case
from bench.records import ACCURACY, OURS, RESOURCES, SRS_STAGE, ArmRecord, read_record, write_record
from oracle.chain.solc import compile_verifier
from oracle.chain.verification_gas import verification_gas
from oracle.constants import MAX_CODE_SIZE
from oracle.errors import OracleError
from oracle.proving.building.keys import canonical_settings
from oracle.proving.building.manifest import NETWORK, SETTINGS, VERIFIER, read_manifest
from oracle.proving.intake import build_circuit
from oracle.proving.quantise import quantise_value
from oracle.proving.srs.store import dev_srs
from oracle.proving.workers.pool import Worker, WorkerFailed
from oracle.settings import Settings

# A call is ended by whoever watches this process
ENDLESS_SECS: Final = 24 * 3600.0
TARGETS: Final = {RESOURCES: "resources", ACCURACY: "accuracy"}
WIDEST_BUDGET: Final = 1e-1
FINEST_BUDGET: Final = 1e-5
MAX_PROOFS: Final = 3
PROOF_SECS: Final = 12.0
SMALLEST_MAGNITUDE: Final = 1e-9


class ArmFailed(Exception):
    """The arm gave no circuit that proves soundly; says why."""


class ArmRun:
    """The steps of one arm; each updates the record on disk."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.case: Case = read_case(folder / "case.json")
        self.record: ArmRecord = read_record(folder / "record.json")
        self.circuit = folder / "circuit"
        self.document: dict[str, Any] = {}

    def run(self) -> None:
        """All steps; a failure ends in the record, not in an error."""
        try:
            self._built_and_measured()
            if self.record.arm == OURS and self.case.circuit is not None and self.record.error_no_worse is False:
                self.record.notes[:] = [f"the circuit that ships has error {self.record.error:.1e}: another was tuned"]
                self.case = dataclasses.replace(self.case, circuit=None)
                self.circuit = self.folder / "circuit"
                self._built_and_measured()
            with Worker(memory_mb=self.settings.prove_memory_mb) as worker:
                self._stage("prove", lambda: self._prove(worker))
            self._stage("chain", self._verify_on_chain)
            self.record.stage = "done"
        except (ArmFailed, OracleError) as error:
            self.record.failure = f"{self.record.stage}: {str(error)[:400]}"
        self._save()

    def _built_and_measured(self) -> None:
        self._stage("tune", self._ours if self.record.arm == OURS else self._theirs)
        with Worker(memory_mb=self.settings.prove_memory_mb) as worker:
            self._stage("set-up", lambda: self._build(worker))
            self._stage("error", lambda: self._measure_error(worker))

    def _stage(self, name: str, step: Callable[[], None]) -> None:
        self._at_stage(name)
        step()
        self._save()

    def _at_stage(self, name: str) -> None:
        self.record.stage = name
        self._save()

    def _save(self) -> None:
        write_record(self.record, self.folder / "record.json")

    def _theirs(self) -> None:
        """What ezkl calibrates on the same samples."""
        data, path = self.folder / "calibration.json", self.folder / "calibrated.json"
        data.write_text(json.dumps(self.case.document()))
        with Worker(memory_mb=self.settings.prove_memory_mb) as worker:
            result = worker.call(
                "calibrate",
                model=str(self.case.model),
                data=str(data),
                settings_path=str(path),
                target=TARGETS[self.record.arm],
                timeout=ENDLESS_SECS,
            )
        self.record.tune_secs, self.record.tune_cpu_secs = result["seconds"], result["cpu_seconds"]
        self.circuit.mkdir()
        (self.circuit / NETWORK).write_bytes(self.case.model.read_bytes())
        (self.circuit / SETTINGS).write_text(canonical_settings(result["settings"]))

    def _ours(self) -> None:
        """The circuit that ships, or what the intake builds at an error no worse than `max_error` over the samples'
        range, which is what ezkl calibrates on."""
        if self.case.circuit is not None:
            self.circuit = self.case.circuit
            self.record.notes.append("the circuit that ships: nothing was tuned")
            return
        data = self.folder / "calibration.json"
        data.write_text(json.dumps(self.case.document()))
        budget = self.record.max_error
        if budget is not None:
            budget = min(max(budget, FINEST_BUDGET), WIDEST_BUDGET)
        watch = _Watch(self._at_stage)
        build_circuit(
            self.settings,
            "arm",
            self.case.model,
            data,
            self.circuit,
            max_error=budget,
            widen=False,
            code_size=lambda source: len(compile_verifier(self.settings, source).deployed_bytecode),
            on_progress=watch.progress,
        )
        self.record.tune_secs, self.record.tune_cpu_secs = watch.elapsed()

    def _build(self, worker: Worker) -> None:
        """Compiled circuit and keys of the chosen settings, in a fresh cache."""
        self.document = json.loads((self.circuit / SETTINGS).read_text())
        arguments = self.document["run_args"]
        self.record.logrows, self.record.columns = arguments["logrows"], arguments["num_inner_cols"]
        self.record.rows, self.record.lookups = self.document["num_rows"], len(self.document["required_lookups"])
        srs = str(self._srs())
        _call(
            worker,
            "compile",
            model=str(self.circuit / NETWORK),
            circuit=self._at("network.compiled"),
            settings_path=str(self.circuit / SETTINGS),
        )
        started = _cpu_of(worker)
        paths = {"circuit": self._at("network.compiled"), "vk": self._at("vk.key"), "pk": self._at("pk.key")}
        self.record.setup_secs = _call(worker, "setup", srs_path=srs, **paths)["seconds"]
        self.record.setup_cpu_secs = _cpu_of(worker) - started
        self.record.proving_key_bytes = Path(paths["pk"]).stat().st_size
        self.record.verifying_key_bytes = Path(paths["vk"]).stat().st_size

    def _measure_error(self, worker: Worker) -> None:
        rows = [self._quantised(sample, worker) for sample in self.case.test]
        started = _cpu_of(worker)
        run = _call(worker, "witnesses", circuit=self._at("network.compiled"), samples=rows, seconds=60.0)
        count = len(run["outputs"])
        self.record.witness_cpu_secs = (_cpu_of(worker) - started) / count
        self.record.witness_secs, self.record.samples = run["seconds"] / count, count
        low, high = self.document["run_args"]["lookup_range"]
        if self.document["required_lookups"] and (run["lookup_min"] < low or run["lookup_max"] > high):
            self.record.notes.append(
                f"looks up {run['lookup_min']} to {run['lookup_max']} outside its table of {low} to {high}"
            )
        samples = self.case.test[:count]
        reference = _call(worker, "reference", path=str(self.case.model), samples=samples, shapes=self.case.shapes)[
            "outputs"
        ]
        answers = real_outputs(run["outputs"], reference[0], self.document["model_output_scales"])
        if self.record.arm == OURS and self.case.circuit is None:
            manifest = read_manifest(self.circuit)
            answers = [transformed(answer, manifest.outputs_transform, manifest.output_shapes) for answer in answers]
            self.record.notes += manifest.rewrites
        self.record.error = largest_error(reference, answers)
        if self.record.max_error is not None:
            self.record.error_no_worse = self.record.error <= max(self.record.max_error, FINEST_BUDGET)

    def _prove(self, worker: Worker) -> None:
        """Proofs of the first test samples, each verified; medians."""
        walls, cpus, verified, started = [], [], [], time.monotonic()
        srs = str(self._srs())
        while len(walls) < MAX_PROOFS and (not walls or time.monotonic() - started < PROOF_SECS):
            rows = self._quantised(self.case.test[len(walls) % len(self.case.test)], worker)
            circuit, witness = self._at("network.compiled"), self._at("witness.json")
            _call(worker, "witness", circuit=circuit, inputs=rows, out=witness)
            proof = _call(worker, "prove", witness_path=witness, circuit=circuit, pk=self._at("pk.key"), srs_path=srs)
            began = time.monotonic()
            accepted = _call(
                worker,
                "verify",
                proof=proof["proof"],
                instances=proof["instances"],
                settings_path=str(self.circuit / SETTINGS),
                vk=self._at("vk.key"),
                srs_path=srs,
            )
            verified.append(time.monotonic() - began)
            if not accepted:
                raise ArmFailed("the proof does not verify")
            walls.append(proof["seconds"])
            cpus.append(proof["cpu_seconds"])
            self.record.proof_bytes, self.record.peak_memory_mb = len(proof["proof"]) // 2, int(proof["peak_mb"])
            self.record.public_values, self.record.proofs = len(proof["instances"]), len(walls)
            (self.folder / "proof.json").write_text(json.dumps(proof))
            self.record.prove_secs, self.record.prove_cpu_secs = float(np.median(walls)), float(np.median(cpus))
            self.record.verify_secs = float(np.median(verified))
            self._save()

    def _verify_on_chain(self) -> None:
        """Code size and the gas of a transaction on a real Anvil. ezkl's verifier is taken as ezkl writes it."""
        source = self.circuit / VERIFIER
        if self.record.arm != OURS:
            source = self.folder / VERIFIER
            with Worker(memory_mb=self.settings.prove_memory_mb) as worker:
                try:
                    _call(
                        worker,
                        "evm_verifier",
                        vk=self._at("vk.key"),
                        settings_path=str(self.circuit / SETTINGS),
                        srs_path=str(self._srs()),
                        out=str(source),
                    )
                except WorkerFailed:  # it may die at its exit
                    if not source.exists():
                        raise
        artifact = compile_verifier(self.settings, source)
        self.record.code_bytes = len(artifact.deployed_bytecode)
        if self.record.code_bytes > MAX_CODE_SIZE:
            raise ArmFailed(f"the verifier has {self.record.code_bytes} bytes of code, EIP-170 allows {MAX_CODE_SIZE}")
        proof = json.loads((self.folder / "proof.json").read_text())
        self.record.gas = verification_gas(self.settings, artifact, proof)

    def _quantised(self, sample: list[list[float]], worker: Worker) -> list[list[int]]:
        dtypes = self._dtypes(worker)
        scales = self.document["model_input_scales"]
        return [
            [quantise_value(value, scale, dtype) for value in row]
            for row, scale, dtype in zip(sample, scales, dtypes, strict=True)
        ]

    def _dtypes(self, worker: Worker) -> list[str]:
        if not hasattr(self, "_known_dtypes"):
            form = _call(worker, "inspect", path=str(self.case.model))
            self._known_dtypes = [value["dtype"] for value in form["inputs"]]
        return self._known_dtypes

    def _srs(self) -> Path:
        stage = self.record.stage
        self._at_stage(SRS_STAGE)
        try:
            return dev_srs(self.settings.cache_dir, self.document["run_args"]["logrows"])
        finally:
            self._at_stage(stage)

    def _at(self, name: str) -> str:
        return str(self.folder / name)


class _Watch:
    """Wall and CPU seconds of a search, without those of making a set-up that is missing."""

    def __init__(self, at_stage: Callable[[str], None]) -> None:
        self._at_stage = at_stage
        self._started, self._cpu = time.monotonic(), _cpu_here()
        self._srs_since: tuple[float, float] | None = None
        self._srs_secs = self._srs_cpu = 0.0

    def progress(self, stage: str, fraction: float, detail: str) -> None:
        """Told by the intake what goes on; a set-up is made in this process."""
        if stage == "srs" and self._srs_since is None:
            self._srs_since = time.monotonic(), time.process_time()
            self._at_stage(SRS_STAGE)
        elif stage != "srs" and self._srs_since is not None:
            self._srs_secs += time.monotonic() - self._srs_since[0]
            self._srs_cpu += time.process_time() - self._srs_since[1]
            self._srs_since = None
            self._at_stage("tune")

    def elapsed(self) -> tuple[float, float]:
        """Since the start; CPU seconds of this process and of the workers that ended."""
        return time.monotonic() - self._started - self._srs_secs, _cpu_here() - self._cpu - self._srs_cpu


def real_outputs(outputs: list[list[int]], like: list[list[float]], scales: list[int]) -> list[Rows]:
    """The circuit's integers of each sample as real numbers, a list for each output tensor as in `like`."""
    answers = []
    for integers in outputs:
        values = iter(integers)
        answers.append(
            [[math.ldexp(next(values), -scale) for _ in tensor] for tensor, scale in zip(like, scales, strict=True)]
        )
    return answers


def transformed(answer: Rows, transforms: Sequence[str], shapes: Sequence[Sequence[int]]) -> Rows:
    """The outputs with what was left out of the circuit applied, as its consumer does."""
    return [
        _TRANSFORMS[transform](np.asarray(row).reshape(shape)).ravel().tolist()
        for row, transform, shape in zip(answer, transforms or ["identity"] * len(answer), shapes, strict=True)
    ]


def _log_softmax(values: Any) -> Any:
    moved = values - values.max(axis=-1, keepdims=True)
    return moved - np.log(np.exp(moved).sum(axis=-1, keepdims=True))


_TRANSFORMS: Final[dict[str, Callable[[Any], Any]]] = {
    "identity": lambda values: values,
    "sigmoid": lambda values: 1 / (1 + np.exp(-values)),
    "softmax": lambda values: np.exp(_log_softmax(values)),
    "log_softmax": _log_softmax,
}


def largest_error(reference: list[Rows], answers: list[Rows]) -> float:
    """The largest |circuit - model| / max(upper quartile of |model|, |model|) over samples and outputs."""
    worst = 0.0
    for tensor in range(len(reference[0])):
        want = np.asarray([sample[tensor] for sample in reference])
        got = np.asarray([answer[tensor] for answer in answers])
        quartile = float(np.quantile(np.abs(want), 0.75)) or SMALLEST_MAGNITUDE
        worst = max(worst, float((np.abs(got - want) / np.maximum(quartile, np.abs(want))).max()))
    return worst


def _call(worker: Worker, op: str, **args: Any) -> Any:
    return worker.call(op, timeout=ENDLESS_SECS, **args)


def _cpu_of(worker: Worker) -> float:
    import psutil  # noqa: PLC0415 - with its worker

    times = psutil.Process(worker.pid).cpu_times()
    return float(times.user + times.system)


def _cpu_here() -> float:
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


if __name__ == "__main__":
    ArmRun(Settings(), Path(sys.argv[1])).run()
