"""What the demo came to, as JSON and as the table that it ends with."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from oracle.cli import render
from oracle.cli.demo.replay import Replay
from oracle.cli.demo.report import LoanEvent, cells, columns, median_cells
from oracle.cli.demo.screen import is_daily
from oracle.cli.render import format_time


def outcome(replay: Replay, verified: dict[str, Any], where: Sequence[str], seconds: float) -> dict[str, Any]:
    """Rounds, the loan's life, the verified round, and the command that verifies any; `where` names the chain to it."""
    feed = replay.service.parts.feed(replay.names.volatility).address
    return {
        "market": replay.source.symbol,
        "steps": replay.steps,
        "rounds": [asdict(row) for row in replay.rows],
        "loan": [asdict(event) for event in _loan_events(replay)],
        "feed": feed,
        "verified": verified,
        "verifyCommand": shlex.join(
            [_program(), "verify", *where, "--feed", feed, "--round", str(verified["roundId"])]
        ),
        "seconds": round(seconds, 1),
    }


def _loan_events(replay: Replay) -> list[LoanEvent]:
    return replay.loan.events if replay.loan is not None else []


def _program() -> str:
    """How the user calls this program."""
    return "plumbline" if shutil.which("plumbline") else sys.argv[0]


def print_outcome(replay: Replay, result: dict[str, Any]) -> None:
    """The table of rounds, what was warned and liquidated, and how to verify."""
    daily = is_daily(replay.source)
    rows = [cells(row, daily=daily) for row in replay.rows]
    title = f"{replay.source.symbol}: {len(rows)} proven rounds of {replay.steps} observations; steps in seconds"
    render.print_table(title, columns(), [*rows, median_cells(replay.rows)])
    loan = [(format_time(event.observed_at, daily=daily), event.kind, event.text) for event in _loan_events(replay)]
    render.print_table("The loan", ("date", "event", "what"), loan)
    verified = result["verified"]
    out = render.stdout()
    out.print(
        f"Round {verified['roundId']} was verified again from the chain alone: {len(verified['checks'])} checks, "
        f"answer {render.decimal(verified['answer'], 18)}."
    )
    out.print("Verify any round yourself; nothing but the chain is asked:", markup=False)
    out.print(f"  {result['verifyCommand']}", markup=False)
    if "--rpc-url" in result["verifyCommand"]:
        out.print("The chain keeps running until `plumbline down`.", markup=False)
    out.print(f"Done in {result['seconds']:.1f} s.", markup=False)
