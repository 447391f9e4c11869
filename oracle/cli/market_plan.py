"""What is deployed for one market: its feeds' names, limits, parameters and guards, and the loan market over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from oracle.domain.deployment import (
    ZERO_ADDRESS,
    BoardPlan,
    CollateralPlan,
    FeedGuards,
    LendingPlan,
    ObservationLimits,
    PriceFeedPlan,
    VolatilityFeedPlan,
)
from oracle.domain.garch import GarchParams
from oracle.domain.lending_types import CollateralTerms, VaultTerms
from oracle.domain.market_state import RETURNS
from oracle.errors import InvalidInput
from oracle.market.base import MarketSource, base_asset
from oracle.units import BPS, SECS_PER_DAY, SECS_PER_HOUR, WAD

GARCH_CIRCUIT: Final = "garch-vol-32"
DEBT_SYMBOL: Final = "USDX"
DEBT_DECIMALS: Final = 6
COLLATERAL_DECIMALS: Final = 18
# Whole tokens whose sale moves the price by 1 %, and that the vault takes at most
COLLATERAL_DEPTH: Final = 100_000 * 10**COLLATERAL_DECIMALS
COLLATERAL_CAP: Final = 1_000_000 * 10**COLLATERAL_DECIMALS

# An answer outside is a broken model or market: 1 % and 1,000 % a year; stale consumers are told 300 %
MIN_ANSWER: Final = WAD // 100
MAX_ANSWER: Final = 10 * WAD
FALLBACK_ANSWER: Final = 3 * WAD

# In one step of the market the answer may double, but fall by a tenth at most: tighten fast, loosen slowly
RISE_BPS_PER_STEP: Final = BPS
FALL_BPS_PER_STEP: Final = BPS // 10
# A proof takes a while: so many observations may be newer than its window's last
MAX_OBSERVATION_LAG: Final = 3

# A loan's LTV moves so far in one step of the market at most: so that borrowers see it coming
LTV_DOWN_BPS_PER_STEP: Final = 50
LTV_UP_BPS_PER_STEP: Final = 25

# The step of the liquidation models
BOARD_STEP_SECS: Final = 8 * SECS_PER_HOUR

# How long a sale may take in steps of the market, and at least: three days span a weekend of a stock exchange
LIQUIDATION_STEPS: Final = 3
MIN_LIQUIDATION_SECS: Final = SECS_PER_DAY


@dataclass(frozen=True, slots=True)
class MarketNames:
    """What a market's parts are called in a deployment; `base` is the lower-case asset, such as btc."""

    base: str

    @property
    def price(self) -> str:
        """The price feed."""
        return f"{self.base}-usd"

    @property
    def volatility(self) -> str:
        """The proven feed."""
        return f"{self.base}-volatility"

    @property
    def lending(self) -> str:
        """The loan market."""
        return f"{self.base}-lending"

    @property
    def board(self) -> str:
        """The liquidation board over the loan market."""
        return f"{self.base}-liquidation"

    @property
    def collateral(self) -> str:
        """The collateral token's symbol."""
        return self.base.upper()


def names(source: MarketSource) -> MarketNames:
    """The names that follow from a source's symbol."""
    return MarketNames(base_asset(source.symbol))


def price_plan(source: MarketSource, publishers: tuple[str, ...], quorum: int) -> PriceFeedPlan:
    """An ObservationFeed with the market's rhythm."""
    called = names(source)
    limits = ObservationLimits(
        min_interval=source.min_interval_secs,
        max_interval=source.max_interval_secs,
        max_report_age=source.max_interval_secs,
    )
    return PriceFeedPlan(called.price, f"{called.base.upper()} / USD", publishers, quorum, limits)


def volatility_plan(source: MarketSource, params: GarchParams) -> VolatilityFeedPlan:
    """A RiskFeed of the market's annualised volatility over the horizon, proven by the GARCH circuit."""
    called = names(source)
    guards = FeedGuards(
        min_answer=MIN_ANSWER,
        max_answer=MAX_ANSWER,
        fallback_answer=FALLBACK_ANSWER,
        rise_bps_per_hour=_per_hour(RISE_BPS_PER_STEP, source.interval_secs),
        fall_bps_per_hour=_per_hour(FALL_BPS_PER_STEP, source.interval_secs),
        heartbeat=source.max_interval_secs,
        max_observation_lag=MAX_OBSERVATION_LAG,
    )
    description = f"{called.base.upper()} volatility, annualised, next {params.horizon} steps"
    return VolatilityFeedPlan(called.volatility, description, called.price, GARCH_CIRCUIT, params, guards)


def _per_hour(bps_per_step: int, interval_secs: int) -> int:
    return max(1, bps_per_step * SECS_PER_HOUR // interval_secs)


def lending_plan(source: MarketSource, collateral: str, debt: str, board_setter: str = ZERO_ADDRESS) -> LendingPlan:
    """A vault that lends the debt asset against the market's asset; `board_setter` may name its liquidation board."""
    called = names(source)
    risk = CollateralTerms(
        max_price_age=source.max_interval_secs,
        max_risk_age=source.max_interval_secs,
        min_risk=MIN_ANSWER,
        max_risk=MAX_ANSWER,
        depth=COLLATERAL_DEPTH,
        supply_cap=COLLATERAL_CAP,
    )
    terms = VaultTerms(
        liquidation_delay=max(MIN_LIQUIDATION_SECS, LIQUIDATION_STEPS * source.interval_secs),
        ramp_down_bps_per_hour=_per_hour(LTV_DOWN_BPS_PER_STEP, source.interval_secs),
        ramp_up_bps_per_hour=_per_hour(LTV_UP_BPS_PER_STEP, source.interval_secs),
    )
    listed = CollateralPlan(collateral, called.price, called.volatility, risk)
    return LendingPlan(called.lending, debt, terms, (listed,), board_setter)


def board_plan(source: MarketSource, model: str) -> BoardPlan:
    """A board that assesses the loan market's positions with a liquidation model.

    Raises InvalidInput for a market whose steps do not make 8 hours, or too fine for its price feed to hold the window.
    """
    called, stride = names(source), BOARD_STEP_SECS // source.interval_secs
    window = RETURNS * stride + 1
    capacity = price_plan(source, (), 0).capacity
    if BOARD_STEP_SECS % source.interval_secs or window > capacity:
        raise InvalidInput(
            f"{source.symbol} has a price every {source.interval_secs} s, a liquidation board looks every 8 hours, "
            f"at {capacity} prices at most",
            remedy="take hourly prices, such as --source simulator, or leave --board out",
        )
    return BoardPlan(
        name=called.board,
        description=f"{called.base.upper()} loans, liquidation within 7 days",
        lending=called.lending,
        observations=called.price,
        model=model,
        stride=stride,
        max_age=source.max_interval_secs,
        heartbeat=VaultTerms().max_assessment_age,
    )
