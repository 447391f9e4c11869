"""What a lending vault is fixed to, what it stores, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

from oracle.domain.perp_types import FeedAnswer
from oracle.errors import SkipCycle
from oracle.units import SECS_PER_DAY, SECS_PER_HOUR, WAD

MAX_COLLATERALS: Final = 8
MAX_PRICE: Final = 2**53
MAX_AMOUNT: Final = 2**112 - 1


class LendingRefusal(SkipCycle):
    """A call that the contract reverts, with its error's name and arguments."""

    def __init__(self, name: str, *values: object) -> None:
        super().__init__(f"{name}{values}")
        self.name = name
        self.values = values


@dataclass(frozen=True, slots=True)
class VaultTerms:
    """LendingConfig without its addresses, in its order; ratios, probabilities and yearly rates WAD, times seconds."""

    liquidation_delay: int = 6 * SECS_PER_HOUR
    borrow_margin: int = 5 * WAD // 100
    ramp_down_bps_per_hour: int = 50
    ramp_up_bps_per_hour: int = 5
    grace_period: int = SECS_PER_HOUR
    alarm_probability: int = WAD // 5
    alarm_period: int = 8 * SECS_PER_HOUR
    max_assessment_age: int = 8 * SECS_PER_HOUR
    close_factor_bps: int = 5_000
    full_close_health_factor: int = 95 * WAD // 100
    auction_start_bps: int = 10_500
    auction_tau: int = 6 * SECS_PER_HOUR
    auction_tail: int = SECS_PER_HOUR
    reserve_bps: int = 1_000
    base_rate: int = WAD // 100
    kink_utilisation: int = 8 * WAD // 10
    slope_below_kink: int = 4 * WAD // 100
    slope_above_kink: int = 6 * WAD // 10
    min_debt: int = 100 * 10**6

    def as_tuple(self) -> tuple[int, ...]:
        """In the ABI's order."""
        return tuple(getattr(self, f.name) for f in fields(self))


@dataclass(frozen=True, slots=True)
class CollateralTerms:
    """CollateralConfig without its addresses, in its order; ratios WAD, times seconds, amounts base units.

    `risk_horizon` 0: the risk feed answers an annualised volatility; else the 99 % quantile of so many seconds.
    `depth`: whose sale moves the price by 1 %; 0: size does not matter.
    """

    risk_horizon: int = 0
    max_price_age: int = 2 * SECS_PER_HOUR
    max_risk_age: int = SECS_PER_DAY
    min_risk: int = WAD // 100
    max_risk: int = 10 * WAD
    liquidation_bonus: int = WAD // 20
    slippage: int = WAD // 100
    depth: int = 0
    floor_ltv: int = WAD // 2
    cap_ltv: int = 93 * WAD // 100
    supply_cap: int = MAX_AMOUNT

    def as_tuple(self) -> tuple[int, ...]:
        """In the ABI's order."""
        return tuple(getattr(self, f.name) for f in fields(self))


@dataclass(slots=True)
class Collateral:
    """One collateral of a vault: its terms, its feeds, and what is stored of it.

    LTVs are those of no size; `last_price` is the last one that was fresh, 8 decimals.
    """

    terms: CollateralTerms
    decimals: int
    price: FeedAnswer
    risk: FeedAnswer
    weight: FeedAnswer | None = None
    ltv_in_force: int = 0
    ltv_target: int = 0
    synced_at: int = 0
    last_price: int = 0
    total: int = 0


@dataclass(slots=True)
class Totals:
    """What all lenders and borrowers have together. Assets in base units of the debt asset."""

    supply_assets: int = 0
    supply_shares: int = 0
    borrow_assets: int = 0
    borrow_shares: int = 0
    reserve: int = 0
    bad_debt: int = 0
    accrued_at: int = 0

    @property
    def idle(self) -> int:
        """Cash that may be lent or withdrawn."""
        return self.supply_assets + self.reserve - self.borrow_assets


@dataclass(slots=True)
class Account:
    """One borrower. `amounts` by collateral, none of them 0; `agreed_ltv` as of their last borrow or withdrawal."""

    opened_at: int = 0
    warned_at: int = 0
    alarmed_at: int = 0
    agreed_ltv: int = 0
    borrow_shares: int = 0
    bad_debt: int = 0
    amounts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Sale:
    """An auction of a position's collaterals, each at its own price, for one debt."""

    started_at: int
    debt_shares: int
    start_prices: dict[str, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """A collateral as its feeds say now. `price` has 8 decimals and is 0 when absent; LTVs are those of no size."""

    price: int
    last_price: int
    ltv_in_force: int
    ltv_target: int
    risk_fresh: bool


@dataclass(slots=True)
class Assessment:
    """An account's sums over its collaterals. Values in base units of the debt asset; weighted ones times WAD.

    `priced`: only what has a fresh price counts. `withdrawable` and `borrowable`: what debt may be, the latter over
    collateral whose risk is known too.
    """

    debt: int = 0
    value: int = 0
    weighted: int = 0
    weighted_at_target: int = 0
    priced: int = 0
    withdrawable: int = 0
    borrowable: int = 0
    unpriced: str = ""
    unrated: str = ""
