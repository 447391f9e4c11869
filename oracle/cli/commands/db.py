"""`plumbline db`: the database's schema."""

from __future__ import annotations

import typer

from oracle.cli import render
from oracle.cli.context import JsonOption, invocation

app = typer.Typer(name="db", help="The database's schema: its revision, and to the newest.", no_args_is_help=True)


@app.command("current")
def current(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """The revision of the database's schema, and the one that this version works with.

    Example:

      PLUMBLINE_DATABASE_URL=postgresql://host/plumbline plumbline db current
    """
    from oracle.cli.database import schema

    call = invocation(ctx)
    facts = schema(call.settings)
    if call.as_json:
        render.print_json(facts)
        return
    state = "up to date" if facts["current"] == facts["newest"] else "run `plumbline db upgrade`"
    typer.echo(f"{facts['database']}: revision {facts['current'] or 'none'} of {facts['newest']}, {state}")


@app.command("upgrade")
def upgrade(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Brings the schema up to this version's. The service does so by itself when it starts.

    Example:

      plumbline db upgrade
    """
    from oracle.cli.database import upgrade_schema

    call = invocation(ctx)
    facts = upgrade_schema(call.settings)
    if call.as_json:
        render.print_json(facts)
        return
    typer.echo(f"{facts['database']}: revision {facts['before'] or 'none'} -> {facts['current']}")
