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
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="An archive of `plumbline evidence`; with --rpc-url on chain too.")
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

      plumbline verify --evidence spx-volatility-7.zip

    A Groth16 proof is checked against the key of this machine's set-up of its network.
    """
    if proof is None and feed is None and evidence is None:
        raise InvalidInput("nothing to verify", remedy="give --feed and --round, --proof or --evidence")

    from oracle.cli import verification

    call = invocation(ctx)
    if evidence is not None:
        facts = verification.verify_archive(call.settings, evidence, rpc_url)
    elif proof is not None:
        facts = verification.verify_proof_file(call.settings, proof, model)
    else:
        facts = verification.verify_round(call.settings, feed or "", round_id, rpc_url=rpc_url, state=state)
    render.print_verification(facts, as_json=call.as_json)


def evidence(
    ctx: typer.Context,
    *,
    output: Annotated[Path, typer.Option("--output", help="The archive's file.", show_default=False)],
    feed: Annotated[str | None, typer.Option("--feed", help="A proven feed's name.")] = None,
    round_id: Annotated[int, typer.Option("--round", help="The round; 0 for the newest.", min=0)] = 0,
    request: Annotated[str | None, typer.Option("--request", help="A request's id, instead of --feed.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Saves the evidence of a round or of a request as one file, which anybody checks by `verify --evidence`.

    It holds proof, instances, the circuit's manifest and key, observations with their signatures, the signed
    transaction and its block. The same round gives the same bytes, whoever asks.

    Examples:

      plumbline evidence --feed spx-volatility --round 7 --output round-7.zip

      plumbline evidence --request 0123456789abcdef0123456789abcdef --output proof.zip
    """
    if (feed is None) == (request is None):
        raise InvalidInput("no evidence to save, or too much", remedy="give --feed and --round, or --request")

    from oracle.cli.verification import save_evidence

    call = invocation(ctx)
    facts = save_evidence(call.settings, output, feed=feed, round_id=round_id, request=request or "")
    if call.as_json:
        render.print_json(facts)
    else:
        render.print_facts(facts)
