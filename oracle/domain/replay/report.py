"""A replay's report: what was run, what came of each variant, which bars are reached, and what is proven."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Final

from oracle.domain.replay.calls import Hour
from oracle.domain.replay.measures import (
    DAY_HOURS,
    Coverage,
    daily_losses,
    largest_rise,
    mean_excess,
    same_hits_constant,
)
from oracle.domain.replay.runs import (
    Measure,
    Outcome,
    VariantRun,
    by_collateral,
    by_requirement,
    verdict,
    worst_hours,
)
from oracle.domain.replay.statics import Statics
from oracle.units import PRICE_UNIT, WAD

MARGIN_SHARE_BAR: Final = 0.8
RISE_BAR: Final = 1.5
COVERAGE_BAR: Final = 0.05


@dataclass(frozen=True, slots=True)
class Bar:
    """One acceptance figure, and whether it is reached."""

    name: str
    value: float
    asked: str
    reached: bool


@dataclass(frozen=True, slots=True)
class Proofs:
    """What of the risk feed's answers is proven. `rounds`: hours with an answer; `proven`: those with a real proof."""

    mode: str
    circuit: str
    rounds: int
    proven: int

    @property
    def text(self) -> str:
        """It in a sentence."""
        match self.mode:
            case "all":
                return f"Each of the {self.proven} rounds of {self.circuit} is a proof that the real RiskFeed verified."
            case "sampled":
                return (
                    f"{self.proven} of {self.rounds} rounds of {self.circuit}, the worst hours among them, are proofs "
                    "that the real RiskFeed verified, each equal to the circuit's witness; the protocol read the "
                    "witnesses' integers of all hours from a stub."
                )
            case _:
                return f"Nothing is proven: the answers are the model of {self.circuit} in floats, from a stub."


@dataclass(frozen=True, slots=True)
class WorstHour:
    """An hour to look at; `move` is the price's over it, amounts in whole quote by variant."""

    observed_at: int
    move: float
    bad_debt: dict[str, float]
    liquidations: dict[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a replay says."""

    protocol: str
    market: str
    start: int
    end: int
    hours: int
    seed: int
    statics: Statics
    proofs: Proofs
    variants: tuple[Outcome, ...]
    verdict: str
    verdict_by_requirement: str
    bars: tuple[Bar, ...]
    worst: tuple[WorstHour, ...]
    calls: int
    figures_equal: int
    seconds: float

    def variant(self, name: str) -> Outcome:
        """One variant's outcome."""
        return next(each for each in self.variants if each.variant == name)

    def document(self) -> dict[str, Any]:
        """It as JSON."""
        return asdict(self) | {"proofs": asdict(self.proofs) | {"text": self.proofs.text}}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Report:
        """The report behind a `document`."""
        proofs = {name: value for name, value in document["proofs"].items() if name != "text"}
        parts = {
            "statics": Statics(**document["statics"]),
            "proofs": Proofs(**proofs),
            "variants": tuple(Outcome(**each) for each in document["variants"]),
            "bars": tuple(Bar(**each) for each in document["bars"]),
            "worst": tuple(WorstHour(**each) for each in document["worst"]),
        }
        return cls(**document | parts)


def hour_moves(hours: Sequence[Hour]) -> list[float]:
    """The price's relative move into each hour; 0 into the first."""
    return [0.0, *(after.price / before.price - 1 for before, after in itertools.pairwise(hours))]


def worst(hours: Sequence[Hour], runs: Sequence[VariantRun]) -> tuple[WorstHour, ...]:
    """The hours of the largest moves and of the most bad debt."""
    moves = hour_moves(hours)
    return tuple(
        WorstHour(
            hours[at].observed_at,
            moves[at],
            {run.name: run.hours[at].bad_debt for run in runs},
            {run.name: run.hours[at].liquidations for run in runs},
        )
        for at in worst_hours(runs, moves)
    )


def margin_bars(hours: Sequence[Hour], run: VariantRun, statics: Statics) -> list[Bar]:
    """Those of a dynamic margin: coverage of each side, mean, excess, rise."""
    prices = [hour.price / PRICE_UNIT for hour in hours]
    targets = [hour.risk / WAD for hour in hours[::DAY_HOURS]]
    bars, both_margins, both_losses = [], [], []
    for side in ("long", "short"):
        losses = daily_losses(prices, is_long=side == "long")
        margins = targets[: len(losses)]
        coverage = Coverage.of(margins, losses)
        name = f"Kupiec p, {side} side, {coverage.hits} hits in {coverage.days} days"
        bars.append(Bar(name, coverage.p, f"above {COVERAGE_BAR}", coverage.p > COVERAGE_BAR))
        both_margins += margins
        both_losses += losses
    hits = sum(loss > margin for margin, loss in zip(both_margins, both_losses, strict=True))
    excess = mean_excess(both_margins, both_losses)
    if hits:
        constant = same_hits_constant(both_losses, hits)
        static_excess = mean_excess([constant] * len(both_losses), both_losses)
        name = f"mean excess loss of {hits} hits, against {static_excess:.4f} of a constant with as many"
        bars.append(Bar(name, excess, f"below {static_excess:.4f}", excess < static_excess))
    mean = fmean(h.requirement for h in run.hours) / (statics.margin / WAD)
    bars.append(Bar("mean margin over the static", mean, f"at most {MARGIN_SHARE_BAR}", mean <= MARGIN_SHARE_BAR))
    rise = largest_rise([h.requirement for h in run.hours])
    bars.append(Bar("largest rise in five days, margin in force", rise, f"at most {RISE_BAR}", rise <= RISE_BAR))
    return bars


def beats_static(dynamic: Outcome, static: Outcome) -> list[Bar]:
    """The first bar, by both measures of margin: no more bad debt and no more margin, one of them less."""
    measures: tuple[tuple[str, Measure], ...] = (("collateral put in", by_collateral), ("requirement", by_requirement))
    return [_beats(dynamic, static, name, measure) for name, measure in measures]


def _beats(dynamic: Outcome, static: Outcome, measured: str, measure: Measure) -> Bar:
    said = verdict(dynamic, static, measure)
    change = measure(dynamic) / measure(static) - 1 if measure(static) else 0.0
    name = f"bad debt avoided against static, {measured} {change:+.1%}: {said}"
    return Bar(name, static.bad_debt - dynamic.bad_debt, "less of one at no more of the other", said == "better")
