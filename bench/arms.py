"""One circuit of one ONNX file, built and measured in worker processes of its own: ours, or what ezkl calibrates."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from oracle.proving.quantise import quantise_value
from oracle.proving.workers.pool import Worker

TIMEOUT_SECS: Final = 1_200.0
RELATIVE_FLOOR: Final = 2.0**-6


@dataclass
class Record:
    """Every figure of one arm. Seconds are this machine's; `error` is the largest relative one over the samples."""

    arm: str
    logrows: int = 0
    rows: int = 0
    columns: int = 0
    calibrate_secs: float = 0.0
    calibrate_cpu_secs: float = 0.0
    setup_secs: float = 0.0
    witness_secs: float = 0.0
    prove_secs: float = 0.0
    prove_cpu_secs: float = 0.0
    verify_secs: float = 0.0
    peak_memory_mb: int = 0
    proving_key_bytes: int = 0
    proof_bytes: int = 0
    error: float = math.inf
    samples: int = 0
    proofs: list[tuple[float, float]] = field(default_factory=list)


class Arm:
    """A compiled circuit with keys, ready to prove."""

    def __init__(self, name: str, model: Path, settings: str, *, folder: Path, srs: Path, worker: Worker) -> None:
        self.record = Record(name)
        self._model, self._folder, self._srs, self._worker = model, folder, srs, worker
        folder.mkdir(parents=True)
        self._path("settings.json").write_text(settings)
        document = json.loads(settings)
        self._input_scale = int(document["model_input_scales"][0])
        self._output_scale = int(document["model_output_scales"][0])
        self.record.logrows = int(document["run_args"]["logrows"])
        self.record.columns = int(document["run_args"]["num_inner_cols"])
        self.record.rows = int(document["num_rows"])

    def build(self) -> None:
        """Compiles and makes the keys."""
        self._call(
            "compile",
            model=str(self._model),
            circuit=self._at("network.compiled"),
            settings_path=self._at("settings.json"),
        )
        result = self._call(
            "setup",
            circuit=self._at("network.compiled"),
            vk=self._at("vk.key"),
            pk=self._at("pk.key"),
            srs_path=str(self._srs),
        )
        self.record.setup_secs = result["seconds"]
        self.record.proving_key_bytes = self._path("pk.key").stat().st_size

    def measure_error(self, samples: Sequence[Sequence[float]]) -> None:
        """The witness of every sample against onnxruntime."""
        session = ort.InferenceSession(str(self._model), providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        rows = [[self._quantised(sample)] for sample in samples]
        result = self._call("witnesses", circuit=self._at("network.compiled"), samples=rows, seconds=TIMEOUT_SECS)
        errors = []
        for sample, outputs in zip(samples, result["outputs"], strict=True):
            want = float(session.run(None, {name: np.asarray([sample], dtype=np.float32)})[0].ravel()[0])
            got = math.ldexp(outputs[0], -self._output_scale)
            errors.append(abs(got - want) / max(abs(want), RELATIVE_FLOOR))
        self.record.error, self.record.samples = max(errors), len(errors)
        self.record.witness_secs = result["seconds"] / len(errors)

    def prove(self, sample: Sequence[float]) -> None:
        """One proof, verified."""
        self._call(
            "witness",
            circuit=self._at("network.compiled"),
            inputs=[self._quantised(sample)],
            out=self._at("witness.json"),
        )
        proof = self._call(
            "prove",
            witness_path=self._at("witness.json"),
            circuit=self._at("network.compiled"),
            pk=self._at("pk.key"),
            srs_path=str(self._srs),
        )
        verified = self._call(
            "verify",
            proof=proof["proof"],
            instances=proof["instances"],
            settings_path=self._at("settings.json"),
            vk=self._at("vk.key"),
            srs_path=str(self._srs),
        )
        assert verified, f"the proof of {self.record.arm} does not verify"
        self.record.proofs.append((proof["seconds"], proof["cpu_seconds"]))
        self.record.prove_secs = median(wall for wall, _ in self.record.proofs)
        self.record.prove_cpu_secs = median(cpu for _, cpu in self.record.proofs)
        self.record.proof_bytes = len(proof["proof"]) // 2
        self.record.peak_memory_mb = int(proof["peak_mb"])

    def _quantised(self, sample: Sequence[float]) -> list[int]:
        return [quantise_value(value, self._input_scale, "float32") for value in sample]

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _at(self, name: str) -> str:
        return str(self._path(name))

    def _call(self, op: str, **args: Any) -> Any:
        return self._worker.call(op, timeout=TIMEOUT_SECS, **args)
