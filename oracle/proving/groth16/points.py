"""Sums and multiples of points of both groups, complete: equal, opposite and infinite points are taken too.

None is the point at infinity. Additions are affine; those of one round share one inversion (oracle.proving.srs.curve).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.srs.curve import (
    BASE_FIELD,
    G2,
    SMALL_WINDOW,
    Point,
    TwistPoint,
    add_all,
    double_all,
    fp2_times,
    invert_all,
    multiply_base,
    negative,
    twist_chord,
)

TWIST_WINDOW: Final = 5

P = TypeVar("P")
AddEach: TypeAlias = Callable[[Sequence[P | None], Sequence[P | None]], list[P | None]]


def add_each(left: Sequence[Point | None], right: Sequence[Point | None]) -> list[Point | None]:
    """The sum of each pair of points of G1."""
    sums: list[Point | None] = [a or b for a, b in zip(left, right, strict=True)]
    pairs = [(i, a, b) for i, (a, b) in enumerate(zip(left, right, strict=True)) if a and b]
    plain = [(i, a, b) for i, a, b in pairs if a[0] != b[0]]
    for i, a, b in pairs:
        if a[0] == b[0]:
            sums[i] = double_all([a])[0] if a[1] == b[1] else None
    for (i, _, _), point in zip(plain, add_all([a for _, a, _ in plain], [b for _, _, b in plain]), strict=True):
        sums[i] = point
    return sums


def add(left: Point | None, right: Point | None) -> Point | None:
    """The sum of two points of G1."""
    return add_each([left], [right])[0]


def multiply(scalar: int, point: Point | None) -> Point | None:
    """scalar * point in G1, by double and add; the scalar may be negative."""
    if point is None:
        return None
    base, result = (point if scalar >= 0 else negative(point)), None
    for bit in bin(abs(scalar))[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, base)
    return result


def _totals(groups: Sequence[Sequence[P]], adder: AddEach[P]) -> list[P | None]:
    """The sum of each group of points, all groups at once."""
    rows: list[list[P]] = [list(group) for group in groups]
    while any(len(row) > 1 for row in rows):
        pairs = [(at, row[i], row[i + 1]) for at, row in enumerate(rows) for i in range(0, len(row) - 1, 2)]
        rows = [row[-1:] if len(row) % 2 else [] for row in rows]
        sums = adder([a for _, a, _ in pairs], [b for _, _, b in pairs])
        for (at, _, _), point in zip(pairs, sums, strict=True):
            if point is not None:
                rows[at].append(point)
    return [row[0] if row else None for row in rows]


def totals(groups: Sequence[Sequence[Point]]) -> list[Point | None]:
    """The sum of each group of points of G1."""
    return _totals(groups, add_each)


def linear(scalars: Sequence[int], points: Sequence[Point | None]) -> Point | None:
    """The sum of scalar * point in G1 for scalars of the field, most of which are small in magnitude."""
    return _linear(scalars, points, add_each, negative)


def _linear(
    scalars: Sequence[int], points: Sequence[P | None], adder: AddEach[P], negate: Callable[[P], P]
) -> P | None:
    ones: list[P] = []
    others: list[tuple[int, P]] = []
    for scalar, point in zip(scalars, points, strict=True):
        value = signed(scalar)
        if value and point is not None:
            side = point if value > 0 else negate(point)
            if abs(value) == 1:
                ones.append(side)
            else:
                others.append((abs(value), side))
    return adder(_totals([ones], adder), [_by_buckets(others, adder)])[0]


def _by_buckets(terms: Sequence[tuple[int, P]], adder: AddEach[P]) -> P | None:
    """The sum of scalar * point for positive scalars: Pippenger's buckets, those of all windows at once."""
    width = max(1, min(10, len(terms).bit_length() - 4))
    mask = (1 << width) - 1
    windows = -(-max((scalar.bit_length() for scalar, _ in terms), default=0) // width)
    buckets: list[list[P]] = [[] for _ in range(windows * mask)]
    for scalar, point in terms:
        for window in range(windows):
            digit = scalar >> width * window & mask
            if digit:
                buckets[window * mask + digit - 1].append(point)
    sums = _totals(buckets, adder)
    running: list[P | None] = [None] * windows
    weighted: list[P | None] = [None] * windows
    for digit in reversed(range(mask)):
        running = adder(running, sums[digit::mask])
        weighted = adder(weighted, running)
    result: P | None = None
    for part in reversed(weighted):
        for _ in range(width):
            result = adder([result], [result])[0]
        result = adder([result], [part])[0]
    return result


def signed(scalar: int) -> int:
    """The integer nearest zero that a scalar stands for."""
    value = scalar % BN254_SCALAR_FIELD
    return value if value <= BN254_SCALAR_FIELD // 2 else value - BN254_SCALAR_FIELD


def multiples_of_base(scalars: Sequence[int]) -> list[Point | None]:
    """scalar * G1 for each scalar of the field."""
    made = iter(multiply_base([s for s in scalars if s], SMALL_WINDOW)) if any(scalars) else iter(())
    return [next(made) if scalar else None for scalar in scalars]


def twist_add_all(left: Sequence[TwistPoint], right: Sequence[TwistPoint]) -> list[TwistPoint]:
    """Sums of pairs of points of G2 with distinct x. Raises ValueError where two x are the same."""
    q = BASE_FIELD
    runs = [((b[0][0] - a[0][0]) % q, (b[0][1] - a[0][1]) % q) for a, b in zip(left, right, strict=True)]
    norms = invert_all([(re * re + im * im) % q for re, im in runs], q)
    sums = []
    for a, b, (re, im), norm in zip(left, right, runs, norms, strict=True):
        inverse = (re * norm % q, -im * norm % q)
        slope = fp2_times(((b[1][0] - a[1][0]), (b[1][1] - a[1][1])), inverse)
        sums.append(twist_chord(a, b[0], slope))
    return sums


def twist_add(left: TwistPoint | None, right: TwistPoint | None) -> TwistPoint | None:
    """The sum of two points of G2."""
    if left is None or right is None:
        return left or right
    if left[0] != right[0]:
        return twist_add_all([left], [right])[0]
    if left[1] != right[1] or left[1] == (0, 0):
        return None
    (re, im), q = left[1], BASE_FIELD
    norm = pow(4 * (re * re + im * im), -1, q)
    inverse = (2 * re * norm % q, -2 * im * norm % q)
    square = fp2_times(left[0], left[0])
    return twist_chord(left, left[0], fp2_times((3 * square[0], 3 * square[1]), inverse))


def twist_negative(point: TwistPoint) -> TwistPoint:
    """-point in G2."""
    return point[0], (-point[1][0] % BASE_FIELD, -point[1][1] % BASE_FIELD)


def twist_multiply(scalar: int, point: TwistPoint | None) -> TwistPoint | None:
    """scalar * point in G2, by double and add; the scalar may be negative."""
    if point is None:
        return None
    base, result = (point if scalar >= 0 else twist_negative(point)), None
    for bit in bin(abs(scalar))[2:]:
        result = twist_add(result, result)
        if bit == "1":
            result = twist_add(result, base)
    return result


def twist_add_each(left: Sequence[TwistPoint | None], right: Sequence[TwistPoint | None]) -> list[TwistPoint | None]:
    """The sum of each pair of points of G2."""
    sums: list[TwistPoint | None] = [a or b for a, b in zip(left, right, strict=True)]
    pairs = [(i, a, b) for i, (a, b) in enumerate(zip(left, right, strict=True)) if a and b]
    plain = [(i, a, b) for i, a, b in pairs if a[0] != b[0]]
    for i, a, b in pairs:
        if a[0] == b[0]:
            sums[i] = twist_add(a, b)
    added = twist_add_all([a for _, a, _ in plain], [b for _, _, b in plain])
    for (i, _, _), point in zip(plain, added, strict=True):
        sums[i] = point
    return sums


def twist_linear(scalars: Sequence[int], points: Sequence[TwistPoint | None]) -> TwistPoint | None:
    """The sum of scalar * point in G2 for scalars of the field, most of which are small in magnitude."""
    return _linear(scalars, points, twist_add_each, twist_negative)


def multiples_of_twist_base(scalars: Sequence[int]) -> list[TwistPoint | None]:
    """scalar * G2 for each scalar of the field, by windows of a shared table."""
    sums: list[TwistPoint | None] = [None] * len(scalars)
    base: TwistPoint = G2
    for shift in range(0, BN254_SCALAR_FIELD.bit_length(), TWIST_WINDOW):
        row: list[TwistPoint | None] = [None, base]
        while len(row) < 1 << TWIST_WINDOW:
            row.append(twist_add(row[-1], base))
        picked = [row[scalar >> shift & (1 << TWIST_WINDOW) - 1] for scalar in scalars]
        busy = [(i, a, b) for i, (a, b) in enumerate(zip(sums, picked, strict=True)) if a and b]
        added = twist_add_all([a for _, a, _ in busy], [b for _, _, b in busy])
        sums = [a or b for a, b in zip(sums, picked, strict=True)]
        for (i, _, _), point in zip(busy, added, strict=True):
            sums[i] = point
        following = twist_add(row[-1], base)
        assert following is not None
        base = following
    return sums
