"""A ceremony in small: powers of a secret that several contributors made, as a .ptau file and in halo2's form."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.srs.curve import BASE_FIELD, G1, G2, Point, TwistPoint, g2_multiply, multiply_base, powers
from oracle.proving.srs.format import montgomery


@dataclass(frozen=True)
class Ceremony:
    """A secret to which each contributor multiplied one of their own."""

    power: int
    contributions: tuple[int, ...]

    @classmethod
    def hold(cls, power: int, contributors: int = 3) -> Ceremony:
        """A ceremony of fresh random contributions."""
        return cls(power, tuple(secrets.randbelow(BN254_SCALAR_FIELD - 2) + 2 for _ in range(contributors)))

    @cached_property
    def secret(self) -> int:
        """What nobody would know in a real one."""
        product = 1
        for contribution in self.contributions:
            product = product * contribution % BN254_SCALAR_FIELD
        return product

    @cached_property
    def points(self) -> list[Point]:
        """The powers of G1, 2^(power + 1) - 1 of them."""
        return [G1, *multiply_base(powers(self.secret, (2 << self.power) - 1)[1:], 8)]

    @cached_property
    def s_g2(self) -> TwistPoint:
        """secret * G2."""
        return g2_multiply(self.secret)

    def ptau(self, points: Sequence[Point] | None = None, s_g2: TwistPoint | None = None) -> bytes:
        """A file as snarkjs writes it, without what no importer reads; points may be replaced by wrong ones."""
        g2 = [G2, s_g2 or self.s_g2, *[G2] * ((1 << self.power) - 2)]
        header = _u32(32) + BASE_FIELD.to_bytes(32, "little") + _u32(self.power) + _u32(self.power)
        first = b"".join(montgomery(x) + montgomery(y) for x, y in points or self.points)
        second = b"".join(montgomery(part) for point in g2 for pair in point for part in pair)
        sections = [(1, header), (3, second), (7, _u32(0)), (2, first)]
        body = b"".join(_u32(number) + len(data).to_bytes(8, "little") + data for number, data in sections)
        return b"ptau" + _u32(1) + _u32(len(sections)) + body


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")
