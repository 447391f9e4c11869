"""A constant-product market maker of virtual reserves, wei exact: twin of contracts/libraries/Vamm.sol.

dB = |B - QB / (Q +- dq)|, one wei against the trader. B base and Q quote, both WAD.
"""

from __future__ import annotations

from math import isqrt

from oracle.domain.lending import ceil_div
from oracle.units import BPS, WAD


def base_for_quote(b: int, q: int, quote: int, is_long: bool) -> int:
    """Base that a long receives (rounded down) or a short owes (rounded up) for `quote`, below q for a short."""
    return b - ceil_div(b * q, q + quote) if is_long else ceil_div(b * q, q - quote) - b


def quote_for_base(b: int, q: int, base: int, is_long: bool) -> int:
    """Quote that closing `base` of a long brings (rounded down) or of a short costs (rounded up)."""
    return q - ceil_div(b * q, b + base) if is_long else ceil_div(b * q, b - base) - q


def mark_price(b: int, q: int) -> int:
    """Quote for one base, WAD, rounded down."""
    return q * WAD // b


def closing_value(b: int, q: int, net: int, *, round_up: bool) -> int:
    """Quote that the reserves pay out when all positions close, net: q - qb / (b + net)."""
    flat = b + net
    return q - (b * q // flat if round_up else ceil_div(b * q, flat))


def impact(b: int, base: int, is_long: bool) -> int:
    """Share of its value that closing `base` loses to the reserves, WAD, rounded up."""
    return ceil_div(base * WAD, b + base if is_long else b - base)


def depth(q: int, move_bps: int, up: bool) -> int:
    """Quote that moves the mark price by `move_bps`: q (sqrt(1 + x) - 1) upwards, q (1 - sqrt(1 - x)) downwards."""
    root = isqrt((BPS + move_bps if up else BPS - move_bps) * WAD * WAD // BPS)
    return q * (root - WAD if up else WAD - root) // WAD
