"""`plumbline deploy`."""

from __future__ import annotations

from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.commands.stack import EndOption, SourceOption, StartOption, SymbolOption
from oracle.cli.context import JsonOption, invocation


def deploy(
    ctx: typer.Context,
    *,
    source: SourceOption = "sp500",
    symbol: SymbolOption = None,
    start: StartOption = None,
    end: EndOption = None,
    rpc_url: Annotated[str | None, typer.Option("--rpc-url", help="The chain; default PLUMBLINE_RPC_URL.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Deploys registry, verifier, the GARCH model, the source's feeds and a lending vault; skips what is there.

    The key is PLUMBLINE_OPERATOR_KEY or PLUMBLINE_KEYSTORE. A chain that is not local wants circuits whose set-up comes
    from a public ceremony.

    Example:

      PLUMBLINE_RPC_URL=http://127.0.0.1:8545 plumbline deploy --source sp500
    """
    from oracle.cli.deployment import deploy_market

    call = invocation(ctx)
    with render.working("deploying", quiet=call.as_json) as say:
        facts = deploy_market(call.settings, source, symbol, start, end, rpc_url=rpc_url, say=say)
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_table(f"Chain {facts['chainId']}", ("contract", "address"), facts["contracts"].items())
