"""`plumbline key`: who may use the API."""

from __future__ import annotations

from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.context import JsonOption, invocation
from oracle.domain.access import Role

app = typer.Typer(name="key", help="API keys: create, list and revoke them.", no_args_is_help=True)


@app.command("create")
def create(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="Whose key it is.", show_default=False)],
    role: Annotated[Role, typer.Option("--role", help="Each may do what those before it may.")] = Role.READER,
    rate: Annotated[str, typer.Option("--rate", help="Requests in a second, minute or hour.")] = "600/minute",
    proofs_per_day: Annotated[
        int | None, typer.Option("--proofs-per-day", min=0, help="Proofs in a UTC day; default: no bound.")
    ] = None,
    days: Annotated[float | None, typer.Option("--days", min=0, help="It ends after so many; default: never.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Makes a key and prints it, once: the database keeps only its hash.

    Examples:

      plumbline key create risk-desk --role prover --proofs-per-day 5000

      plumbline key create prometheus --json | jq -r .key
    """
    from oracle.cli.keys import create_key

    call = invocation(ctx)
    facts = create_key(call.settings, name, role, rate, proofs_per_day=proofs_per_day, days=days)
    if call.as_json:
        render.print_json(facts)
        return
    typer.echo(facts["key"])
    typer.echo(f"{facts['role']} {facts['name']}, {facts['rate']}; it is shown this once", err=True)


@app.command("list")
def list_(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Every key with its role, what it may use, and the proofs that it has asked for today.

    Example:

      plumbline key list
    """
    from oracle.cli.keys import list_keys

    call = invocation(ctx)
    keys = list_keys(call.settings)
    if call.as_json:
        render.print_json(keys)
        return
    rows = [(k["id"], k["name"], k["role"], k["rate"], k["proofsPerDay"], k["proofsToday"], k["state"]) for k in keys]
    columns = ("id", "name", "role", "rate", ">proofs a day", ">today", "state")
    render.print_table("Keys", columns, rows)


@app.command("revoke")
def revoke(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="The key's name or id.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Ends a key for good; running services refuse it within a second.

    Example:

      plumbline key revoke risk-desk
    """
    from oracle.cli.keys import revoke_key

    call = invocation(ctx)
    facts = revoke_key(call.settings, name)
    if call.as_json:
        render.print_json(facts)
    else:
        typer.echo(f"{facts['name']} ({facts['id']}) is {facts['state']}")
