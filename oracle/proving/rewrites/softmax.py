"""Softmax without a lookup table: exp of what each logit lacks of the largest, as a power of a polynomial.

With z = x - max(x) <= 0 and v = relu(1 + z / R), which lies in [0, 1] whatever the logits: exp(z) = P(v)^(2^k), with P
fitted in the maximum norm of that power over z <= 0 (linear programs, each linearised at the polynomial before it). The
largest logit's exp is within the form's error of 1, so that the sum it is divided by is never near 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx

from oracle.proving.rewrites.formulas import Put, polynomial
from oracle.proving.rewrites.graph import Graph, attribute

# ONNX: from here on a softmax runs along one axis; ReduceSum, then ReduceMax, take their axes as an input
_ALONG_ONE_AXIS: Final = 13
_MAX_TAKES_AXES: Final = 18


@dataclass(frozen=True, slots=True)
class Power:
    """P^(2^squarings), P from its lowest coefficient on, and its largest error against exp(z), for any z <= 0."""

    reach: float
    coefficients: tuple[float, ...]
    squarings: int
    error: float


# From coarse and cheap to fine
EXP: Final = (
    Power(6.0, (-0.022089, 0.797313, -1.427599, 1.650804), 1, 3.2e-3),
    Power(8.0, (0.071683, 0.662104, -0.528522, 0.794626), 2, 4.4e-4),
    Power(12.0, (0.026925, 0.393447, -0.745982, 2.096741, -1.663552, 0.892419), 2, 9e-6),
)


def softmax(graph: Graph, form: Power, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """The nodes in a softmax's place; None for one of an operator set in which it flattens its input."""
    version = graph.opset
    if version < _ALONG_ONE_AXIS:
        return None
    put, axis, source = Put(graph), int(attribute(node, "axis", -1)), node.input[0]
    axes = graph.weight(np.asarray([axis], dtype=np.int64))
    if version < _MAX_TAKES_AXES:
        largest = put("ReduceMax", source, axes=[axis], keepdims=1)
    else:
        largest = put("ReduceMax", source, axes, keepdims=1)
    lacks = put("Mul", put("Sub", source, largest), 1 / form.reach)
    power = polynomial(put, put("Relu", put("Add", lacks, 1.0)), form.coefficients)
    for _ in range(form.squarings):
        power = put("Mul", power, power)
    put("Div", power, put("ReduceSum", power, axes, keepdims=1), out=node.output[0])
    return put.nodes
