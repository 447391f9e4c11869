"""What an options book is fixed to, what it holds in memory, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field

from oracle.domain.perp_types import FeedAnswer
from oracle.errors import SkipCycle


class OptionsRefusal(SkipCycle):
    """A call that the contract reverts, with its error's name and arguments."""

    def __init__(self, name: str, *values: object) -> None:
        super().__init__(f"{name}{values}")
        self.name = name
        self.values = values


@dataclass(frozen=True, slots=True)
class OptionsConfig:
    """As OptionsConfig in contracts/types/OptionTypes.sol; for its feeds, whether there is one."""

    decimals: int
    has_risk: bool
    has_weight: bool
    has_peg: bool
    has_confidence: bool
    max_price_age: int
    max_risk_age: int
    risk_horizon: int
    margin_period: int
    ramp_interval: int
    min_shock: int
    max_shock: int
    min_risk: int
    max_risk: int
    min_volatility: int
    max_volatility: int
    rate: int
    min_tenor: int
    max_tenor: int
    expiry_step: int
    strike_step: int
    max_strike_ratio: int
    max_positions: int
    lot_size: int
    max_open_interest: int
    auction_period: int
    start_discount_bps: int
    penalty_bps: int


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """A European option on one unit, settled in cash; strike WAD, expiry unix seconds."""

    expiry: int
    is_call: bool
    strike: int

    @property
    def id(self) -> int:
        """The contract's identifier."""
        return self.expiry << 104 | int(self.is_call) << 96 | self.strike

    @classmethod
    def of(cls, series_id: int) -> Series:
        """The series behind an identifier."""
        return cls(series_id >> 104, bool(series_id >> 96 & 1), series_id % 2**96)


@dataclass(frozen=True, slots=True)
class Market:
    """What the feeds say: WAD, 0 when absent; `pillars` are (tenor in seconds, volatility)."""

    timestamp: int
    spot: int
    rate: int
    peg: int
    confidence: int
    risk_fresh: bool
    marks_fresh: bool
    pillars: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class OptionsAccount:
    """Cash, WAD, positions in their order, and when its auction began (0: none)."""

    cash: int = 0
    auction_started_at: int = 0
    positions: dict[Series, int] = field(default_factory=dict)

    def copy(self) -> OptionsAccount:
        """An independent copy."""
        return OptionsAccount(self.cash, self.auction_started_at, dict(self.positions))


@dataclass(slots=True)
class OptionsState:
    """As OptionsState in contracts/types/OptionTypes.sol."""

    cash: int = 0
    insurance: int = 0
    deficit: int = 0
    clearing: int = 0
    shock_in_force: int = 0
    shock_target: int = 0
    synced_at: int = 0


@dataclass(slots=True)
class OptionsFeeds:
    """The feeds' newest answers; `volatilities` are the pillars', with their tenors in seconds."""

    price: FeedAnswer
    risk: FeedAnswer
    volatilities: list[tuple[int, FeedAnswer]]
    weight: FeedAnswer = field(default_factory=FeedAnswer)
    peg: FeedAnswer = field(default_factory=FeedAnswer)
    confidence: FeedAnswer = field(default_factory=FeedAnswer)
