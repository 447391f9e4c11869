"""Arithmetic in BN254's scalar field as a graph in which equal things are one thing.

A node carries its value under two random assignments of the inputs. By the lemma of Schwartz and Zippel two nodes that
agree under both are the same rational function, but for a chance below 2^-400 with the degrees that occur here; so
nodes are looked up by their values, and an algebraic identity needs no rule to be found. The assignments are derived
from the source that is read: whoever writes that source cannot aim at them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from typing import Final, TypeAlias

from oracle.constants import BN254_SCALAR_FIELD as R
from oracle.errors import VerifierNotUnderstood

ASSIGNMENTS: Final = 2
# A set of evaluation points has a handful of members
MAX_FACTORS: Final = 8

Values: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value that is not known yet: `leaf` has a name, `add`, `mul`, `neg` and `inv` have arguments."""

    op: str
    arguments: tuple[Value, ...]
    values: Values
    name: str = ""


Value: TypeAlias = "int | Node"


class Field:
    """Makes nodes; a constant is an int below the modulus, never a node."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._known: dict[Values, Node] = {}

    def leaf(self, name: str, values: Values | None = None) -> Node:
        """An input; random under each assignment unless its values follow from others."""
        if values is None:
            values = tuple(self._random(name, index) for index in range(ASSIGNMENTS))
        node = Node("leaf", (), values, name)
        self._known[values] = node
        return node

    def _random(self, name: str, index: int) -> int:
        wide = b"".join(sha256(self._seed + f"{name}/{index}/{half}".encode()).digest() for half in (0, 1))
        return int.from_bytes(wide, "big") % R

    def add(self, a: Value, b: Value) -> Value:
        """a + b, with like terms and common factors joined."""
        return _require(self._add(a, b), tuple((x + y) % R for x, y in _pairs(a, b)))

    def mul(self, a: Value, b: Value) -> Value:
        """a * b, with constants in front."""
        return _require(self._mul(a, b), tuple(x * y % R for x, y in _pairs(a, b)))

    def inv(self, a: Value) -> Value:
        """1 / a, taken apart into inverses of what cannot be taken apart."""
        return _require(self._inv(a), tuple(pow(x, -1, R) if x else 0 for x in values_of(a)))

    def neg(self, a: Value) -> Value:
        """-a."""
        return self.mul(a, R - 1)

    def _add(self, a: Value, b: Value) -> Value:
        if isinstance(a, int) and isinstance(b, int):
            return (a + b) % R
        if a == 0 or b == 0:
            return b if a == 0 else a
        (base, left), (other, right) = _scaled(a), _scaled(b)
        if base is other:
            return self.mul(base, left + right)
        for one, two in ((a, b), (b, a)):
            if isinstance(one, Node) and (rest := self._without(two, one)) is not None:
                return self.mul(one, self.add(1, rest))
        if _negative(a) and _negative(b):
            return self.neg(self.add(self.neg(a), self.neg(b)))
        return self._node("add", (a, b), [(x + y) % R for x, y in _pairs(a, b)])

    def _mul(self, a: Value, b: Value) -> Value:
        if isinstance(a, int) and isinstance(b, int):
            return a * b % R
        if isinstance(a, int):
            a, b = b, a
        assert isinstance(a, Node)
        if isinstance(b, int):
            base, factor = _scaled(a)
            factor = factor * b % R
            if factor in (0, 1) or isinstance(base, int):
                return base if factor == 1 else 0
            if factor == R - 1:
                return self._node("neg", (base,), [R - x for x in base.values])
            return self._node("mul", (base, factor), [x * factor % R for x in base.values])
        (base, left), (other, right) = _scaled(a), _scaled(b)
        if left * right % R != 1:
            return self.mul(self.mul(base, other), left * right % R)
        return self._node("mul", (a, b), [x * y % R for x, y in _pairs(a, b)])

    def _inv(self, a: Value) -> Value:
        if isinstance(a, int):
            if a == 0:
                raise VerifierNotUnderstood("an inverse of zero")
            return pow(a, -1, R)
        if a.op in ("mul", "neg"):
            base, factor = _scaled(a)
            if factor != 1:
                return self.mul(self.inv(base), self.inv(factor))
            return self.mul(self.inv(a.arguments[0]), self.inv(a.arguments[1]))
        inverse = [pow(x, -1, R) for x in a.values]
        return self._product_of(inverse) or self._node("inv", (a,), inverse)

    def _product_of(self, values: list[int]) -> Value | None:
        """The product of inverted values that has these values: sum 1/((mu-p_i) prod (p_i-p_j)) is 1/prod (mu-p_i)."""
        factors = [n.arguments[0] for n in self._known.values() if n.op == "inv" and _mentions_mu(n.arguments[0])]
        for count in range(2, min(len(factors), MAX_FACTORS) + 1):
            for chosen in combinations(factors, count):
                if all(_product(chosen, index) == values[index] for index in range(ASSIGNMENTS)):
                    product: Value = 1
                    for factor in chosen:
                        product = self.mul(product, factor)
                    return product
        return None

    def _without(self, product: Value, factor: Node) -> Value | None:
        """product / factor where that is a matter of crossing it out."""
        base, scale = _scaled(product)
        if not isinstance(base, Node) or base.op != "mul" or not any(x is factor for x in base.arguments):
            return None
        first, second = base.arguments
        return self.mul(second if first is factor else first, scale)

    def _node(self, op: str, arguments: tuple[Value, ...], values: Iterable[int]) -> Value:
        key = tuple(values)
        if len(set(key)) == 1:
            return key[0]
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Node(op, arguments, key)
        return known


def _require(value: Value, expected: Values) -> Value:
    """No rule is trusted: what it gives must have the values of what it was asked for."""
    if tuple(x % R for x in values_of(value)) != tuple(x % R for x in expected):
        raise VerifierNotUnderstood("a rule of arithmetic gave something else")
    return value


def values_of(value: Value) -> Values:
    """What `value` is under each assignment."""
    return (value,) * ASSIGNMENTS if isinstance(value, int) else value.values


def _scaled(value: Value) -> tuple[Value, int]:
    """(node, constant) whose product is `value`."""
    if isinstance(value, int):
        return 1, value
    if value.op == "neg":
        return value.arguments[0], R - 1
    if value.op == "mul" and isinstance(value.arguments[1], int):
        return value.arguments[0], value.arguments[1]
    return value, 1


def _negative(value: Value) -> bool:
    return isinstance(value, Node) and value.op == "neg"


def _pairs(a: Value, b: Value) -> Iterable[tuple[int, int]]:
    return zip(values_of(a), values_of(b), strict=True)


def _product(nodes: Iterable[Value], index: int) -> int:
    result = 1
    for node in nodes:
        result = result * values_of(node)[index] % R
    return result


def _mentions_mu(value: Value) -> bool:
    return isinstance(value, Node) and any(isinstance(x, Node) and x.name == "mu" for x in value.arguments)
