"""Small ONNX files, sound and unsound, with calibration files in ezkl's form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

INPUTS = 4
Shape = Sequence[int | str]


@dataclass(frozen=True)
class Network:
    """An ONNX file with samples for it."""

    onnx: Path
    calibration: Path


def network(
    folder: Path,
    name: str,
    nodes: list[NodeProto],
    *,
    inputs: dict[str, tuple[int, Shape]],
    outputs: dict[str, tuple[int, Shape]],
    weights: dict[str, Any] | None = None,
    samples: list[list[float]] | None = None,
) -> Network:
    """Writes a graph; samples default to sixteen of standard normal values, with a fixed seed."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(key, kind, shape) for key, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(key, kind, shape) for key, (kind, shape) in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path, calibration = folder / f"{name}.onnx", folder / f"{name}.json"
    path.write_bytes(model.SerializeToString(deterministic=True))
    if samples is None:
        generator = np.random.default_rng(5)
        sizes = [int(np.prod([size if isinstance(size, int) else 1 for size in shape])) for _, shape in inputs.values()]
        samples = [generator.normal(size=16 * size).round(4).tolist() for size in sizes]
    calibration.write_text(json.dumps({"input_data": samples}))
    return Network(path, calibration)


def _weights(rows: int, columns: int, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(0, 0.5, (rows, columns)).round(3).astype(np.float32)


def relu(folder: Path, rows: int | str = 1) -> Network:
    """A perceptron 4-3-1 with a ReLU; `rows`: its batch axis, a name for a symbolic one."""
    return network(
        folder,
        "relu",
        [
            helper.make_node("Gemm", ["x", "w1"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Gemm", ["r", "w2"], ["y"]),
        ],
        inputs={"x": (TensorProto.FLOAT, [rows, INPUTS])},
        outputs={"y": (TensorProto.FLOAT, [rows, 1])},
        weights={"w1": _weights(INPUTS, 3), "w2": _weights(3, 1, 2)},
    )


def normalised(folder: Path) -> Network:
    """A product of four inputs, normalised over its six values, and their weighted sum."""
    return network(
        folder,
        "normalised",
        [
            helper.make_node("Gemm", ["x", "w1"], ["h"]),
            helper.make_node("LayerNormalization", ["h", "scale", "bias"], ["n"]),
            helper.make_node("Gemm", ["n", "w2"], ["y"]),
        ],
        inputs={"x": (TensorProto.FLOAT, [1, INPUTS])},
        outputs={"y": (TensorProto.FLOAT, [1, 1])},
        weights={
            "w1": _weights(INPUTS, 6),
            "w2": _weights(6, 1, 2),
            "scale": np.ones(6, np.float32),
            "bias": np.zeros(6, np.float32),
        },
    )


def logistic(folder: Path) -> Network:
    """One sigmoid of four inputs: a circuit with a lookup table."""
    return network(
        folder,
        "logistic",
        [helper.make_node("Gemm", ["x", "w"], ["h"]), helper.make_node("Sigmoid", ["h"], ["y"])],
        inputs={"x": (TensorProto.FLOAT, [1, INPUTS])},
        outputs={"y": (TensorProto.FLOAT, [1, 1])},
        weights={"w": _weights(INPUTS, 1) / 2},
    )


def two_tables(folder: Path) -> Network:
    """A sigmoid and a tanh behind one another: a circuit with two different lookup tables."""
    return network(
        folder,
        "two-tables",
        [
            helper.make_node("Gemm", ["x", "w"], ["h"]),
            helper.make_node("Sigmoid", ["h"], ["s"]),
            helper.make_node("Tanh", ["s"], ["t"]),
            helper.make_node("Gemm", ["t", "v"], ["y"]),
        ],
        inputs={"x": (TensorProto.FLOAT, [1, INPUTS])},
        outputs={"y": (TensorProto.FLOAT, [1, 1])},
        weights={"w": _weights(INPUTS, 2) / 2, "v": _weights(2, 1, 2)},
    )


def two_tensors(folder: Path) -> Network:
    """Two inputs of different sizes and two outputs; calibrated by a single sample."""
    return network(
        folder,
        "two",
        [
            helper.make_node("Gemm", ["a", "wa"], ["ha"]),
            helper.make_node("Gemm", ["b", "wb"], ["hb"]),
            helper.make_node("Add", ["ha", "hb"], ["y"]),
            helper.make_node("Relu", ["y"], ["z"]),
        ],
        inputs={"a": (TensorProto.FLOAT, [1, 3]), "b": (TensorProto.FLOAT, [1, 2])},
        outputs={"y": (TensorProto.FLOAT, [1, 2]), "z": (TensorProto.FLOAT, [1, 2])},
        weights={"wa": _weights(3, 2), "wb": _weights(2, 2, 3)},
        samples=[[0.5, -1.25, 0.75], [1.0, -0.5]],
    )


def embedding(folder: Path) -> Network:
    """Integer inputs: rows of a table, picked and summed up."""
    return network(
        folder,
        "embedding",
        [
            helper.make_node("Gather", ["table", "ids"], ["rows"], axis=0),
            helper.make_node("ReduceMean", ["rows"], ["y"], axes=[1], keepdims=0),
        ],
        inputs={"ids": (TensorProto.INT64, [1, 3])},
        outputs={"y": (TensorProto.FLOAT, [1, 2])},
        weights={"table": _weights(8, 2)},
        samples=[[1, 7, 3, 0, 2, 5]],
    )


def unsupported(folder: Path) -> Network:
    """A remainder of floating point numbers, which no circuit has."""
    return network(
        folder,
        "unsupported",
        [
            helper.make_node("Relu", ["x"], ["h"]),
            helper.make_node("Mod", ["h", "c"], ["y"], name="the_remainder", fmod=1),
        ],
        inputs={"x": (TensorProto.FLOAT, [1, INPUTS])},
        outputs={"y": (TensorProto.FLOAT, [1, INPUTS])},
        weights={"c": np.float32(0.3)},
    )


def silently_wrong(folder: Path) -> Network:
    """Inputs cut to integers, times a matrix: a valid circuit of another function."""
    return network(
        folder,
        "wrong",
        [
            helper.make_node("Cast", ["x"], ["i"], name="the_cast", to=TensorProto.INT64),
            helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["f", "w"], ["y"]),
        ],
        inputs={"x": (TensorProto.FLOAT, [1, INPUTS])},
        outputs={"y": (TensorProto.FLOAT, [1, 2])},
        weights={"w": _weights(INPUTS, 2)},
    )


def compared(folder: Path) -> Network:
    """(x <= 0.5) as numbers, times a matrix: one level of a tree in matrix form."""
    return network(
        folder,
        "compared",
        [
            helper.make_node("LessOrEqual", ["x", "threshold"], ["b"]),
            helper.make_node("Cast", ["b"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["f", "w"], ["y"]),
        ],
        inputs={"x": (TensorProto.FLOAT, [1, INPUTS])},
        outputs={"y": (TensorProto.FLOAT, [1, 2])},
        weights={"w": _weights(INPUTS, 2), "threshold": np.float32(0.5)},
    )


def tiny_constants(folder: Path) -> Network:
    """Weights of 1e-5, whose product is raised again: at a coarse scale nothing is left of them."""
    return network(
        folder,
        "tiny",
        [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Mul", ["h", "raise"], ["y"])],
        inputs={"x": (TensorProto.FLOAT, [1, INPUTS])},
        outputs={"y": (TensorProto.FLOAT, [1, 2])},
        weights={"w": _weights(INPUTS, 2) * np.float32(1e-5), "raise": np.float32(1e5)},
    )


def large_squares(folder: Path) -> Network:
    """Squares of values of some hundreds."""
    return network(
        folder,
        "squares",
        [helper.make_node("Gemm", ["x", "w"], ["h"]), helper.make_node("Mul", ["h", "h"], ["y"])],
        inputs={"x": (TensorProto.FLOAT, [1, INPUTS])},
        outputs={"y": (TensorProto.FLOAT, [1, 2])},
        weights={"w": _weights(INPUTS, 2) * np.float32(200)},
    )


def external(folder: Path) -> Network:
    """A model whose weights are in another file."""
    made = relu(folder)
    model = onnx.load(made.onnx)
    onnx.save_model(model, made.onnx, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return made
