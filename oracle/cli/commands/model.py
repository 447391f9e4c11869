"""`plumbline model`: from any ONNX file that ezkl supports to a registered, deployed, provable model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.context import JsonOption, invocation

app = typer.Typer(name="model", help="Models: add, list, show and verify them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The model's name.", show_default=False)]


@app.command("add")
def add(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="Lower case letters, digits and dashes.", show_default=False)],
    onnx: Annotated[Path, typer.Option("--onnx", help="The ONNX file.", show_default=False)],
    calibration: Annotated[
        Path, typer.Option("--calibration", help='Sample inputs, {"input_data": [[...]]}.', show_default=False)
    ],
    deploy: Annotated[
        bool, typer.Option("--deploy", help="Deploy its verifier and register it on the running stack's chain.")
    ] = False,
    max_error: Annotated[
        float | None, typer.Option("--max-error", help="Largest error of an output that the circuit may make.")
    ] = None,
    rpc_url: Annotated[str | None, typer.Option("--rpc-url", help="With --deploy: another chain.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Brings an ONNX file to a provable model: checks it, searches its circuit, makes its keys and its verifier.

    The calibration file holds sample inputs in ezkl's own form; they set the circuit's domain.

    Example:

      plumbline model add credit --onnx credit.onnx --calibration samples.json --deploy
    """
    from oracle.cli.models import add_model

    call = invocation(ctx)
    with render.working(f"add {name}", quiet=call.as_json) as say:
        facts = add_model(
            call.settings, name, onnx, calibration, deploy=deploy, max_error=max_error, rpc_url=rpc_url, say=say
        )
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)


@app.command("deploy")
def deploy(
    ctx: typer.Context,
    *,
    name: Name,
    rpc_url: Annotated[str | None, typer.Option("--rpc-url", help="Another chain than the stack's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Deploys a model's verifier and registers the model, so that its proofs can be verified on chain.

    Example:

      plumbline model deploy credit
    """
    from oracle.cli.models import deploy_model

    call = invocation(ctx)
    with render.working(f"deploy {name}", quiet=call.as_json) as say:
        facts = deploy_model(call.settings, name, rpc_url, say)
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)


@app.command("list")
def list_models(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Every model that can be proven here, and where it is deployed.

    Example:

      plumbline model list --json
    """
    from oracle.cli.models import list_models as listed

    call = invocation(ctx)
    models = listed(call.settings)
    if call.as_json:
        render.print_json(models)
        return
    rows = [
        (m["name"], m["logrows"], m["inputCount"], m["outputCount"], m["srsKind"], m["modelId"] or "-") for m in models
    ]
    render.print_table("", ("name", ">k", ">inputs", ">outputs", "set-up", ">model id"), rows)


@app.command("show")
def show(ctx: typer.Context, *, name: Name, as_json: JsonOption = False) -> None:
    """A model's manifest: hashes, shapes, scales, domain, measured error and cost.

    Example:

      plumbline model show garch-vol-32
    """
    from oracle.cli.models import show_model

    call = invocation(ctx)
    facts = show_model(call.settings, name)
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)


@app.command("verify")
def verify(ctx: typer.Context, *, name: Name, as_json: JsonOption = False) -> None:
    """Checks a model's files against its manifest's hashes, and its verifier on chain where one is deployed.

    Example:

      plumbline model verify garch-vol-32
    """
    from oracle.cli.models import verify_model

    call = invocation(ctx)
    render.print_verification(verify_model(call.settings, name), as_json=call.as_json)
