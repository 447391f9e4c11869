"""`plumbline replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.commands.stack import EndOption, StartOption, SymbolOption
from oracle.cli.context import JsonOption, invocation


def replay(
    ctx: typer.Context,
    *,
    protocol: Annotated[str, typer.Option("--protocol", help="lending, perp or options.")],
    source: Annotated[str, typer.Option("--source", help="csv:FILE with hourly candles: csv, csv.gz or parquet.")],
    symbol: SymbolOption = None,
    start: StartOption = None,
    end: EndOption = None,
    proofs: Annotated[
        str,
        typer.Option(
            "--proofs",
            help="all: every round is proven; sampled: one in --every and the worst hours; none: a model in floats.",
        ),
    ] = "sampled",
    every: Annotated[int, typer.Option("--every", help="With sampled proofs, one round in so many.", min=1)] = 100,
    twins_only: Annotated[
        bool, typer.Option("--twins-only", help="The Python twins alone, no contracts: years in a minute or two.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Draws the users; the same for every variant.")] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Write report.json and the plots into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Replays hourly prices through a protocol's real contracts, beside a twin whose parameters are fixed beforehand.

    A local chain of its own, offline. Parameters and the twin's constants come from the hours before --start alone. The
    contracts must end in the state that the Python twin ends in, to the wei. Answers of the circuit are kept in the
    cache folder: a run that was stopped goes on where it was.

    Examples:

      plumbline replay --protocol perp --source csv:btc_1h.parquet --symbol BTCUSDT --start 2021-05-05 --end 2021-05-31

      plumbline replay --protocol options --source csv:eth_1h.csv --start 2022-06-01 --proofs none --json

      plumbline replay --protocol perp --source csv:btc_1h.csv --start 2022-11-01 --out replays/btc-2022-11
    """
    from oracle.cli.replay.plots import require_matplotlib, write_plots
    from oracle.cli.replay.run import ReplayOptions, run_replay
    from oracle.cli.replay.screen import print_report

    call = invocation(ctx)
    options = ReplayOptions(
        protocol, source, symbol, start, end, proofs, every, seed, contracts=not twins_only
    ).checked()
    if out is not None:
        require_matplotlib()
    with render.working("replay", quiet=call.as_json) as say:
        replayed = run_replay(call.settings, options, say)
    if out is not None:
        write_plots(replayed, out)
    if call.as_json:
        render.print_json(replayed.report.document())
    else:
        print_report(replayed.report)
