"""The arithmetic of an options account's Dutch auction; twin of contracts/consumers/options/OptionsAuction.sol. WAD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oracle.domain.lending import ceil_div
from oracle.domain.options_types import OptionsConfig, Series
from oracle.units import BPS, WAD


@dataclass(frozen=True, slots=True)
class Sale:
    """An account for sale: |L|, value and cash together, cash, seconds since the auction began."""

    config: OptionsConfig
    loss: int
    equity: int
    cash: int
    elapsed: int

    def discount(self) -> int:
        """From the mark, on the whole portfolio: to all of the equity in one period, to all of L in a second one."""
        own, period = min(max(self.equity, 0), self.loss), self.config.auction_period
        if self.elapsed < period:
            start = self.config.start_discount_bps
            return own * (start * period + (BPS - start) * self.elapsed) // (BPS * period)
        return own + (self.loss - own) * min(self.elapsed - period, period) // period

    def needed_fraction(self) -> int:
        """Brings equity back to 1.25 L, and cash to zero; all of it when nothing less does."""
        aim, discount = ceil_div(self.loss * 5, 4), self.discount()
        fraction = _ratio(aim - self.equity, aim - discount)
        if self.cash < 0:
            fraction = max(fraction, _ratio(-self.cash, self.equity - self.cash - discount))
        return fraction

    def penalty(self, fraction: int, cash_after: int) -> int:
        """For the insurance fund: at most what the account has left, in equity and in cash."""
        left = self.equity - ceil_div(self.discount() * fraction, WAD)
        wanted = self.loss * self.config.penalty_bps // BPS * fraction // WAD
        return min(wanted, max(0, min(left, cash_after)))


def parts(positions: Mapping[Series, int], fraction: int, lot: int) -> dict[Series, int]:
    """A fraction of each position, lots rounded up, at most all of it."""
    taken = {s: min(abs(n), ceil_div(ceil_div(abs(n) * fraction, WAD), lot) * lot) for s, n in positions.items()}
    return {s: -taken[s] if n < 0 else taken[s] for s, n in positions.items()}


def _ratio(part: int, whole: int) -> int:
    if whole <= 0 or part >= whole:
        return WAD
    return 0 if part <= 0 else ceil_div(part * WAD, whole)
