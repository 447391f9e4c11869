"""The graph of field arithmetic: equal things are one node, and no rule can give something else."""

from __future__ import annotations

import pytest

from oracle.constants import BN254_SCALAR_FIELD as R
from oracle.errors import VerifierNotUnderstood
from oracle.proving.evm.field import Field, Node, values_of


@pytest.fixture
def field() -> Field:
    return Field(b"seed")


def test_add__in_any_order__is_one_node(field) -> None:
    a, b, c = (field.leaf(name) for name in "abc")
    assert field.add(field.add(a, b), c) is field.add(a, field.add(c, b))


def test_mul__distributes_over_add__without_a_rule(field) -> None:
    a, b, c = (field.leaf(name) for name in "abc")
    assert field.mul(a, field.add(b, c)) is field.add(field.mul(a, b), field.mul(a, c))


def test_add__opposites__is_zero(field) -> None:
    a, b = field.leaf("a"), field.leaf("b")
    product = field.mul(a, b)
    assert field.add(product, field.neg(field.mul(b, a))) == 0
    assert field.add(field.mul(a, 5), field.mul(a, R - 5)) == 0


def test_mul__by_zero_and_one__is_a_constant_and_itself(field) -> None:
    a = field.leaf("a")
    assert field.mul(a, 0) == 0
    assert field.mul(a, 1) is a
    assert field.mul(3, 5) == 15


def test_inv__of_a_product__needs_its_factors_inverses_alone(field) -> None:
    a, b = field.leaf("a"), field.leaf("b")
    inverse = field.inv(field.mul(field.mul(a, b), 7))
    assert field.mul(inverse, field.mul(a, field.mul(7, b))) == 1
    assert field.mul(field.inv(a), a) == 1


def test_inv__of_interpolation_coefficients_summed__is_the_product(field) -> None:
    """1/((mu-p)(p-q)) + 1/((mu-q)(q-p)) = 1/((mu-p)(mu-q)): its inverse needs no inversion."""
    mu, x = field.leaf("mu"), field.leaf("x")
    p, q = field.mul(x, 3), field.mul(x, 4)
    minus = [field.add(mu, field.neg(point)) for point in (p, q)]
    apart = field.add(p, field.neg(q))
    total = field.add(field.inv(field.mul(minus[0], apart)), field.inv(field.mul(minus[1], field.neg(apart))))
    assert field.inv(total) is field.mul(minus[0], minus[1])


def test_inv__of_zero__is_refused(field) -> None:
    with pytest.raises(VerifierNotUnderstood, match="inverse of zero"):
        field.inv(0)


def test_values__of_a_node__are_those_of_its_arithmetic(field) -> None:
    a, b = field.leaf("a"), field.leaf("b")
    node = field.add(field.mul(a, b), field.neg(field.mul(a, 9)))
    assert isinstance(node, Node)
    assert values_of(node) == tuple((x * y - 9 * x) % R for x, y in zip(a.values, b.values, strict=True))


def test_leaf__other_source__has_other_values() -> None:
    assert Field(b"one").leaf("a").values != Field(b"two").leaf("a").values
