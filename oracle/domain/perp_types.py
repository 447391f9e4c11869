"""What a perpetual market is fixed to, what it reads, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from oracle.errors import SkipCycle


class PerpRefusal(SkipCycle):
    """A call that the contract reverts, with its error's name and arguments."""

    def __init__(self, name: str, *values: object) -> None:
        super().__init__(f"{name}{values}")
        self.name = name
        self.values = values


@dataclass(frozen=True, slots=True)
class PerpConfig:
    """As PerpConfig in contracts/types/PerpTypes.sol, without its addresses; `decimals` are the collateral's."""

    decimals: int
    has_weight: bool
    max_price_age: int
    max_risk_age: int
    risk_horizon: int
    margin_period: int
    min_margin: int
    max_margin: int
    ramp_interval: int
    min_risk: int
    max_risk: int
    fee_bps: int
    protocol_share_bps: int
    liquidation_fee_bps: int
    liquidator_share_bps: int
    close_factor_bps: int
    max_divergence_bps: int
    funding_period: int
    max_premium_bps: int
    max_open_interest: int
    max_skew_fund_bps: int
    min_position: int
    base_depth: int
    reference_risk: int
    min_depth_ratio: int
    max_depth_ratio: int
    depth_ramp_bps_per_hour: int
    premium_decay_bps_per_hour: int
    fund_use_bps: int
    fund_cooldown: int


@dataclass(slots=True)
class FeedAnswer:
    """A feed's newest answer, in its own decimals, when it was observed, and whether the feed answers at all."""

    answer: int = 0
    observed_at: int = 0
    alive: bool = True

    def within(self, now: int, max_age: int, lo: int, hi: int) -> int:
        """The answer, or 0 when RiskPolicy would take it as absent."""
        usable = self.alive and 0 <= now - self.observed_at <= max_age and lo <= self.answer <= hi
        return self.answer if usable else 0
