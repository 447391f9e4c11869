"""`plumbline deploy`."""

from __future__ import annotations

from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.commands.stack import BoardOption, EndOption, SourceOption, StartOption, SymbolOption
from oracle.cli.context import JsonOption, invocation


def deploy(
    ctx: typer.Context,
    *,
    source: SourceOption = "sp500",
    symbol: SymbolOption = None,
    start: StartOption = None,
    end: EndOption = None,
    publisher: Annotated[
        list[str] | None, typer.Option("--publisher", help="Address that signs prices; repeat. Local chains have five.")
    ] = None,
    quorum: Annotated[int, typer.Option("--quorum", min=0, help="Signatures for a price; 0: a majority.")] = 0,
    board: BoardOption = "",
    rpc_url: Annotated[str | None, typer.Option("--rpc-url", help="The chain; default PLUMBLINE_RPC_URL.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Deploys registry, verifier, the GARCH model and the source's feeds; skips what is there.

    On a local chain also test tokens and, once a round is proven, a lending vault. The key is PLUMBLINE_OPERATOR_KEY or
    PLUMBLINE_KEYSTORE. A chain that is not local wants circuits whose set-up comes from a public ceremony.

    Example:

      PLUMBLINE_RPC_URL=http://127.0.0.1:8545 plumbline deploy --source sp500

      PLUMBLINE_RPC_URL=http://127.0.0.1:8545 plumbline deploy --source simulator --board liquidation-16
    """
    from oracle.cli.deployment import deploy_market
    from oracle.cli.markets import MarketWords

    call = invocation(ctx)
    with render.working("deploy", quiet=call.as_json) as say:
        facts = deploy_market(
            call.settings,
            MarketWords.of(source, symbol, start, end),
            publishers=publisher or (),
            quorum=quorum,
            rpc_url=rpc_url,
            say=say,
            board=board,
        )
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_table(f"Chain {facts['chainId']}", ("contract", "address"), facts["contracts"].items())
