"""Tanh, sigmoid, erf, ELU and SELU as clipped rational functions, which need no lookup table, whatever the domain.

With v = clip(x / R, -1, 1) and s = v^2: f(x) = v P(s) / Q(s), fitted in the maximum norm over |x| <= R (iteratively
reweighted linearised least squares) with P(1) = Q(1): from R on the form is the function's limit, so that x f(x), as in
GELU, stays near x. The clip is two rectifiers, relu(x/R + 1) - relu(x/R - 1) - 1, as those cost a circuit the least of
all comparisons.

ELU and SELU need 1 - exp(-y) for y >= 0 alone: with v = clip(y / R, 0, 1) it is v P(v) / Q(v), fitted alike (linear
programs, each weighted by the denominator before it) with the limit 1 from R on. Softmax is in softmax.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import onnx
from onnx import helper

from oracle.proving.rewrites.formulas import Put, polynomial
from oracle.proving.rewrites.graph import Graph
from oracle.proving.rewrites.softmax import EXP, softmax


@dataclass(frozen=True, slots=True)
class Rational:
    """v P / Q with Q(0) = 1, and its largest error against the function, anywhere."""

    reach: float
    numerator: tuple[float, ...]
    denominator: tuple[float, ...]
    error: float


# From coarse and cheap to fine
TANH: Final = (
    Rational(3.25, (3.222085, 1.579139), (3.801223,), 3.1e-3),
    Rational(4.25, (4.240122, 5.943202), (7.321591, 1.861733), 6e-4),
    Rational(5.0, (4.999378, 12.793993, 2.100415), (10.881605, 8.012182), 1e-4),
)
ERF: Final = (
    Rational(2.1, (2.402175, 0.454763), (1.856938,), 3.4e-3),
    Rational(2.6, (2.929056, 10.772342, 4.134035), (5.848578, 10.986854), 3e-4),
    Rational(2.85, (3.215051, 4.836199, 5.766794), (4.196635, 6.788762, 1.832647), 7e-5),
)
# 1 - exp(-y) of y >= 0
DECAY: Final = (
    Rational(6.5, (6.303927, 11.614154), (4.315778, 12.602303), 2.3e-3),
    Rational(7.75, (7.701702, 5.55863, 1.529707), (4.387868, 9.402171), 4.4e-4),
    Rational(9.5, (9.516957, 13.193619, 38.248441), (6.233291, 16.932501, 36.793225), 1e-4),
)
OPERATORS: Final = ("Tanh", "Sigmoid", "Erf", "Elu", "Selu")
# ONNX, operator Selu
SELU_ALPHA: Final = 1.67326319217681884765625
SELU_GAMMA: Final = 1.05070102214813232421875


def without_tables(graph: Graph, level: int) -> int:
    """Puts rational forms of a level (0 coarse to 2 fine) for every operator that has one; returns how many."""

    def form(node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        source, target = (node.input[0], node.output[0]) if node.op_type in OPERATORS else ("", "")
        if node.op_type == "Tanh":
            return _rational(graph, TANH[level], source, target)
        if node.op_type == "Erf":
            return _rational(graph, ERF[level], source, target)
        if node.op_type == "Sigmoid":
            return _sigmoid(graph, TANH[level], source, target)
        if node.op_type in {"Elu", "Selu"}:
            return _exponential_unit(graph, DECAY[level], node)
        if node.op_type == "Softmax":
            return softmax(graph, EXP[level], node)
        return None

    return graph.replace_all(form)


def _sigmoid(graph: Graph, tanh: Rational, source: str, target: str) -> list[onnx.NodeProto]:
    """sigmoid(x) = (1 + tanh(x / 2)) / 2."""
    halved = Rational(2 * tanh.reach, tuple(value / 2 for value in tanh.numerator), tanh.denominator, tanh.error / 2)
    centred = graph.fresh("centred")
    return [
        *_rational(graph, halved, source, centred),
        helper.make_node("Add", [centred, graph.weight(0.5)], [target]),
    ]


def _exponential_unit(graph: Graph, decay: Rational, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """gamma (relu(x) - alpha (1 - exp(-relu(-x))))."""
    given = {attribute.name: attribute.f for attribute in node.attribute}
    selu = node.op_type == "Selu"
    alpha = given.get("alpha", SELU_ALPHA if selu else 1.0)
    gamma = given.get("gamma", SELU_GAMMA if selu else 1.0)
    put = Put(graph)
    scaled = put("Mul", node.input[0], -1 / decay.reach)
    v = put("Sub", put("Relu", scaled), put("Relu", put("Sub", scaled, 1.0)))
    missing = put("Mul", _quotient(put, v, v, decay), alpha * gamma)
    above = put("Relu", node.input[0])
    put("Sub", put("Mul", above, gamma) if selu else above, missing, out=node.output[0])
    return put.nodes


def _rational(graph: Graph, form: Rational, source: str, target: str) -> list[onnx.NodeProto]:
    put = Put(graph)
    scaled = put("Mul", source, 1 / form.reach)
    above = put("Relu", put("Add", scaled, 1.0))
    below = put("Relu", put("Sub", scaled, 1.0))
    v = put("Sub", put("Sub", above, below), 1.0)
    _quotient(put, v, put("Mul", v, v), form, target)
    return put.nodes


def _quotient(put: Put, v: str, s: str, form: Rational, out: str | None = None) -> str:
    """v P(s) / Q(s)."""
    top = polynomial(put, s, form.numerator)
    bottom = polynomial(put, s, (1.0, *form.denominator))
    return put("Div", put("Mul", v, top), bottom, out=out)
