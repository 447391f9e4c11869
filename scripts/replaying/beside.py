"""What is measured beside the windows, by the Python twins alone: other populations, years, coverage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from oracle.cli.replay.protocols import PROTOCOLS as PROTOCOL_RUNS
from oracle.cli.replay.series import Sample, open_sample
from oracle.domain import margin
from oracle.domain.replay.calls import Hour
from oracle.domain.replay.measures import (
    DAY_HOURS,
    Coverage,
    daily_losses,
    largest_rise,
    mean_excess,
    same_hits_constant,
)
from oracle.domain.replay.perp import DYNAMIC, STATIC, perp_config, run_perp, variants
from oracle.domain.replay.population import trading_intents
from oracle.domain.replay.runs import Outcome
from oracle.units import PRICE_UNIT, SECS_PER_HOUR, WAD
from replaying.windows import MARKETS, OUT, SPOT, WINDOWS, Run, symbol

LONG: Final = (SPOT, "2021-11-15", "2025-09-19")
SEEDS: Final = (1, 2, 3, 4, 5)
YEARS: Final = "years"


def lived(data: Path, market: str, span: tuple[str, str, str]) -> tuple[Sample, list[Hour]]:
    """A market over a span (file, first day, last day): the sample, and its hours with the model's answers."""
    file, start, end = span
    sample = open_sample(f"csv:{data / file}", symbol(file, market), start, end)
    return sample, sample.hours(None, lambda text: None)


def write_seeds(data: Path, market: str) -> None:
    """Every window with SEEDS populations, to tell the variants' difference from luck."""
    found = {}
    for window, span in WINDOWS.items():
        sample, hours = lived(data, market, span)
        found[window] = [
            {run.name: asdict(run.outcome()) for run in PROTOCOL_RUNS["perp"].run(hours, sample.statics, seed)}
            for seed in SEEDS
        ]
        print(f"seeds: perp, {market}, {window}", flush=True)
    (OUT / f"seeds-{market.lower()}.json").write_text(json.dumps(found, indent=2) + "\n")


def write_years(data: Path) -> None:
    """Perpetual and lending twins over the years after the first, parameters fixed before them; kept one by one."""
    path = OUT / "years.json"
    found = json.loads(path.read_text()) if path.is_file() else {}
    for market in MARKETS:
        wanted = [p for p in ("perp", "lending") if f"{p} {market}" not in found]
        if not wanted:
            continue
        sample, hours = lived(data, market, LONG)
        for protocol in wanted:
            runs = PROTOCOL_RUNS[protocol].run(hours, sample.statics, SEEDS[0])
            found[f"{protocol} {market}"] = {run.name: asdict(run.outcome()) for run in runs}
            path.write_text(json.dumps(found, indent=2) + "\n")
            print(f"years: {protocol}, {market}", flush=True)


def write_level(data: Path) -> None:
    """The static perpetual that always asks what the dynamic one turned out to ask in the mean; kept one by one.

    Nobody could have set it so: the level is known only afterwards.
    """
    path = OUT / "level.json"
    found = json.loads(path.read_text()) if path.is_file() else {}
    for market in MARKETS:
        for window, span in {**WINDOWS, YEARS: LONG}.items():
            name, kept = f"{market} {window}", dynamic_and_seed(market, window)
            if name in found or kept is None:
                continue
            dynamic, seed = kept
            sample, hours = lived(data, market, span)
            statics = replace(sample.statics, margin=round(dynamic.mean_requirement * WAD))
            config = variants(statics, hours[0].price)[STATIC]
            level = run_perp(STATIC, config, hours, statics, trading_intents(seed, len(hours))).outcome()
            found[name] = {DYNAMIC: asdict(dynamic), STATIC: asdict(level)}
            path.write_text(json.dumps(found, indent=2) + "\n")
            print(f"static at the dynamic's mean: {name}", flush=True)


def dynamic_and_seed(market: str, window: str) -> tuple[Outcome, int] | None:
    """The dynamic perpetual's outcome and its population's seed, where it was replayed."""
    if window == YEARS:
        path = OUT / "years.json"
        kept = json.loads(path.read_text()).get(f"perp {market}") if path.is_file() else None
        return (Outcome(**kept[DYNAMIC]), SEEDS[0]) if kept else None
    report = Run("perp", market, window).report()
    return (report.variant(DYNAMIC), report.seed) if report else None


def write_coverage(data: Path) -> None:
    """Margins over the years after the first, by the model in floats, for the bars that need many days."""
    found = {}
    for market in MARKETS:
        found[market] = coverage(*lived(data, market, LONG))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "coverage.json").write_text(json.dumps(found, indent=2) + "\n")


def coverage(sample: Sample, hours: Sequence[Hour]) -> dict[str, Any]:
    """What section C (ii) asks of a margin, on both sides."""
    config = perp_config(sample.statics, hours[0].price)
    prices = [h.price / PRICE_UNIT for h in hours]
    targets = [margin.clip(h.risk, config.min_margin, config.max_margin) for h in hours]
    in_force, ramped = targets[0], []
    for before in [targets[0], *targets[:-1]]:
        in_force = margin.ramped(in_force, before, SECS_PER_HOUR, margin.RAMP_STEP_WAD, config.ramp_interval)
        ramped.append(in_force / WAD)
    daily = [t / WAD for t in targets[::DAY_HOURS]]
    static = sample.statics.margin / WAD
    sides = {side: daily_losses(prices, is_long=side == "long") for side in ("long", "short")}
    losses = [loss for side in sides.values() for loss in side]
    margins = [m for side in sides.values() for m in daily[: len(side)]]
    hits = sum(loss > m for loss, m in zip(losses, margins, strict=True))
    constant = same_hits_constant(losses, hits)
    return {
        "hours": len(hours),
        "history_hours": sample.statics.hours,
        "static": static,
        "mean": fmean(t / WAD for t in targets),
        "sides": {
            side: {
                "dynamic": vars_of(Coverage.of(daily[: len(found)], found)),
                "static": vars_of(Coverage.of([static] * len(found), found)),
            }
            for side, found in sides.items()
        },
        "excess": mean_excess(margins, losses),
        "same_hits_constant": constant,
        "same_hits_excess": mean_excess([constant] * len(losses), losses),
        "rise_before_ramp": largest_rise([t / WAD for t in targets]),
        "rise_after_ramp": largest_rise(ramped),
    }


def vars_of(found: Coverage) -> dict[str, float]:
    return {"days": found.days, "hits": found.hits, "p": found.p}
