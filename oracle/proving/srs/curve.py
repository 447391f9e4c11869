"""Many points of BN254 at once, in plain Python: affine additions that share one inversion.

Everything here is for points that nobody chose with care for the exceptions of addition: equal and opposite points
meet with negligible probability in an honest set-up, and make `ValueError` in a crafted one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from oracle.constants import BN254_SCALAR_FIELD

# BN254 base field and generators: https://eips.ethereum.org/EIPS/eip-197
BASE_FIELD: Final = 21888242871839275222246405745257275088696311157297823662689037894645226208583
G1: Final = (1, 2)
G2: Final = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)
# Two-adic root of unity of the scalar field, order 2^28: halo2curves, src/bn256/fr.rs
ROOT_OF_UNITY: Final = 0x03DDB9F5166D18B798865EA93DD31F743215CF6DD39329C8D34F1ED960C37C9C
TWO_ADICITY: Final = 28
CURVE_B: Final = 3
# Window of a multiplication by many different scalars, and its digits: 4 bits, from -8 to 8
_WINDOW: Final = 4
_HALF_SCALAR_BITS: Final = 132
SMALL_WINDOW: Final = 8

Point = tuple[int, int]
Fp2 = tuple[int, int]
TwistPoint = tuple[Fp2, Fp2]
OnFraction = Callable[[float], None]


def powers(base: int, count: int) -> list[int]:
    """1, base, base^2, ... in the scalar field."""
    values, power = [], 1
    for _ in range(count):
        values.append(power)
        power = power * base % BN254_SCALAR_FIELD
    return values


def root_of_unity(logrows: int) -> int:
    """halo2's generator of the domain of 2^logrows rows."""
    return pow(ROOT_OF_UNITY, 1 << (TWO_ADICITY - logrows), BN254_SCALAR_FIELD)


def invert_all(values: Sequence[int], modulus: int) -> list[int]:
    """Inverses with a single inversion (Montgomery's trick). Raises ValueError when one is zero."""
    prefix, product = [], 1
    for value in values:
        prefix.append(product)
        product = product * value % modulus
    inverse = pow(product, -1, modulus)
    result = [0] * len(values)
    for index in range(len(values) - 1, -1, -1):
        result[index] = prefix[index] * inverse % modulus
        inverse = inverse * values[index] % modulus
    return result


def on_curve(point: Point) -> bool:
    """Whether a point is one of G1; the group has no cofactor."""
    x, y = point
    return (y * y - x * x * x - CURVE_B) % BASE_FIELD == 0


def negative(point: Point) -> Point:
    """-point."""
    return point[0], -point[1] % BASE_FIELD


def add_all(left: Sequence[Point], right: Sequence[Point]) -> list[Point]:
    """Sums of pairs of points with distinct x."""
    q = BASE_FIELD
    inverses = invert_all([b[0] - a[0] for a, b in zip(left, right, strict=True)], q)
    sums = []
    for (x1, y1), (x2, y2), inverse in zip(left, right, inverses, strict=True):
        slope = (y2 - y1) * inverse % q
        x3 = (slope * slope - x1 - x2) % q
        sums.append((x3, (slope * (x1 - x3) - y1) % q))
    return sums


def double_all(points: Sequence[Point]) -> list[Point]:
    """Twice each point."""
    q = BASE_FIELD
    inverses = invert_all([2 * y for _, y in points], q)
    doubled = []
    for (x, y), inverse in zip(points, inverses, strict=True):
        slope = 3 * x * x * inverse % q
        x3 = (slope * slope - 2 * x) % q
        doubled.append((x3, (slope * (x - x3) - y) % q))
    return doubled


def _add(left: Point | None, right: Point | None) -> Point | None:
    """The sum of two points; None is the point at infinity."""
    if left is None or right is None:
        return left or right
    if left[0] == right[0]:
        return None if left[1] != right[1] else double_all([left])[0]
    return add_all([left], [right])[0]


def sum_of_products(scalars: Sequence[int], points: Sequence[Point]) -> Point | None:
    """The sum of scalar * point by Pippenger's buckets; None for the point at infinity."""
    window = max(2, min(13, len(points).bit_length() - 3))
    bits = max((scalar.bit_length() for scalar in scalars), default=0)
    total: Point | None = None
    for shift in reversed(range(0, bits, window)):
        for _ in range(window):
            total = _add(total, total)
        total = _add(total, _window_sum(scalars, points, shift, window))
    return total


def _window_sum(scalars: Sequence[int], points: Sequence[Point], shift: int, window: int) -> Point | None:
    mask = (1 << window) - 1
    buckets: list[list[Point]] = [[] for _ in range(1 << window)]
    for scalar, point in zip(scalars, points, strict=True):
        buckets[scalar >> shift & mask].append(point)
    buckets[0] = []
    running: Point | None = None
    total: Point | None = None
    for point_of in reversed(_add_up(buckets)[1:]):
        running = _add(running, point_of)
        total = _add(total, running)
    return total


def _add_up(buckets: list[list[Point]]) -> list[Point | None]:
    """The sum of each bucket, in rounds that add all pairs at once."""
    while any(len(bucket) > 1 for bucket in buckets):
        pairs = [
            (index, bucket[i], bucket[i + 1])
            for index, bucket in enumerate(buckets)
            for i in range(0, len(bucket) - 1, 2)
        ]
        sums = add_all([left for _, left, _ in pairs], [right for _, _, right in pairs])
        left_over: list[list[Point]] = [[bucket[-1]] if len(bucket) % 2 else [] for bucket in buckets]
        for (index, _, _), point in zip(pairs, sums, strict=True):
            left_over[index].append(point)
        buckets = left_over
    return [bucket[0] if bucket else None for bucket in buckets]


def window_tables(window: int) -> list[list[Point]]:
    """tables[j][d] = d * 2^(window * j) * G1 for 1 <= d < 2^window (entry 0 is unused)."""
    bases, point = [], G1
    for _ in range(0, BN254_SCALAR_FIELD.bit_length(), window):
        bases.append(point)
        for _ in range(window):
            point = double_all([point])[0]
    rows = [bases, bases, double_all(bases)]
    for _ in range(3, 1 << window):
        rows.append(add_all(rows[-1], bases))
    return [list(column) for column in zip(*rows, strict=True)]


@cache
def _small_tables() -> list[list[Point]]:
    """Kept: they serve many small multiplications."""
    return window_tables(SMALL_WINDOW)


def multiply_base(scalars: Sequence[int], window: int, on_fraction: OnFraction | None = None) -> list[Point]:
    """scalar * G1 for nonzero scalars below the field's modulus.

    Partial sums run from the lowest window up, so two equal points never meet in an addition.
    """
    tables = _small_tables() if window == SMALL_WINDOW else window_tables(window)
    mask = (1 << window) - 1
    sums: list[Point | None] = [None] * len(scalars)
    for level, table in enumerate(tables):
        shift = level * window
        digits = [scalar >> shift & mask for scalar in scalars]
        busy = [i for i, digit in enumerate(digits) if digit and sums[i] is not None]
        added = add_all([sums[i] or G1 for i in busy], [table[digits[i]] for i in busy])
        for i, digit in enumerate(digits):
            if digit and sums[i] is None:
                sums[i] = table[digit]
        for i, point in zip(busy, added, strict=True):
            sums[i] = point
        if on_fraction is not None:
            on_fraction((level + 1) / len(tables))
    return [point for point in sums if point is not None]


def multiply_all(scalars: Sequence[int], points: Sequence[Point]) -> list[Point]:
    """scalar * point for nonzero scalars, each its own; with the curve's endomorphism, in windows of four bits.

    Sums start at a random point, taken away at the end, so that no addition meets the point at infinity.
    """
    if not points:
        return []
    beta, _ = _endomorphism()
    halves = [split_scalar(scalar) for scalar in scalars]
    table = _multiples(points)
    blind = multiply_base([secrets.randbelow(BN254_SCALAR_FIELD - 1) + 1], SMALL_WINDOW)[0]
    sums, gone = [blind] * len(points), blind
    digits = [[_signed_digits(half[side]) for half in halves] for side in range(2)]
    for level in reversed(range(_HALF_SCALAR_BITS // _WINDOW + 1)):
        for _ in range(_WINDOW):
            sums, gone = double_all(sums), double_all([gone])[0]
        for side in range(2):
            busy = [i for i in range(len(points)) if digits[side][i][level]]
            addends = []
            for i in busy:
                digit = digits[side][i][level]
                x, y = table[abs(digit)][i]
                addends.append((x * beta % BASE_FIELD if side else x, y if digit > 0 else BASE_FIELD - y))
            for i, point in zip(busy, add_all([sums[i] for i in busy], addends), strict=True):
                sums[i] = point
    return add_all(sums, [negative(gone)] * len(points))


def _multiples(points: Sequence[Point]) -> list[list[Point]]:
    """table[d][i] = d * points[i] for 1 <= d <= 8."""
    table = [list(points), list(points), double_all(points)]
    for _ in range(3, (1 << (_WINDOW - 1)) + 1):
        table.append(add_all(table[-1], points))
    return table


def _signed_digits(value: int) -> list[int]:
    """Digits from -8 to 8, the lowest first, whose sum with weights 16^i is the value."""
    sign, rest, digits = (-1 if value < 0 else 1), abs(value), []
    for _ in range(_HALF_SCALAR_BITS // _WINDOW + 1):
        digit = rest & 15
        if digit > 8:
            digit -= 16
        digits.append(sign * digit)
        rest = (rest - digit) >> _WINDOW
    return digits


@cache
def _endomorphism() -> tuple[int, int]:
    """Cube roots of unity beta (base field) and lambda (scalar field) with lambda * (x, y) = (beta * x, y)."""
    q, r = BASE_FIELD, BN254_SCALAR_FIELD
    beta = next(root for base in range(2, 100) if (root := pow(base, (q - 1) // 3, q)) != 1)
    factor = next(root for base in range(2, 100) if (root := pow(base, (r - 1) // 3, r)) != 1)
    image = multiply_base([factor], SMALL_WINDOW)[0]
    return (beta, factor) if image == (beta * G1[0] % q, G1[1]) else (beta * beta % q, factor)


@cache
def _short_vectors() -> tuple[tuple[int, int], tuple[int, int]]:
    """Two short vectors (a, b) with a + b * lambda = 0: Gallant, Lambert, Vanstone (2001), algorithm of section 4."""
    _, factor = _endomorphism()
    r = BN254_SCALAR_FIELD
    steps = [(r, 0), (factor, 1)]
    while steps[-1][0]:
        quotient = steps[-2][0] // steps[-1][0]
        steps.append((steps[-2][0] - quotient * steps[-1][0], steps[-2][1] - quotient * steps[-1][1]))
    cut = next(i for i, (rest, _) in enumerate(steps) if rest * rest < r)
    short = steps[cut][0], -steps[cut][1]
    others = [(steps[i][0], -steps[i][1]) for i in (cut - 1, cut + 1)]
    return short, min(others, key=lambda v: v[0] * v[0] + v[1] * v[1])


def split_scalar(scalar: int) -> tuple[int, int]:
    """Halves (k1, k2), of either sign and about 128 bits, with k1 + k2 * lambda = scalar."""
    (a1, b1), (a2, b2) = _short_vectors()
    determinant = a1 * b2 - a2 * b1
    c1 = _nearest(scalar * b2, determinant)
    c2 = _nearest(-scalar * b1, determinant)
    return scalar - c1 * a1 - c2 * a2, -c1 * b1 - c2 * b2


def _nearest(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def lagrange_points(points: Sequence[Point], on_fraction: OnFraction | None = None) -> list[Point]:
    """The commitments to the Lagrange polynomials over halo2's domain, from those to the powers: an inverse FFT in G1.

    `points`: 2^k of them. Raises ValueError for crafted ones.
    """
    logrows, r = len(points).bit_length() - 1, BN254_SCALAR_FIELD
    shrink = pow(len(points), -1, r)
    values = multiply_all([shrink] * len(points), [points[_reversed(i, logrows)] for i in range(len(points))])
    back = pow(root_of_unity(logrows), -1, r)
    for layer in range(logrows):
        half = 1 << layer
        twiddles = powers(pow(back, len(points) >> (layer + 1), r), half)
        upper = [start + i for start in range(0, len(points), 2 * half) for i in range(half)]
        turned = [i for i in upper if i % (2 * half)]
        products = multiply_all([twiddles[i % (2 * half)] for i in turned], [values[i + half] for i in turned])
        for i, product in zip(turned, products, strict=True):
            values[i + half] = product
        left, right = [values[i] for i in upper], [values[i + half] for i in upper]
        for i, plus, minus in zip(
            upper, add_all(left, right), add_all(left, [negative(point) for point in right]), strict=True
        ):
            values[i], values[i + half] = plus, minus
        if on_fraction is not None:
            on_fraction((layer + 1) / logrows)
    return values


def interpolate(values: Sequence[int]) -> list[int]:
    """Coefficients of the polynomial with these values over halo2's domain: an inverse FFT in the scalar field."""
    logrows, r = len(values).bit_length() - 1, BN254_SCALAR_FIELD
    result = [values[_reversed(i, logrows)] for i in range(len(values))]
    back = pow(root_of_unity(logrows), -1, r)
    for layer in range(logrows):
        half = 1 << layer
        twiddles = powers(pow(back, len(values) >> (layer + 1), r), half)
        for start in range(0, len(values), 2 * half):
            for i in range(half):
                low, high = result[start + i], result[start + i + half] * twiddles[i] % r
                result[start + i], result[start + i + half] = (low + high) % r, (low - high) % r
    shrink = pow(len(values), -1, r)
    return [value * shrink % r for value in result]


def _reversed(index: int, bits: int) -> int:
    return int(f"{index:0{bits}b}"[::-1], 2) if bits else 0


def fp2_times(a: Fp2, b: Fp2) -> Fp2:
    """a * b in the field of degree 2, Fp[i] / (i^2 + 1)."""
    return (a[0] * b[0] - a[1] * b[1]) % BASE_FIELD, (a[0] * b[1] + a[1] * b[0]) % BASE_FIELD


def fp2_minus(a: Fp2, b: Fp2) -> Fp2:
    """a - b in the field of degree 2."""
    return (a[0] - b[0]) % BASE_FIELD, (a[1] - b[1]) % BASE_FIELD


def fp2_inverse(a: Fp2) -> Fp2:
    """1 / a in the field of degree 2. Raises ValueError for zero."""
    norm = pow(a[0] * a[0] + a[1] * a[1], -1, BASE_FIELD)
    return a[0] * norm % BASE_FIELD, -a[1] * norm % BASE_FIELD


def twist_chord(a: TwistPoint, x2: Fp2, slope: Fp2) -> TwistPoint:
    """The third point of the line of this slope through a and a point at x2, mirrored: their sum."""
    x = fp2_minus(fp2_minus(fp2_times(slope, slope), a[0]), x2)
    return x, fp2_minus(fp2_times(slope, fp2_minus(a[0], x)), a[1])


def _g2_add(a: TwistPoint, b: TwistPoint) -> TwistPoint:
    """Sum of two affine points of the twist, equal or distinct (never opposite)."""
    if a == b:
        square = fp2_times(a[0], a[0])
        rise, run = (3 * square[0], 3 * square[1]), (2 * a[1][0], 2 * a[1][1])
    else:
        rise, run = fp2_minus(b[1], a[1]), fp2_minus(b[0], a[0])
    return twist_chord(a, b[0], fp2_times(rise, fp2_inverse(run)))


def g2_multiply(scalar: int, point: TwistPoint = G2) -> TwistPoint:
    """scalar * point for 0 < scalar < the field's modulus. Raises ValueError where a sum on the way is infinity."""
    result = point
    for bit in bin(scalar)[3:]:
        result = _g2_add(result, result)
        if bit == "1":
            result = _g2_add(result, point)
    return result
