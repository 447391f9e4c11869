"""`plumbline prove` and `plumbline request`: one inference, here or by the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.context import JsonOption, ProofSystem, SystemOption, invocation
from oracle.domain.requests import Priority

Model = Annotated[str, typer.Argument(help="The model's name.", show_default=False)]
Input = Annotated[Path, typer.Option("--input", help='The inputs, {"input_data": [[...]]}.', show_default=False)]


def prove(
    ctx: typer.Context,
    *,
    name: Model,
    input_file: Input,
    submit: Annotated[bool, typer.Option("--submit", help="Have it verified on chain, in a transaction.")] = False,
    output: Annotated[Path | None, typer.Option("--output", help="Write the proof to this file.")] = None,
    system: SystemOption = ProofSystem.EZKL,
    rpc_url: Annotated[str | None, typer.Option("--rpc-url", help="With --submit: another chain.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Proves one input of a model here, and checks the proof. Without --submit no chain is needed.

    Examples:

      plumbline prove credit --input one.json --output proof.json

      plumbline prove credit --input one.json --submit

      plumbline prove realised-vol-30d --input one.json --system groth16 --submit
    """
    if system is ProofSystem.GROTH16:
        from oracle.cli.groth16 import prove_input
    else:
        from oracle.cli.proofs import prove_input

    call = invocation(ctx)
    with render.working(f"proving {name}", quiet=call.as_json) as say:
        facts = prove_input(call.settings, name, input_file, submit=submit, output=output, rpc_url=rpc_url, say=say)
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)


def request(
    ctx: typer.Context,
    *,
    name: Model,
    input_file: Input,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the request has ended.")] = False,
    submit: Annotated[bool, typer.Option("--submit", help="Have it verified on chain.")] = False,
    priority: Annotated[
        Priority,
        typer.Option("--priority", help="How soon, among those that wait; high takes an operator's key or a quota."),
    ] = Priority.NORMAL,
    idempotency_key: Annotated[
        str, typer.Option("--idempotency-key", help="The same key never makes a second request.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Has the running service prove one input; it survives a restart of the service.

    Example:

      plumbline request garch-vol-32 --input one.json --wait --idempotency-key monday-1

      plumbline request garch-vol-32 --input one.json --priority high
    """
    from oracle.cli.proofs import request_proof

    call = invocation(ctx)
    with render.working(f"requesting {name}", quiet=call.as_json) as say:
        facts = request_proof(
            call.settings,
            name,
            input_file,
            submit=submit,
            priority=priority,
            wait=wait,
            idempotency_key=idempotency_key,
            say=say,
        )
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)
