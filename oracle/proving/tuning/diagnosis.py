"""Which node of a model is at fault, found by cutting the graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from oracle.errors import InputRejected, ModelRejected
from oracle.proving.building.keys import CircuitParams
from oracle.proving.validation import ModelForm, Rows, Validation, output_magnitudes, quantised_samples, score
from oracle.proving.workers.pool import ToolError, Worker, WorkerFailed

SCALE: Final = 13
SAMPLES: Final = 8
UNSOUND: Final = 2e-2
PROBE: Final = CircuitParams(SCALE, SCALE, 1, 1 << 60, 1, 1, (-(1 << 40), 1 << 40), 20)

UNSUPPORTED_REMEDY: Final = (
    "rewrite that part of the model with operators that ezkl takes (Gemm, Conv, Relu, Sigmoid, ...); "
    "export tree ensembles as tensor operators"
)
UNSOUND_REMEDY: Final = (
    "a circuit has no floating point: replace casts of booleans, rounding and constants below 1e-3 "
    "by arithmetic at unit scale, and feed inputs of unit scale"
)


def blame_unsupported(worker: Worker, model: Path, scratch: Path, error: Exception) -> ModelRejected:
    """The error for a model that ezkl cannot compile, naming the first node that it does not take."""
    node = _first_bad(worker, model, scratch, _compiles)
    where = f"operator {node['operator']} (node {node['name']!r}) is not supported" if node else "it cannot be compiled"
    message = f"the model cannot become a circuit: {where}: {_short(error)}"
    return ModelRejected(message, remedy=UNSUPPORTED_REMEDY, node=node["name"] if node else "")


def blame_unsound(
    worker: Worker, model: Path, scratch: Path, form: ModelForm, samples: Sequence[Rows]
) -> ModelRejected:
    """The error for a model whose circuit computes something else, naming the first node where the two part."""

    def agrees(part: Path) -> bool:
        return _agrees(worker, part, scratch, form, samples)

    node = _first_bad(worker, model, scratch, lambda _, part, __: agrees(part))
    where = f": the first to differ is operator {node['operator']} (node {node['name']!r})" if node else ""
    message = f"the circuit's answers are not the model's{where}"
    return ModelRejected(message, remedy=UNSOUND_REMEDY, node=node["name"] if node else "")


def _first_bad(worker: Worker, model: Path, scratch: Path, good: Any) -> dict[str, Any] | None:
    """The first node, in the file's order, up to which the graph is not good."""
    part, index, count = scratch / "part.onnx", 0, 1
    while index < count:
        try:
            node: dict[str, Any] = worker.call("cut", path=str(model), out=str(part), node=index)
        except (ToolError, ModelRejected, WorkerFailed):
            return None
        count = node["nodes"]
        if node["written"] and not good(worker, part, scratch):
            return node
        index += 1
    return None


def _compiles(worker: Worker, part: Path, scratch: Path) -> bool:
    try:
        worker.call("settings", model=str(part), out=str(scratch / "part.json"), run_args=PROBE.run_args())
    except (ToolError, WorkerFailed):
        return False
    return True


def _agrees(worker: Worker, part: Path, scratch: Path, form: ModelForm, samples: Sequence[Rows]) -> bool:
    """Whether a part of the graph gives, as a circuit, what onnxruntime says."""
    used = list(samples[:SAMPLES])
    try:
        answer = worker.call("reference", path=str(part), samples=used[:1], shapes=form.input_shapes)
        partial = ModelForm(form.input_names, form.input_dtypes, form.input_shapes, answer["shapes"], answer["dtypes"])
        ones = [1.0] * len(answer["shapes"])
        expected = Validation.over(worker, part, form=partial, domain=[], samples=used, magnitudes=ones)
        expected.magnitudes[:] = output_magnitudes(expected.expected)
        settings_path, circuit = scratch / "part.json", scratch / "part.compiled"
        settings = worker.call("settings", model=str(part), out=str(settings_path), run_args=PROBE.run_args())
        worker.call("compile", model=str(part), circuit=str(circuit), settings_path=str(settings_path))
        rows = quantised_samples(expected, settings["model_input_scales"])
        run = worker.call("witnesses", circuit=str(circuit), samples=rows, seconds=10.0)
    except (InputRejected, ModelRejected):
        return True
    except (ToolError, WorkerFailed):
        return False
    error = score(expected, run["outputs"], settings["model_output_scales"]).error
    return not math.isnan(error) and error <= UNSOUND


def _short(error: Exception) -> str:
    text = str(error).strip()
    return text if len(text) <= 300 else text[:300] + "..."
