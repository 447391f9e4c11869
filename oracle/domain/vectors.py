"""What the twins of modules over signed vectors share: ranges, domains, ratios; twin of VectorModule.sol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from oracle.errors import InputRejected, InvalidInput, ValueOutOfRange
from oracle.units import WAD, div_trunc, scaled_from_wad

MAX_RATIO_WAD: Final = 100 * WAD

Bounds = tuple[int, int]


class ConfigurationOutOfRange(InvalidInput):
    """A parameter is outside its range; values as WAD."""

    def __init__(self, name: str, value: int, low: int, high: int) -> None:
        super().__init__(f"{name} is {value}, must be from {low} to {high}")
        self.name = name
        self.value = value


class InputOutOfDomain(InputRejected):
    """A model input would lie outside the model's domain; values as WAD."""

    def __init__(self, column: int, value: int, low: int, high: int) -> None:
        super().__init__(f"input {column} is {value}, the domain is {low} to {high} (18 decimals)")
        self.column = column
        self.value = value


def in_range(name: str, value: int, low: int, high: int) -> int:
    """The value. Raises ConfigurationOutOfRange."""
    if not low <= value <= high:
        raise ConfigurationOutOfRange(name, value, low, high)
    return value


def quantised(values: Sequence[int], domain: Sequence[Bounds], scale_bits: int) -> list[int]:
    """Values (WAD) at 2^scale_bits. Raises InputOutOfDomain for the first outside its bounds."""
    row = []
    for column, (value, (low, high)) in enumerate(zip(values, domain, strict=True)):
        if not low <= value <= high:
            raise InputOutOfDomain(column, value, low, high)
        row.append(scaled_from_wad(value, scale_bits))
    return row


def ratio_of(outputs_wad: Sequence[int], place: int) -> int:
    """Output `place`. Raises ValueOutOfRange unless from 0 to 100."""
    value = outputs_wad[place]
    if not 0 <= value <= MAX_RATIO_WAD:
        raise ValueOutOfRange(value)
    return value


def mul_wad(a: int, b: int) -> int:
    """a * b / 1e18, rounded towards zero."""
    return div_trunc(a * b, WAD)


def div_wad(a: int, b: int) -> int:
    """a * 1e18 / b, rounded towards zero."""
    return div_trunc(a * WAD, b)
