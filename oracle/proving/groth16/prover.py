"""Proofs, and their check off chain: Groth (2016), section 3.2."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import InputRejected, InvalidInput
from oracle.proving.groth16.field import GENERATOR, from_coset, interpolate_all, on_coset
from oracle.proving.groth16.keys import Proof, ProvingKey, VerifyingKey, all_constraints, domain_size
from oracle.proving.groth16.points import add, linear, multiply, signed, twist_add, twist_linear, twist_multiply
from oracle.proving.groth16.r1cs import Builder, Constraint, Terms, evaluate
from oracle.proving.srs.curve import G2, Point, TwistPoint, negative, on_curve
from oracle.proving.srs.pairing import in_twist_group, pairing_is_one


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
