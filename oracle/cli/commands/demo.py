"""`plumbline demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from oracle.cli.commands.stack import EndOption, SourceOption, StartOption, SymbolOption
from oracle.cli.context import JsonOption, invocation


def demo(
    ctx: typer.Context,
    *,
    source: SourceOption = "sp500",
    symbol: SymbolOption = None,
    start: StartOption = None,
    end: EndOption = None,
    rounds: Annotated[int, typer.Option("--rounds", help="Proven rounds at most.", min=1)] = 40,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the chain running at the end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The main job on a real market: replay, proofs, feeds, and a loan that is warned and liquidated in a crash.

    Runs on a chain of its own, offline, and ends with a table and the command that verifies any round again. Without
    --start, the S&P 500 is replayed around September 2008, and a file around the worst fall in it.

    Examples:

      plumbline demo

      plumbline demo --source csv:binance_1h.parquet --symbol BTCUSDT --start 2021-05-17 --end 2021-05-20

      plumbline demo --source simulator:7 --rounds 5
    """
    from oracle.cli.demo.run import DemoOptions, run_demo

    call = invocation(ctx)
    options = DemoOptions(source=source, symbol=symbol, start=start, end=end, rounds=rounds, keep=keep)
    run_demo(call, options)
