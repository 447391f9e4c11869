"""The first half of a set-up (powers of tau) made into a circuit's keys, and the second half: contributions to delta.

A development set-up is made from a seed that everybody knows, so it is the same on every machine and everybody can
forge under it, exactly as the development SRS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import InvalidInput
from oracle.proving.groth16.field import lagrange_at
from oracle.proving.groth16.keys import ProvingKey, VerifyingKey, all_constraints, domain_size
from oracle.proving.groth16.points import (
    add,
    linear,
    multiples_of_base,
    multiples_of_twist_base,
    twist_linear,
)
from oracle.proving.groth16.r1cs import Builder, Constraint
from oracle.proving.srs.curve import G1, G2, Point, TwistPoint, powers

DEV_SEED: Final = b"plumbline development Groth16 set-up, version 1: everybody knows these secrets"

P = TypeVar("P")
Column = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What nobody may know in a real set-up."""

    tau: int
    alpha: int
    beta: int
    delta: int

    @classmethod
    def development(cls) -> Secrets:
        """Everybody's secrets."""
        drawn = [hashlib.sha512(DEV_SEED + name).digest() for name in (b"tau", b"alpha", b"beta", b"delta")]
        return cls(*(int.from_bytes(one, "big") % (BN254_SCALAR_FIELD - 2) + 2 for one in drawn))


@dataclass(frozen=True, slots=True)
class Phase1:
    """Checked powers of tau for a domain of `size` points; Lagrange forms over that domain.

    `shifted`: tau^(i + size) - tau^i for i < size - 1, in G1: the powers times the vanishing polynomial.
    """

    size: int
    lagrange: Sequence[Point]
    lagrange_twist: Sequence[TwistPoint]
    alpha_lagrange: Sequence[Point]
    beta_lagrange: Sequence[Point]
    shifted: Sequence[Point]
    alpha: Point
    beta: Point
    beta_twist: TwistPoint


@dataclass(frozen=True, slots=True)
class Columns:
    """The constraints by variable: which of them it is in, and with which factor."""

    left: list[Column]
    right: list[Column]
    result: list[Column]


def columns(constraints: Sequence[Constraint], variables: int) -> Columns:
    """Constraints turned on their side."""
    sides: list[list[Column]] = [[[] for _ in range(variables)] for _ in range(3)]
    made = Columns(*sides)
    for row, one in enumerate(constraints):
        for terms, side in ((one.left, made.left), (one.right, made.right), (one.result, made.result)):
            for variable, factor in terms.items():
                side[variable].append((row, factor))
    return made


def key_from_secrets(builder: Builder, secrets: Secrets) -> ProvingKey:
    """The keys that a set-up with these secrets gives: quick, for whoever knows them."""
    r = BN254_SCALAR_FIELD
    constraints = all_constraints(builder)
    size = domain_size(constraints)
    basis = lagrange_at(secrets.tau, size)
    by_variable = columns(constraints, len(builder.values))
    left, right, result = (
        [sum(basis[row] * factor for row, factor in column) % r for column in side]
        for side in (by_variable.left, by_variable.right, by_variable.result)
    )
    mixed = [(secrets.beta * u + secrets.alpha * v + w) % r for u, v, w in zip(left, right, result, strict=True)]
    public = builder.public_count + 1
    shrink = pow(secrets.delta, -1, r)
    vanishing = (pow(secrets.tau, size, r) - 1) * shrink % r
    private = [0] * public + [value * shrink % r for value in mixed[public:]]
    fixed = multiples_of_base([secrets.alpha, secrets.beta, secrets.delta])
    twisted = multiples_of_twist_base([secrets.beta, secrets.delta])
    verifying = VerifyingKey(
        _present(fixed[0]), _present(twisted[0]), _present(twisted[1]), _all(multiples_of_base(mixed[:public]))
    )
    return ProvingKey(
        verifying,
        size,
        _present(fixed[1]),
        _present(fixed[2]),
        tuple(multiples_of_base(left)),
        tuple(multiples_of_base(right)),
        tuple(multiples_of_twist_base(right)),
        tuple(multiples_of_base(private)),
        _all(multiples_of_base([power * vanishing % r for power in powers(secrets.tau, size - 1)])),
    )


def key_from_phase1(builder: Builder, phase1: Phase1) -> ProvingKey:
    """The keys with delta = 1, to which somebody must contribute before they are of use.

    Raises InvalidInput for powers of another size.
    """
    constraints = all_constraints(builder)
    if phase1.size != domain_size(constraints):
        raise InvalidInput(f"the circuit takes 2^k = {domain_size(constraints)} powers, not {phase1.size}")
    by_variable = columns(constraints, len(builder.values))
    left = [_combined(column, phase1.lagrange, linear) for column in by_variable.left]
    right = [_combined(column, phase1.lagrange, linear) for column in by_variable.right]
    twisted = [_combined(column, phase1.lagrange_twist, twist_linear) for column in by_variable.right]
    mixed = []
    for u, v, w in zip(by_variable.left, by_variable.right, by_variable.result, strict=True):
        first = _combined(u, phase1.beta_lagrange, linear)
        second = _combined(v, phase1.alpha_lagrange, linear)
        mixed.append(add(add(first, second), _combined(w, phase1.lagrange, linear)))
    public = builder.public_count + 1
    verifying = VerifyingKey(phase1.alpha, phase1.beta_twist, G2, _all(mixed[:public]))
    return ProvingKey(
        verifying,
        phase1.size,
        phase1.beta,
        G1,
        tuple(left),
        tuple(right),
        tuple(twisted),
        (None,) * public + tuple(mixed[public:]),
        tuple(phase1.shifted),
    )


def phase1_from_secrets(secrets: Secrets, size: int) -> Phase1:
    """The powers that these secrets give."""
    r = BN254_SCALAR_FIELD
    basis = lagrange_at(secrets.tau, size)
    vanishing = pow(secrets.tau, size, r) - 1
    alpha, beta = multiples_of_base([secrets.alpha, secrets.beta])
    return Phase1(
        size,
        _all(multiples_of_base(basis)),
        _all(multiples_of_twist_base(basis)),
        _all(multiples_of_base([one * secrets.alpha % r for one in basis])),
        _all(multiples_of_base([one * secrets.beta % r for one in basis])),
        _all(multiples_of_base([power * vanishing % r for power in powers(secrets.tau, size - 1)])),
        _present(alpha),
        _present(beta),
        _present(multiples_of_twist_base([secrets.beta])[0]),
    )


def _combined(
    column: Column, basis: Sequence[P], combine: Callable[[Sequence[int], Sequence[P | None]], P | None]
) -> P | None:
    return combine([factor for _, factor in column], [basis[row] for row, _ in column])


def _present(point: P | None) -> P:
    if point is None:
        raise InvalidInput("a key's point is at infinity")
    return point


def _all(points: Sequence[P | None]) -> tuple[P, ...]:
    return tuple(_present(point) for point in points)
