"""Conversions between the product's number scales.

Chain values are WAD (1e18), circuit values are signed integers at a power of two, instances are BN254 field elements.
"""

from __future__ import annotations

from typing import Final

from oracle.constants import BN254_SCALAR_FIELD, MAX_INSTANCE_MAGNITUDE, PRICE_DECIMALS
from oracle.errors import FieldElementError, ValueOutOfRange

WAD: Final = 10**18
BPS: Final = 10_000
PRICE_UNIT: Final = 10**PRICE_DECIMALS
SECS_PER_HOUR: Final = 3_600
SECS_PER_DAY: Final = 86_400


def felt_from_int(value: int) -> int:
    """The field element that stands for a signed integer below 2^63 in magnitude.

    Raises ValueOutOfRange beyond it. Twin of FieldElements.fromInt in contracts/libraries.
    """
    if abs(value) >= MAX_INSTANCE_MAGNITUDE:
        raise ValueOutOfRange(value)
    return value % BN254_SCALAR_FIELD


def int_from_felt(felt: int) -> int:
    """The signed integer behind a field element: felt itself below p/2, else felt - p.

    Raises FieldElementError for a number outside the field and ValueOutOfRange from 2^63 on in magnitude.
    Twin of FieldElements.toInt in contracts/libraries.
    """
    if not 0 <= felt < BN254_SCALAR_FIELD:
        raise FieldElementError(felt)
    value = felt if felt <= BN254_SCALAR_FIELD // 2 else felt - BN254_SCALAR_FIELD
    if abs(value) >= MAX_INSTANCE_MAGNITUDE:
        raise ValueOutOfRange(value)
    return value


def wad_from_scaled(value: int, scale_bits: int) -> int:
    """value / 2^scale_bits as WAD, rounded towards zero as Solidity's signed division does."""
    scaled = abs(value) * WAD >> scale_bits
    return scaled if value >= 0 else -scaled


def div_trunc(numerator: int, denominator: int) -> int:
    """Integer quotient rounded towards zero, as Solidity's `/` on int256; Python's // rounds down."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def scaled_from_wad(value_wad: int, scale_bits: int) -> int:
    """value_wad / 1e18 * 2^scale_bits, rounded half away from zero. Twin of FixedPoint.scaledFromWad."""
    return div_round(value_wad << scale_bits, WAD)


def div_round(numerator: int, denominator: int) -> int:
    """Integer quotient rounded half away from zero; denominator > 0. Twin of FixedPoint.divRound."""
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient
