"""Tanh, sigmoid and erf as clipped rational functions, which need no lookup table, whatever the domain.

With v = clip(x / R, -1, 1) and s = v^2: f(x) = v P(s) / Q(s), fitted in the maximum norm over |x| <= R (iteratively
reweighted linearised least squares) with P(1) = Q(1): from R on the form is the function's limit, so that x f(x), as in
GELU, stays near x. The clip is two rectifiers, relu(x/R + 1) - relu(x/R - 1) - 1, as those cost a circuit the least of
all comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import onnx
from onnx import helper

from oracle.proving.rewrites.graph import Graph


@dataclass(frozen=True, slots=True)
class OddRational:
    """v P(s) / Q(s) with Q(0) = 1, and its largest error against the function, anywhere."""

    reach: float
    numerator: tuple[float, ...]
    denominator: tuple[float, ...]
    error: float


# From coarse and cheap to fine
TANH: Final = (
    OddRational(3.25, (3.222085, 1.579139), (3.801223,), 3.1e-3),
    OddRational(4.25, (4.240122, 5.943202), (7.321591, 1.861733), 6e-4),
    OddRational(5.0, (4.999378, 12.793993, 2.100415), (10.881605, 8.012182), 1e-4),
)
ERF: Final = (
    OddRational(2.1, (2.402175, 0.454763), (1.856938,), 3.4e-3),
    OddRational(2.6, (2.929056, 10.772342, 4.134035), (5.848578, 10.986854), 3e-4),
    OddRational(2.85, (3.215051, 4.836199, 5.766794), (4.196635, 6.788762, 1.832647), 7e-5),
)
OPERATORS: Final = ("Tanh", "Sigmoid", "Erf")


def without_tables(graph: Graph, level: int) -> int:
    """Puts rational forms of a level (0 coarse to 2 fine) for every tanh, sigmoid and erf; returns how many."""

    def form(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        source, target = (node.input[0], node.output[0]) if node.op_type in OPERATORS else ("", "")
        if node.op_type == "Tanh":
            return _rational(graph, TANH[level], source, target)
        if node.op_type == "Erf":
            return _rational(graph, ERF[level], source, target)
        if node.op_type == "Sigmoid":
            return _sigmoid(graph, TANH[level], source, target)
        return None

    return graph.replace_all(form)


def _sigmoid(graph: Graph, tanh: OddRational, source: str, target: str) -> list[onnx.NodeProto]:
    """sigmoid(x) = (1 + tanh(x / 2)) / 2."""
    halved = OddRational(2 * tanh.reach, tuple(value / 2 for value in tanh.numerator), tanh.denominator, tanh.error / 2)
    centred = graph.fresh("centred")
    return [
        *_rational(graph, halved, source, centred),
        helper.make_node("Add", [centred, graph.weight(0.5)], [target]),
    ]


def _rational(graph: Graph, form: OddRational, source: str, target: str) -> list[onnx.NodeProto]:
    nodes: list[onnx.NodeProto] = []

    def put(operator: str, *inputs: Any, out: str | None = None) -> str:
        names = [one if isinstance(one, str) else graph.weight(one) for one in inputs]
        result = out or graph.fresh("rational")
        nodes.append(helper.make_node(operator, names, [result]))
        return result

    scaled = put("Mul", source, 1 / form.reach)
    above = put("Relu", put("Add", scaled, 1.0))
    below = put("Relu", put("Sub", scaled, 1.0))
    v = put("Sub", put("Sub", above, below), 1.0)
    s = put("Mul", v, v)
    top = _polynomial(put, s, form.numerator)
    bottom = _polynomial(put, s, (1.0, *form.denominator))
    put("Div", put("Mul", v, top), bottom, out=target)
    return nodes


def _polynomial(put: Any, s: str, coefficients: tuple[float, ...]) -> str:
    """Horner's scheme, from the highest power."""
    value: Any = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = put("Add", put("Mul", s, value), coefficient)
    return str(value)
