"""Pairings of BN254 in plain Python, for the checks of set-ups and of Groth16 proofs: the optimal ate pairing.

Vercauteren (2010), "Optimal Pairings", for Barreto-Naehrig curves; the tower and the twist are those of EIP-197. Points
of the twist stay on it, affine, and all terms share the squarings of one loop and one last power. Constants of a line
that lie in a subfield are left out: the last power takes them away.

An element of the field of degree 12, Fp[w] / (w^12 - 18 w^6 + 82), is one integer that holds its 12 coefficients side
by side: its product is one product of integers, and a reduction. w^6 = 9 + i.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from oracle.constants import BN254_SCALAR_FIELD
from oracle.proving.srs.curve import (
    BASE_FIELD,
    Fp2,
    Point,
    TwistPoint,
    fp2_inverse,
    fp2_minus,
    fp2_times,
    g2_multiply,
    on_curve,
    twist_chord,
)

Term = tuple[Point | None, TwistPoint | None]

# 6 x + 2, x the curve's parameter
LOOP: Final = 6 * 4965661367192848881 + 2
# 3 / (9 + i), of the twist's equation y^2 = x^3 + b
TWIST_B: Final = (
    19485874751759354771024239261021720505790618469301721065564631296452457478373,
    266929791119991161246907387137283842545076965332900288569378510910307636690,
)
_DEGREE: Final = 12
_SLOT: Final = 64  # bytes of a coefficient's place: a product's coefficients are below 12 p^2 < 2^511
_HARD_POWER: Final = (BASE_FIELD**4 - BASE_FIELD**2 + 1) // BN254_SCALAR_FIELD
_XI: Final = (9, 1)


def pairing_is_one(terms: Sequence[Term]) -> bool:
    """Whether the product of the pairings is one; a point at infinity adds nothing.

    Points of G2 must be in its group (`in_twist_group`). Raises ValueError for a point that is not on its curve.
    """
    pairs = [(point, twist) for point, twist in terms if point is not None and twist is not None]
    if not all(on_curve(point) and on_twist(twist) for point, twist in pairs):
        raise ValueError("a point is not on its curve")
    return _final_power_is_one(_miller(pairs))


def on_twist(point: TwistPoint) -> bool:
    """Whether a point is on the twist of G2, in its group or not; no coordinate may be beyond the field."""
    (x, y), b = point, TWIST_B
    if not all(0 <= part < BASE_FIELD for part in (*x, *y)):
        return False
    cube, square = fp2_times(fp2_times(x, x), x), fp2_times(y, y)
    return square == ((cube[0] + b[0]) % BASE_FIELD, (cube[1] + b[1]) % BASE_FIELD)


def in_twist_group(point: TwistPoint) -> bool:
    """Whether a point is one of G2: on the twist, whose cofactor is not 1, and of the group's order."""
    if not on_twist(point):
        return False
    try:
        before = g2_multiply(BN254_SCALAR_FIELD - 1, point)
    except ValueError:  # a sum on the way was infinity: its order is smaller
        return False
    return before == (point[0], _negative(point[1]))


def _miller(pairs: Sequence[tuple[Point, TwistPoint]]) -> int:
    """The product of the Miller functions of 6 x + 2 with the two last lines, to be raised to the final power."""
    value, running = 1, [twist for _, twist in pairs]
    for bit in bin(LOOP)[3:]:
        value = _product(value, value)
        for index, (point, twist) in enumerate(pairs):
            running[index], line = _double(running[index], point)
            value = _product(value, line)
            if bit == "1":
                running[index], line = _add(running[index], twist, point)
                value = _product(value, line)
    for index, (point, twist) in enumerate(pairs):
        once = _frobenius(twist)
        x, y = _frobenius(once)
        running[index], line = _add(running[index], once, point)
        value = _product(value, line)
        _, line = _add(running[index], (x, _negative(y)), point)
        value = _product(value, line)
    return value


def _final_power_is_one(value: int) -> bool:
    """Whether value^((p^12 - 1) / r) is one, with (p^12 - 1) / r = (p^6 - 1) (p^2 + 1) (p^4 - p^2 + 1) / r.

    The p^6-th power changes the sign of w, so the first factor gives one where the rest's power has no odd coefficient;
    w^(p^2) = w 82^((p - 1) / 6), as 82 is the norm of 9 + i.
    """
    turn, factor, twice = pow(82, (BASE_FIELD - 1) // 6, BASE_FIELD), 1, []
    for coefficient in _coefficients(value, _DEGREE):
        twice.append(coefficient * factor % BASE_FIELD)
        factor = factor * turn % BASE_FIELD
    rest = _power(_product(value, _packed(twice)), _HARD_POWER)
    return rest != 0 and not any(_coefficients(rest, _DEGREE)[1::2])


def _double(at: TwistPoint, point: Point) -> tuple[TwistPoint, int]:
    square = fp2_times(at[0], at[0])
    slope = fp2_times((3 * square[0], 3 * square[1]), fp2_inverse((2 * at[1][0], 2 * at[1][1])))
    return twist_chord(at, at[0], slope), _line(at, slope, point)


def _add(at: TwistPoint, other: TwistPoint, point: Point) -> tuple[TwistPoint, int]:
    rise, run = fp2_minus(other[1], at[1]), fp2_minus(other[0], at[0])
    slope = fp2_times(rise, fp2_inverse(run))
    return twist_chord(at, other[0], slope), _line(at, slope, point)


def _line(at: TwistPoint, slope: Fp2, point: Point) -> int:
    """The line of this slope through (x w^2, y w^3), at a point of G1: -yP + s xP w + (y - s x) w^3."""
    x, y = point
    rest = fp2_minus(at[1], fp2_times(slope, at[0]))
    coefficients = [0] * _DEGREE
    coefficients[0] = -y % BASE_FIELD
    coefficients[1], coefficients[7] = _untwisted((slope[0] * x, slope[1] * x))
    coefficients[3], coefficients[9] = _untwisted(rest)
    return _packed(coefficients)


def _untwisted(value: Fp2) -> Fp2:
    """a + b i as (a - 9 b) + b w^6."""
    return (value[0] - 9 * value[1]) % BASE_FIELD, value[1] % BASE_FIELD


def _frobenius(point: TwistPoint) -> TwistPoint:
    """The power of the field's characteristic, of the point on the curve, back on the twist."""
    (x, y), q = point, BASE_FIELD
    third, half = _fp2_power(_XI, (q - 1) // 3), _fp2_power(_XI, (q - 1) // 2)
    return fp2_times((x[0], -x[1] % q), third), fp2_times((y[0], -y[1] % q), half)


def _product(a: int, b: int) -> int:
    row = _coefficients(a * b, 2 * _DEGREE - 1)
    for degree in range(2 * _DEGREE - 2, _DEGREE - 1, -1):
        top = row[degree]
        row[degree - 6] += 18 * top
        row[degree - 12] -= 82 * top
    return _packed([value % BASE_FIELD for value in row[:_DEGREE]])


def _coefficients(value: int, count: int) -> list[int]:
    data = value.to_bytes(count * _SLOT, "little")
    return [int.from_bytes(data[at : at + _SLOT], "little") for at in range(0, count * _SLOT, _SLOT)]


def _packed(coefficients: Sequence[int]) -> int:
    return int.from_bytes(b"".join(value.to_bytes(_SLOT, "little") for value in coefficients), "little")


def _power(base: int, exponent: int) -> int:
    result = 1
    for bit in bin(exponent)[2:]:
        result = _product(result, result)
        if bit == "1":
            result = _product(result, base)
    return result


def _fp2_power(base: Fp2, exponent: int) -> Fp2:
    result: Fp2 = (1, 0)
    for bit in bin(exponent)[2:]:
        result = fp2_times(result, result)
        if bit == "1":
            result = fp2_times(result, base)
    return result


def _negative(value: Fp2) -> Fp2:
    return -value[0] % BASE_FIELD, -value[1] % BASE_FIELD
