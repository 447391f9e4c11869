"""One inference: proven here and, if asked, verified on chain; or requested from the service."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from oracle.chain.accounts import operator_account
from oracle.chain.client import ChainClient
from oracle.chain.models import InferenceContext, InferenceVerifier
from oracle.chain.sender import Sender
from oracle.cli.service_access import Say, api, exact, follow, patiently
from oracle.cli.wiring import connect, deployment, opened_database, opened_engine
from oracle.domain.deployment import ModelRecord
from oracle.domain.proofs import ModelInputs, Proof
from oracle.errors import ArtifactMismatch, InputRejected, NotFound, StorageFull
from oracle.proving.engine import ProvingEngine
from oracle.proving.manifest import CircuitManifest
from oracle.settings import Settings
from oracle.store.outbox import SqlOutbox


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
        client = connect(settings, rpc_url) if submit else None
        record = registered(client, manifest) if client is not None else None
        proof = make_proof(engine, name, inputs, say)
        facts: dict[str, Any] = {
            "model": name,
            "outputs": engine.outputs(name, proof),
            "proofBytes": len(proof.zk_proof),
            "instances": len(proof.instances),
            "verified": True,
            "seconds": {stage: round(seconds, 3) for stage, seconds in proof.seconds.items()},
        }
    if output is not None:
        _write(output, proof)
        facts["file"] = str(output)
    if client is not None and record is not None:
        say("verifying on chain")
        facts |= submit_proof(client, record, proof)
    return facts


def make_proof(engine: ProvingEngine, name: str, inputs: ModelInputs, say: Say) -> Proof:
    """A proof of these inputs. Raises InputRejected for what the circuit cannot take."""

    def progress(stage: str, fraction: float, detail: str) -> None:
        say(f"{stage} {detail}")

    quantised = engine.quantise(name, inputs.tensors)
    engine.prepare(name, progress)
    say("witness")
    return engine.prove(name, engine.witness(name, quantised), on_progress=progress)


def registered(client: ChainClient, manifest: CircuitManifest) -> ModelRecord:
    """The model's record on a chain. Raises NotFound, or ArtifactMismatch when the chain has another circuit of it."""
    found = deployment(client)
    record = found.models.get(manifest.circuit_id)
    if record is None:
        raise NotFound(
            f"{manifest.circuit_id} is not registered on chain {client.chain_id}",
            remedy=f"register it with `plumbline model deploy {manifest.circuit_id}`",
        )
    if int(record.vk_hash, 16) != int(manifest.vk_hash, 16):
        raise ArtifactMismatch(
            f"{manifest.circuit_id} on chain has verification key {record.vk_hash}, here it has {manifest.vk_hash}",
            remedy=f"register this version with `plumbline model deploy {manifest.circuit_id}`",
        )
    return record


def submit_proof(client: ChainClient, record: ModelRecord, proof: Proof) -> dict[str, Any]:
    """Has a proof verified in a transaction of the operator. Raises ContractRevert."""
    verifier = InferenceVerifier(client, deployment(client).inference_verifier)
    spec = verifier.registry().verifier_of(record.model_id, record.version)
    context = InferenceContext(record.version, client.head().timestamp, secrets.token_bytes(32))
    inference = verifier.inference(record.model_id, spec, context, proof.instances, proof.zk_proof)
    with opened_database(client.settings) as database:
        sender = Sender(client, operator_account(client.settings), SqlOutbox(database))
        receipt = sender.transact(f"prove/{inference.inference_id.hex()}", verifier.verify(inference))
    return {
        "modelId": record.model_id,
        "version": record.version,
        "inputCommitment": inference.input_commitment,
        "outputsWad": spec.outputs_wad(proof.instances[spec.input_count :]),
        "txHash": bytes(receipt["transactionHash"]),
        "block": int(receipt["blockNumber"]),
        "gasUsed": int(receipt["gasUsed"]),
        "verifiedOnChain": True,
    }


def request_proof(
    settings: Settings,
    name: str,
    input_file: Path,
    *,
    submit: bool,
    wait: bool,
    idempotency_key: str,
    say: Say,
) -> dict[str, Any]:
    """The request that the service accepted; its result when `wait`."""
    inputs = read_inputs(input_file)
    with api(settings) as client:
        body = {"model": name, "inputData": inputs.to_document()["input_data"], "submit": submit}
        key = idempotency_key or secrets.token_hex(16)
        request: dict[str, Any] = patiently(lambda: client.post("/v1/proof-requests", body, idempotency_key=key), say)
        if not wait:
            return request
        return {"id": request["id"], **exact(follow(client, request, say))}


def _write(output: Path, proof: Proof) -> None:
    try:
        output.write_text(json.dumps(proof.to_document()) + "\n")
    except OSError as error:
        raise StorageFull(f"{output} cannot be written: {error.strerror}", remedy="choose another --output") from None
