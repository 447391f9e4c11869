"""`plumbline groth16`: the second, optional proof system, for small networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.context import JsonOption, invocation

app = typer.Typer(
    name="groth16",
    help="Groth16 for small networks: 256-byte proofs of ezkl's own integers, cheaper to verify.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="The model's name.", show_default=False)]
Ptau = Annotated[Path, typer.Option("--ptau", help="The ceremony's prepared .ptau file.", show_default=False)]
As = Annotated[str, typer.Option("--as", help="The contributor's name in the transcript.")]


@app.command("setup")
def setup(
    ctx: typer.Context,
    *,
    name: Name,
    ptau: Annotated[
        Path | None, typer.Option("--ptau", help="A prepared .ptau file; without: development keys.")
    ] = None,
    contributor: As = "first",
    samples: Annotated[int, typer.Option("--samples", help="Inputs to compare with ezkl's witness.", min=8)] = 256,
    as_json: JsonOption = False,
) -> None:
    """Makes a network's keys and its verifier contract, after comparing its integers with ezkl's witnesses.

    Development keys come from a seed that everybody knows; they, and keys of a ceremony until their transcript is
    trusted, serve local chains alone.

    Examples:

      plumbline groth16 setup realised-vol-30d

      plumbline groth16 setup realised-vol-30d --ptau powersOfTau28_hez_final_11.ptau --as treasury
    """
    from oracle.cli.groth16 import set_up

    call = invocation(ctx)
    with render.working(f"groth16 setup {name}", quiet=call.as_json) as say:
        facts = set_up(call.settings, name, ptau, say, contributor=contributor, samples=samples)
    _show(facts, as_json=call.as_json)


@app.command("contribute")
def contribute(
    ctx: typer.Context, *, name: Name, ptau: Ptau, contributor: As = "another", as_json: JsonOption = False
) -> None:
    """Multiplies the key's delta by a secret that is then forgotten: one honest contributor is enough.

    Example:

      plumbline groth16 contribute realised-vol-30d --ptau powersOfTau28_hez_final_11.ptau --as auditor
    """
    from oracle.cli.groth16 import add_contribution

    call = invocation(ctx)
    with render.working(f"groth16 contribute {name}", quiet=call.as_json) as say:
        facts = add_contribution(call.settings, name, ptau, contributor, say)
    _show(facts, as_json=call.as_json)


@app.command("check")
def check(
    ctx: typer.Context,
    *,
    name: Name,
    ptau: Ptau,
    trust: Annotated[
        str | None,
        typer.Option("--trust", help="The transcript's hash: you vouch that one contributor was honest."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Checks the powers, the key and every contribution; --trust then lets the key serve real chains.

    Example:

      plumbline groth16 check realised-vol-30d --ptau powersOfTau28_hez_final_11.ptau
    """
    from oracle.cli.groth16 import check_setup

    call = invocation(ctx)
    with render.working(f"groth16 check {name}", quiet=call.as_json) as say:
        facts = check_setup(call.settings, name, ptau, trust, say)
    _show(facts, as_json=call.as_json)


def _show(facts: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)
