"""The second half of a set-up: contributions to delta, each with a proof that its maker knew the factor.

One contributor who forgets the factor makes delta unknown. A contribution multiplies delta by a secret and divides what
hangs on delta by it; its proof is Schnorr's over delta before and after, its challenge bound to all that came before
(Bowe, Gabizon, Miers (2017), section 7, with Schnorr in place of their proof of knowledge).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from oracle.constants import BN254_SCALAR_FIELD
from oracle.errors import ArtifactMismatch
from oracle.proving.groth16.equations import Equation, hold, weights
from oracle.proving.groth16.keys import ProvingKey, digest, verifying_document
from oracle.proving.groth16.points import add, linear, multiply, signed, twist_multiply
from oracle.proving.srs.curve import G1, G2, Point, TwistPoint, multiply_all, on_curve
from oracle.proving.srs.pairing import in_twist_group


@dataclass(frozen=True, slots=True)
class Contribution:
    """One factor of delta. `commitment`, `response`: Schnorr's proof of its knowledge."""

    name: str
    after: Point
    after_twist: TwistPoint
    commitment: Point
    response: int

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def contribution_from(document: dict[str, Any]) -> Contribution:
    """A contribution out of JSON. Raises ArtifactMismatch for a damaged one."""
    try:
        (x0, x1), (y0, y1) = document["after_twist"]
        after, commitment = (tuple(int(part) for part in document[name]) for name in ("after", "commitment"))
        return Contribution(
            str(document["name"]),
            (after[0], after[1]),
            ((int(x0), int(x1)), (int(y0), int(y1))),
            (commitment[0], commitment[1]),
            int(document["response"]),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ArtifactMismatch(f"this is no contribution: {error}") from error


def transcript_hash(initial: ProvingKey, contributions: Sequence[Contribution]) -> str:
    """What all contributors attest to: the key they started from and every contribution. 0x-prefixed SHA-256."""
    state = digest(verifying_document(initial.verifying))
    for one in contributions:
        state = "0x" + hashlib.sha256((state + digest(one.document())).encode()).hexdigest()
    return state


def contribute(
    initial: ProvingKey, key: ProvingKey, contributions: Sequence[Contribution], name: str
) -> tuple[ProvingKey, Contribution]:
    """The key with delta times a fresh factor, which is forgotten, and what proves it."""
    factor, nonce = (secrets.randbelow(BN254_SCALAR_FIELD - 2) + 2 for _ in range(2))
    after, after_twist = multiply(factor, key.delta), twist_multiply(factor, key.verifying.delta)
    commitment = multiply(nonce, key.delta)
    assert after is not None
    assert after_twist is not None
    assert commitment is not None
    challenge = _challenge(transcript_hash(initial, contributions), name, key.delta, (after, after_twist, commitment))
    response = (nonce + challenge * factor) % BN254_SCALAR_FIELD
    shrink = pow(factor, -1, BN254_SCALAR_FIELD)
    made = replace(
        key,
        verifying=replace(key.verifying, delta=after_twist),
        delta=after,
        private=_scaled(shrink, key.private),
        quotient=tuple(point for point in _scaled(shrink, key.quotient) if point is not None),
    )
    return made, Contribution(name, after, after_twist, commitment, response)


def check_key(initial: ProvingKey, key: ProvingKey, contributions: Sequence[Contribution]) -> None:
    """Raises ArtifactMismatch unless a key came from its phase 1 by these contributions, and by nothing else.

    `initial`: made anew from the phase 1 and the circuit.
    """
    if not contributions:
        raise ArtifactMismatch("nobody contributed to delta: anybody can forge", remedy="contribute to the key first")
    before = G1
    equations: list[Equation] = []
    for index, one in enumerate(contributions):
        _check_contribution(one, before, transcript_hash(initial, contributions[:index]))
        equations.append((one.after, G2, G1, one.after_twist))
        before = one.after
    last = contributions[-1]
    expected = replace(
        initial,
        verifying=replace(initial.verifying, delta=last.after_twist),
        delta=last.after,
        private=key.private,
        quotient=key.quotient,
    )
    if key != expected:
        raise ArtifactMismatch("the key is not that of its phase 1, circuit and contributions")
    for label, found, origin in (
        ("private part", key.private, initial.private),
        ("quotient", key.quotient, initial.quotient),
    ):
        equations.append(_over_delta(label, found, origin, last.after_twist))
    if not hold(equations):
        raise ArtifactMismatch(
            "the key's private part and quotient are not those of its phase 1 over delta, "
            "or a contribution differs between the groups"
        )


def _check_contribution(one: Contribution, before: Point, state: str) -> None:
    """All of a contribution but that both of its deltas are one: an equation of check_key's."""
    wrong = ArtifactMismatch(f"the contribution of {one.name!r} does not hold")
    if not (on_curve(one.after) and on_curve(one.commitment) and in_twist_group(one.after_twist)):
        raise wrong
    if one.after in (before, G1):
        raise wrong
    challenge = _challenge(state, one.name, before, (one.after, one.after_twist, one.commitment))
    if multiply(one.response, before) != add(one.commitment, multiply(challenge, one.after)):
        raise wrong


def _over_delta(
    label: str, found: Sequence[Point | None], origin: Sequence[Point | None], delta: TwistPoint
) -> Equation:
    """What holds if every found point times delta is the original one."""
    if [one is None for one in found] != [one is None for one in origin] or not all(
        one is None or on_curve(one) for one in found
    ):
        raise ArtifactMismatch(f"the key's {label} is not that of its phase 1 over delta")
    factors = weights(len(found))
    return linear(factors, found), delta, linear(factors, origin), G2


def _scaled(factor: int, points: Sequence[Point | None]) -> tuple[Point | None, ...]:
    held = [point for point in points if point is not None]
    scaled = iter(multiply_all([factor] * len(held), held))
    return tuple(None if point is None else next(scaled) for point in points)


def _challenge(state: str, name: str, before: Point, shown: tuple[Point, TwistPoint, Point]) -> int:
    text = repr((state, name, before, *shown))
    return signed(int.from_bytes(hashlib.sha512(text.encode()).digest(), "big"))
