"""Whether a set-up is one: every point is the right power of one secret, in both forms.

The powers are checked against s*G2 by one pairing equation over random weights, e(sum r_i g_(i+1), G2) =
e(sum r_i g_i, s*G2), the Lagrange points against the powers by the polynomial that has the weights as its values. A
wrong file passes with probability 2^-128. What no check can say is whether anybody knows the secret.
"""

from __future__ import annotations

import secrets
from typing import Final

from oracle.errors import InvalidInput
from oracle.proving.srs.curve import (
    G1,
    G2,
    OnFraction,
    TwistPoint,
    interpolate,
    lagrange_points,
    negative,
    on_curve,
    sum_of_products,
)
from oracle.proving.srs.format import SrsPoints
from oracle.proving.srs.pairing import in_twist_group, on_twist, pairing_is_one

WEIGHT_BITS: Final = 128


def check_points(points: SrsPoints, name: str, on_fraction: OnFraction | None = None) -> None:
    """Raises InvalidInput, saying what is wrong, unless the points are a set-up; Lagrange points where there are any.

    `name`: what the error calls the set-up.
    """
    report = on_fraction or (lambda fraction: None)
    for label, group in (("powers", points.powers), ("Lagrange form", points.lagrange)):
        wrong = next((i for i, point in enumerate(group) if not on_curve(point)), None)
        if wrong is not None:
            raise InvalidInput(f"{name}: point {wrong} of the {label} is not on the curve")
    if points.powers[0] != G1 or points.g2 != G2:
        raise InvalidInput(f"{name} does not start at the curve's generators")
    check_twist(points.s_g2, name)
    report(0.2)
    try:
        _check_powers(points, name)
        report(0.6)
        if points.lagrange:
            check_lagrange(points, name)
    except ValueError as error:
        raise InvalidInput(f"{name} holds equal or opposite points: it is crafted") from error
    report(1.0)


def with_lagrange(points: SrsPoints, name: str, on_fraction: OnFraction | None = None) -> SrsPoints:
    """The points with their Lagrange form, computed where it is missing. Raises InvalidInput for crafted points."""
    if points.lagrange:
        return points
    try:
        lagrange = lagrange_points(points.powers, on_fraction)
    except ValueError as error:
        raise InvalidInput(f"{name} holds equal or opposite points: it is crafted") from error
    return SrsPoints(points.logrows, points.powers, lagrange, points.g2, points.s_g2)


def _check_powers(points: SrsPoints, name: str) -> None:
    weights = [secrets.randbits(WEIGHT_BITS) for _ in points.powers[1:]]
    lower = sum_of_products(weights, points.powers[:-1])
    upper = sum_of_products(weights, points.powers[1:])
    if lower is None or upper is None or not pairing_is_one([(upper, G2), (negative(lower), points.s_g2)]):
        raise InvalidInput(f"{name}: the powers are not those of one secret and of s*G2")


def check_lagrange(points: SrsPoints, name: str) -> None:
    """Raises InvalidInput unless the Lagrange form belongs to the powers."""
    weights = [secrets.randbits(WEIGHT_BITS) for _ in points.lagrange]
    if sum_of_products(weights, points.lagrange) != sum_of_products(interpolate(weights), points.powers):
        raise InvalidInput(f"{name}: the Lagrange form does not belong to the powers")


def check_twist(point: TwistPoint, name: str) -> None:
    """Raises InvalidInput unless a point is one of G2: one on the twist may lie outside the group."""
    if not on_twist(point):
        raise InvalidInput(f"{name}: s*G2 is not on the twist")
    if not in_twist_group(point):
        raise InvalidInput(f"{name}: s*G2 is not in the group of the pairing")
