"""The lending vault's arithmetic, wei exact: twin of contracts/libraries/LendingMath.sol.

Ratios, rates and auction prices are WAD, feed prices have 8 decimals, amounts are base units of their asset. Rounding
is always against the acting user and named where it is not downwards. Everything is a non-negative integer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from oracle.constants import PRICE_DECIMALS
from oracle.units import BPS, SECS_PER_DAY, WAD

# The normal distribution's 99 % quantile, 2.3263478740408411..., rounded up
Z99_WAD: Final = 2_326347874040841101
SECS_PER_YEAR: Final = 365 * SECS_PER_DAY
VIRTUAL_SHARES: Final = 10**6
VIRTUAL_ASSETS: Final = 1
MAX_UINT256: Final = 2**256 - 1


class PositionState(IntEnum):
    """Life of a debt; values as in contracts/types/LendingTypes.sol."""

    NONE = 0
    OPEN = 1
    WARNED = 2
    AUCTION = 3
    CLOSED = 4
    INSOLVENT = 5


@dataclass(frozen=True, slots=True)
class Units:
    """Decimals of a market's two assets, 6 to 18 each."""

    collateral_decimals: int
    debt_decimals: int

    @property
    def debt_unit(self) -> int:
        """Base units of one whole debt token."""
        return int(10**self.debt_decimals)

    @property
    def collateral_unit(self) -> int:
        """Base units of one whole collateral token."""
        return int(10**self.collateral_decimals)

    @property
    def collateral_scale(self) -> int:
        """Base units of collateral times an 8-decimal price, for one whole debt token."""
        return self.collateral_unit * int(10**PRICE_DECIMALS)


def ceil_div(numerator: int, denominator: int) -> int:
    """Quotient rounded up."""
    return -(-numerator // denominator)


def collateral_value(collateral: int, price: int, units: Units) -> int:
    """Value in the debt asset's base units, rounded down."""
    return collateral * price * units.debt_unit // units.collateral_scale


def health_factor(value: int, ltv: int, debt: int) -> int:
    """value * ltv / debt, WAD; 2^256 - 1 without debt. Liquidatable below 1e18."""
    return MAX_UINT256 if debt == 0 else value * ltv // debt


def liquidation_price(collateral: int, debt: int, ltv: int, units: Units) -> int:
    """The lowest price, 8 decimals, that is still healthy; 0 without debt, 2^256 - 1 without collateral."""
    if debt == 0:
        return 0
    if collateral == 0:
        return MAX_UINT256
    needed_value = ceil_div(debt * WAD, ltv)
    return ceil_div(needed_value * units.collateral_scale, collateral * units.debt_unit)


def sized_ltv(ltv: int, amount: int, depth: int) -> int:
    """The LTV of `amount` base units for sale at once: ltv / (1 + ltv * impact), WAD.

    impact = amount / (100 * depth), rounded up: the sale of `depth` moves the price by 1 %; 0: size does not matter.
    With ltv = 1 / (1 + haircut + q99) this is 1 / (1 + haircut + q99 + impact).
    """
    impact = ceil_div(amount * WAD, 100 * depth) if depth else 0
    return ltv * WAD * WAD // (WAD * WAD + ltv * impact)


def auction_start_price(price: int, start_bps: int) -> int:
    """The auction's first price, WAD, from the market price of 8 decimals; rounded up."""
    return ceil_div(price * int(10 ** (18 - PRICE_DECIMALS)) * start_bps, BPS)


def auction_price(start_price: int, tau: int, elapsed: int) -> int:
    """start_price * (tau - elapsed) / tau, rounded up; Maker's linear decrease (dss, abaci.sol, LinearDecrease)."""
    return ceil_div(start_price * (tau - elapsed), tau)


def cost_of(collateral: int, price: int, units: Units) -> int:
    """What `collateral` costs at `price` (WAD) in the debt asset, rounded up."""
    return ceil_div(collateral * price * units.debt_unit, units.collateral_unit * WAD)


def collateral_for(debt: int, price: int, units: Units) -> int:
    """Collateral that `debt` buys at `price` (WAD), rounded down."""
    return debt * units.collateral_unit * WAD // (price * units.debt_unit)


def utilisation(borrow_assets: int, supply_assets: int) -> int:
    """Share of the supplied assets that is lent out, WAD, rounded up."""
    return 0 if supply_assets == 0 else ceil_div(borrow_assets * WAD, supply_assets)


def borrow_rate(used: int, base_rate: int, kink: int, slope_below: int, slope_above: int) -> int:
    """Yearly rate at utilisation `used`, WAD, rounded up: linear to the kink, steeper beyond."""
    rate = base_rate + ceil_div(slope_below * min(used, kink), kink)
    return rate if used <= kink else rate + ceil_div(slope_above * (used - kink), WAD - kink)


def interest(borrow_assets: int, rate: int, elapsed: int) -> int:
    """borrow_assets * rate * elapsed / year, rounded up."""
    return ceil_div(borrow_assets * rate * elapsed, WAD * SECS_PER_YEAR)


def to_shares_down(assets: int, total_assets: int, total_shares: int) -> int:
    """Shares for `assets`, with the virtual amounts of OpenZeppelin's ERC-4626."""
    return assets * (total_shares + VIRTUAL_SHARES) // (total_assets + VIRTUAL_ASSETS)


def to_shares_up(assets: int, total_assets: int, total_shares: int) -> int:
    """Shares for `assets`, rounded up."""
    return ceil_div(assets * (total_shares + VIRTUAL_SHARES), total_assets + VIRTUAL_ASSETS)


def to_assets_down(shares: int, total_assets: int, total_shares: int) -> int:
    """Assets for `shares`."""
    return shares * (total_assets + VIRTUAL_ASSETS) // (total_shares + VIRTUAL_SHARES)


def to_assets_up(shares: int, total_assets: int, total_shares: int) -> int:
    """Assets for `shares`, rounded up."""
    return ceil_div(shares * (total_assets + VIRTUAL_ASSETS), total_shares + VIRTUAL_SHARES)


def position_state(
    *, opened_at: int, borrow_shares: int, warned_at: int, alarmed_at: int, auction_started_at: int, bad_debt: int
) -> PositionState:
    """State of a position: a pure function of what is stored. Times are unix seconds, 0 for never or no longer."""
    if opened_at == 0:
        return PositionState.NONE
    if borrow_shares == 0:
        return PositionState.INSOLVENT if bad_debt else PositionState.CLOSED
    if auction_started_at != 0:
        return PositionState.AUCTION
    return PositionState.WARNED if warned_at or alarmed_at else PositionState.OPEN
