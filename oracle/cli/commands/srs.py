"""`plumbline srs`: the set-ups of the commitments, and ceremony files to replace the development one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.context import JsonOption, invocation

app = typer.Typer(name="srs", help="Set-ups (SRS): list, check and import ceremony files.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A file of ezkl's (kzg.srs) or of snarkjs (.ptau).", show_default=False)]
LogrowsOption = Annotated[
    int | None, typer.Option("--logrows", help="For circuits of 2^K rows; a .ptau file needs it.", min=1, max=28)
]


@app.command("list")
def list_srs(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Every set-up in the cache: its kind, size and hash.

    Example:

      plumbline srs list
    """
    from oracle.cli.srs import list_srs as listed

    call = invocation(ctx)
    found = listed(call.settings)
    if call.as_json:
        render.print_json(found)
        return
    rows = [(s["kind"], s["logrows"], s["hash"], s["bytes"], "yes" if s["intact"] else "DAMAGED") for s in found]
    render.print_table("", ("kind", ">k", "hash", ">bytes", "intact"), rows)


@app.command("check")
def check(ctx: typer.Context, *, file: File, logrows: LogrowsOption = None, as_json: JsonOption = False) -> None:
    """Checks every point of a ceremony's file by its pairing equations, and says whose it is.

    Example:

      plumbline srs check powersOfTau28_hez_final_12.ptau --logrows 12
    """
    from oracle.cli.srs import check_file

    call = invocation(ctx)
    with render.working(f"check {file.name}", quiet=call.as_json) as say:
        facts = check_file(file, logrows, say)
    _show(facts, as_json=call.as_json)


@app.command("import")
def import_file(
    ctx: typer.Context,
    *,
    file: File,
    logrows: LogrowsOption = None,
    trust: Annotated[
        str | None,
        typer.Option("--trust", help="The file's SHA-256: you vouch that nobody knows its secret.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Takes a ceremony's file into the cache, after every check, so that circuits can be rebuilt on it.

    Known public ceremonies are recognised by hash or secret point. A file of unknown origin serves local chains alone,
    unless --trust names its hash.

    Example:

      plumbline srs import kzg11.srs
    """
    from oracle.cli.srs import import_file as taken

    call = invocation(ctx)
    with render.working(f"import {file.name}", quiet=call.as_json) as say:
        facts = taken(call.settings, file, logrows, trust, say)
    _show(facts, as_json=call.as_json)


def _show(facts: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)
