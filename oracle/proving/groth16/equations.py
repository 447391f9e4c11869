"""Equations between pairings, checked all at once: a pairing takes seconds, a multiple of a point milliseconds."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final, TypeAlias

from oracle.proving.groth16.points import linear
from oracle.proving.srs.curve import Point, TwistPoint
from oracle.proving.srs.pairing import pairing_is_one

WEIGHT_BITS: Final = 128

# e(a, b) = e(c, d)
Equation: TypeAlias = tuple[Point | None, TwistPoint | None, Point | None, TwistPoint | None]


def hold(equations: Sequence[Equation]) -> bool:
    """Whether e(a, b) = e(c, d) in every equation, with no point at infinity.

    Each is raised to a random weight of 128 bits and all are multiplied, one pairing for each point of G2: a wrong
    equation passes with probability 2^-128.
    """
    sides: dict[TwistPoint, list[tuple[int, Point]]] = {}
    for weight, (a, b, c, d) in zip(weights(len(equations)), equations, strict=True):
        if a is None or b is None or c is None or d is None:
            return False
        sides.setdefault(b, []).append((weight, a))
        sides.setdefault(d, []).append((-weight, c))
    return pairing_is_one(
        [(linear([weight for weight, _ in side], [point for _, point in side]), b) for b, side in sides.items()]
    )


def weights(count: int) -> list[int]:
    """Random weights of 128 bits."""
    return [secrets.randbits(WEIGHT_BITS) for _ in range(count)]
