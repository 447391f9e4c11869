"""`plumbline verify`: trusts nothing but a chain, or nothing but a circuit's key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oracle.cli import render
from oracle.cli.context import JsonOption, invocation
from oracle.errors import InvalidInput


def verify(
    ctx: typer.Context,
    *,
    feed: Annotated[str | None, typer.Option("--feed", help="Feed's address; its name when a stack runs.")] = None,
    round_id: Annotated[int, typer.Option("--round", help="The round; 0 for the newest.", min=0)] = 0,
    rpc_url: Annotated[str | None, typer.Option("--rpc-url", help="The chain; default: the running stack's.")] = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="A chain that `demo` left on disk, instead of --rpc-url.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="With --proof: the model it was made with.")] = None,
    proof: Annotated[
        Path | None, typer.Option("--proof", help="A proof file that `plumbline prove` wrote, checked against its key.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verifies a feed's round from the chain alone, or a proof file from the model's verification key.

    For a round: reads its event and calldata, has the chain recompute the model's inputs from its own observations,
    checks commitment, decoded answer and hash chain, and calls the verifier with the proof again. Asks no service.

    Examples:

      plumbline verify --feed spx-volatility --round 7

      plumbline verify --rpc-url http://127.0.0.1:8545 --feed 0x5FbD... --round 7

      plumbline verify --proof proof.json --model garch-vol-32
    """
    if proof is None and feed is None:
        raise InvalidInput("nothing to verify", remedy="give --feed and --round, or --proof")

    from oracle.cli import verification

    call = invocation(ctx)
    if proof is not None:
        facts = verification.verify_proof_file(call.settings, proof, model)
    else:
        facts = verification.verify_round(call.settings, feed or "", round_id, rpc_url=rpc_url, state=state)
    render.print_verification(facts, as_json=call.as_json)
