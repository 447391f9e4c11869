"""One inference: proven here and, if asked, verified on chain; or requested from the service."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from oracle.cli.proving import opened_engine
from oracle.cli.service_access import Say, api, exact, follow, patiently
from oracle.domain.deployment import CircuitFacts
from oracle.domain.proofs import ModelInputs, Proof
from oracle.domain.requests import Priority
from oracle.errors import InputRejected, StorageFull
from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings

# Verifies a proof in a transaction; facts of it
OnChain: TypeAlias = Callable[[Proof], dict[str, Any]]


def read_inputs(path: Path) -> ModelInputs:
    """Inputs from a file in ezkl's JSON form. Raises InputRejected."""
    try:
        return ModelInputs.from_json(path.read_bytes())
    except OSError as error:
        raise InputRejected(f"{path} cannot be read: {error.strerror}", remedy="give an existing JSON file") from None


def prove_input(
    settings: Settings,
    name: str,
    input_file: Path,
    *,
    submit: bool,
    output: Path | None,
    rpc_url: str | None,
    say: Say,
) -> dict[str, Any]:
    """Facts of the proof of one input, which is verified here, and on chain when `submit`."""
    with opened_engine(settings) as engine:
        manifest = engine.circuit(name)
        inputs = read_inputs(input_file)
        on_chain = submission(settings, manifest, rpc_url) if submit else None
        proof = make_proof(engine, name, inputs, say)
        outputs = engine.outputs(name, proof)
    return delivered(proof, outputs, output=output, on_chain=on_chain, say=say)


def delivered(
    proof: Proof, outputs: list[float], *, output: Path | None, on_chain: OnChain | None, say: Say
) -> dict[str, Any]:
    """Facts of a proof that was verified here; where they are given, it is written to `output` and verified `on_chain`.

    Raises StorageFull, ContractRevert.
    """
    facts: dict[str, Any] = {
        "model": proof.circuit_id,
        "outputs": outputs,
        "proofBytes": len(proof.zk_proof),
        "instances": len(proof.instances),
        "verified": True,
        "seconds": {stage: round(seconds, 3) for stage, seconds in proof.seconds.items()},
    }
    if output is not None:
        write_proof(output, proof)
        facts["file"] = str(output)
    if on_chain is not None:
        say("verifying on chain")
        facts |= on_chain(proof)
    return facts


def submission(settings: Settings, circuit: CircuitFacts, rpc_url: str | None) -> OnChain:
    """What verifies a proof on chain. Fails before any work where the chain or the model is not there."""
    from oracle.cli.submission import registered, submit_proof
    from oracle.cli.wiring import connect

    client = connect(settings, rpc_url)
    record = registered(client, circuit)
    return lambda proof: submit_proof(client, record, proof)


def make_proof(engine: ProvingEngine, name: str, inputs: ModelInputs, say: Say) -> Proof:
    """A proof of these inputs. Raises InputRejected for what the circuit cannot take."""

    def progress(stage: str, fraction: float, detail: str) -> None:
        say(f"{stage} {detail}")

    quantised = engine.quantise(name, inputs.tensors)
    engine.prepare(name, progress)
    say("witness")
    return engine.prove(name, engine.witness(name, quantised), on_progress=progress)


def request_proof(
    settings: Settings,
    name: str,
    input_file: Path,
    *,
    submit: bool,
    priority: Priority,
    wait: bool,
    idempotency_key: str,
    say: Say,
) -> dict[str, Any]:
    """The request that the service accepted; its result when `wait`."""
    inputs = read_inputs(input_file)
    with api(settings) as client:
        rows = inputs.to_document()["input_data"]
        body = {"model": name, "inputData": rows, "submit": submit, "priority": priority.value}
        key = idempotency_key or secrets.token_hex(16)
        request: dict[str, Any] = patiently(lambda: client.post("/v1/proof-requests", body, idempotency_key=key), say)
        if not wait:
            return request
        return {"id": request["id"], **exact(follow(client, request, say))}


def write_proof(output: Path, proof: Proof) -> None:
    """Writes a proof's document. Raises StorageFull where it cannot."""
    try:
        output.write_text(json.dumps(proof.to_document()) + "\n")
    except OSError as error:
        raise StorageFull(f"{output} cannot be written: {error.strerror}", remedy="choose another --output") from None
