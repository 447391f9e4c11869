"""docs/replays.md, written from what the replays have left."""

from __future__ import annotations

import json
import shutil
from statistics import fmean, stdev
from textwrap import fill
from typing import Final

from oracle.cli.replay.screen import COLUMNS, bar_cells, equality_text, outcome_cells
from oracle.domain.replay.perp import DYNAMIC, FIXED_DEPTH, STATIC
from oracle.domain.replay.report import Report
from oracle.domain.replay.runs import Outcome, by_requirement, verdict
from oracle.settings import PROJECT_ROOT
from oracle.units import WAD
from replaying.beside import LONG, SEEDS
from replaying.windows import MARKETS, OUT, Run

PAGE: Final = PROJECT_ROOT / "docs" / "replays.md"
PICTURES: Final = PROJECT_ROOT / "docs" / "replays"
PICTURE: Final = {"perp": "bad-debt", "options": "requirement", "lending": "bad-debt"}


def page(runs: list[Run]) -> str:
    """docs/replays.md, from the reports that are there."""
    found = [(run, report) for run in runs if (report := run.report()) is not None]
    PICTURES.mkdir(exist_ok=True)
    for stale in PICTURES.glob("*.svg"):
        stale.unlink()
    parts = [HEAD, verdicts(found), years_text(), level_text(), seeds_text(), coverage_text()]
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


def level_text() -> str:
    """Bad debt at the same requirement: the dynamic perpetual against a static one at the dynamic's mean."""
    path = OUT / "level.json"
    if not path.is_file():
        return ""
    rows, fewer = [], 0
    for name, each in json.loads(path.read_text()).items():
        dynamic, static = Outcome(**each[DYNAMIC]), Outcome(**each[STATIC])
        fewer += dynamic.bad_debt < static.bad_debt
        rows.append(
            [
                *name.split(),
                f"{dynamic.mean_requirement:.2%}",
                f"{dynamic.bad_debt:,.0f}",
                f"{static.bad_debt:,.0f}",
                f"{dynamic.liquidations} / {static.liquidations}",
                f"{dynamic.collateral_ratio:.1%} / {static.collateral_ratio:.1%}",
                f"{dynamic.fund_change:+,.0f} / {static.fund_change:+,.0f}",
            ]
        )
    columns = ["market", "window", "mean requirement of both", "bad debt, dynamic", "static", "liquidations"]
    columns += ["collateral / exposure", "fund's change"]
    return (
        "## The perpetual at the same requirement\n\n"
        "The static twin asks, all the time, what the dynamic one turned out to ask in the mean, which nobody could\n"
        "have known before; the same population, the twins alone. It tells what following the forecast is worth\n"
        "apart from how much is asked.\n\n" + table(columns, rows) + f"\n\nLess bad debt by the dynamic twin in "
        f"{fewer} of {len(rows)}."
    )


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
