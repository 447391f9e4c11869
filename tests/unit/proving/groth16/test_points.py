"""Sums and multiples against py_ecc, with every exception of addition."""

from __future__ import annotations

import random

from py_ecc import bn128

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.groth16 import field
from oracle.proving.groth16.points import (
    add,
    linear,
    multiples_of_base,
    multiples_of_twist_base,
    multiply,
    totals,
    twist_add,
    twist_linear,
    twist_multiply,
    twist_negative,
)
from oracle.proving.srs.curve import G1, G2, negative

R = BN254_SCALAR_FIELD


def g1(point):
    return None if point is None else (int(point[0]), int(point[1]))


def g2(point):
    return None if point is None else tuple((int(part.coeffs[0]), int(part.coeffs[1])) for part in point)


def test_linear__random_scalars_of_every_size__as_py_ecc():
    rng = random.Random(3)
    scalars = [0, 1, R - 1, 1, 2, R - 2, 5, 5, *[rng.randrange(R) for _ in range(4)], *[rng.getrandbits(40)] * 3]
    factors = [1, 7, 7, 7, R - 7, 3, 3, 4, 9, 9, R - 9, 11, 12, 12, 12]
    expected = bn128.multiply(bn128.G1, sum(a * b for a, b in zip(scalars, factors, strict=True)) % R)
    assert linear(scalars, multiples_of_base(factors)) == g1(expected)
    assert linear(scalars, [None] * len(scalars)) is None
    assert linear([3, R - 3], [G1, G1]) is None


def test_totals__equal_opposite_and_no_points__as_py_ecc():
    assert totals([[], [G1], [G1, G1], [G1, negative(G1)], [G1, negative(G1), G1]]) == [
        None,
        G1,
        g1(bn128.double(bn128.G1)),
        None,
        G1,
    ]
    assert add(None, G1) == G1
    assert add(None, None) is None
    assert multiply(-3, G1) == negative(g1(bn128.multiply(bn128.G1, 3)))


def test_twist__multiples_and_sums__as_py_ecc():
    rng = random.Random(4)
    scalars = [1, 2, 31, 32, 33, R - 1, rng.randrange(R), rng.randrange(R)]
    made = multiples_of_twist_base([0, *scalars])
    assert made == [None, *[g2(bn128.multiply(bn128.G2, one)) for one in scalars]]
    assert twist_linear([1] * len(made), made) == g2(bn128.multiply(bn128.G2, sum(scalars) % R))
    weights = [rng.randrange(R) for _ in made]
    expected = sum(a * b for a, b in zip(weights, [0, *scalars], strict=True)) % R
    assert twist_linear(weights, made) == g2(bn128.multiply(bn128.G2, expected))
    assert twist_add(G2, twist_negative(G2)) is None
    assert twist_linear([1, 1, 1], [G2, G2, G2]) == twist_multiply(3, G2)
    assert twist_linear([R - 1, 5, 0], [G2, G2, G2]) == twist_multiply(4, G2)


def test_field__transforms__are_inverse_and_of_the_order_that_snarkjs_uses():
    rng = random.Random(5)
    values = [rng.randrange(R) for _ in range(16)]
    assert field.evaluate_all(field.interpolate_all(values)) == values
    assert field.from_coset(field.on_coset(values)) == values
    assert field.ROOT_OF_UNITY == 19103219067921713944291392827692070036145651957329286315305642004821462161904
    basis = field.lagrange_at(12345, 16)
    coefficients = field.interpolate_all(values)
    expected = sum(c * pow(12345, i, R) for i, c in enumerate(coefficients)) % R
    assert sum(b * v for b, v in zip(basis, values, strict=True)) % R == expected


def test_in_twist_group__points_of_the_group__and_none_beside_it():
    from oracle.proving.srs.pairing import in_twist_group

    point = g2(bn128.multiply(bn128.G2, 12345))
    (x, y) = point
    assert in_twist_group(point)
    assert in_twist_group(G2)
    assert not in_twist_group((x, (y[0] + 1, y[1])))
    assert not in_twist_group(((x[0] + 1, x[1]), y))
