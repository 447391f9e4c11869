"""`plumbline publisher`: who signs the observations of a feed."""

from __future__ import annotations

from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.commands.confirming import DryRunOption, RpcOption, YesOption, confirm
from oracle.cli.context import JsonOption, invocation

app = typer.Typer(name="publisher", help="Publishers: who signs what a feed observes.", no_args_is_help=True)


@app.callback()
def publishers() -> None:
    """Publishers: who signs what a feed observes."""


@app.command("rotate")
def rotate(
    ctx: typer.Context,
    *,
    feed: Annotated[str, typer.Argument(help="The observed feed, such as spx-usd.", show_default=False)],
    publisher: Annotated[list[str], typer.Option("--publisher", help="Address that signs from now on; repeat.")],
    quorum: Annotated[int, typer.Option("--quorum", min=0, max=32, help="Signatures needed; 0: a majority.")] = 0,
    rpc_url: RpcOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Replaces all publishers of a feed: for a key that is lost or stolen. By the feed's owner.

    Reports signed under the old set are refused from that block on; a publisher that stays signs anew.

    Example:

      plumbline publisher rotate spx-usd --publisher 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC --yes
    """
    from oracle.cli.incidents import rotate as rotated

    call = invocation(ctx)
    confirm(f"replace the publishers of {feed} by {len(publisher)}", yes=yes or dry_run)
    facts = rotated(call.settings, feed, publisher, quorum, rpc_url=rpc_url, dry_run=dry_run)
    render.print_json(facts) if call.as_json else render.print_facts(facts)
