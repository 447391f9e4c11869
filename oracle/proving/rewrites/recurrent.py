"""ONNX LSTM and GRU written out, step by step: as operators they give verifiers too large for a contract.

Their sigmoids become sigmoid(x) = (1 + tanh(x / 2)) / 2 with the inner half folded into the weights: one kind of lookup
serves the whole layer, its table has half the range, and a division by a power of two costs a circuit nothing.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import onnx
from onnx import helper

from oracle.proving.rewrites.graph import Array, Graph, attribute

MAX_STEPS: Final = 512
_DEFAULTS: Final = {"LSTM": (b"Sigmoid", b"Tanh", b"Tanh"), "GRU": (b"Sigmoid", b"Tanh")}


class _Cell(NamedTuple):
    """Weights of one direction: input [gates * hidden, inputs], recurrent, and both biases."""

    inputs: Array
    recurrent: Array
    input_bias: Array
    recurrent_bias: Array
    hidden: int


def unroll(graph: Graph) -> int:
    """Writes out every LSTM and GRU whose weights and sequence length are known; returns how many."""
    shapes, weights = graph.shapes(), graph.weights()

    def form(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        if node.op_type not in _DEFAULTS or not _plain(node, shapes, weights):
            return None
        return _Unrolled(graph, node, shapes[node.input[0]], weights).nodes

    return graph.replace_all(form)


def _plain(node: onnx.NodeProto, shapes: dict[str, list[int]], weights: dict[str, Array]) -> bool:
    directions = 2 if attribute(node, "direction", b"forward") == b"bidirectional" else 1
    activations = tuple(attribute(node, "activations", _DEFAULTS[node.op_type] * directions))
    known = node.input[0] in shapes and all(name in weights for name in node.input[1:3])
    bias_known = len(node.input) < 4 or not node.input[3] or node.input[3] in weights
    unusual = (len(node.input) > 4 and node.input[4]) or (len(node.input) > 7 and node.input[7])
    return bool(
        known
        and bias_known
        and not unusual
        and activations == _DEFAULTS[node.op_type] * directions
        and not attribute(node, "layout", 0)
        and not attribute(node, "input_forget", 0)
        and attribute(node, "clip") is None
        and shapes[node.input[0]][0] <= MAX_STEPS
    )


class _Unrolled:
    """The nodes of one recurrent layer: X [steps, batch, inputs] to Y, Y_h, Y_c as ONNX names and shapes them."""

    def __init__(self, graph: Graph, node: onnx.NodeProto, shape: list[int], weights: dict[str, Array]) -> None:
        self.graph = graph
        self.nodes: list[onnx.NodeProto] = []
        self.node = node
        self.steps, self.batch, _ = shape
        self.weights = weights
        direction = attribute(node, "direction", b"forward")
        backwards = {b"forward": (False,), b"reverse": (True,), b"bidirectional": (False, True)}[direction]
        results = [self._direction(index, reverse) for index, reverse in enumerate(backwards)]
        self._outputs(results)

    def put(self, operator: str, *inputs: Any, out: str | None = None, **attributes: Any) -> str:
        """Adds a node; inputs are names or numbers; returns the output's name."""
        names = [one if isinstance(one, str) else self.graph.weight(one) for one in inputs]
        result = out or self.graph.fresh("step")
        self.nodes.append(helper.make_node(operator, names, [result], **attributes))
        return result

    def _direction(self, index: int, reverse: bool) -> tuple[list[str], str | None]:
        cell = self._cell(index)
        rows = self.put("MatMul", self.node.input[0], cell.inputs.T)
        rows = self.put("Add", rows, cell.input_bias)
        hidden, memory = self._initial(5, index, cell), self._initial(6, index, cell)
        states = [""] * self.steps
        for step in reversed(range(self.steps)) if reverse else range(self.steps):
            # one row of all gates at once
            row = self.put("Squeeze", self._slice(rows, 0, step, step + 1), np.array([0], np.int64))
            if self.node.op_type == "LSTM":
                hidden, memory = self._lstm(cell, row, hidden, memory)
            else:
                hidden = self._gru(cell, row, hidden)
            states[step] = hidden
        last = states[0] if reverse else states[-1]
        return [*states, last], memory

    def _cell(self, index: int) -> _Cell:
        inputs, recurrent = (self.weights[name][index] for name in self.node.input[1:3])
        gates, hidden = recurrent.shape
        bias = np.zeros(2 * gates)
        if len(self.node.input) > 3 and self.node.input[3]:
            bias = self.weights[self.node.input[3]][index]
        input_bias, recurrent_bias = bias[:gates].copy(), bias[gates:].copy()
        summed = gates if self.node.op_type == "LSTM" else 2 * hidden
        if self.node.op_type == "GRU" and not attribute(self.node, "linear_before_reset", 0):
            summed = gates
        input_bias[:summed] += recurrent_bias[:summed]
        recurrent_bias[:summed] = 0
        halves = np.ones(gates)
        halves[: (3 if self.node.op_type == "LSTM" else 2) * hidden] = 0.5
        return _Cell(inputs * halves[:, None], recurrent * halves[:, None], input_bias * halves, recurrent_bias, hidden)

    def _initial(self, position: int, index: int, cell: _Cell) -> str | None:
        """The state before the first step: a name, or None for zeros."""
        if len(self.node.input) <= position or not self.node.input[position]:
            return None
        name = self.node.input[position]
        if name in self.weights:
            stored = self.weights[name][index]
            return None if not stored.any() else self.graph.weight(stored)
        return self.put("Squeeze", self._slice(name, 0, index, index + 1), np.array([0], np.int64))

    def _slice(self, name: str, axis: int, start: int, end: int) -> str:
        bounds = [np.array([value], np.int64) for value in (start, end, axis)]
        return self.put("Slice", name, *bounds)

    def _lstm(self, cell: _Cell, row: str, hidden: str | None, memory: str | None) -> tuple[str, str]:
        """i, o, f = sigmoid; c = f c' + i tanh(g); h = o tanh(c) (ONNX's order of gates: i, o, f, c)."""
        if hidden is not None:
            row = self.put("Add", row, self.put("MatMul", hidden, cell.recurrent.T))
        size = cell.hidden
        row = self.put("Tanh", row)
        gates, fresh = self._sigmoid(self._slice(row, 1, 0, 3 * size)), self._slice(row, 1, 3 * size, 4 * size)
        new = self.put("Mul", self._slice(gates, 1, 0, size), fresh)
        if memory is not None:
            new = self.put("Add", self.put("Mul", self._slice(gates, 1, 2 * size, 3 * size), memory), new)
        return self.put("Mul", self._slice(gates, 1, size, 2 * size), self.put("Tanh", new)), new

    def _gru(self, cell: _Cell, row: str, hidden: str | None) -> str:
        """z, r = sigmoid; n = tanh(W x + r (R h + b)) or tanh(W x + R (r h) + b); h = n + z (h' - n)."""
        size = cell.hidden
        known = row if hidden is None else self._gru_gates(cell, row, hidden)
        gates = self._sigmoid(self.put("Tanh", self._slice(known, 1, 0, 2 * size) if hidden is None else known))
        update, reset = self._slice(gates, 1, 0, size), self._slice(gates, 1, size, 2 * size)
        fresh = self._slice(row, 1, 2 * size, 3 * size)
        recurrent, bias = cell.recurrent[2 * size :].T, cell.recurrent_bias[2 * size :]
        if attribute(self.node, "linear_before_reset", 0):
            inner: Any = bias if hidden is None else self.put("Add", self.put("MatMul", hidden, recurrent), bias)
            fresh = self.put("Add", fresh, self.put("Mul", reset, inner))
        elif hidden is not None:
            fresh = self.put("Add", fresh, self.put("MatMul", self.put("Mul", reset, hidden), recurrent))
        new = self.put("Tanh", fresh)
        if hidden is None:
            return self.put("Sub", new, self.put("Mul", update, new))
        return self.put("Add", new, self.put("Mul", update, self.put("Sub", hidden, new)))

    def _sigmoid(self, tanh: str) -> str:
        """(1 + t) / 2, where t is the tanh of half the sigmoid's argument."""
        return self.put("Div", self.put("Add", tanh, 1.0), 2.0)

    def _gru_gates(self, cell: _Cell, row: str, hidden: str) -> str:
        size = cell.hidden
        own = self.put("MatMul", hidden, cell.recurrent[: 2 * size].T)
        return self.put("Add", self._slice(row, 1, 0, 2 * size), own)

    def _outputs(self, results: list[tuple[list[str], str | None]]) -> None:
        names = [*self.node.output, "", "", ""]
        axis, steps_axis = np.array([0], np.int64), np.array([0, 1], np.int64)
        if names[0]:
            sides = []
            for states, _ in results:
                each = [self.put("Unsqueeze", state, steps_axis) for state in states[:-1]]
                sides.append(self.put("Concat", *each, axis=0))
            self.put("Concat", *sides, out=names[0], axis=1)
        if names[1]:
            last = [self.put("Unsqueeze", states[-1], axis) for states, _ in results]
            self.put("Concat", *last, out=names[1], axis=0)
        if self.node.op_type == "LSTM" and names[2]:
            last = [self.put("Unsqueeze", str(memory), axis) for _, memory in results]
            self.put("Concat", *last, out=names[2], axis=0)
