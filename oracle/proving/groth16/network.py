"""A small network as the integers that ezkl computes with: matrices, roundings, offsets and ReLUs, in order.

Inputs are round(v * 2^input_scale), weights round(w * 2^param_scale), halves away from zero. A product whose scale is
above input_scale * scale_rebase_multiplier is divided down to that scale, before its bias is added; the bias is rounded
at the scale it is added at, unless two nodes share it: then at param_scale (ezkl, src/circuit/ops/hybrid.rs and
src/graph/node.rs). ezkl's circuit lets a prover take
either neighbour of an exact half; its witness takes the one away from zero, and so does, always, what is here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from oracle.errors import InvalidInput
from oracle.proving.building.manifest import NETWORK, SETTINGS
from oracle.proving.quantise import quantise_value
from oracle.units import div_round

MAX_VALUES: Final = 256
_REMEDY: Final = "prove it with ezkl: Groth16 here takes chains of Gemm, MatMul, Add, Sub and Relu over one row"


@dataclass(frozen=True, slots=True)
class Matrix:
    """y = rows * x."""

    rows: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """y = x / 2^bits, rounded, halves away from zero."""

    bits: int


@dataclass(frozen=True, slots=True)
class Offset:
    """y = x + values."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Relu:
    """y = max(x, 0)."""


Step: TypeAlias = Matrix | Shift | Offset | Relu


@dataclass(frozen=True, slots=True)
class IntegerNetwork:
    """What one proof is about; scales in bits."""

    input_count: int
    input_scale: int
    output_scale: int
    steps: tuple[Step, ...]

    def evaluate(self, inputs: Sequence[int]) -> list[int]:
        """The outputs for quantised inputs, as ezkl's witness has them. Raises InvalidInput for a wrong count."""
        if len(inputs) != self.input_count:
            raise InvalidInput(f"the network takes {self.input_count} values, not {len(inputs)}")
        values = list(inputs)
        for step in self.steps:
            values = _apply(step, values)
        return values


def _apply(step: Step, values: list[int]) -> list[int]:
    match step:
        case Matrix(rows):
            return [sum(w * v for w, v in zip(row, values, strict=True)) for row in rows]
        case Shift(bits):
            return [div_round(value, 1 << bits) for value in values]
        case Offset(offsets):
            return [value + offset for value, offset in zip(values, offsets, strict=True)]
        case Relu():
            return [max(value, 0) for value in values]


def read_network(folder: Path) -> IntegerNetwork:
    """The integers of a circuit folder's network under its settings. Raises InvalidInput for what has no such form."""
    import onnx  # noqa: PLC0415

    model = onnx.load(str(folder / NETWORK))
    arguments = json.loads((folder / SETTINGS).read_text())["run_args"]
    if arguments.get("rebase_scale") is not None or arguments["param_visibility"].lower() != "fixed":
        raise InvalidInput("the circuit's weights are not fixed, or it rescales to a scale of its own", remedy=_REMEDY)
    return _Reader(model.graph, arguments).read()


class _Reader:
    """Walks a graph from its input to its output; the graph must be a chain."""

    def __init__(self, graph: Any, arguments: dict[str, Any]) -> None:
        from onnx import numpy_helper  # noqa: PLC0415

        self.graph = graph
        self.constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        self.nodes = []
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            else:
                self.nodes.append(node)
        self.input_scale = int(arguments["input_scale"])
        self.param_scale = int(arguments["param_scale"])
        self.limit = max(self.input_scale, self.param_scale) * int(arguments["scale_rebase_multiplier"])
        self.scale = self.input_scale
        self.steps: list[Step] = []

    def read(self) -> IntegerNetwork:
        """The network. Raises InvalidInput, naming the node, for what is no chain of the operators above."""
        inputs = [one for one in self.graph.input if one.name not in self.constants]
        if len(inputs) != 1 or len(self.graph.output) != 1:
            raise InvalidInput("the model has several inputs or outputs", remedy=_REMEDY)
        shape = [axis.dim_value for axis in inputs[0].type.tensor_type.shape.dim]
        if len(shape) != 2 or shape[0] not in (0, 1) or not 0 < shape[1] <= MAX_VALUES:
            raise InvalidInput(f"the model's input is of shape {shape}, not one row", remedy=_REMEDY)
        self.width = count = shape[1]
        current = inputs[0].name
        for node in self.nodes:
            if list(node.input).count(current) != 1:
                raise self._refused(node, "does not take the result of the one before it, once")
            self._node(node, current)
            current = node.output[0]
        if current != self.graph.output[0].name:
            raise InvalidInput("the model's output is not its last node's", remedy=_REMEDY)
        return IntegerNetwork(count, self.input_scale, self.scale, tuple(self.steps))

    def _node(self, node: Any, current: str) -> None:
        position = list(node.input).index(current)
        others = [self._constant(node, name) for name in node.input if name not in (current, "")]
        match node.op_type, position, len(others):
            case "Relu", 0, 0:
                self.steps.append(Relu())
            case "Gemm", 0, 1 | 2:
                self._gemm(node, others)
            case "MatMul", 0, 1:
                self._product(node, others[0].T)
            case "Add", _, 1:
                self._offset(node, others[0], 1)
            case "Sub", 0, 1:
                self._offset(node, others[0], -1)
            case _:
                raise self._refused(node, "is not supported in this place")

    def _gemm(self, node: Any, others: list[Any]) -> None:
        given = {one.name: one.f if one.name in ("alpha", "beta") else one.i for one in node.attribute}
        if given.get("alpha", 1) != 1 or given.get("beta", 1) != 1 or given.get("transA", 0):
            raise self._refused(node, "scales or transposes")
        self._product(node, others[0] if given.get("transB", 0) else others[0].T)
        if len(others) == 2:
            self._offset(node, others[1], 1)

    def _product(self, node: Any, weights: Any) -> None:
        if weights.ndim != 2 or weights.shape[1] != self.width or not 0 < weights.shape[0] <= MAX_VALUES:
            raise self._refused(node, f"has a matrix of {weights.shape} for {self.width} values")
        self.steps.append(Matrix(tuple(tuple(self._quantised(row, self.param_scale)) for row in weights)))
        self.width = weights.shape[0]
        self.scale += self.param_scale
        if self.scale > self.limit:
            self.steps.append(Shift(self.scale - self.limit))
            self.scale = self.limit

    def _offset(self, node: Any, constant: Any, sign: int) -> None:
        if self.scale < self.param_scale or constant.size not in (1, self.width):
            raise self._refused(node, f"adds {constant.size} constants at a finer scale or of another number")
        finest = self.param_scale if self._uses(constant) > 1 else self.scale
        values = [value << self.scale - finest for value in self._quantised(constant.reshape(-1), finest)]
        values = values * self.width if len(values) == 1 else values
        self.steps.append(Offset(tuple(sign * value for value in values)))

    def _quantised(self, values: Any, scale: int) -> list[int]:
        return [quantise_value(float(value), scale, "float32") for value in values]

    def _constant(self, node: Any, name: str) -> Any:
        if name not in self.constants:
            raise self._refused(node, f"reads {name}, which is no constant")
        return self.constants[name]

    def _uses(self, constant: Any) -> int:
        """How many nodes read a constant, equal ones being one: ezkl merges them, and rounds no shared one anew."""
        content = constant.reshape(-1).tobytes()
        read = [name for node in self.nodes for name in node.input if name in self.constants]
        return sum(self.constants[name].reshape(-1).tobytes() == content for name in read)

    def _refused(self, node: Any, why: str) -> InvalidInput:
        return InvalidInput(f"node {node.name or node.output[0]} ({node.op_type}) {why}", remedy=_REMEDY)


def network_document(network: IntegerNetwork) -> dict[str, Any]:
    """The network as JSON, for its hash and for the prover."""
    steps: list[dict[str, Any]] = []
    for step in network.steps:
        match step:
            case Matrix(rows):
                steps.append({"matrix": [list(row) for row in rows]})
            case Shift(bits):
                steps.append({"shift": bits})
            case Offset(values):
                steps.append({"offset": list(values)})
            case Relu():
                steps.append({"relu": True})
    return {
        "input_count": network.input_count,
        "input_scale": network.input_scale,
        "output_scale": network.output_scale,
        "steps": steps,
    }
