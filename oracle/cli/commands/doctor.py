"""`plumbline doctor`."""

from __future__ import annotations

import typer

from oracle.cli import render
from oracle.cli.context import JsonOption, invocation

MARKS = {"ok": "[green]ok[/green]    ", "note": "[yellow]note[/yellow]  ", "broken": "[red]BROKEN[/red]"}


def doctor(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Checks every tool, version, key and connection, and says how to mend what is broken (exit code 1 then).

    Examples:

      plumbline doctor

      plumbline doctor --json | jq '.checks[] | select(.status != "ok")'
    """
    from rich.markup import escape

    from oracle.cli import diagnosis

    call = invocation(ctx)
    found = []
    console = render.stdout()
    for check in diagnosis.run(call.settings):
        found.append(check)
        if not call.as_json:
            console.print(f"{MARKS[check.status]} {escape(check.name)}: {escape(check.detail)}")
            if check.remedy:
                console.print(f"         -> {escape(check.remedy)}")
    broken = [check for check in found if check.status == "broken"]
    if call.as_json:
        render.print_json({"healthy": not broken, "checks": [check.as_dict() for check in found]})
    else:
        console.print(f"\n{len(broken)} broken of {len(found)} looked at" if broken else "\nEverything is in order.")
    if broken:
        raise typer.Exit(1)
