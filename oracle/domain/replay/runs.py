"""What one variant of a protocol came to, hour by hour and in sum; amounts in whole quote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final, TypeAlias

from oracle.domain.replay.calls import Call, Moment
from oracle.units import SECS_PER_HOUR

# After an observation: it is recorded, its proof is sent, contracts are deployed (on the first), everybody acts
OBSERVED_AFTER_SECS: Final = 20
PROVEN_AFTER_SECS: Final = 40
DEPLOYED_AFTER_SECS: Final = 60
ACTS_AFTER_SECS: Final = 120
FOREVER: Final = 2**64 - 1
MAX_UINT: Final = 2**256 - 1
KEEPER: Final = "keeper"
PROVIDER: Final = "provider"


@dataclass(frozen=True, slots=True)
class HourRecord:
    """The variant after an hour's calls.

    `requirement`: margin in force, a share of the exposure. `exposure`: notional, or debt. `collateral`: what the
    users have put in for what is open, gains and losses not counted.
    `bad_debt` and `liquidations`: of this hour alone. `fund`: what its providers have.
    """

    requirement: float
    exposure: float
    collateral: float
    bad_debt: float
    liquidations: int
    fund: float


@dataclass
class VariantRun:
    """One variant's calls and records; `twin` is the state that the contract must end in."""

    name: str
    twin: Any
    moments: list[Moment] = field(default_factory=list)
    hours: list[HourRecord] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)

    def at(self, time: int, hour: int, calls: list[Call]) -> None:
        """Adds what was called at a time; nothing when that was nothing."""
        if calls:
            self.moments.append(Moment(time, hour, calls))

    def outcome(self) -> Outcome:
        """The sums over the hours with something open."""
        held = [h for h in self.hours if h.exposure > 0]
        exposure = sum(h.exposure for h in held)
        collateral = sum(h.collateral for h in held)
        return Outcome(
            variant=self.name,
            bad_debt=sum(h.bad_debt for h in self.hours),
            liquidations=sum(h.liquidations for h in self.hours),
            mean_requirement=fmean(h.requirement for h in self.hours) if self.hours else 0.0,
            mean_exposure=exposure / len(held) if held else 0.0,
            mean_collateral=collateral / len(held) if held else 0.0,
            collateral_ratio=collateral / exposure if exposure else 0.0,
            efficiency=exposure / collateral if collateral > 0 else 0.0,
            fund_change=self.hours[-1].fund - self.hours[0].fund if self.hours else 0.0,
            fund_drawdown=_drawdown([h.fund for h in self.hours]),
            refusals=dict(sorted(self.refusals.items())),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A variant in one line. Amounts in whole quote; `fund_change` is what its providers won, negative: lost;
    `fund_drawdown` the largest fall from a high of theirs.

    `mean_requirement`: over all hours. `collateral_ratio`: collateral held over exposure; `efficiency` its inverse.
    """

    variant: str
    bad_debt: float
    liquidations: int
    mean_requirement: float
    mean_exposure: float
    mean_collateral: float
    collateral_ratio: float
    efficiency: float
    fund_change: float
    fund_drawdown: float
    refusals: dict[str, int]


Measure: TypeAlias = Callable[[Outcome], float]


def by_collateral(outcome: Outcome) -> float:
    """Collateral put in for the exposure: also what users add to cover losses."""
    return outcome.collateral_ratio


def by_requirement(outcome: Outcome) -> float:
    """What the protocol requires of what is open."""
    return outcome.mean_requirement


def acts_at(observed_at: int, part: int = 0, parts: int = 1) -> int:
    """When everybody acts on an observation, or at the `part`-th of equal parts of the hour."""
    return observed_at + ACTS_AFTER_SECS + part * (SECS_PER_HOUR - 2 * ACTS_AFTER_SECS) // parts


def deployed_at(observed_at: int, place: int) -> int:
    """When the `place`-th variant is deployed, on the first observation: no two blocks have one time."""
    return observed_at + DEPLOYED_AFTER_SECS + place


def verdict(dynamic: Outcome, static: Outcome, margin: Measure = by_collateral) -> str:
    """better, equal, mixed or worse: less bad debt at no more margin, or less margin at no more bad debt, is better.

    `margin`: by what it is measured, the collateral that users put in or what the protocol requires.
    """
    debt = _compared(dynamic.bad_debt, static.bad_debt)
    more = _compared(margin(dynamic), margin(static))
    if debt <= 0 and more <= 0:
        return "better" if debt < 0 or more < 0 else "equal"
    return "worse" if debt >= 0 and more >= 0 else "mixed"


def worst_hours(runs: Sequence[VariantRun], moves: Sequence[float], count: int = 5) -> list[int]:
    """The hours of the largest moves, then those with the most bad debt, each hour once, worst first."""
    by_move = sorted(range(len(moves)), key=lambda at: -abs(moves[at]))[:count]
    indebted = [at for run in runs for at, h in enumerate(run.hours) if h.bad_debt > 0]
    by_debt = sorted(indebted, key=lambda at: -max(run.hours[at].bad_debt for run in runs))[:count]
    return list(dict.fromkeys([*by_move, *by_debt]))


def _compared(left: float, right: float) -> int:
    return (left > right) - (left < right)


def _drawdown(values: Sequence[float]) -> float:
    high, worst = float("-inf"), 0.0
    for value in values:
        high = max(high, value)
        worst = max(worst, high - value)
    return worst
