"""Wrong proofs near a right one: what a verifier has to refuse."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from oracle.constants import BN254_SCALAR_FIELD
from tests.support.forgery import BASE_FIELD
from tests.support.verifier_circuits import Proven

WORD = 32


def mutations(proven: Proven, points: list[int], count: int, seed: int) -> Iterator[tuple[str, Proven]]:
    """`count` mutations of a proof, each kind in turn; `points`: byte offsets of the proof's commitments."""
    rng = random.Random(seed)
    kinds = list(_KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        yield kind.__name__.removeprefix("_"), kind(proven, points, rng)


def _with_word(proven: Proven, at: int, value: int) -> Proven:
    body = proven.zk_proof[:at] + (value % 2**256).to_bytes(WORD, "big") + proven.zk_proof[at + WORD :]
    return replace(proven, zk_proof=body)


def _word(proven: Proven, at: int) -> int:
    return int.from_bytes(proven.zk_proof[at : at + WORD], "big")


def _any_word(proven: Proven, rng: random.Random) -> int:
    return WORD * rng.randrange(len(proven.zk_proof) // WORD)


def _evaluation(proven: Proven, points: list[int], rng: random.Random) -> int:
    taken = {at + part for at in points for part in (0, WORD)}
    return rng.choice([at for at in range(0, len(proven.zk_proof), WORD) if at not in taken])


def _bit_flip(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    body = bytearray(proven.zk_proof)
    body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    return replace(proven, zk_proof=bytes(body))


def _swapped_words(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    one, two = _any_word(proven, rng), _any_word(proven, rng)
    return _with_word(_with_word(proven, one, _word(proven, two)), two, _word(proven, one))


def _swapped_points(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    one, two = rng.sample(points, 2)
    for part in (0, WORD):
        proven = _with_word(
            _with_word(proven, one + part, _word(proven, two + part)), two + part, _word(proven, one + part)
        )
    return proven


def _coordinate_plus_modulus(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    at = rng.choice(points) + rng.choice((0, WORD))
    return _with_word(proven, at, _word(proven, at) + BASE_FIELD)


def _evaluation_plus_modulus(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    at = _evaluation(proven, points, rng)
    return _with_word(proven, at, _word(proven, at) + BN254_SCALAR_FIELD * rng.randint(1, 4))


def _evaluation_plus_one(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    at = _evaluation(proven, points, rng)
    return _with_word(proven, at, (_word(proven, at) + rng.choice((-1, 1))) % BN254_SCALAR_FIELD)


def _negated_point(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    at = rng.choice(points) + WORD
    return _with_word(proven, at, BASE_FIELD - _word(proven, at))


def _point_at_infinity(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    at = rng.choice(points)
    return _with_word(_with_word(proven, at, 0), at + WORD, 0)


def _generator(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    at = rng.choice(points)
    return _with_word(_with_word(proven, at, 1), at + WORD, 2)


def _extreme_word(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    extremes = (0, 1, 2**256 - 1, BASE_FIELD - 1, BASE_FIELD, BN254_SCALAR_FIELD - 1, BN254_SCALAR_FIELD)
    return _with_word(proven, _any_word(proven, rng), rng.choice(extremes))


def _truncated(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    return replace(proven, zk_proof=proven.zk_proof[: rng.randrange(len(proven.zk_proof))])


def _extended(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    return replace(proven, zk_proof=proven.zk_proof + bytes(rng.randrange(256) for _ in range(rng.randint(1, 70))))


def _instance(change: Callable[[int], int], proven: Proven, rng: random.Random) -> Proven:
    instances = list(proven.instances)
    at = rng.randrange(len(instances))
    instances[at] = change(instances[at]) % 2**256
    return replace(proven, instances=tuple(instances))


def _instance_next_to_it(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    return _instance(lambda value: (value + rng.choice((-1, 1))) % BN254_SCALAR_FIELD, proven, rng)


def _instance_plus_modulus(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    return _instance(lambda value: value + BN254_SCALAR_FIELD * rng.randint(1, 4), proven, rng)


def _instance_negated(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    return _instance(lambda value: BN254_SCALAR_FIELD - value, proven, rng)


def _instances_too_few(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    return replace(proven, instances=proven.instances[: rng.randrange(len(proven.instances))])


def _instances_too_many(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    return replace(proven, instances=(*proven.instances, *(0 for _ in range(rng.randint(1, 3)))))


def _instances_swapped(proven: Proven, points: list[int], rng: random.Random) -> Proven:
    instances = list(proven.instances)
    one, two = rng.sample(range(len(instances)), 2)
    instances[one], instances[two] = instances[two], instances[one]
    return replace(proven, instances=tuple(instances))


_KINDS = (
    _bit_flip,
    _swapped_words,
    _swapped_points,
    _coordinate_plus_modulus,
    _evaluation_plus_modulus,
    _evaluation_plus_one,
    _negated_point,
    _point_at_infinity,
    _generator,
    _extreme_word,
    _truncated,
    _extended,
    _instance_next_to_it,
    _instance_plus_modulus,
    _instance_negated,
    _instances_too_few,
    _instances_too_many,
    _instances_swapped,
)
