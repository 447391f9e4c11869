"""The workflow of a proof that somebody asked for: inputs of a registered model to a proof, and on to the chain."""

from __future__ import annotations

from eth_utils.crypto import keccak
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from oracle.chain.models import Inference, InferenceContext, InferenceVerifier, decode_outputs
from oracle.daemon.parts import ServiceParts
from oracle.daemon.proofs import Prover
from oracle.daemon.sending import PROVE_ATTEMPTS, landed, simulate
from oracle.daemon.steps import Facts, Steps
from oracle.domain.requests import Request
from oracle.errors import NotFound


class InferenceWorkflow:
    """quantise, witness, prove, verify, and to have it on chain: snapshot, simulate, submit, confirm."""

    def __init__(self, parts: ServiceParts, steps: Steps, prover: Prover) -> None:
        self._parts = parts
        self._steps = steps
        self._prover = prover

    def prove(self, request: Request) -> Facts:
        """A proof for the request's inputs; with "submit", verified and stored on chain."""
        model = request.subject
        run = self._steps.run
        quantised = run(request, "quantise", lambda: self._quantise(request))
        inputs = [int(value) for value in quantised["inputs"]]
        witness = run(request, "witness", lambda: self._prover.witness(model, inputs))
        proved = run(
            request,
            "prove",
            lambda: self._prover.prove(request, model, witness["witnessHash"]),
            attempts=PROVE_ATTEMPTS,
        )
        proof_hash = proved["proofHash"]
        verified = run(request, "verify", lambda: self._verify(model, proof_hash, inputs))
        steps = {"quantise": quantised, "witness": witness, "prove": proved, "verify": verified}
        result: Facts = {
            "model": model,
            "circuitId": model,
            "proofHash": proof_hash,
            "proofBytes": proved["proofBytes"],
            "outputs": verified["outputs"],
            "outputReals": verified["outputReals"],
        }
        if request.body["submit"]:
            snapshot = run(request, "snapshot", lambda: self._snapshot(request))
            simulated = run(request, "simulate", lambda: simulate(self._parts, self._call(proof_hash, snapshot)[1]))
            submitted = run(request, "submit", lambda: self._submit(request, proof_hash, snapshot))
            confirmed = run(request, "confirm", lambda: self._confirm(request, proof_hash, snapshot))
            steps |= {"snapshot": snapshot, "simulate": simulated, "submit": submitted, "confirm": confirmed}
            result |= {name: value for name, value in (snapshot | submitted | confirmed).items() if name != "seconds"}
        return {**result, "seconds": {name: facts["seconds"] for name, facts in steps.items()}}

    def _quantise(self, request: Request) -> Facts:
        inputs = self._parts.engine.quantise(request.subject, request.body["inputs"])
        return {"inputs": [str(value) for value in inputs]}

    def _verify(self, model: str, proof_hash: str, inputs: list[int]) -> Facts:
        facts = self._prover.verify(model, proof_hash, inputs)
        return {**facts, "outputReals": self._parts.engine.outputs(model, self._prover.proof(proof_hash))}

    def _snapshot(self, request: Request) -> Facts:
        """The model's version and the chain's time that the proof will be stored under."""
        deployment = self._parts.deployment()
        record = deployment.model(request.subject)
        registry = InferenceVerifier(self._parts.client, deployment.inference_verifier).registry()
        version = registry.current_version(record.model_id)
        if version == 0:
            raise NotFound(f"the model {record.name!r} has no active version yet")
        return {
            "modelId": str(record.model_id),
            "version": version,
            "observedAt": self._parts.client.head().timestamp,
            "nonce": "0x" + keccak(text=request.id).hex(),
            "verifier": deployment.inference_verifier,
        }

    def _call(self, proof_hash: str, snapshot: Facts) -> tuple[Inference, ContractFunction]:
        proof = self._prover.proof(proof_hash)
        verifier = InferenceVerifier(self._parts.client, snapshot["verifier"])
        model_id, version = int(snapshot["modelId"]), int(snapshot["version"])
        spec = verifier.registry().verifier_of(model_id, version)
        nonce = bytes.fromhex(snapshot["nonce"].removeprefix("0x"))
        context = InferenceContext(version, int(snapshot["observedAt"]), nonce)
        inference = verifier.inference(model_id, spec, context, proof.instances, proof.zk_proof)
        return inference, verifier.verify_and_store(inference)

    def _send(self, request: Request, function: ContractFunction) -> TxReceipt:
        return self._parts.sender.transact(f"inference:{request.id}", function)

    def _submit(self, request: Request, proof_hash: str, snapshot: Facts) -> Facts:
        return landed(self._parts, "inference", self._send(request, self._call(proof_hash, snapshot)[1]))

    def _confirm(self, request: Request, proof_hash: str, snapshot: Facts) -> Facts:
        """The inference as the chain has stored it."""
        inference, function = self._call(proof_hash, snapshot)
        receipt = self._send(request, function)
        verifier = InferenceVerifier(self._parts.client, snapshot["verifier"])
        verifier.stored(inference.inference_id)
        return {
            "inferenceId": "0x" + inference.inference_id.hex(),
            "inputCommitment": "0x" + inference.input_commitment.hex(),
            "outputsWad": [str(value) for value in decode_outputs(inference.output)],
            "txHash": receipt["transactionHash"].to_0x_hex(),
            "blockNumber": int(receipt["blockNumber"]),
        }
