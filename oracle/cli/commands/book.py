"""`plumbline book`: an order book's log against what its operator committed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from oracle.cli import render
from oracle.cli.context import JsonOption, invocation

app = typer.Typer(name="book", help="Order books: check a log against its commitments.", no_args_is_help=True)


@app.callback()
def _book() -> None:
    """Order books: check a log against its commitments."""


@app.command("verify")
def verify(
    ctx: typer.Context,
    *,
    contract: Annotated[str, typer.Option("--contract", help="The OrderMatching contract's address.")],
    series: Annotated[str, typer.Option("--series", help="The series' id on the options book.")],
    log: Annotated[
        Path | None,
        typer.Option("--log", help="The log as GET /v1/book/ID/log gave it; else the service's."),
    ] = None,
    receipt: Annotated[
        list[Path] | None, typer.Option("--receipt", help="A receipt as JSON, as placing gave it; repeatable.")
    ] = None,
    rpc_url: Annotated[str | None, typer.Option("--rpc-url", help="The chain; default: the running stack's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Checks a series' log: each batch's Merkle root, the hash chain, every settled fill, and your receipts.

    Trusts the chain alone; a log with an entry left out, moved or changed is refused with exit code 2.

    Examples:

      plumbline book verify --contract 0x5FbD... --series 345327251227266232...

      plumbline book verify --contract 0x5FbD... --series 3453... --log log.json --receipt mine.json
    """
    from oracle.cli import books

    call = invocation(ctx)
    files = receipt or []
    facts: dict[str, Any] = books.verify(call.settings, contract, series, log=log, receipts=files, rpc_url=rpc_url)
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)
