"""Rank-1 constraints over BN254's scalar field, built together with the values that satisfy them.

A variable is an index: 0 is the constant one, then come the public ones, then the rest. A combination is a sparse
linear form of variables; a constraint says left * right = result of three of them. The constraints depend on what is
built, never on the values: the same builder run makes the key and, with real values, the prover's assignment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import InvalidInput

# Sums of magnitudes below this never wrap: the field has 254 bits
MAX_BITS: Final = 200
ONE: Final = 0

Terms: TypeAlias = dict[int, int]


@dataclass(frozen=True, slots=True)
class Combination:
    """A linear form of variables, its integer value, and bounds that hold for it whatever a prover does."""

    terms: Terms
    value: int
    low: int
    high: int

    def __add__(self, other: Combination) -> Combination:
        terms = dict(self.terms)
        for variable, factor in other.terms.items():
            terms[variable] = terms.get(variable, 0) + factor
        return Combination(terms, self.value + other.value, self.low + other.low, self.high + other.high)

    def times(self, factor: int) -> Combination:
        """The form times an integer."""
        bounds = sorted((self.low * factor, self.high * factor))
        return Combination({v: c * factor for v, c in self.terms.items()}, self.value * factor, bounds[0], bounds[1])

    def plus(self, constant: int) -> Combination:
        """The form plus an integer."""
        return self + number(constant)


def number(value: int) -> Combination:
    """A constant."""
    return Combination({ONE: value} if value else {}, value, value, value)


@dataclass(frozen=True, slots=True)
class Constraint:
    """left * right = result."""

    left: Terms
    right: Terms
    result: Terms


@dataclass(slots=True)
class Builder:
    """Constraints and values, in the order in which they are asked for. `values`: in the field."""

    public_count: int
    constraints: list[Constraint] = field(default_factory=list)
    values: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values = [1] + [0] * self.public_count

    def variable(self, value: int, low: int, high: int) -> Combination:
        """A new private variable, whose bounds the caller must have constrained."""
        self.values.append(value % BN254_SCALAR_FIELD)
        return Combination({len(self.values) - 1: 1}, value, low, high)

    def bit(self, value: int) -> Combination:
        """A new variable that is 0 or 1."""
        one = self.variable(value, 0, 1)
        self.require(one, one.times(-1).plus(1), number(0))
        return one

    def require(self, left: Combination, right: Combination, result: Combination) -> None:
        """left * right = result."""
        self.constraints.append(Constraint(_reduced(left), _reduced(right), _reduced(result)))

    def equal(self, left: Combination, right: Combination) -> None:
        """left = right."""
        self.require(left + right.times(-1), number(1), number(0))

    def product(self, left: Combination, right: Combination, low: int, high: int) -> Combination:
        """A new variable equal to left * right; the caller's bounds must follow from those of the factors."""
        result = self.variable(left.value * right.value, low, high)
        self.require(left, right, result)
        return result

    def publish(self, index: int, combination: Combination) -> None:
        """Makes a combination the public variable `index`, from 1."""
        if combination.low < 0 or combination.high.bit_length() >= BN254_SCALAR_FIELD.bit_length():
            raise InvalidInput("what is published does not fit into a field element")
        self.values[index] = combination.value % BN254_SCALAR_FIELD
        public = Combination({index: 1}, combination.value, combination.low, combination.high)
        self.equal(combination, public)

    def bits(self, combination: Combination, count: int) -> list[Combination]:
        """The bits of a combination, the lowest first: it lies in [0, 2^count), which this proves.

        Sound where the combination's value, as an integer, cannot reach the field's modulus: see MAX_BITS.
        """
        if not 0 < count <= MAX_BITS or max(abs(combination.low), abs(combination.high)) >> MAX_BITS:
            raise InvalidInput(
                f"a value may need {count} bits, more than {MAX_BITS}", remedy="declare a smaller domain"
            )
        made = [self.bit(combination.value >> i & 1) for i in range(count)]
        self.equal(weighted(made), combination)
        return made

    def holds(self) -> bool:
        """Whether the values satisfy every constraint."""
        return self.first_broken() is None

    def first_broken(self) -> int | None:
        """The first constraint that the values do not satisfy."""
        for index, one in enumerate(self.constraints):
            left, right, result = (evaluate(terms, self.values) for terms in (one.left, one.right, one.result))
            if (left * right - result) % BN254_SCALAR_FIELD:
                return index
        return None


def weighted(bits: list[Combination]) -> Combination:
    """The number that bits write, the lowest first."""
    terms: Terms = {}
    for position, bit in enumerate(bits):
        for variable, factor in bit.terms.items():
            terms[variable] = terms.get(variable, 0) + (factor << position)
    value = sum(bit.value << position for position, bit in enumerate(bits))
    return Combination(terms, value, 0, (1 << len(bits)) - 1)


def evaluate(terms: Terms, values: list[int]) -> int:
    """A form's value in the field."""
    return sum(factor * values[variable] for variable, factor in terms.items()) % BN254_SCALAR_FIELD


def _reduced(combination: Combination) -> Terms:
    return {v: factor % BN254_SCALAR_FIELD for v, factor in combination.terms.items() if factor % BN254_SCALAR_FIELD}
