"""Formulas written as ONNX nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx
from onnx import helper

from oracle.proving.rewrites.graph import Graph


class Put:
    """Collects nodes; numbers become constants, names are made where none is given."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.nodes: list[onnx.NodeProto] = []

    def __call__(self, operator: str, *inputs: str | float, out: str | None = None, **attributes: Any) -> str:
        names = [one if isinstance(one, str) else self._graph.weight(one) for one in inputs]
        result = out or self._graph.fresh("rational")
        self.nodes.append(helper.make_node(operator, names, [result], **attributes))
        return result


def polynomial(put: Put, s: str, coefficients: Sequence[float]) -> str:
    """Horner's scheme, from the highest power; coefficients from the lowest."""
    value: str | float = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = put("Add", put("Mul", s, value), coefficient)
    return str(value)
