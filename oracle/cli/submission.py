"""A model on a chain: its registration looked up, and a proof verified in a transaction."""

from __future__ import annotations

import secrets
from typing import Any

from oracle.chain.accounts import operator_account
from oracle.chain.client import ChainClient
from oracle.chain.models import InferenceContext, InferenceVerifier
from oracle.chain.sender import Sender
from oracle.cli.wiring import deployment, opened_database
from oracle.domain.deployment import CircuitFacts, ModelRecord
from oracle.domain.proofs import Proof
from oracle.errors import ArtifactMismatch, NotFound
from oracle.proving.groth16.folder import SUFFIX
from oracle.store.outbox import SqlOutbox


def registered(client: ChainClient, manifest: CircuitFacts) -> ModelRecord:
    """The model's record on a chain. Raises NotFound, or ArtifactMismatch when the chain has another circuit of it."""
    name, dot, _ = manifest.circuit_id.partition(SUFFIX)
    command = f"plumbline model deploy {name}{' --system groth16' if dot else ''}"
    found = deployment(client)
    record = found.models.get(manifest.circuit_id)
    if record is None:
        raise NotFound(
            f"{manifest.circuit_id} is not registered on chain {client.chain_id}",
            remedy=f"register it with `{command}`",
        )
    if int(record.vk_hash, 16) != int(manifest.vk_hash, 16):
        raise ArtifactMismatch(
            f"{manifest.circuit_id} on chain has verification key {record.vk_hash}, here it has {manifest.vk_hash}",
            remedy=f"register this version with `{command}`",
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
