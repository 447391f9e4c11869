"""The standard normal distribution at 18 decimals: twin of contracts/libraries/NormalDistribution.sol."""

from __future__ import annotations

from typing import Final

from oracle.domain.transcendental import exp_wad
from oracle.units import WAD, div_trunc

LARGEST_WAD: Final = 9 * WAD
CENTRE_WAD: Final = 4 * WAD
# 1 / sqrt(2 pi) at 2^96
DENSITY_AT_ZERO: Final = 31607463825455920808620519744
# N(-x) e^(x^2/2) as a polynomial in q = (x - 4) / (x + 4), lowest power first, at 2^96 (Shepherd and Laframboise 1981)
MILLS: Final = (
    7479981632148311744511082895,
    -13500298374901390610197653567,
    9854339855422334840073400749,
    -5681246122030542253845499843,
    2445361715706839039409195633,
    -672813120950841267301769261,
    40213210556613432813620897,
    50612047766738454991841246,
    -14830265619994133659903739,
    -3609231429172294584648706,
    2269755207410942878113034,
    366954429763824792340198,
    -340962297362236276066613,
    -65732273037774723744248,
    52412860261902593599751,
    16396896935286748073955,
    -7446075219171771412363,
    -4383452397776404941055,
    560807605739671727982,
    1117021447418953578997,
    389440619613794072824,
    50121441579383101188,
    173691669870281015,
)


def cdf_wad(x_wad: int) -> int:
    """N(x), in [0, 1e18]; N(x) + N(-x) is 1e18 exactly."""
    if x_wad >= LARGEST_WAD:
        return WAD
    if x_wad <= -LARGEST_WAD:
        return 0
    size = abs(x_wad)
    tail = _mills(size) * exp_wad(-(size * size // (2 * WAD))) >> 96
    return tail if x_wad < 0 else WAD - tail


def pdf_wad(x_wad: int) -> int:
    """The density e^(-x^2/2) / sqrt(2 pi)."""
    if abs(x_wad) >= LARGEST_WAD:
        return 0
    return DENSITY_AT_ZERO * exp_wad(-(x_wad * x_wad // (2 * WAD))) >> 96


def _mills(x_wad: int) -> int:
    q = div_trunc((x_wad - CENTRE_WAD) << 96, x_wad + CENTRE_WAD)
    m = 0
    for coefficient in reversed(MILLS):
        m = (m * q >> 96) + coefficient
    return m
