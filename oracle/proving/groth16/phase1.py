"""The first half of a ceremony, out of a prepared .ptau file of snarkjs, every relation checked.

Sections: 2 powers of tau in G1, 3 in G2, 4 alpha times, 5 beta times the powers in G1, 6 beta in G2; 12 to 15 the
Lagrange forms of 2 to 5 for each domain of 2^0 .. 2^power points, one after another (snarkjs, src/powersoftau_*.js).
Relations are checked by random weights of 128 bits: a wrong file passes with probability 2^-128. Points of section 13
are looked at in one random sum, which may miss a part outside the group (the cofactor has a factor of 10,069); such a
part would spoil the prover's own proofs and make no wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from oracle.errors import InvalidInput
from oracle.proving.groth16.equations import Equation, hold, weights
from oracle.proving.groth16.field import interpolate_all
from oracle.proving.groth16.points import add_each, linear, twist_linear
from oracle.proving.groth16.setup import Phase1
from oracle.proving.srs.curve import BASE_FIELD, G1, G2, Point, TwistPoint, negative, on_curve
from oracle.proving.srs.format import (
    COORDINATE_BYTES,
    MAX_PTAU_POWER,
    POINT_BYTES,
    PTAU_MAGIC,
    TWIST_BYTES,
    coordinates,
    ptau_sections,
    read_u32,
)
from oracle.proving.srs.pairing import in_twist_group

PREPARED: Final = (12, 13, 14, 15)
_REMEDY: Final = "take a file that `snarkjs powersoftau prepare phase2` wrote, large enough for the circuit"


@dataclass(frozen=True, slots=True)
class _Raw:
    """What is read: powers of tau 2 * size - 1, of alpha and beta times them size each."""

    powers: list[Point]
    alpha: list[Point]
    beta: list[Point]
    tau_twist: TwistPoint
    beta_twist: TwistPoint
    lagrange: list[Point]
    lagrange_twist: list[TwistPoint]
    alpha_lagrange: list[Point]
    beta_lagrange: list[Point]


def read_phase1(path: Path, size: int) -> Phase1:
    """The powers for a domain of `size` points. Raises InvalidInput for what is no prepared ceremony of that size."""
    try:
        with path.open("rb") as file:
            raw = _read(file, path, size)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    _check(raw, path.name)
    shifted = add_each(raw.powers[size:], [negative(point) for point in raw.powers[: size - 1]])
    if None in shifted:
        raise InvalidInput(f"{path.name} holds equal points: it is crafted")
    return Phase1(
        size,
        raw.lagrange,
        raw.lagrange_twist,
        raw.alpha_lagrange,
        raw.beta_lagrange,
        [point for point in shifted if point is not None],
        raw.alpha[0],
        raw.beta[0],
        raw.beta_twist,
    )


def _read(file: BinaryIO, path: Path, size: int) -> _Raw:
    if file.read(len(PTAU_MAGIC)) != PTAU_MAGIC:
        raise InvalidInput(f"{path} is no .ptau file", remedy=_REMEDY)
    sections = ptau_sections(file, path)
    missing = [number for number in (1, 2, 3, 4, 5, 6, *PREPARED) if number not in sections]
    if missing:
        raise InvalidInput(f"{path} has no section {missing[0]}: it is not prepared for phase 2", remedy=_REMEDY)
    file.seek(sections[1][0])
    width, modulus = read_u32(file), int.from_bytes(file.read(COORDINATE_BYTES), "little")
    power = read_u32(file)
    if (width, modulus) != (COORDINATE_BYTES, BASE_FIELD) or not 1 <= power <= MAX_PTAU_POWER:
        raise InvalidInput(f"{path} is of another curve than BN254, or of power {power}", remedy=_REMEDY)
    if size > 1 << power:
        raise InvalidInput(f"{path} reaches 2^{power} constraints, the circuit needs {size}", remedy=_REMEDY)

    def points(number: int, first: int, count: int) -> list[Point]:
        values = list(coordinates(_slice(file, sections[number], path, first * POINT_BYTES, count * POINT_BYTES), path))
        return [(values[i], values[i + 1]) for i in range(0, 2 * count, 2)]

    def twists(number: int, first: int, count: int) -> list[TwistPoint]:
        values = list(coordinates(_slice(file, sections[number], path, first * TWIST_BYTES, count * TWIST_BYTES), path))
        return [((values[i], values[i + 1]), (values[i + 2], values[i + 3])) for i in range(0, 4 * count, 4)]

    base, tau = twists(3, 0, 2)
    if base != G2:
        raise InvalidInput(f"{path} does not start at the curve's generators")
    at = size - 1
    return _Raw(
        points(2, 0, 2 * size - 1),
        points(4, 0, size),
        points(5, 0, size),
        tau,
        twists(6, 0, 1)[0],
        points(12, at, size),
        twists(13, at, size),
        points(14, at, size),
        points(15, at, size),
    )


def _slice(file: BinaryIO, section: tuple[int, int], path: Path, start: int, length: int) -> bytes:
    if start + length > section[1]:
        raise InvalidInput(f"{path} is cut short: a section has {section[1]} bytes, not {start + length}")
    file.seek(section[0] + start)
    return file.read(length)


def _check(raw: _Raw, name: str) -> None:
    groups = (raw.powers, raw.alpha, raw.beta, raw.lagrange, raw.alpha_lagrange, raw.beta_lagrange)
    if not all(on_curve(point) for group in groups for point in group):
        raise InvalidInput(f"{name} holds a point that is not on the curve")
    if raw.powers[0] != G1:
        raise InvalidInput(f"{name} does not start at the curve's generators")
    if not (in_twist_group(raw.tau_twist) and in_twist_group(raw.beta_twist)):
        raise InvalidInput(f"{name} holds a point of G2 that is not in the group")
    equations: list[Equation] = [(raw.beta[0], G2, G1, raw.beta_twist)]
    for row in (raw.powers, raw.alpha, raw.beta):
        factors = weights(len(row) - 1)
        equations.append((linear(factors, row[1:]), G2, linear(factors, row[:-1]), raw.tau_twist))
    equations.append(_check_lagrange(raw, name))
    if not hold(equations):
        raise InvalidInput(
            f"{name}: its powers are not those of one tau, alpha and beta in both groups and in their Lagrange forms"
        )


def _check_lagrange(raw: _Raw, name: str) -> Equation:
    """Compares the Lagrange forms of G1 with the powers; what is left to check of that of G2."""
    size = len(raw.lagrange)
    values = weights(size)
    coefficients = interpolate_all(values)
    for label, basis, powers in (
        ("tau", raw.lagrange, raw.powers[:size]),
        ("alpha", raw.alpha_lagrange, raw.alpha),
        ("beta", raw.beta_lagrange, raw.beta),
    ):
        if linear(values, basis) != linear(coefficients, powers):
            raise InvalidInput(f"{name}: the Lagrange form of {label} does not belong to the powers")
    twist = twist_linear(values, raw.lagrange_twist)
    if twist is None or not in_twist_group(twist):  # outside the group a pairing is not bilinear
        raise InvalidInput(f"{name}: the Lagrange form of G2 holds points that are not in the group")
    return linear(values, raw.lagrange), G2, G1, twist
