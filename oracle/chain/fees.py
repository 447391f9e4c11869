"""EIP-1559 fees of first and replacing transactions, all in wei per gas, never above a cap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from oracle.errors import FeeAboveCap

GWEI: Final = 10**9
# A base fee grows by 1/8 at most from block to block (EIP-1559): doubling holds for six full blocks
BASE_FEE_HEADROOM: Final = 2
# Nodes ask 10 % (geth) to 12.5 % (others) more of both fees before they replace a transaction
BUMP_NUMERATOR: Final = 9
BUMP_DENOMINATOR: Final = 8


@dataclass(frozen=True, slots=True)
class Fees:
    """maxFeePerGas and maxPriorityFeePerGas."""

    max_fee: int
    max_priority_fee: int


def initial_fees(base_fee: int, tip: int, cap: int) -> Fees:
    """Fees that get a transaction mined soon. Raises FeeAboveCap while the base fee alone is above the cap."""
    if base_fee > cap:
        raise FeeAboveCap(base_fee, cap, remedy="Wait for a lower base fee, or raise PLUMBLINE_MAX_FEE_GWEI.")
    max_fee = min(BASE_FEE_HEADROOM * base_fee + tip, cap)
    return Fees(max_fee, min(tip, max_fee))


def replacement_fees(old: Fees, base_fee: int, tip: int, cap: int) -> Fees | None:
    """The least fees that both replace `old` and suit the market; None when the cap leaves no room for them."""
    max_fee = max(_bumped(old.max_fee), min(BASE_FEE_HEADROOM * base_fee + tip, cap))
    max_priority_fee = max(_bumped(old.max_priority_fee), min(tip, max_fee))
    if max_fee > cap or max_priority_fee > max_fee:
        return None
    return Fees(max_fee, max_priority_fee)


def _bumped(fee: int) -> int:
    return max(fee + 1, -(-fee * BUMP_NUMERATOR // BUMP_DENOMINATOR))
