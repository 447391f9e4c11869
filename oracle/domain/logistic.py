"""The logistic function on integers: twin of contracts/libraries/Logistic.sol."""

from __future__ import annotations

from typing import Final

from oracle.domain.transcendental import exp_wad
from oracle.units import WAD

LIMIT_WAD: Final = 42 * WAD


def probability_wad(logit_wad: int) -> int:
    """1 / (1 + e^-x) as WAD, rounded down."""
    if logit_wad >= LIMIT_WAD:
        return WAD
    if logit_wad <= -LIMIT_WAD:
        return 0
    power = exp_wad(abs(logit_wad))
    return (WAD if logit_wad < 0 else power) * WAD // (WAD + power)
