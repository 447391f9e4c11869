"""Softmax without a table: within its stated error on any logits, in floating point and as a circuit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from oracle.proving.building.keys import CircuitParams
from oracle.proving.rewrites.names import RATIONAL
from oracle.proving.rewrites.pipeline import rational
from oracle.proving.rewrites.softmax import EXP
from oracle.proving.workers.pool import Worker

SCALE = 14
WIDTH = 4
# Equal, apart, further apart than any form reaches, and far outside
LOGITS = [
    [0.0, 0.0, 0.0, 0.0],
    [1.0, -0.5, 0.25, 2.0],
    [-3.0, -3.0, -2.9, 3.0],
    [0.0, 40.0, -40.0, 39.5],
    [-1000.0, 1000.0, 1000.0, 999.0],
]


def _model(path: Path, shape: list[int], *, axis: int = -1, opset: int = 17) -> Path:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Softmax", ["x"], ["y"], axis=axis)], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def _run(path: Path, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    session = ort.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x.astype(np.float32)})[0])


def _bound(level: int, count: int) -> float:
    """Of n terms that are each wrong by e, divided by their sum, which is at least 1: e (1 + n) / (1 - n e)."""
    error = EXP[level].error
    return error * (1 + count) / (1 - count * error)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize(("axis", "opset"), [(-1, 17), (1, 17), (1, 18)])
def test_rational__softmax_of_any_logits__is_within_its_stated_error(
    tmp_path: Path, level: int, axis: int, opset: int
) -> None:
    shape = [2_000, WIDTH] if axis == -1 else [500, WIDTH, 4]
    model, out = _model(tmp_path / "m.onnx", shape, axis=axis, opset=opset), tmp_path / "out.onnx"
    assert rational(str(model), str(out), level)["applied"] == [RATIONAL[level]]
    assert "Softmax" not in {node.op_type for node in onnx.load(out).graph.node}
    generator = np.random.default_rng(3)
    x = generator.normal(size=shape) * generator.choice([0.1, 2.0, 10.0, 1e3], size=(shape[0], *[1] * (len(shape) - 1)))
    assert np.abs(_run(out, x) - _run(model, x)).max() <= _bound(level, WIDTH)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_exp__every_shortfall__is_within_the_stated_error(level: int) -> None:
    form = EXP[level]
    z = np.concatenate([np.linspace(-2 * form.reach, 0, 100_001), [-1e6]])
    power = np.polyval(form.coefficients[::-1], np.maximum(1 + z / form.reach, 0)) ** (2**form.squarings)
    assert np.abs(power - np.exp(z)).max() <= form.error


def test_rational__softmax_that_flattens_its_input__is_left_alone(tmp_path: Path) -> None:
    model = _model(tmp_path / "m.onnx", [2, WIDTH, 3], axis=1, opset=12)
    assert rational(str(model), str(tmp_path / "out.onnx"), 2)["applied"] == []


@pytest.mark.parametrize("level", [0, 2])
def test_rational__softmax_as_a_circuit__has_no_table_and_holds_on_any_logits(tmp_path: Path, level: int) -> None:
    model, out = _model(tmp_path / "m.onnx", [1, WIDTH]), tmp_path / "out.onnx"
    rational(str(model), str(out), level)
    circuit, path, witness = (str(tmp_path / name) for name in ("network.compiled", "settings.json", "witness.json"))
    params = CircuitParams(SCALE, SCALE, 1, 2047, 4, 1, (-128, 128), 12)
    with Worker(memory_mb=2048) as worker:
        settings = worker.call("settings", model=str(out), out=path, run_args=params.run_args())
        worker.call("compile", model=str(out), circuit=circuit, settings_path=path)
        assert settings["required_lookups"] == []
        rows = [[[round(value * 2**SCALE) for value in logits]] for logits in LOGITS]
        found = worker.call("witnesses", circuit=circuit, samples=rows, seconds=60.0)["outputs"]
        for row in rows:
            worker.call("witness", circuit=circuit, inputs=row, out=witness)
            worker.call("mock", witness_path=witness, circuit=circuit)
    scale = settings["model_output_scales"][0]
    expected = [_run(model, np.asarray([logits]))[0] for logits in LOGITS]
    errors = np.abs(np.asarray(found) / 2**scale - np.asarray(expected))
    assert errors.max() <= _bound(level, WIDTH) + 16 * 2.0**-SCALE
