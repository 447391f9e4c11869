"""exp, ln and square root at 18 decimals on integers alone: twin of contracts/libraries/Transcendental.sol.

Python's >> rounds down for negative numbers, as Solidity's does; divisions that may be of negative numbers go through
`div_trunc`.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

from oracle.errors import InvalidInput
from oracle.units import WAD, div_trunc

ONE: Final = 1 << 96
LN2: Final = 54916777467707473351141471128
LN_WAD: Final = 3283732547111784853622338894909
SQRT_TWO: Final = 112045541949572279837463876454
MIN_EXPONENT_WAD: Final = -42 * WAD
MAX_EXPONENT_WAD: Final = 88 * WAD
MAX_ARGUMENT_WAD: Final = 1 << 128
LAST_TERM: Final = 27


class ExponentTooLarge(InvalidInput):
    """exp of more than 88."""

    def __init__(self, exponent_wad: int, maximum: int) -> None:
        super().__init__(f"exponent {exponent_wad} exceeds {maximum} (18 decimals)")
        self.exponent_wad = exponent_wad
        self.maximum = maximum


class ArgumentOutOfRange(InvalidInput):
    """A logarithm or square root of what is not positive, or not below 2^128."""

    def __init__(self, value_wad: int, maximum: int) -> None:
        super().__init__(f"{value_wad} is not between 0 and {maximum}, both excluded (18 decimals)")
        self.value_wad = value_wad
        self.maximum = maximum


def exp_wad(x_wad: int) -> int:
    """e^x, 18 decimals, rounded to nearest; raises ExponentTooLarge above 88."""
    if x_wad > MAX_EXPONENT_WAD:
        raise ExponentTooLarge(x_wad, MAX_EXPONENT_WAD)
    if x_wad < MIN_EXPONENT_WAD:
        return 0
    r = div_trunc(x_wad << 96, WAD)
    n = (div_trunc(r << 96, LN2) + (1 << 95)) >> 96
    r -= n * LN2
    square = r * r >> 96
    even = 56 * square + (25_200 << 96)
    even = (even * square >> 96) + (1_995_840 << 96)
    even = (even * square >> 96) + (17_297_280 << 96)
    odd = square + (1_512 << 96)
    odd = (odd * square >> 96) + (277_200 << 96)
    odd = (odd * square >> 96) + (8_648_640 << 96)
    odd = odd * r >> 96
    power = ((even + odd) << 96) // (even - odd) * WAD
    if n >= 96:
        return power << (n - 96)
    shift = 96 - n
    return (power + (1 << (shift - 1))) >> shift


def ln_wad(x_wad: int) -> int:
    """ln x, 18 decimals, rounded to nearest; raises ArgumentOutOfRange outside 0 < x < 2^128."""
    _require_positive(x_wad)
    n = x_wad.bit_length() - 1
    m = x_wad << (96 - n) if n <= 96 else x_wad >> (n - 96)
    if m > SQRT_TWO:
        m >>= 1
        n += 1
    y = div_trunc((m - ONE) << 96, m + ONE)
    square = y * y >> 96
    total = ONE // LAST_TERM
    for term in range(LAST_TERM - 2, 0, -2):
        total = (total * square >> 96) + ONE // term
    result = (2 * y * total >> 96) + n * LN2 - LN_WAD
    return (result * WAD + (1 << 95)) >> 96


def sqrt_wad(x_wad: int) -> int:
    """The square root, 18 decimals, rounded down; raises ArgumentOutOfRange outside 0 < x < 2^128."""
    _require_positive(x_wad)
    return isqrt(x_wad * WAD)


def _require_positive(x_wad: int) -> None:
    if not 0 < x_wad < MAX_ARGUMENT_WAD:
        raise ArgumentOutOfRange(x_wad, MAX_ARGUMENT_WAD)
