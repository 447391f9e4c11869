"""Returns of a window of prices and their sums of squares: twin of contracts/libraries/WindowReturns.sol, bit for bit.

Returns stand at 2^48, sums of squares at 2^96.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import Final

from oracle.errors import InputRejected
from oracle.units import WAD, div_round, div_trunc

RETURN_BITS: Final = 48
MAX_RETURN: Final = 8 << RETURN_BITS
MIN_SCALE_BITS: Final = 8
MAX_SCALE_BITS: Final = 30
_PRICE_LIMIT: Final = 1 << 64


class FlatWindow(InputRejected):
    """No price of the window differs from the one before."""

    def __init__(self, prices: int) -> None:
        super().__init__(f"all {prices} prices of the window are equal")
        self.prices = prices


class ReturnOutOfRange(InputRejected):
    """A price is more than nine times the one before."""

    def __init__(self, index: int, return_wad: int, max_wad: int) -> None:
        super().__init__(f"return {index} of the window is {return_wad}, at most {max_wad} is taken (18 decimals)")
        self.index = index
        self.return_wad = return_wad
        self.max_wad = max_wad


def checked_window(prices: Sequence[int], count: int) -> None:
    """Raises InputRejected unless these are `count` prices, positive and below 2^64."""
    if len(prices) != count:
        raise InputRejected(f"{len(prices)} prices, the window has {count}")
    if any(not 0 < price < _PRICE_LIMIT for price in prices):
        raise InputRejected("prices must be positive and below 2^64")


def checked_scale(scale_bits: int) -> None:
    """Raises InputRejected for a circuit's input scale that no module takes."""
    if not MIN_SCALE_BITS <= scale_bits <= MAX_SCALE_BITS:
        raise InputRejected(f"scale_bits is {scale_bits}, must be from {MIN_SCALE_BITS} to {MAX_SCALE_BITS}")


def simple_returns(prices: Sequence[int], stride: int = 1) -> list[int]:
    """Every `stride`-th price against the one before, at 2^48, oldest first. Raises ReturnOutOfRange."""
    found = []
    for index, at in enumerate(range(stride, len(prices), stride)):
        before, price = prices[at - stride], prices[at]
        value = div_round((price - before) << RETURN_BITS, before)
        if value > MAX_RETURN:
            raise ReturnOutOfRange(index, div_trunc((price - before) * WAD, before), 8 * WAD)
        found.append(value)
    return found


def sum_of_squares(returns: Sequence[int]) -> int:
    """At 2^96."""
    return sum(value * value for value in returns)


def positive_squares(returns: Sequence[int]) -> int:
    """The sum of squares at 2^96. Raises FlatWindow when it is zero."""
    total = sum_of_squares(returns)
    if not total:
        raise FlatWindow(len(returns) + 1)
    return total


def root_of_ratio(numerator: int, denominator: int, scale_bits: int) -> int:
    """sqrt(numerator / denominator) at 2^scale_bits, rounded down."""
    return isqrt((numerator << 2 * scale_bits) // denominator)
