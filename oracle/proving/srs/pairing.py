"""Pairings of BN254, for the checks of set-ups and of Groth16 proofs, by py_ecc, which takes half a second to load."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.srs.curve import Point, TwistPoint

Term = tuple[Point | None, TwistPoint | None]


def pairing_is_one(terms: Sequence[Term]) -> bool:
    """Whether the product of the pairings is one; a point at infinity adds nothing."""
    curve = _py_ecc()
    product = curve.FQ12.one()
    for point, twist in terms:
        if point is not None and twist is not None:
            left = curve.FQ(point[0]), curve.FQ(point[1]), curve.FQ(1)
            product *= curve.pairing(_twisted(curve, twist), left, final_exponentiate=False)
    return bool(curve.final_exponentiate(product) == curve.FQ12.one())


def on_twist(point: TwistPoint) -> bool:
    """Whether a point is on the twist of G2, in its group or not."""
    curve = _py_ecc()
    return bool(curve.is_on_curve(_twisted(curve, point), curve.b2))


def in_twist_group(point: TwistPoint) -> bool:
    """Whether a point is one of G2: on the twist, whose cofactor is not 1, and of the group's order."""
    curve = _py_ecc()
    twisted = _twisted(curve, point)
    return on_twist(point) and bool(curve.is_inf(curve.multiply(twisted, BN254_SCALAR_FIELD)))


def _py_ecc() -> Any:
    """The module. Loading it raises the interpreter's recursion limit to 100,000, on which deep JSON ends a process."""
    before = sys.getrecursionlimit()
    try:
        from py_ecc import optimized_bn128  # noqa: PLC0415
    finally:
        sys.setrecursionlimit(before)
    return optimized_bn128


def _twisted(curve: Any, point: TwistPoint) -> Any:
    return curve.FQ2(point[0]), curve.FQ2(point[1]), curve.FQ2.one()
