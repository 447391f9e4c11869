"""`plumbline onchain`: inference on request, asked for and answered on chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from oracle.cli import render
from oracle.cli.context import Invocation, JsonOption, invocation

app = typer.Typer(name="onchain", help="Inference on request, asked for and answered on chain.", no_args_is_help=True)

RpcOption = Annotated[str | None, typer.Option("--rpc-url", help="The chain; default PLUMBLINE_RPC_URL.")]
Model = Annotated[str, typer.Argument(help="The model's name.", show_default=False)]


@app.command("deploy")
def deploy(ctx: typer.Context, *, rpc_url: RpcOption = None, as_json: JsonOption = False) -> None:
    """Brings an InferenceCoordinator onto the chain; a service that starts afterwards answers what it is asked.

    Example:

      plumbline onchain deploy
    """
    from oracle.cli.onchain import deploy_coordinator

    call = invocation(ctx)
    with render.working("deploy", quiet=call.as_json) as say:
        facts = deploy_coordinator(call.settings, rpc_url, say)
    _show(call, facts)


@app.command("price")
def price(
    ctx: typer.Context,
    *,
    model: Model,
    base: Annotated[int, typer.Option("--base", min=0, help="Least fee, wei.", show_default=False)],
    per_callback_gas: Annotated[int, typer.Option("--per-callback-gas", min=0, help="Wei a gas of callback.")] = 0,
    rpc_url: RpcOption = None,
    as_json: JsonOption = False,
) -> None:
    """Offers a model. Only the coordinator's owner may.

    Example:

      plumbline onchain price garch-vol-32 --base 1000000000000000
    """
    from oracle.cli.onchain import set_price

    call = invocation(ctx)
    _show(call, set_price(call.settings, model, base, per_callback_gas, rpc_url=rpc_url))


@app.command("request")
def request(
    ctx: typer.Context,
    *,
    model: Model,
    input_file: Annotated[Path, typer.Option("--input", help='{"input_data": [[...]]}.', show_default=False)],
    fee: Annotated[int, typer.Option("--fee", min=0, help="Wei; 0: the quote.")] = 0,
    life_secs: Annotated[int, typer.Option("--life-secs", min=10, help="Seconds until the deadline.")] = 600,
    prover: Annotated[str, typer.Option("--prover", help="Who alone may answer; default: anybody.")] = "",
    follow: Annotated[bool, typer.Option("--follow", help="Return when it is open no more.")] = False,
    rpc_url: RpcOption = None,
    as_json: JsonOption = False,
) -> None:
    """Asks on chain for a model's answer, with a fee in the chain's coin.

    Example:

      plumbline onchain request garch-vol-32 --input one.json --follow
    """
    from oracle.cli.onchain import ask

    call = invocation(ctx)
    with render.working(f"asking {model}", quiet=call.as_json) as say:
        facts = ask(
            call.settings,
            model,
            input_file,
            fee=fee,
            life_secs=life_secs,
            prover=prover,
            rpc_url=rpc_url,
            follow=follow,
            say=say,
        )
    _show(call, facts)


@app.command("status")
def status(
    ctx: typer.Context,
    *,
    request_id: Annotated[int, typer.Argument(help="The request's id on chain.", min=1, show_default=False)],
    follow: Annotated[bool, typer.Option("--follow", help="Return when it is open no more.")] = False,
    rpc_url: RpcOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where a request on chain stands, from the chain's facts alone.

    Example:

      plumbline onchain status 1
    """
    from oracle.cli.onchain import status as found

    call = invocation(ctx)
    with render.working(f"request {request_id}", quiet=call.as_json) as say:
        facts = found(call.settings, request_id, rpc_url=rpc_url, follow=follow, say=say)
    _show(call, facts)


def _show(call: Invocation, facts: dict[str, Any]) -> None:
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)
