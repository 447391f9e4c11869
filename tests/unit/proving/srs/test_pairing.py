"""Pairings: py_ecc's own values, bilinear, with points at infinity, and nothing but points of the groups."""

from __future__ import annotations

import random

import pytest
from py_ecc import optimized_bn128 as reference

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.srs import pairing
from oracle.proving.srs.curve import BASE_FIELD, G1, G2, Point, TwistPoint, g2_multiply, multiply_base, negative
from oracle.proving.srs.pairing import in_twist_group, on_twist, pairing_is_one

DEGREE = 12


def _drawn() -> tuple[int, int]:
    rng = random.Random(8)
    return rng.randrange(1, BN254_SCALAR_FIELD), rng.randrange(1, BN254_SCALAR_FIELD)


def _multiple(scalar: int) -> Point:
    return multiply_base([scalar % BN254_SCALAR_FIELD], window=4)[0]


def _outside_the_group() -> TwistPoint:
    """A point of the twist whose order is not G2's: the first x = (n, 1) that has one."""
    for n in range(1, 100):
        x = reference.FQ2((n, 1))
        square = x * x * x + reference.b2
        root = square ** ((BASE_FIELD**2 + 15) // 32)
        for turn in range(16):  # roots of unity of order 32: one of these is a root where there is any
            candidate = root * reference.FQ2((9, 1)) ** ((BASE_FIELD**2 - 1) // 32 * turn)
            if candidate * candidate == square:
                return (n, 1), (int(candidate.coeffs[0]), int(candidate.coeffs[1]))
    raise AssertionError("no point found")


def test_miller__raised_to_the_final_power__is_py_eccs_pairing() -> None:
    a, b = _drawn()
    point, twist = _multiple(a), g2_multiply(b)
    power = (BASE_FIELD**DEGREE - 1) // BN254_SCALAR_FIELD
    own = pairing._coefficients(pairing._power(pairing._miller([(point, twist)]), power), DEGREE)
    right = reference.FQ2(twist[0]), reference.FQ2(twist[1]), reference.FQ2.one()
    left = reference.FQ(point[0]), reference.FQ(point[1]), reference.FQ(1)
    assert own == [int(value) for value in reference.pairing(right, left).coeffs]


def test_pairing_is_one__multiples_of_both_sides__bilinear() -> None:
    a, b = _drawn()
    left, right = _multiple(a), g2_multiply(b)
    assert pairing_is_one([(left, right), (negative(_multiple(a * b)), G2)])
    assert pairing_is_one([(left, right), (negative(_multiple(b)), g2_multiply(a))])
    assert pairing_is_one([(left, G2), (_multiple(b), G2), (negative(_multiple(a + b)), G2)])
    assert not pairing_is_one([(left, right), (_multiple(a * b), G2)])
    assert not pairing_is_one([(left, right), (negative(_multiple(a * b + 1)), G2)])
    assert not pairing_is_one([(left, right)])


def test_pairing_is_one__points_at_infinity__add_nothing() -> None:
    assert pairing_is_one([])
    assert pairing_is_one([(None, G2), (G1, None)])
    assert not pairing_is_one([(None, G2), (G1, G2)])


def test_pairing_is_one__point_off_its_curve__has_none() -> None:
    for term in (((1, 3), G2), (G1, (G2[0], G2[0])), (G1, (G2[0], (G2[1][0] + BASE_FIELD, G2[1][1])))):
        with pytest.raises(ValueError, match="not on its curve"):
            pairing_is_one([term])


def test_in_twist_group__point_of_the_twist_beside_it__is_told_apart() -> None:
    outside = _outside_the_group()
    assert on_twist(outside)
    assert not in_twist_group(outside)
    assert in_twist_group(g2_multiply(_drawn()[0]))
