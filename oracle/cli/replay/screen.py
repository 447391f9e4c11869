"""A replay's report as tables, for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from oracle.cli import render
from oracle.cli.render import format_time
from oracle.domain.replay.report import Bar, Report
from oracle.domain.replay.runs import Outcome
from oracle.units import WAD

COLUMNS = (
    "variant",
    "bad debt",
    "liquidations",
    "requirement",
    "exposure",
    "collateral",
    "collateral / exposure",
    "exposure / collateral",
    "fund's result",
    "fund's largest fall",
)


def outcome_cells(outcome: Outcome) -> tuple[str, ...]:
    """One variant's line: amounts in whole quote, means over the hours."""
    return (
        outcome.variant,
        f"{outcome.bad_debt:,.0f}",
        f"{outcome.liquidations:,}",
        f"{outcome.mean_requirement:.2%}",
        f"{outcome.mean_exposure:,.0f}",
        f"{outcome.mean_collateral:,.0f}",
        f"{outcome.collateral_ratio:.2%}",
        f"{outcome.efficiency:.2f}",
        f"{outcome.fund_change:,.0f}",
        f"{outcome.fund_drawdown:,.0f}",
    )


def bar_cells(bar: Bar) -> tuple[str, ...]:
    """One bar's line."""
    return bar.name, f"{bar.value:,.4g}", bar.asked, "yes" if bar.reached else "no"


def title(report: Report) -> str:
    """Which replay it is."""
    first, last = (format_time(at, daily=True) for at in (report.start, report.end))
    return f"{report.protocol}, {report.market}, {first} to {last}, {report.hours} hours"


def statics_text(report: Report) -> str:
    """What was fixed before."""
    s = report.statics
    return (
        f"From the {s.hours:,} hours before: static {s.margin / WAD:.2%}, "
        f"median of the feed's answers {s.reference_risk / WAD:.2%}."
    )


def equality_text(report: Report) -> str:
    """How contracts and twins compare."""
    if not report.calls:
        return "The Python twins alone: no contract ran."
    equal = f"{report.figures_equal:,} figures of the end state equal the twins', to the wei"
    return f"{report.calls:,} calls on chain; {equal}."


def worst_cells(report: Report) -> list[Sequence[str]]:
    """The worst hours: time, move, then bad debt and liquidations of each variant."""
    return [
        (
            format_time(hour.observed_at, daily=False),
            f"{hour.move:+.2%}",
            *(f"{hour.bad_debt[v.variant]:,.0f} / {hour.liquidations[v.variant]}" for v in report.variants),
        )
        for hour in report.worst
    ]


def print_report(report: Report) -> None:
    """Everything, on stdout."""
    render.print_table(title(report), COLUMNS, [outcome_cells(v) for v in report.variants])
    render.print_table("Bars", ("bar", "measured", "asked", "reached"), [bar_cells(bar) for bar in report.bars])
    names = [f"{v.variant}: bad debt / liquidations" for v in report.variants]
    render.print_table("Worst hours", ("hour", "move", *names), worst_cells(report))
    out = render.stdout()
    refused = "; ".join(f"{v.variant}: {v.refusals}" for v in report.variants if v.refusals)
    for text in (statics_text(report), report.proofs.text, equality_text(report), refused and f"Refused: {refused}"):
        if text:
            out.print(text, markup=False)
    out.print(f"Done in {report.seconds:.1f} s.", markup=False)
