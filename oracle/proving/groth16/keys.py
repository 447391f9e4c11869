"""The keys of a circuit and their JSON form, and what a proof is.

Names follow Groth (2016), "On the Size of Pairing-based Non-interactive Arguments", section 3.2, with gamma = 1 as in
Bowe, Gabizon and Miers (2017), "Scalable Multi-party Computation for zk-SNARK Parameters in the Random Beacon Model".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from oracle.errors import ArtifactMismatch, InputRejected
from oracle.proving.groth16.r1cs import Builder, Constraint
from oracle.proving.srs.curve import BASE_FIELD, G2, Point, TwistPoint, on_curve

PROOF_BYTES: Final = 256
MIN_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """What a verifier reads. `words`: the point of the constant one, then of each public word."""

    alpha: Point
    beta: TwistPoint
    delta: TwistPoint
    words: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class ProvingKey:
    """What a prover reads; lists are by variable, None where a variable has no part.

    `left`, `right`, `right_twist`: of the constraints' sides; `private`: of what is not public, over delta; `quotient`:
    tau^i * Z(tau) over delta. `size`: points of the domain.
    """

    verifying: VerifyingKey
    size: int
    beta: Point
    delta: Point
    left: tuple[Point | None, ...]
    right: tuple[Point | None, ...]
    right_twist: tuple[TwistPoint | None, ...]
    private: tuple[Point | None, ...]
    quotient: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """Points a and c of G1, b of G2."""

    a: Point
    b: TwistPoint
    c: Point

    def encode(self) -> bytes:
        """256 bytes as the pairing precompile reads them: imaginary parts first (EIP-197)."""
        (bx, by), values = self.b, []
        values += [*self.a, bx[1], bx[0], by[1], by[0], *self.c]
        return b"".join(value.to_bytes(32, "big") for value in values)

    @classmethod
    def decode(cls, data: bytes) -> Proof:
        """Raises InputRejected for another length and for coordinates that are not reduced."""
        if len(data) != PROOF_BYTES:
            raise InputRejected(f"a Groth16 proof has {PROOF_BYTES} bytes, not {len(data)}")
        values = [int.from_bytes(data[i : i + 32], "big") for i in range(0, PROOF_BYTES, 32)]
        if any(value >= BASE_FIELD for value in values):
            raise InputRejected("a coordinate of the proof is not below the field's modulus")
        ax, ay, bx1, bx0, by1, by0, cx, cy = values
        return cls((ax, ay), ((bx0, bx1), (by0, by1)), (cx, cy))


def all_constraints(builder: Builder) -> list[Constraint]:
    """The circuit's constraints, and public * 0 = 0 for each public variable and the constant one.

    Those keep the public variables' polynomials independent of all others; without them a proof could be moved to other
    public inputs (Ben-Sasson, Chiesa, Tromer, Virza (2014), "Succinct Non-Interactive Zero Knowledge for a von Neumann
    Architecture", as amended in 2019: Gabizon, eprint 2019/119).
    """
    return [*builder.constraints, *(Constraint({index: 1}, {}, {}) for index in range(builder.public_count + 1))]


def domain_size(constraints: Sequence[Constraint]) -> int:
    """The least power of two that holds the constraints."""
    return max(MIN_SIZE, 1 << (len(constraints) - 1).bit_length())


def verifying_document(key: VerifyingKey) -> dict[str, Any]:
    """vk.json."""
    return {
        "protocol": "groth16",
        "curve": "bn254",
        "alpha": list(key.alpha),
        "beta": [list(part) for part in key.beta],
        "delta": [list(part) for part in key.delta],
        "words": [list(point) for point in key.words],
    }


def proving_document(key: ProvingKey) -> dict[str, Any]:
    """pk.json."""
    return {
        "verifying": verifying_document(key.verifying),
        "size": key.size,
        "beta": list(key.beta),
        "delta": list(key.delta),
        "left": _listed(key.left),
        "right": _listed(key.right),
        "right_twist": _listed(key.right_twist),
        "private": _listed(key.private),
        "quotient": _listed(key.quotient),
    }


def _listed(points: Sequence[Any]) -> list[Any]:
    return [list(point) if point is not None else None for point in points]


def canonical(document: dict[str, Any]) -> str:
    """One form for one document; integers beyond 2^53 stay exact in Python's JSON."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True) + "\n"


def digest(document: dict[str, Any]) -> str:
    """SHA-256 of the canonical form, 0x-prefixed."""
    return "0x" + hashlib.sha256(canonical(document).encode()).hexdigest()


def verifying_from(document: dict[str, Any]) -> VerifyingKey:
    """The verifying key in vk.json. Raises ArtifactMismatch for a damaged one, or one under which anybody can forge."""
    try:
        key = VerifyingKey(
            _point(document["alpha"]),
            _twist(document["beta"]),
            _twist(document["delta"]),
            tuple(_point(one) for one in document["words"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactMismatch(f"this is no verifying key: {error}") from error
    if key.delta == G2:
        raise ArtifactMismatch("the verifying key's delta was never contributed to: anybody can forge under it")
    return key


def proving_from(document: dict[str, Any]) -> ProvingKey:
    """The proving key in pk.json. Raises ArtifactMismatch for a damaged one."""
    try:
        return ProvingKey(
            verifying_from(document["verifying"]),
            int(document["size"]),
            _point(document["beta"]),
            _point(document["delta"]),
            tuple(_point(one) if one else None for one in document["left"]),
            tuple(_point(one) if one else None for one in document["right"]),
            tuple(_twist(one) if one else None for one in document["right_twist"]),
            tuple(_point(one) if one else None for one in document["private"]),
            tuple(_point(one) for one in document["quotient"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactMismatch(f"this is no proving key: {error}") from error


def _point(value: Any) -> Point:
    x, y = (int(one) for one in value)
    if not (0 <= x < BASE_FIELD and 0 <= y < BASE_FIELD and on_curve((x, y))):
        raise ValueError("a point is not on the curve")
    return x, y


def _twist(value: Any) -> TwistPoint:
    (x0, x1), (y0, y1) = value
    parts = tuple(int(one) for one in (x0, x1, y0, y1))
    if any(not 0 <= one < BASE_FIELD for one in parts):
        raise ValueError("a coordinate is not below the field's modulus")
    return (parts[0], parts[1]), (parts[2], parts[3])
