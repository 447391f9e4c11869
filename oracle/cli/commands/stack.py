"""`plumbline up`, `down`, `serve` and `status`: the stack of one state folder."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from oracle.cli import render
from oracle.cli.context import Invocation, JsonOption, invocation

SourceOption = Annotated[
    str, typer.Option("--source", help="sp500, csv:FILE, ccxt:EXCHANGE:SYMBOL, simulator or simulator:SEED.")
]
SymbolOption = Annotated[str | None, typer.Option("--symbol", help="The market, where the source holds several.")]
StartOption = Annotated[str | None, typer.Option("--start", help="A replay's first day (or ISO time), UTC.")]
EndOption = Annotated[str | None, typer.Option("--end", help="A replay's last day (or ISO time), UTC.")]
BoardOption = Annotated[
    str,
    typer.Option(
        "--board",
        help="A liquidation board over the loan market, with liquidation-1, -16 or -64. Wants hourly prices.",
    ),
]
PortRange = {"min": 0, "max": 65535}


def up(
    ctx: typer.Context,
    *,
    source: SourceOption = "sp500",
    symbol: SymbolOption = None,
    start: StartOption = None,
    end: EndOption = None,
    rpc_port: Annotated[int, typer.Option("--rpc-port", help="Port of the chain; 0: a free one.", **PortRange)] = 0,
    api_port: Annotated[
        int, typer.Option("--api-port", "--port", help="Port of the API; 0: a free one.", **PortRange)
    ] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget an earlier chain and database; start anew.")] = False,
    board: BoardOption = "",
    as_json: JsonOption = False,
) -> None:
    """Starts the embedded stack (chain, contracts, service, API) and keeps it running until Ctrl-C or `plumbline down`.

    A service that dies is started again. Where an earlier `up` was killed, this one takes over the chain that it left.

    Examples:

      plumbline up

      plumbline up --source csv:prices.parquet --symbol BTCUSDT --rpc-port 8545 --api-port 8000

      plumbline up --source simulator --board liquidation-16
    """
    from oracle.cli.markets import MarketWords
    from oracle.cli.up import UpOptions, run_up

    words = MarketWords.of(source, symbol, start, end)
    run_up(invocation(ctx), UpOptions(words=words, rpc_port=rpc_port, api_port=api_port, fresh=fresh, board=board))


def down(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Ends the stack of this state folder: supervisor, service and chain. Fine when nothing runs.

    Example:

      plumbline down
    """
    from oracle.cli.supervisor import take_down

    call = invocation(ctx)
    ended = take_down(call.settings)
    if call.as_json:
        render.print_json({"ended": ended})
    else:
        typer.echo(f"ended {', '.join(ended)}" if ended else "nothing was running")


def serve(
    ctx: typer.Context,
    *,
    source: Annotated[str | None, typer.Option("--source", help="As in `up`; default: the running stack's.")] = None,
    symbol: SymbolOption = None,
    start: StartOption = None,
    end: EndOption = None,
) -> None:
    """Runs the service and its API in this process, against the running stack or PLUMBLINE_RPC_URL.

    `plumbline up` runs this for you. On a chain of your own, deploy first.

    Example:

      PLUMBLINE_RPC_URL=http://127.0.0.1:8545 plumbline serve --source simulator
    """
    from oracle.cli.markets import MarketWords
    from oracle.cli.serve import run_serve

    run_serve(invocation(ctx), MarketWords.of(source, symbol, start, end) if source else None)


def status(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """What runs, where it is, and every feed's newest round, read from the chain itself.

    Examples:

      plumbline status

      plumbline status --json | jq -r .rpcUrl
    """
    from oracle.cli.status import collect

    call = invocation(ctx)
    facts = collect(call.settings)
    if call.as_json:
        render.print_json(facts)
    else:
        _print_status(call, facts)


def _print_status(call: Invocation, facts: dict[str, Any]) -> None:
    service = facts["service"]
    pid = f"pid {service['pid']}" if service["pid"] else "no process"
    typer.echo(f"RPC   {facts['rpcUrl']} (chain {facts['chainId']}, block {facts['block']})")
    typer.echo(f"API   {facts['apiUrl'] or '-'} ({'ready' if service['ready'] else 'not ready'}, {pid})")
    typer.echo(f"State {call.settings.state_dir}")
    feeds = [
        (f["name"], f["kind"], f["address"], f["roundId"], render.decimal(f["answer"], f["decimals"]), f["observedAt"])
        for f in facts["feeds"]
    ]
    render.print_table("Feeds", ("name", "kind", "address", ">round", ">answer", ">observed at"), feeds)
    models = [(m["name"], m["modelId"], m["version"], m["status"], m["verifier"]) for m in facts["models"]]
    render.print_table("Models", ("name", ">model id", ">version", "status", "verifier"), models)
    render.print_table("Contracts", ("name", "address"), facts["contracts"].items())
