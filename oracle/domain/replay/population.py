"""Who uses a protocol in a replay: drawn once from a seed, before any price is seen, and the same for every variant.

Sizes are lognormal, durations exponential. Nothing here looks at the market: a crash meets whoever is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final

from oracle.errors import InvalidInput

MAX_TRADERS: Final = 200


@dataclass(frozen=True, slots=True)
class TradingHabits:
    """How perpetual traders behave. Sizes in whole quote; durations in hours.

    `long_share`: of positions that are long. `topping_share`: of traders who restore their margin when it falls below
    the initial one. `buffer`: margin posted beyond the initial one, a share of it, uniform up to this.
    """

    traders: int = 40
    long_share: float = 0.55
    topping_share: float = 0.5
    buffer: float = 0.5
    median_notional: float = 100_000.0
    log_deviation: float = 1.0
    max_notional: float = 1_000_000.0
    min_notional: float = 1_000.0
    mean_hold: float = 96.0
    mean_idle: float = 24.0

    def __post_init__(self) -> None:
        if not 1 <= self.traders <= MAX_TRADERS:
            raise InvalidInput(f"a replay takes from 1 to {MAX_TRADERS} traders, not {self.traders}")


@dataclass(frozen=True, slots=True)
class Intent:
    """A position that a trader means to hold between two hours; `notional` in whole quote."""

    trader: str
    opens: int
    closes: int
    is_long: bool
    notional: int
    buffer: float
    tops_up: bool


def trading_intents(seed: int, hours: int, habits: TradingHabits | None = None) -> list[Intent]:
    """All positions of all traders within so many hours, by opening; the last hour opens nothing."""
    chosen = habits or TradingHabits()
    found = [intent for i in range(chosen.traders) for intent in _of_trader(seed, i, hours, chosen)]
    return sorted(found, key=lambda intent: (intent.opens, intent.trader))


def _of_trader(seed: int, index: int, hours: int, habits: TradingHabits) -> Iterator[Intent]:
    draw = Random(f"{seed}/trader/{index}")
    tops_up = draw.random() < habits.topping_share
    at = int(draw.uniform(0, habits.mean_idle)) + 1
    while at < hours - 1:
        closes = min(hours - 1, at + 1 + int(draw.expovariate(1 / habits.mean_hold)))
        yield Intent(
            trader=f"trader-{index}",
            opens=at,
            closes=closes,
            is_long=draw.random() < habits.long_share,
            notional=_size(
                draw, habits.median_notional, habits.log_deviation, habits.min_notional, habits.max_notional
            ),
            buffer=draw.uniform(0, habits.buffer),
            tops_up=tops_up,
        )
        at = closes + 1 + int(draw.expovariate(1 / habits.mean_idle))


def _size(draw: Random, median: float, deviation: float, low: float, high: float) -> int:
    return round(max(low, min(high, median * math.exp(draw.gauss(0, deviation)))))


@dataclass(frozen=True, slots=True)
class WritingHabits:
    """How option writers behave. `call_share` and `put_share` sell one side, the rest strangles.

    Strikes lie out of the money by a share of the spot, uniform between `nearest` and `farthest`; expiries are a whole
    number of days off. `buffer` and `topping_share` as in TradingHabits.
    """

    writers: int = 16
    put_share: float = 0.4
    call_share: float = 0.2
    nearest: float = 0.03
    farthest: float = 0.20
    tenors: tuple[int, ...] = (2, 7, 14)
    topping_share: float = 0.5
    buffer: float = 0.5
    median_notional: float = 100_000.0
    log_deviation: float = 1.0
    max_notional: float = 1_000_000.0
    min_notional: float = 5_000.0
    mean_idle: float = 24.0

    def __post_init__(self) -> None:
        if not 1 <= self.writers <= MAX_TRADERS:
            raise InvalidInput(f"a replay takes from 1 to {MAX_TRADERS} writers, not {self.writers}")


@dataclass(frozen=True, slots=True)
class WritingIntent:
    """Options that a writer means to sell at an hour; `distances` of call and put from the spot, 0: not sold."""

    writer: str
    opens: int
    days: int
    call_distance: float
    put_distance: float
    notional: int
    buffer: float
    tops_up: bool


def writing_intents(seed: int, hours: int, habits: WritingHabits | None = None) -> list[WritingIntent]:
    """All sales of all writers within so many hours, by opening."""
    chosen = habits or WritingHabits()
    found = [intent for i in range(chosen.writers) for intent in _of_writer(seed, i, hours, chosen)]
    return sorted(found, key=lambda intent: (intent.opens, intent.writer))


def _of_writer(seed: int, index: int, hours: int, habits: WritingHabits) -> Iterator[WritingIntent]:
    draw = Random(f"{seed}/writer/{index}")
    tops_up = draw.random() < habits.topping_share
    at = int(draw.uniform(0, habits.mean_idle)) + 1
    while at < hours - 1:
        kind, days = draw.random(), draw.choice(habits.tenors)
        call, put = (draw.uniform(habits.nearest, habits.farthest) for _ in range(2))
        only_put, only_call = kind < habits.put_share, kind >= 1 - habits.call_share
        yield WritingIntent(
            writer=f"writer-{index}",
            opens=at,
            days=days,
            call_distance=0.0 if only_put else call,
            put_distance=0.0 if only_call else put,
            notional=_size(
                draw, habits.median_notional, habits.log_deviation, habits.min_notional, habits.max_notional
            ),
            buffer=draw.uniform(0, habits.buffer),
            tops_up=tops_up,
        )
        at += (days + 1) * 24 + int(draw.expovariate(1 / habits.mean_idle))


# ln(health factor) of the 716 of Aave v3's 1,000 largest borrowers that lie in (0, ln 10), 2025-12: share, value
HEALTH_QUANTILES: Final = ((0.05, 0.084), (0.25, 0.255), (0.5, 0.437), (0.75, 0.715), (0.95, 1.168))


@dataclass(frozen=True, slots=True)
class BorrowingHabits:
    """How borrowers behave. Sizes in whole quote of collateral; health factors are drawn from Aave's borrowers.

    `reacting_share`: of borrowers who add collateral when they are warned, as much as brings back the health that they
    began with.
    """

    borrowers: int = 32
    reacting_share: float = 0.3
    median_collateral: float = 300_000.0
    log_deviation: float = 1.0
    max_collateral: float = 3_000_000.0
    min_collateral: float = 10_000.0
    mean_hold: float = 240.0
    mean_idle: float = 24.0

    def __post_init__(self) -> None:
        if not 1 <= self.borrowers <= MAX_TRADERS:
            raise InvalidInput(f"a replay takes from 1 to {MAX_TRADERS} borrowers, not {self.borrowers}")


@dataclass(frozen=True, slots=True)
class BorrowingIntent:
    """A loan that a borrower means to hold between two hours; `health` is what the health factor is to begin with."""

    borrower: str
    opens: int
    closes: int
    collateral: int
    health: float
    reacts: bool


def borrowing_intents(seed: int, hours: int, habits: BorrowingHabits | None = None) -> list[BorrowingIntent]:
    """All loans of all borrowers within so many hours, by opening."""
    chosen = habits or BorrowingHabits()
    found = [intent for i in range(chosen.borrowers) for intent in _of_borrower(seed, i, hours, chosen)]
    return sorted(found, key=lambda intent: (intent.opens, intent.borrower))


def health_factor(share: float) -> float:
    """The health factor below which such a share of Aave's borrowers are, linear between the known quantiles."""
    points = [(0.0, 0.0), *HEALTH_QUANTILES, (1.0, HEALTH_QUANTILES[-1][1])]
    for (low, first), (high, last) in pairwise(points):
        if share <= high:
            return math.exp(first + (last - first) * (share - low) / (high - low))
    return math.exp(points[-1][1])


def _of_borrower(seed: int, index: int, hours: int, habits: BorrowingHabits) -> Iterator[BorrowingIntent]:
    draw = Random(f"{seed}/borrower/{index}")
    reacts = draw.random() < habits.reacting_share
    at = int(draw.uniform(0, habits.mean_idle)) + 1
    while at < hours - 1:
        closes = min(hours - 1, at + 2 + int(draw.expovariate(1 / habits.mean_hold)))
        size = _size(draw, habits.median_collateral, habits.log_deviation, habits.min_collateral, habits.max_collateral)
        yield BorrowingIntent(f"borrower-{index}", at, closes, size, health_factor(draw.random()), reacts)
        at = closes + 1 + int(draw.expovariate(1 / habits.mean_idle))
