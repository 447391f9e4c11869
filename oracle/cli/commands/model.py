"""`plumbline model`: from any ONNX file that ezkl supports to a registered, deployed, provable model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from oracle.cli import render
from oracle.cli.commands.confirming import DryRunOption, RpcOption, YesOption, confirm
from oracle.cli.context import JsonOption, ProofSystem, SystemOption, invocation
from oracle.errors import InvalidInput

app = typer.Typer(name="model", help="Models: add, train, list, show and verify them.", no_args_is_help=True)


class Objective(StrEnum):
    """What a circuit is chosen by."""

    BALANCED = "balanced"
    SECONDS = "seconds"
    GAS = "gas"
    MEMORY = "memory"


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


@app.command("upload")
def upload(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="Lower case letters, digits and dashes.", show_default=False)],
    onnx: Annotated[Path, typer.Option("--onnx", help="The ONNX file.", show_default=False)],
    calibration: Annotated[
        Path, typer.Option("--calibration", help='Sample inputs, {"input_data": [[...]]}.', show_default=False)
    ],
    objective: Annotated[Objective, typer.Option("--objective", help="What is to be least.")] = Objective.BALANCED,
    max_error: Annotated[
        float | None, typer.Option("--max-error", help="Largest error, in units of the output's magnitude.")
    ] = None,
    domain: Annotated[
        str | None, typer.Option("--domain", help="LOW:HIGH; with commas one for each input tensor or value.")
    ] = None,
    deploy: Annotated[
        bool, typer.Option("--deploy/--no-deploy", help="Whether the service deploys and registers it.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Sends an ONNX file to the running service, which reads it in a sandbox and makes it a provable model.

    The request goes on when this command ends; `--json` prints what came of it. Needs an operator's key where the
    service asks for keys (PLUMBLINE_API_KEY).

    Examples:

      plumbline model upload credit --onnx credit.onnx --calibration samples.json --domain=-4:4

      plumbline model upload credit --onnx credit.onnx --calibration samples.json --no-deploy --json
    """
    from oracle.cli.models import upload_model

    call = invocation(ctx)
    with render.working(f"upload {name}", quiet=call.as_json) as say:
        facts = upload_model(
            call.settings,
            name,
            onnx,
            calibration,
            objective=objective.value,
            max_error=max_error,
            domain=domain,
            deploy=deploy,
            say=say,
        )
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)


@app.command("tune")
def tune(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="A new name, or that of a circuit that stands.", show_default=False)],
    onnx: Annotated[
        Path | None, typer.Option("--onnx", help="The ONNX file of a new model.", show_default=False)
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option("--calibration", help='With --onnx: sample inputs, {"input_data": [[...]]}.')
    ] = None,
    objective: Annotated[Objective, typer.Option("--objective", help="What is to be least.")] = Objective.BALANCED,
    max_error: Annotated[
        float | None, typer.Option("--max-error", help="Largest error, in units of the output's magnitude.")
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(
            "--domain",
            help="LOW:HIGH; with commas one a tensor or a value; or a JSON file of such pairs.",
        ),
    ] = None,
    logits: Annotated[
        bool, typer.Option("--logits", help="Leave the last sigmoid or softmax out of the circuit, to its consumer.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="The folder of the chosen circuit.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Searches the cheapest sound circuit of a model, proves the finalists, and prints what there was to choose from.

    Scales, rescaling, decomposition, columns, tables and other forms of the model are tried without proving; each is
    executed on samples from the whole domain and compared with onnxruntime. A circuit that stands is left alone: its
    new form is written beside it, to the folder that is printed.

    Examples:

      plumbline model tune credit --onnx credit.onnx --calibration samples.json --objective gas --domain=-4:4

      plumbline model tune garch-vol-32 --objective seconds --max-error 1e-3 --json
    """
    from oracle.cli.tuning import print_tuned, tune_model

    call = invocation(ctx)
    with render.working(f"tune {name}", quiet=call.as_json) as say:
        facts = tune_model(
            call.settings,
            name,
            onnx=onnx,
            calibration=calibration,
            objective=objective.value,
            max_error=max_error,
            domain=domain,
            logits=logits,
            out=out,
            say=say,
        )
    if call.as_json:
        render.print_json(facts)
    else:
        print_tuned(facts)


@app.command("deploy")
def deploy(
    ctx: typer.Context,
    *,
    name: Name,
    system: SystemOption = ProofSystem.EZKL,
    rpc_url: Annotated[str | None, typer.Option("--rpc-url", help="Another chain than the stack's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Deploys a model's verifier and registers the model, so that its proofs can be verified on chain.

    Under another proof system the same network is a model of its own, NAME.groth16.

    Examples:

      plumbline model deploy credit

      plumbline model deploy realised-vol-30d --system groth16
    """
    if system is ProofSystem.GROTH16:
        from oracle.cli.groth16 import deploy_verifier as deploy_model
    else:
        from oracle.cli.models import deploy_model

    call = invocation(ctx)
    with render.working(f"deploy {name}", quiet=call.as_json) as say:
        facts = deploy_model(call.settings, name, rpc_url, say)
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)


@app.command("revoke")
def revoke(
    ctx: typer.Context,
    *,
    name: Name,
    version: Annotated[int, typer.Option("--version", min=0, help="The version; 0: the registered one.")] = 0,
    rpc_url: RpcOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Revokes a model's version for ever: no proof of it is accepted again. By the model's owner or the guardian.

    Feeds that use it take no round until they are migrated; they are named in what it prints.

    Example:

      plumbline model revoke garch-vol-32 --version 1 --yes
    """
    from oracle.cli.incidents import revoke as revoked

    call = invocation(ctx)
    confirm(
        f"revoke {f'version {version}' if version else 'the registered version'} of {name} for ever", yes=yes or dry_run
    )
    facts = revoked(call.settings, name, version, rpc_url=rpc_url, dry_run=dry_run)
    render.print_json(facts) if call.as_json else render.print_facts(facts)


@app.command("list")
def list_models(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Every model that can be proven here, and where it is deployed.

    Example:

      plumbline model list --json
    """
    from oracle.cli.models import list_models as listed
    from oracle.cli.models import unusable_models

    call = invocation(ctx)
    models = listed(call.settings)
    for broken in unusable_models(call.settings):
        render.stderr().print(f"{broken['name']} cannot be used: {broken['reason']}", markup=False)
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
def verify(
    ctx: typer.Context,
    *,
    name: Annotated[str | None, typer.Argument(help="The model's name.", show_default=False)] = None,
    all_models: Annotated[bool, typer.Option("--all", help="Every model here.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Builds a model's circuit again from its ONNX file and manifest, in a fresh cache, and compares every hash.

    Settings, verifying and proving key, set-up, verifier source and ezkl's version must be the pinned ones; where the
    model is registered, the registry's commitment and the verifier's code on chain too. Ends with code 3 if not.

    Examples:

      plumbline model verify garch-vol-32

      plumbline model verify --all --json
    """
    from oracle.cli.models import verify_model, verify_models

    call = invocation(ctx)
    if (name is None) == (not all_models):
        raise InvalidInput("nothing to verify, or too much", remedy="give one model's name, or --all")
    with render.working("verify", quiet=call.as_json) as say:
        found = verify_models(call.settings, say) if name is None else [verify_model(call.settings, name, say)]
    if call.as_json:
        render.print_json(found if name is None else found[0])
    else:
        for facts in found:
            _print_verified(facts)
    if not all(facts["verified"] for facts in found):
        raise typer.Exit(render.EXIT_HALT)


def _print_verified(facts: dict[str, Any]) -> None:
    rows = [
        (
            "same" if one["same"] else "DIFFERS",
            one["name"],
            one["pinned"],
            one["rebuilt"] or "-",
            one["committed"] or "-",
        )
        for one in facts["hashes"]
    ]
    if rows:
        shown = [(*row[:2], *(text if row[0] != "same" else text[:18] for text in row[2:])) for row in rows]
        render.print_table(facts["model"], ("", "of", "pinned", "rebuilt", "in the folder"), shown)
    said = {"verified": facts["verified"], "model": facts["model"], "folder": facts["folder"]}
    render.print_facts(said | ({"failure": facts["failure"]} if facts["failure"] else {}))


@app.command("rebuild")
def rebuild(
    ctx: typer.Context,
    *,
    name: Name,
    srs: Annotated[str, typer.Option("--srs", help="KIND or KIND/HASH of `plumbline srs list`.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Rebuilds a model's circuit on another set-up, in its folder: other keys, another verifier, the same outputs.

    A model deployed before needs `plumbline model deploy` again, which registers a new version.

    Example:

      plumbline model rebuild garch-vol-32 --srs public
    """
    from oracle.cli.models import rebuild_model

    call = invocation(ctx)
    with render.working(f"rebuild {name}", quiet=call.as_json) as say:
        facts = rebuild_model(call.settings, name, srs, say)
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)


@app.command("refresh-verifier")
def refresh_verifier(
    ctx: typer.Context,
    *,
    names: Annotated[list[str] | None, typer.Argument(help="Models; all of them without.", show_default=False)] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="ezkl's own verifier with one check more: dearer, for comparison.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Writes Verifier.sol again by this release; keys and proofs stay valid, deployed verifiers stay as they are.

    Example:

      plumbline model refresh-verifier garch-vol-32
    """
    from oracle.cli.models import refresh_verifiers

    call = invocation(ctx)
    with render.working("refresh verifiers", quiet=call.as_json):
        facts = refresh_verifiers(call.settings, names or [], plain=plain)
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)


@app.command("batch")
def batch(
    ctx: typer.Context,
    *,
    name: Name,
    rows: Annotated[str, typer.Option("--rows", help="Rows that one proof covers, such as 4,16,64.")] = "4,16,64",
    deploy: Annotated[
        bool,
        typer.Option("--deploy", help="Deploy and register them on the running stack's chain."),
    ] = False,
    rpc_url: Annotated[str | None, typer.Option("--rpc-url", help="With --deploy: another chain.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Makes circuits in which one proof covers many rows of a model, so that a prediction's gas falls.

    They are named NAME-b4, NAME-b16, and so on; 64 rows of a small net take a minute of proving and 3 GB.

    Example:

      plumbline model batch credit --rows 4,16
    """
    from oracle.cli.models import batch_model

    call = invocation(ctx)
    counts = _counts(rows)
    with render.working(f"batch {name}", quiet=call.as_json) as say:
        facts = batch_model(call.settings, name, counts, deploy=deploy, rpc_url=rpc_url, say=say)
    if call.as_json:
        render.print_json(facts)
        return
    for one in facts:
        render.print_facts(one)


def _counts(text: str) -> list[int]:
    """Row counts as a user lists them."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no list of numbers such as 4,16,64") from error


@app.command("train")
def train(
    *,
    name: Annotated[str, typer.Argument(help="The model family, or all.", show_default=False)],
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of market data; default PLUMBLINE_DATA.", show_default=False)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare with what is committed and write nothing.")] = False,
) -> None:
    """Trains a model family from market data with fixed seeds, scores it, and prints every bar, reached or not.

    The circuit is built anew only where the trained model differs from the committed one. Needs the packages of
    the extra "models".

    Examples:

      plumbline model train realised_volatility --data ../shared/data

      plumbline model train all --check
    """
    from oracle.cli.training import train_family

    raise typer.Exit(train_family(name, data, check=check))


@app.command("card")
def card(
    ctx: typer.Context,
    *,
    name: Annotated[str | None, typer.Argument(help="The model's name.", show_default=False)] = None,
    all_models: Annotated[bool, typer.Option("--all", help="Every bar of every model, reached or not.")] = False,
    as_json: JsonOption = False,
) -> None:
    """A model's card: what it computes, its scores on data it never saw, every bar, its circuit, its limits.

    Examples:

      plumbline model card garch-vol-32

      plumbline model card --all --json
    """
    from oracle.cli.training import read_bars, read_card

    call = invocation(ctx)
    if (name is None) == (not all_models):
        raise InvalidInput("no card to show, or too many", remedy="give one model's name, or --all")
    if name is None:
        _print_bars(read_bars(call.settings), as_json=call.as_json)
        return
    text, report = read_card(call.settings, name)
    if call.as_json:
        render.print_json(report)
    else:
        typer.echo(text)


def _print_bars(found: list[dict[str, Any]], *, as_json: bool) -> None:
    """Every bar, then what each model's proof costs."""
    if as_json:
        render.print_json(found)
        return
    rows = [
        (
            one["model"],
            bar["name"],
            f"{bar['value']:.5g}",
            f"{bar['sense']} {bar['limit']:.5g}",
            "yes" if bar["reached"] else "NO",
        )
        for one in found
        for bar in one["bars"]
    ]
    render.print_table("Bars", ("model", "bar", ">measured", "asked", "reached"), rows)
    costs = [
        (
            one["model"],
            one["ships"],
            f"{one['reached']} of {len(one['bars'])}",
            f"{one['proveCpuSeconds']:.2f}",
            f"{one['gas']:,}",
        )
        for one in found
    ]
    render.print_table("Models", ("model", "ships", ">bars reached", ">CPU seconds a proof", ">gas"), costs)
