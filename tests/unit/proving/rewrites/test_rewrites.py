"""Every rewrite gives the model's own answers, exactly or within what it states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from oracle.errors import ModelRejected
from oracle.proving.rewrites.activations import DECAY, ERF, OPERATORS, SELU_ALPHA, SELU_GAMMA, TANH
from oracle.proving.rewrites.batch import batched
from oracle.proving.rewrites.names import RATIONAL, TIDY, UNROLLED
from oracle.proving.rewrites.pipeline import logits, rational, simplify

FLOAT_ERROR = 1e-5


def _run(path: Path, *inputs: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    session = ort.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return [np.asarray(one) for one in session.run(None, dict(zip(names, inputs, strict=True)))]


def _model(path: Path, nodes: list[onnx.NodeProto], shape: list[int], weights: dict[str, Any] | None = None) -> Path:
    """A graph from x to y of one shape."""
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], stored)
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )
    return path


class _Recurrent(nn.Module):
    def __init__(self, kind: str, *, bidirectional: bool) -> None:
        super().__init__()
        self.layer = getattr(nn, kind)(3, 4, batch_first=True, bidirectional=bidirectional)
        self.out = nn.Linear(8 if bidirectional else 4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.layer(x)
        result: torch.Tensor = torch.sigmoid(self.out(states[:, -1]))
        return result


def _exported(path: Path, module: nn.Module, shape: tuple[int, ...]) -> Path:
    torch.onnx.export(module.eval(), (torch.zeros(shape),), str(path), opset_version=17, dynamo=False)
    return path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_simplify__recurrent_layer__is_written_out_with_the_same_answers(
    tmp_path: Path, kind: str, bidirectional: bool
) -> None:
    torch.manual_seed(7)
    model = _exported(tmp_path / "m.onnx", _Recurrent(kind, bidirectional=bidirectional), (1, 6, 3))
    out = tmp_path / "out.onnx"
    assert UNROLLED in simplify(str(model), str(out))["applied"]
    assert kind not in {node.op_type for node in onnx.load(out).graph.node}
    generator = np.random.default_rng(1)
    for scale in (0.3, 1.0, 10.0):
        x = (scale * generator.standard_normal((1, 6, 3))).astype(np.float32)
        assert np.abs(_run(out, x)[0] - _run(model, x)[0]).max() < FLOAT_ERROR


def test_simplify__gru_that_resets_before_the_product__has_the_same_answers(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    weights = {
        "w": generator.standard_normal((1, 12, 3)).astype(np.float32),
        "r": generator.standard_normal((1, 12, 4)).astype(np.float32),
        "b": generator.standard_normal((1, 24)).astype(np.float32),
        "h": generator.standard_normal((1, 2, 4)).astype(np.float32),
    }
    node = helper.make_node("GRU", ["x", "w", "r", "b", "", "h"], ["all", "y"], hidden_size=4, linear_before_reset=0)
    stored = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [5, 2, 3])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 4]),
            helper.make_tensor_value_info("all", TensorProto.FLOAT, [5, 1, 2, 4]),
        ],
        stored,
    )
    model, out = tmp_path / "m.onnx", tmp_path / "out.onnx"
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.write_bytes(made.SerializeToString())
    assert UNROLLED in simplify(str(model), str(out))["applied"]
    x = generator.standard_normal((5, 2, 3)).astype(np.float32)
    for got, want in zip(_run(out, x), _run(model, x), strict=True):
        assert np.abs(got - want).max() < FLOAT_ERROR


@pytest.mark.filterwarnings("ignore")
def test_simplify__batch_norm_and_dropout__are_folded(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.Dropout(0.5), nn.Identity(), nn.ReLU())
    module[1].running_mean = torch.tensor([0.3, -0.2])
    # exported for training, so that nothing is folded yet
    model = tmp_path / "m.onnx"
    torch.onnx.export(
        module.eval(),
        (torch.zeros(1, 1, 8),),
        str(model),
        opset_version=17,
        dynamo=False,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
    )
    out = tmp_path / "out.onnx"
    applied = simplify(str(model), str(out))["applied"]
    operators = {node.op_type for node in onnx.load(out if applied else model).graph.node}
    assert "BatchNormalization" not in operators
    x = np.random.default_rng(3).standard_normal((1, 1, 8)).astype(np.float32)
    assert np.abs(_run(out, x)[0] - _run(model, x)[0]).max() < FLOAT_ERROR


def test_simplify__nothing_to_do__says_so(tmp_path: Path) -> None:
    model = _model(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], [1, 4])
    assert TIDY not in simplify(str(model), str(tmp_path / "out.onnx"))["applied"]


STATED = {
    "Tanh": (TANH, 1.0),
    "Sigmoid": (TANH, 0.5),
    "Erf": (ERF, 1.0),
    "Elu": (DECAY, 1.0),
    "Selu": (DECAY, SELU_ALPHA * SELU_GAMMA),
}


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_rational__any_input__is_within_its_stated_error(tmp_path: Path, operator: str, level: int) -> None:
    forms, share = STATED[operator]
    stated = forms[level].error * share
    x = np.concatenate([np.linspace(-12, 12, 20_001), [-1e4, 1e4]]).astype(np.float32)[None]
    model = _model(tmp_path / "m.onnx", [helper.make_node(operator, ["x"], ["y"])], [1, x.size])
    out = tmp_path / "out.onnx"
    assert rational(str(model), str(out), level)["applied"] == [RATIONAL[level]]
    assert operator not in {node.op_type for node in onnx.load(out).graph.node}
    assert np.abs(_run(out, x)[0] - _run(model, x)[0])[:, :-2].max() <= stated
    # far outside, float32 itself loses digits
    assert np.abs(_run(out, x)[0] - _run(model, x)[0])[:, -2:].max() <= stated + 1e-3


def test_rational__elu_of_another_alpha__keeps_it(tmp_path: Path) -> None:
    x = np.linspace(-12, 12, 1_001).astype(np.float32)[None]
    model = _model(tmp_path / "m.onnx", [helper.make_node("Elu", ["x"], ["y"], alpha=2.5)], [1, x.size])
    out = tmp_path / "out.onnx"
    rational(str(model), str(out), 2)
    assert np.abs(_run(out, x)[0] - _run(model, x)[0]).max() <= 2.5 * DECAY[2].error


def test_rational__no_such_operator__does_nothing(tmp_path: Path) -> None:
    model = _model(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], [1, 4])
    assert rational(str(model), str(tmp_path / "out.onnx"), 0)["applied"] == []


@pytest.mark.parametrize(("operator", "transform"), [("Sigmoid", "sigmoid"), ("Softmax", "softmax")])
def test_logits__last_activation__is_what_the_consumer_applies(tmp_path: Path, operator: str, transform: str) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["h"]), helper.make_node(operator, ["h"], ["y"])]
    model, out = _model(tmp_path / "m.onnx", nodes, [1, 4]), tmp_path / "out.onnx"
    assert logits(str(model), str(out))["transforms"] == [transform]
    x = np.array([[0.5, -1.0, 2.0, 3.0]], np.float32)
    z = _run(out, x)[0]
    applied = 1 / (1 + np.exp(-z)) if transform == "sigmoid" else np.exp(z) / np.exp(z).sum()
    assert np.abs(applied - _run(model, x)[0]).max() < FLOAT_ERROR


def test_logits__other_end__is_left_alone(tmp_path: Path) -> None:
    nodes = [helper.make_node("Sigmoid", ["x"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    model = _model(tmp_path / "m.onnx", nodes, [1, 4])
    assert logits(str(model), str(tmp_path / "out.onnx"))["transforms"] == ["identity"]


def test_batched__many_rows__are_each_their_own(tmp_path: Path) -> None:
    weights = {"w": np.random.default_rng(4).standard_normal((4, 4)).astype(np.float32)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    model, out = _model(tmp_path / "m.onnx", nodes, [1, 4], weights), tmp_path / "out.onnx"
    batched(model, 16, out)
    x = np.random.default_rng(5).standard_normal((16, 4)).astype(np.float32)
    got = _run(out, x)[0]
    assert got.shape == (16, 4)
    for row in range(16):
        assert np.abs(got[row] - _run(model, x[row : row + 1])[0][0]).max() < FLOAT_ERROR


def test_batched__rows_that_mix__is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Softmax", ["x"], ["y"], axis=0)]
    model = _model(tmp_path / "m.onnx", nodes, [1, 4])
    with pytest.raises(ModelRejected, match="rows"):
        batched(model, 4, tmp_path / "out.onnx")


def test_batched__no_axis_of_one_row__is_refused(tmp_path: Path) -> None:
    model = _model(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], [3, 4])
    with pytest.raises(ModelRejected, match="first axis"):
        batched(model, 4, tmp_path / "out.onnx")
