"""Polynomials over BN254's scalar field on the domain of 2^k roots of unity that snarkjs and arkworks use.

That root is 5^((r - 1) / 2^28): not halo2's, which spans the same set in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.srs.curve import TWO_ADICITY, invert_all, powers

GENERATOR: Final = 5
ROOT_OF_UNITY: Final = pow(GENERATOR, (BN254_SCALAR_FIELD - 1) >> TWO_ADICITY, BN254_SCALAR_FIELD)


def root(size: int) -> int:
    """The generator of the domain of `size` points, a power of two."""
    return pow(ROOT_OF_UNITY, (1 << TWO_ADICITY) // size, BN254_SCALAR_FIELD)


def evaluate_all(coefficients: Sequence[int]) -> list[int]:
    """The values of a polynomial over the domain of as many points as it has coefficients."""
    return _transform(coefficients, root(len(coefficients)))


def interpolate_all(values: Sequence[int]) -> list[int]:
    """The coefficients of the polynomial with these values over the domain."""
    r = BN254_SCALAR_FIELD
    shrink = pow(len(values), -1, r)
    return [value * shrink % r for value in _transform(values, pow(root(len(values)), -1, r))]


def on_coset(coefficients: Sequence[int]) -> list[int]:
    """Values over the domain times GENERATOR, where the vanishing polynomial is not zero."""
    return evaluate_all(_scaled(coefficients, GENERATOR))


def from_coset(values: Sequence[int]) -> list[int]:
    """Coefficients of the polynomial with these values over the domain times GENERATOR."""
    return _scaled(interpolate_all(values), pow(GENERATOR, -1, BN254_SCALAR_FIELD))


def lagrange_at(point: int, size: int) -> list[int]:
    """Each Lagrange polynomial of the domain at a point outside it."""
    r = BN254_SCALAR_FIELD
    roots = powers(root(size), size)
    common = (pow(point, size, r) - 1) * pow(size, -1, r) % r
    inverses = invert_all([(point - one) % r for one in roots], r)
    return [common * one % r * inverse % r for one, inverse in zip(roots, inverses, strict=True)]


def _scaled(coefficients: Sequence[int], base: int) -> list[int]:
    factors = powers(base, len(coefficients))
    return [value * factor % BN254_SCALAR_FIELD for value, factor in zip(coefficients, factors, strict=True)]


def _transform(values: Sequence[int], generator: int) -> list[int]:
    size, r = len(values), BN254_SCALAR_FIELD
    bits = size.bit_length() - 1
    result = [values[int(f"{i:0{bits}b}"[::-1], 2)] if bits else values[i] for i in range(size)]
    for layer in range(bits):
        half = 1 << layer
        twiddles = powers(pow(generator, size >> (layer + 1), r), half)
        for start in range(0, size, 2 * half):
            for i, twiddle in enumerate(twiddles, start):
                low, high = result[i], result[i + half] * twiddle % r
                result[i], result[i + half] = (low + high) % r, (low - high) % r
    return result
