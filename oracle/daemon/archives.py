"""Evidence archives: what is put into them, from the chain and the circuit's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from web3.types import TxData

from oracle.chain.board_evidence import BatchFacts, batch_evidence, gather_batch, health_factors
from oracle.chain.client import ChainClient
from oracle.chain.evidence import Facts, Window, evidence_of, gather
from oracle.chain.feeds import ObservationFeed
from oracle.chain.models import InferenceVerifier, ModelVersion
from oracle.chain.module_twins import module_reads
from oracle.chain.round_facts import publisher_sets
from oracle.domain.archive import CIRCUIT, OBSERVATIONS, PROOF, REQUEST, ROUND, TRANSACTION, document, pack
from oracle.domain.commitments import feed_root_zero
from oracle.domain.evidence import Evidence
from oracle.domain.proofs import Proof
from oracle.domain.requests import Request
from oracle.errors import NotFound
from oracle.proving.engine import ProvingEngine

# Signed fields of a transaction of EIP-1559's kind, in their order
SIGNED: Final = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "input")


def round_archive(client: ChainClient, feed_address: str, round_id: int, engine: ProvingEngine) -> bytes:
    """The archive of a proven round. Raises NotFound for a round or a circuit that is not here, ProofRejected."""
    facts = gather(client, feed_address, round_id)
    circuit_id = _proven_with(engine, facts.model)
    members = round_members(facts, circuit_id) | _circuit(engine.folder(circuit_id))
    return pack(members, kind="round", subject=f"{feed_address}/{round_id}")


def board_archive(client: ChainClient, address: str, batch_id: int, engine: ProvingEngine) -> bytes:
    """The archive of a proven batch of a liquidation board. Raises as round_archive."""
    facts = gather_batch(client, address, batch_id)
    circuit_id = _proven_with(engine, facts.model)
    members = board_members(facts, circuit_id, health_factors(facts)) | _circuit(engine.folder(circuit_id))
    return pack(members, kind="board", subject=f"{address}/{batch_id}")


def _proven_with(engine: ProvingEngine, model: ModelVersion) -> str:
    """The circuit here that has a version's key. Raises NotFound."""
    key = _hex(model.commitment.vk_hash)
    found = [manifest.circuit_id for manifest in engine.circuits() if manifest.vk_hash.lower() == key]
    if not found:
        raise NotFound(f"no circuit here has the key {key} of the round", remedy="add the model it was proven with")
    return found[0]


def round_members(facts: Facts, circuit_id: str) -> dict[str, bytes]:
    """What the chain holds of a round: the same bytes whenever and by whomever it is asked."""
    proof = Proof(circuit_id, facts.submitted.zk_proof, tuple(facts.instances))
    return {
        ROUND: document(_round(facts)),
        OBSERVATIONS: document({"windows": [_observations(facts.client, window) for window in facts.windows]}),
        TRANSACTION: document(transaction(facts.client, facts.event.tx_hash)),
        PROOF: _proof(proof),
    }


def board_members(facts: BatchFacts, circuit_id: str, factors: Sequence[int] | None) -> dict[str, bytes]:
    """What the chain holds of a batch; `factors`: its positions' health factors, which a node forgets, or None."""
    proof = Proof(circuit_id, facts.zk_proof, tuple(facts.instances))
    window = Window(ObservationFeed(facts.client, facts.board.prices()), facts.window)
    return {
        ROUND: document(_batch(facts, factors)),
        OBSERVATIONS: document({"windows": [_observations(facts.client, window)]}),
        TRANSACTION: document(transaction(facts.client, facts.tx_hash)),
        PROOF: _proof(proof),
    }


def request_archive(client: ChainClient, request: Request, proof: Proof, folder: Path) -> bytes:
    """The archive of a proof request that was fulfilled. Raises NotFound for one that was not."""
    if request.result is None:
        raise NotFound(f"the request {request.id} has no evidence", remedy=f"it is {request.state.value}")
    result = dict(request.result)
    asked = {"id": request.id, "model": request.subject, "inputs": request.body.get("inputs"), "result": result}
    members = {REQUEST: document(asked), PROOF: _proof(proof), **_circuit(folder)}
    if "inferenceId" in result:
        members[TRANSACTION] = document(transaction(client, bytes.fromhex(result["txHash"].removeprefix("0x"))))
        members[REQUEST] = document(asked | {"inference": inference_facts(client, result)})
    return pack(members, kind="request", subject=request.id)


def inference_facts(client: ChainClient, result: Mapping[str, Any]) -> dict[str, Any]:
    """What a stored inference hangs on, as the chain has it. Raises reverts.InferenceNotFound."""
    verifier = InferenceVerifier(client, result["verifier"])
    model_id, commitment, outputs = verifier.stored(bytes.fromhex(result["inferenceId"].removeprefix("0x")))
    version = verifier.registry().version(model_id, int(result["version"]))
    return {
        "chainId": client.chain_id,
        "inferenceVerifier": verifier.address,
        "modelId": str(model_id),
        "version": int(result["version"]),
        "observedAt": int(result["observedAt"]),
        "nonce": result["nonce"],
        "inputCommitment": _hex(commitment),
        "outputsWad": [str(value) for value in outputs],
        "modelHash": _hex(version.commitment.model_hash),
        "circuitHash": _hex(version.commitment.circuit_hash),
        "vkHash": _hex(version.commitment.vk_hash),
        "outputScaleBits": list(version.spec.output_scale_bits),
    }


def transaction(client: ChainClient, tx_hash: bytes) -> dict[str, Any]:
    """A signed transaction, and the block that has it. Raises NotFound."""
    found, receipt = client.transaction(tx_hash), client.receipt(tx_hash)
    if found is None or receipt is None:
        raise NotFound(f"the node does not have the transaction {_hex(tx_hash)}")
    block = client.block(receipt["blockNumber"])
    if block is None:
        raise NotFound(f"the node does not have block {receipt['blockNumber']}")
    return {
        "hash": _hex(tx_hash),
        "type": int(found.get("type", 0)),
        **{name: _plain(found.get(name)) for name in SIGNED},
        "accessList": [
            [str(one["address"]), [_plain(key) for key in one["storageKeys"]]] for one in found.get("accessList", [])
        ],
        **_signature(found),
        "from": str(found["from"]),
        "status": int(receipt["status"]),
        "blockNumber": int(receipt["blockNumber"]),
        "blockHash": _hex(bytes(receipt["blockHash"])),
        "blockTimestamp": int(block.timestamp),
    }


def _signature(found: TxData) -> dict[str, str]:
    parity = int(found.get("yParity", found["v"]))
    return {"yParity": str(parity), **{name: str(int.from_bytes(bytes(found[name]), "big")) for name in ("r", "s")}}


def _told(evidence: Evidence) -> dict[str, Any]:
    """What evidence says, without its verdict and what other members hold."""
    elsewhere = {"checks", "ok", "zkProof", "instances", "prices"}
    return {name: value for name, value in evidence.as_json().items() if name not in elsewhere}


def _batch(facts: BatchFacts, factors: Sequence[int] | None) -> dict[str, Any]:
    taken, spec = facts.taken, facts.model.spec
    return {
        **_told(batch_evidence(facts)),
        "inferenceVerifier": facts.inference.address,
        "registry": str(facts.registry.contract.address),
        "vault": facts.vault,
        "places": facts.places,
        "stride": facts.stride,
        "inputScaleBits": facts.scale_bits,
        "window": len(facts.window),
        "snapshotBlock": taken.block_number,
        "accounts": list(taken.accounts),
        "healthFactors": None if factors is None else [str(factor) for factor in factors],
        "assessments": [
            {"account": one.account, "probability": str(one.probability), "confidence": str(one.confidence)}
            for one in facts.proven.assessments
        ],
        "inputCount": spec.input_count,
        "outputCount": spec.output_count,
        "outputScaleBits": list(spec.output_scale_bits),
    }


def _round(facts: Facts) -> dict[str, Any]:
    reads, previous, spec = module_reads(facts.client, facts.module.address), facts.previous, facts.model.spec
    zero = feed_root_zero(facts.client.chain_id, facts.feed.address)
    return {
        **_told(evidence_of(facts)),
        "inferenceVerifier": facts.inference.address,
        "registry": str(facts.registry.contract.address),
        "shared": facts.shared,
        "module": {"contract": facts.twin.contract, "address": facts.module.address},
        "moduleReads": None if reads is None else {name: _plain(value) for name, value in reads.values.items()},
        "window": facts.twin.window,
        "guards": {
            field.name: str(getattr(facts.guards_in_force, field.name)) for field in fields(facts.guards_in_force)
        },
        "previous": {
            "root": _hex(previous.root if previous else zero),
            "answer": None if previous is None else str(previous.proven.answer),
            "observedAt": None if previous is None else previous.proven.observed_at,
        },
        "inputCount": spec.input_count,
        "outputCount": spec.output_count,
        "outputScaleBits": list(spec.output_scale_bits),
    }


def _observations(client: ChainClient, window: Window) -> dict[str, Any]:
    """The observations of one source, and of prices what was signed."""
    source = window.source
    signed: dict[int, tuple[list[list[str]], list[str]]] = {}
    if isinstance(source, ObservationFeed):
        for tx_hash in sorted({one.tx_hash for one in window.observed}):
            signed |= _signed(client, source, tx_hash)
    used = {int(report[-1]) for reports, _ in signed.values() for report in reports}
    sets = publisher_sets(client, source.address) if used else {}
    return {
        "feed": source.address,
        "publisherSets": {
            str(version): {"publishers": sorted(sets[version][0]), "quorum": sets[version][1]}
            for version in sorted(used)
        },
        "contract": type(source).__name__,
        "observations": [
            {
                "roundId": one.round_id,
                "values": [str(value) for value in one.values],
                "observedAt": one.observed_at,
                "segmentStart": one.segment_start,
                "txHash": _hex(one.tx_hash),
                "reports": signed.get(one.round_id, ([], []))[0],
                "signatures": signed.get(one.round_id, ([], []))[1],
            }
            for one in window.observed
        ],
    }


def _signed(
    client: ChainClient, source: ObservationFeed, tx_hash: bytes
) -> dict[int, tuple[list[list[str]], list[str]]]:
    """Reports and signatures of a direct call, by round; nothing where the feed was called otherwise."""
    found = client.transaction(tx_hash)
    if found is None or found.get("to") != source.address:
        return {}
    function, arguments = source.contract.decode_function_input(found["input"])
    reports, signatures = arguments["reports"], arguments["signatures"]
    batches = [(reports, signatures)] if function.fn_name == "submit" else zip(reports, signatures, strict=True)
    return {
        int(_fields(batch[0])[0]): (
            [[str(value) for value in _fields(report)] for report in batch],
            [_hex(bytes(signature)) for signature in signed],
        )
        for batch, signed in batches
    }


def _fields(struct: Any) -> list[Any]:
    return list(struct.values()) if isinstance(struct, Mapping) else list(struct)


def _circuit(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in CIRCUIT}


def _proof(proof: Proof) -> bytes:
    fields_ = proof.to_document()
    return document({name: fields_[name] for name in ("circuit_id", "proof", "instances")})


def _plain(value: Any) -> Any:
    """As JSON: integers as decimal strings, bytes as hex, structs as lists."""
    if isinstance(value, bytes):
        return _hex(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Mapping):
        return [_plain(item) for item in value.values()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _hex(value: bytes) -> str:
    return "0x" + bytes(value).hex()
