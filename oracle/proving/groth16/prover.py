"""Proofs, and their check off chain: Groth (2016), section 3.2."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import InputRejected, InvalidInput
from oracle.proving.groth16.field import GENERATOR, from_coset, interpolate_all, on_coset
from oracle.proving.groth16.keys import Proof, ProvingKey, VerifyingKey, all_constraints, domain_size
from oracle.proving.groth16.points import add, linear, multiply, signed, twist_add, twist_linear, twist_multiply
from oracle.proving.groth16.r1cs import Builder, Constraint, Terms, evaluate
from oracle.proving.srs.curve import BASE_FIELD, G2, Point, TwistPoint, negative, on_curve


def prove(key: ProvingKey, builder: Builder) -> Proof:
    """A proof, blinded afresh, that the builder's values satisfy its constraints.

    Raises InputRejected where they do not, InvalidInput for a key of another circuit.
    """
    broken = builder.first_broken()
    if broken is not None:
        raise InputRejected(f"constraint {broken} does not hold")
    constraints = all_constraints(builder)
    public = builder.public_count + 1
    if key.size != domain_size(constraints) or len(key.left) != len(builder.values):
        raise InvalidInput("the proving key is of another circuit")
    values = builder.values
    blind_a, blind_b = (secrets.randbelow(BN254_SCALAR_FIELD) for _ in range(2))
    quotient = linear(quotient_of(constraints, values, key.size), key.quotient)
    a = add(add(key.verifying.alpha, linear(values, key.left)), multiply(blind_a, key.delta))
    b = add(add(key.beta, linear(values, key.right)), multiply(blind_b, key.delta))
    twist = twist_add(key.verifying.beta, twist_linear(values, key.right_twist))
    twist = twist_add(twist, twist_multiply(blind_b, key.verifying.delta))
    c = add(linear(values[public:], key.private[public:]), quotient)
    c = add(add(c, multiply(blind_b, a)), multiply(blind_a, b))
    c = add(c, multiply(signed(-blind_a * blind_b), key.delta))
    if a is None or twist is None or c is None:
        return prove(key, builder)
    return Proof(a, twist, c)


def quotient_of(constraints: Sequence[Constraint], values: list[int], size: int) -> list[int]:
    """The coefficients of (left * right - result) / Z, size - 1 of them."""
    r = BN254_SCALAR_FIELD
    left = on_coset(interpolate_all(_column([one.left for one in constraints], values, size)))
    right = on_coset(interpolate_all(_column([one.right for one in constraints], values, size)))
    result = on_coset(interpolate_all(_column([one.result for one in constraints], values, size)))
    shrink = pow(pow(GENERATOR, size, r) - 1, -1, r)
    coefficients = from_coset([(a * b - c) * shrink % r for a, b, c in zip(left, right, result, strict=True)])
    if coefficients[-1]:
        raise InputRejected("the constraints do not hold")
    return coefficients[:-1]


def _column(terms: list[Terms], values: list[int], size: int) -> list[int]:
    return [evaluate(one, values) for one in terms] + [0] * (size - len(terms))


def verify(key: VerifyingKey, words: Sequence[int], proof: Proof) -> bool:
    """Whether a proof holds for these public words. What is no group element, or no word of the field, does not."""
    if len(words) != len(key.words) - 1 or any(not 0 <= word < BN254_SCALAR_FIELD for word in words):
        return False
    if not (on_curve(proof.a) and on_curve(proof.c) and in_twist_group(proof.b)):
        return False
    statement = add(key.words[0], linear(words, key.words[1:]))
    terms: list[tuple[Point | None, TwistPoint]] = [
        (negative(proof.a), proof.b),
        (key.alpha, key.beta),
        (statement, G2),
        (proof.c, key.delta),
    ]
    return pairing_is_one(terms)


def pairing_is_one(terms: Sequence[tuple[Point | None, TwistPoint | None]]) -> bool:
    """Whether the product of the pairings is one; a point at infinity adds nothing."""
    curve = _pairings()
    product = curve.FQ12.one()
    for point, twist in terms:
        if point is not None and twist is not None:
            left = curve.FQ(point[0]), curve.FQ(point[1]), curve.FQ(1)
            product *= curve.pairing(_twist(twist), left, final_exponentiate=False)
    return bool(curve.final_exponentiate(product) == curve.FQ12.one())


def in_twist_group(point: TwistPoint) -> bool:
    """Whether a point is one of G2: on the twist y^2 = x^3 + 3 / (9 + u), whose cofactor is not 1, and of its order."""
    (x0, x1), (y0, y1), q = *point, BASE_FIELD
    square = (x0 * x0 - x1 * x1) % q, 2 * x0 * x1 % q
    cube = (square[0] * x0 - square[1] * x1) % q, (square[0] * x1 + square[1] * x0) % q
    constant = 3 * pow(82, -1, q)
    left = (y0 * y0 - y1 * y1) % q, 2 * y0 * y1 % q
    right = (cube[0] + 9 * constant) % q, (cube[1] - constant) % q
    return left == right and twist_multiply(BN254_SCALAR_FIELD, point) is None


def _pairings() -> Any:
    """py_ecc's arithmetic, which takes half a second to load."""
    from py_ecc import optimized_bn128  # noqa: PLC0415

    return optimized_bn128


def _twist(point: TwistPoint) -> Any:
    curve = _pairings()
    return curve.FQ2(point[0]), curve.FQ2(point[1]), curve.FQ2.one()
