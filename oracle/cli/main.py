"""`plumbline`: the command line. Commands import what is heavy when they run, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.commands import (
    bench,
    book,
    chain,
    db,
    demo,
    doctor,
    feed,
    groth16,
    key,
    model,
    onchain,
    prove,
    publisher,
    replay,
    srs,
    stack,
    verify,
    worker,
)
from oracle.cli.context import Invocation, invocation
from oracle.cli.signals import end_on_sigterm

app = typer.Typer(
    name="plumbline",
    help="Verifiable risk oracle: every number that moves collateral carries its own proof.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(version("plumbline"))
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print facts, and errors, as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more, and show tracebacks.")] = False,
    _: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Verifiable risk oracle: every number that moves collateral carries its own proof."""
    call = invocation(ctx)
    call.as_json = call.as_json or as_json
    call.verbose = call.verbose or verbose


app.command("demo")(demo.demo)
app.command("replay")(replay.replay)
app.command("up")(stack.up)
app.command("down")(stack.down)
app.command("serve")(stack.serve)
app.command("worker")(worker.worker)
app.command("status")(stack.status)
app.command("deploy")(chain.deploy)
app.add_typer(feed.app, name="feed")
app.add_typer(model.app, name="model")
app.add_typer(publisher.app, name="publisher")
app.add_typer(srs.app, name="srs")
app.add_typer(book.app, name="book")
app.add_typer(groth16.app, name="groth16")
app.add_typer(db.app, name="db")
app.add_typer(key.app, name="key")
app.add_typer(onchain.app, name="onchain")
app.command("prove")(prove.prove)
app.command("request")(prove.request)
app.command("verify")(verify.verify)
app.command("evidence")(verify.evidence)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)


def main() -> None:
    """Runs the command line; the exit code says which kind of error ended it (see render.exit_code)."""
    call = Invocation()
    end_on_sigterm()
    try:
        app(obj=call)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - kept open for the exit's flush
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last place that can say it in a line
        render.print_error(error, as_json=call.as_json, verbose=call.verbose)
        sys.exit(render.exit_code(error))
