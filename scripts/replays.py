"""The crash windows, replayed, and docs/replays.md with what came of them: `make replays`.

    python scripts/replays.py --data FOLDER [--markets BTC] [--protocols perp] [--proofs sampled] [--twins-only]

FOLDER holds spot_binance_1h_2020-09_2025-09.parquet and perp_candles_1h.parquet, hourly candles with ts, symbol or
coin, and close. Each replay's report and plots go into .plumbline/replays; one that is there already is not run again,
so a run that was stopped goes on. The page is written from what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from textwrap import fill
from typing import Any, Final

from oracle.cli.context import load_settings
from oracle.cli.replay.plots import write_plots
from oracle.cli.replay.protocols import PROTOCOLS as PROTOCOL_RUNS
from oracle.cli.replay.run import ReplayOptions, run_replay
from oracle.cli.replay.screen import COLUMNS, bar_cells, equality_text, outcome_cells
from oracle.cli.replay.series import Sample, open_sample
from oracle.domain import margin
from oracle.domain.replay.measures import (
    DAY_HOURS,
    Coverage,
    daily_losses,
    largest_rise,
    mean_excess,
    same_hits_constant,
)
from oracle.domain.replay.perp import DYNAMIC, FIXED_DEPTH, STATIC, perp_config
from oracle.domain.replay.report import Report
from oracle.domain.replay.runs import Outcome, by_requirement, verdict
from oracle.settings import PROJECT_ROOT
from oracle.units import PRICE_UNIT, SECS_PER_HOUR, WAD

SPOT: Final = "spot_binance_1h_2020-09_2025-09.parquet"
PERP: Final = "perp_candles_1h.parquet"
OUT: Final = PROJECT_ROOT / ".plumbline" / "replays"
PAGE: Final = PROJECT_ROOT / "docs" / "replays.md"
PICTURES: Final = PROJECT_ROOT / "docs" / "replays"
# From about nine days before each fall's worst day to five after it
WINDOWS: Final = {
    "2021-05": (SPOT, "2021-05-10", "2021-05-24"),
    "2022-06": (SPOT, "2022-06-08", "2022-06-22"),
    "2022-11": (SPOT, "2022-11-04", "2022-11-18"),
    "2025-10": (PERP, "2025-10-05", "2025-10-19"),
}
LONG: Final = (SPOT, "2021-11-15", "2025-09-19")
MARKETS: Final = ("BTC", "ETH")
SEEDS: Final = (1, 2, 3, 4, 5)
PROTOCOLS: Final = ("perp", "options", "lending")
PICTURE: Final = {"perp": "bad-debt", "options": "requirement", "lending": "bad-debt"}


@dataclass(frozen=True)
class Run:
    """One window of one market through one protocol."""

    protocol: str
    market: str
    window: str

    @property
    def folder(self) -> Path:
        return OUT / f"{self.protocol}-{self.market.lower()}-{self.window}"

    def report(self) -> Report | None:
        path = self.folder / "report.json"
        return Report.of(json.loads(path.read_text())) if path.is_file() else None

    def done(self, *, contracts: bool) -> bool:
        """Whether it need not run again."""
        report = self.report()
        return report is not None and (report.calls > 0 or not contracts)

    def replay(self, data: Path, proofs: str, *, contracts: bool) -> None:
        """Runs it and writes its files."""
        file, start, end = WINDOWS[self.window]
        source, name = f"csv:{data / file}", symbol(file, self.market)
        options = ReplayOptions(self.protocol, source, name, start, end, proofs, contracts=contracts)
        print(f"replaying {self.folder.name}", flush=True)
        replayed = run_replay(load_settings(), options, lambda text: None)
        write_plots(replayed, self.folder)
        print(f"  {replayed.report.verdict}, {replayed.report.seconds:.0f} s", flush=True)


def symbol(file: str, market: str) -> str:
    """What a file calls a market."""
    return f"{market}USDT" if file == SPOT else f"binance:{market}"


def main() -> int:
    options = parsed()
    runs = [Run(p, m, w) for p in PROTOCOLS for m in MARKETS for w in WINDOWS]
    chosen = [r for r in runs if r.protocol in options.protocols and r.market in options.markets]
    wanted = [r for r in chosen if r.window in options.windows]
    if not options.page:
        data = Path(options.data or os.environ.get("PLUMBLINE_DATA", "")).expanduser()
        missing = [name for name in (SPOT, PERP) if not (data / name).is_file()]
        if missing:
            print(
                f"there is no {' and no '.join(missing)} in {data}: give --data or set PLUMBLINE_DATA", file=sys.stderr
            )
            return 2
        for run in wanted:
            if not run.done(contracts=not options.twins_only):
                run.replay(data, "none" if options.twins_only else options.proofs, contracts=not options.twins_only)
        if not (OUT / "coverage.json").is_file():
            write_coverage(data)
        write_years(data)
        for market in options.markets:
            if "perp" in options.protocols and not (OUT / f"seeds-{market.lower()}.json").is_file():
                write_seeds(data, market)
    PAGE.write_text(page(runs))
    print(f"wrote {PAGE.relative_to(PROJECT_ROOT)}")
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", help="folder of the two parquet files; default: PLUMBLINE_DATA")
    parser.add_argument("--markets", nargs="+", choices=MARKETS, default=MARKETS)
    parser.add_argument("--windows", nargs="+", choices=WINDOWS, default=tuple(WINDOWS))
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    parser.add_argument("--proofs", choices=("all", "sampled", "none"), default="sampled")
    parser.add_argument("--twins-only", action="store_true", help="the Python twins alone, no contracts")
    parser.add_argument("--page", action="store_true", help="write the page from what is there; run nothing")
    return parser.parse_args()


# --- other populations: the perpetual's twins alone, by seed


def write_seeds(data: Path, market: str) -> None:
    """Every window with SEEDS populations, to tell the variants' difference from luck."""
    found = {}
    for window, (file, start, end) in WINDOWS.items():
        sample = open_sample(f"csv:{data / file}", symbol(file, market), start, end)
        hours = sample.hours(None, lambda text: None)
        found[window] = [
            {run.name: asdict(run.outcome()) for run in PROTOCOL_RUNS["perp"].run(hours, sample.statics, seed)}
            for seed in SEEDS
        ]
        print(f"seeds: perp, {market}, {window}", flush=True)
    (OUT / f"seeds-{market.lower()}.json").write_text(json.dumps(found, indent=2) + "\n")


def seeds_text() -> str:
    """Dynamic against static, and dynamic against fixed depth, over all populations."""
    rows = []
    for market in MARKETS:
        path = OUT / f"seeds-{market.lower()}.json"
        for window, runs in (json.loads(path.read_text()) if path.is_file() else {}).items():
            gains = [r[DYNAMIC]["fund_change"] - r[FIXED_DEPTH]["fund_change"] for r in runs]
            error = stdev(gains) / len(gains) ** 0.5
            rows.append(
                [
                    market,
                    window,
                    f"{fmean(r[DYNAMIC]['bad_debt'] for r in runs):,.0f}",
                    f"{fmean(r[STATIC]['bad_debt'] for r in runs):,.0f}",
                    f"{fmean(r[DYNAMIC]['liquidations'] for r in runs):.0f}",
                    f"{fmean(r[STATIC]['liquidations'] for r in runs):.0f}",
                    " / ".join(f"{fmean(r[name]['mean_requirement'] for r in runs):.2%}" for name in (DYNAMIC, STATIC)),
                    " / ".join(f"{fmean(r[name]['collateral_ratio'] for r in runs):.1%}" for name in (DYNAMIC, STATIC)),
                    f"{fmean(gains):+,.0f} ± {error:,.0f}",
                    f"{sum(g > 0 for g in gains)} of {len(gains)}",
                ]
            )
    if not rows:
        return ""
    columns = ["market", "window", "bad debt, dynamic", "static", "liquidations, dynamic", "static"]
    columns += ["requirement, both", "collateral / exposure, both"]
    columns += ["fund: dynamic depth over fixed", "seeds in which it gains"]
    return (
        f"## The perpetual with {len(SEEDS)} populations\n\n"
        "The twins alone, means over the seeds; the fund's difference with its standard error. Dynamic depth ships\n"
        "only where it cuts what liquidity providers lose: fixed depth is `depthRampBpsPerHour = 0`.\n\n"
        + table(columns, rows)
    )


# --- coverage over years: the margin alone, nobody trades


def write_coverage(data: Path) -> None:
    """Margins over the years after the first, by the model in floats, for the bars that need many days."""
    found = {}
    for market in MARKETS:
        file, start, end = LONG
        found[market] = coverage(open_sample(f"csv:{data / file}", symbol(file, market), start, end))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "coverage.json").write_text(json.dumps(found, indent=2) + "\n")


def coverage(sample: Sample) -> dict[str, Any]:
    """What section C (ii) asks of a margin, on both sides."""
    hours = sample.hours(None, lambda text: None)
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


# --- the page


def page(runs: list[Run]) -> str:
    """docs/replays.md, from the reports that are there."""
    found = [(run, report) for run in runs if (report := run.report()) is not None]
    PICTURES.mkdir(exist_ok=True)
    for stale in PICTURES.glob("*.svg"):
        stale.unlink()
    parts = [HEAD, verdicts(found), years_text(), seeds_text(), coverage_text()]
    for run, report in found:
        parts.append(section(run, report))
    parts.append(missing_text(runs))
    return "\n\n".join(part for part in parts if part) + "\n"


HEAD: Final = """# Replays of four crashes

Written by `make replays`; do not edit. How a replay works, who acts in it, what its words mean:
[replaying.md](replaying.md).
The data is hourly Binance closes (spot to 2025-09, the perpetual in 2025-10) and not part of the repository:

```
make replays REPLAY_ARGS="--data FOLDER"                 # all of it; what is there is kept
plumbline replay --protocol perp --source csv:FOLDER/spot_binance_1h_2020-09_2025-09.parquet \\
  --symbol BTCUSDT --start 2021-05-10 --end 2021-05-24   # one of them
```

Amounts in whole dollars. Parameters come from the hours before each window. One choice was made after a first look:
margins ramp by 50 bp a day, as the bar of a rise of 1.5 in five days implies; by 50 bp an hour they rose by 1.9 to
4.3."""


def table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def verdicts(found: list[tuple[Run, Report]]) -> str:
    rows = []
    for run, report in found:
        dynamic, static = (report.variant(name) for name in (DYNAMIC, STATIC))
        rows.append(
            [
                run.protocol,
                run.market,
                run.window,
                *compared(dynamic, static),
                "yes" if report.calls else "twins",
                f"{report.proofs.proven} of {report.proofs.rounds}" if report.proofs.proven else "none",
            ]
        )
    return (
        "## Dynamic against static\n\n"
        "*better*: less bad debt at no more collateral for the exposure, or less collateral at no more bad debt;\n"
        "*mixed*: less of one, more of the other; *worse*: no less of either. Collateral: the dynamic's over the\n"
        "static's for a unit of exposure, as users put it in, also to cover losses. Requirement, dynamic / static:\n"
        "mean over the hours of what the protocol asks of what is open (lending: one less the liquidation LTV).\n"
        "Contracts: whether they ran, or the twins alone; where they ran they ended equal to the wei. Proofs: of\n"
        "the risk feed's rounds, those that are real proofs.\n\n"
        + table(["protocol", "market", "window", *COMPARED, "contracts", "proofs"], rows)
        + "\n\n"
        + tally([report for _, report in found])
    )


def tally(reports: list[Report]) -> str:
    """In how many windows the dynamic twin beats the static one, and in how many a contract and a proof took part."""
    better = [sum(word == "better" for word in words) for words in zip(*map(both_verdicts, reports), strict=True)]
    calls, proofs = sum(r.calls > 0 for r in reports), sum(r.proofs.proven > 0 for r in reports)
    return (
        f"Of {len(reports)} windows dynamic is better in {better[0]} by the collateral and in {better[1]} by the "
        f"requirement;\nthe others say above what they cost or save. Contracts ran in {calls}, real proofs in {proofs}."
    )


def both_verdicts(report: Report) -> tuple[str, str]:
    return report.verdict, report.verdict_by_requirement


COMPARED: Final = [
    "bad debt, dynamic",
    "static",
    "liquidations",
    "collateral",
    "by it",
    "requirement",
    "by it",
]


def compared(dynamic: Outcome, static: Outcome) -> list[str]:
    """Both variants in a line."""
    more = dynamic.collateral_ratio / static.collateral_ratio - 1 if static.collateral_ratio else 0.0
    return [
        f"{dynamic.bad_debt:,.0f}",
        f"{static.bad_debt:,.0f}",
        f"{dynamic.liquidations} / {static.liquidations}",
        f"{more:+.1%}",
        f"**{verdict(dynamic, static)}**",
        f"{dynamic.mean_requirement:.2%} / {static.mean_requirement:.2%}",
        f"**{verdict(dynamic, static, by_requirement)}**",
    ]


# --- years: calm and crashes together


def write_years(data: Path) -> None:
    """Perpetual and lending twins over the years after the first, parameters fixed before them; kept one by one."""
    path = OUT / "years.json"
    found = json.loads(path.read_text()) if path.is_file() else {}
    for market in MARKETS:
        wanted = [p for p in ("perp", "lending") if f"{p} {market}" not in found]
        if not wanted:
            continue
        file, start, end = LONG
        sample = open_sample(f"csv:{data / file}", symbol(file, market), start, end)
        hours = sample.hours(None, lambda text: None)
        for protocol in wanted:
            runs = PROTOCOL_RUNS[protocol].run(hours, sample.statics, SEEDS[0])
            found[f"{protocol} {market}"] = {run.name: asdict(run.outcome()) for run in runs}
            path.write_text(json.dumps(found, indent=2) + "\n")
            print(f"years: {protocol}, {market}", flush=True)


def years_text() -> str:
    path = OUT / "years.json"
    if not path.is_file():
        return ""
    rows = []
    for name, each in json.loads(path.read_text()).items():
        rows.append([*name.split(), *compared(Outcome(**each[DYNAMIC]), Outcome(**each[STATIC]))])
    _, start, end = LONG
    return (
        f"## The same over years, {start} to {end}\n\n"
        "The twins alone, nothing proven, parameters fixed before the first hour. In a crash a margin that follows\n"
        "the forecast must be above one that does not: within a window of two weeks it can hardly hold less. Over\n"
        "years, the crashes of 2022-06 and 2022-11 among them, calm and crash are weighed together.\n\n"
        + table(["protocol", "market", *COMPARED], rows)
    )


def coverage_text() -> str:
    path = OUT / "coverage.json"
    if not path.is_file():
        return ""
    rows = []
    for market, c in json.loads(path.read_text()).items():
        for side, each in c["sides"].items():
            d, s = each["dynamic"], each["static"]
            rows.append(
                [
                    market,
                    f"Kupiec p, {side} side: {d['hits']} hits in {d['days']} days (static: {s['hits']}, "
                    f"p {s['p']:.2g})",
                    f"{d['p']:.3g}",
                    "above .05",
                    yes(d["p"] > 0.05),
                ]
            )
        share = c["mean"] / c["static"]
        rows.append(
            [
                market,
                f"mean margin {c['mean']:.2%} over the static {c['static']:.2%}",
                f"{share:.2f}",
                "at most .8",
                yes(share <= 0.8),
            ]
        )
        rows.append(
            [
                market,
                f"mean excess loss, against {c['same_hits_excess']:.2%} of the constant "
                f"{c['same_hits_constant']:.2%} with as many hits",
                f"{c['excess']:.2%}",
                "below it",
                yes(c["excess"] < c["same_hits_excess"]),
            ]
        )
        rows.append(
            [
                market,
                f"largest rise in five days, margin in force (before the ramp {c['rise_before_ramp']:.2f})",
                f"{c['rise_after_ramp']:.2f}",
                "at most 1.5",
                yes(c["rise_after_ramp"] <= 1.5),
            ]
        )
    _, start, end = LONG
    return (
        f"## The margin over years, {start} to {end}\n\n"
        "The perpetual's margin alone, parameters fixed before the first hour, answers by the model in floats,\n"
        "nothing proven; days do not overlap. This is where coverage can be judged: a window has two weeks.\n\n"
        + table(["market", "bar", "measured", "asked", "reached"], rows)
    )


def yes(reached: bool) -> str:
    return "yes" if reached else "**no**"


def section(run: Run, report: Report) -> str:
    name = f"{run.folder.name}.svg"
    source = run.folder / f"{PICTURE[run.protocol]}.svg"
    if source.is_file():
        shutil.copyfile(source, PICTURES / name)
    s = report.statics
    text = (
        f"{report.hours} hours, seed {report.seed}. Static {s.margin / WAD:.2%}, from {s.hours:,} hours. "
        f"{report.proofs.text} {equality_text(report)}"
    )
    bars = [[*bar_cells(bar)[:-1], yes(bar.reached)] for bar in report.bars]
    picture = f"![{PICTURE[run.protocol]}](replays/{name})" if source.is_file() else ""
    title = f"## {run.protocol}, {run.market}, {run.window}"
    tables = [
        table(list(COLUMNS), [list(outcome_cells(v)) for v in report.variants]),
        table(["bar", "measured", "asked", "reached"], bars),
    ]
    return "\n\n".join(part for part in (title, text, *tables, picture) if part)


def missing_text(runs: list[Run]) -> str:
    missing = [run.folder.name for run in runs if run.report() is None]
    return fill(f"Not replayed for this page: {', '.join(missing)}.", 120, break_on_hyphens=False) if missing else ""


if __name__ == "__main__":
    sys.exit(main())
