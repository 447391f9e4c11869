"""A small ceremony whose secrets the test knows, as a prepared .ptau file."""

from __future__ import annotations

from dataclasses import dataclass

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.groth16.field import lagrange_at
from oracle.proving.groth16.points import multiples_of_base, multiples_of_twist_base
from oracle.proving.groth16.setup import Secrets
from oracle.proving.srs.curve import BASE_FIELD, powers
from oracle.proving.srs.format import montgomery


@dataclass(frozen=True)
class PreparedCeremony:
    """Powers of these secrets up to 2^power."""

    secrets: Secrets
    power: int

    def sections(self) -> dict[int, bytes]:
        """Each section's content."""
        size, r, secret = 1 << self.power, BN254_SCALAR_FIELD, self.secrets
        row = powers(secret.tau, 2 * size - 1)
        basis = [one for k in range(self.power + 1) for one in lagrange_at(secret.tau, 1 << k)]
        return {
            1: _u32(32) + BASE_FIELD.to_bytes(32, "little") + _u32(self.power) + _u32(self.power),
            2: _g1(row),
            3: _g2(row[:size]),
            4: _g1([secret.alpha * one % r for one in row[:size]]),
            5: _g1([secret.beta * one % r for one in row[:size]]),
            6: _g2([secret.beta]),
            7: _u32(0),
            12: _g1(basis),
            13: _g2(basis),
            14: _g1([secret.alpha * one % r for one in basis]),
            15: _g1([secret.beta * one % r for one in basis]),
        }


def ptau(sections: dict[int, bytes]) -> bytes:
    """A file of these sections."""
    body = b"".join(_u32(number) + len(data).to_bytes(8, "little") + data for number, data in sections.items())
    return b"ptau" + _u32(1) + _u32(len(sections)) + body


def _g1(scalars: list[int]) -> bytes:
    return b"".join(montgomery(part) for point in multiples_of_base(scalars) for part in point or (0, 0))


def _g2(scalars: list[int]) -> bytes:
    made = multiples_of_twist_base(scalars)
    return b"".join(montgomery(part) for point in made if point for pair in point for part in pair)


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")
