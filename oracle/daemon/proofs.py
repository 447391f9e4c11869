"""Witness, proof and local verification as steps; what is large passes between them by its hash."""

from __future__ import annotations

import json
from collections.abc import Sequence

from oracle.daemon.cancelling import Cancels
from oracle.daemon.parts import ServiceParts
from oracle.daemon.sending import PROVE_ATTEMPTS
from oracle.daemon.steps import Facts, Steps
from oracle.domain.proofs import Proof, Witness
from oracle.domain.requests import Request
from oracle.errors import ArtifactMismatch, ProofRejected
from oracle.units import felt_from_int


class Prover:
    """The proving steps of any request."""

    def __init__(self, parts: ServiceParts, cancels: Cancels) -> None:
        self._parts = parts
        self._cancels = cancels

    def witness(self, circuit_id: str, inputs: Sequence[int]) -> Facts:
        """The hash of a checked witness for quantised inputs."""
        witness = self._parts.engine.witness(circuit_id, list(inputs))
        document = {
            "circuit_id": witness.circuit_id,
            "inputs": list(witness.inputs),
            "outputs": list(witness.outputs),
            "document": witness.document,
        }
        return {"witnessHash": self._parts.artifacts.put(json.dumps(document).encode())}

    def prove(self, request: Request, circuit_id: str, witness_hash: str) -> Facts:
        """The hash of a proof of the witness. Killed when the request is cancelled."""

        def report(stage: str, fraction: float, detail: str) -> None:
            data = {"step": "prove", "stage": stage, "fraction": fraction, "detail": detail}
            self._parts.requests.progress(request.id, data)

        witness = self._witness(witness_hash)
        with self._cancels.during(request.id) as cancel:
            proof = self._parts.engine.prove(
                circuit_id, witness, on_progress=report, cancel=cancel, place=request.place
            )
        content = json.dumps(proof.to_document(), sort_keys=True).encode()
        proof_hash = self._parts.artifacts.put(content)
        self._parts.requests.index_proof(request.id, proof_hash, circuit_id, len(content))
        return {"proofHash": proof_hash, "proofBytes": len(proof.zk_proof)}

    def verify(self, circuit_id: str, proof_hash: str, inputs: Sequence[int]) -> Facts:
        """Checks a proof here before it costs gas. Raises ProofRejected."""
        proof = self.proof(proof_hash)
        expected = tuple(felt_from_int(value) for value in inputs)
        if proof.instances[: len(expected)] != expected:
            raise ProofRejected("the proof's inputs are not those asked for")
        self._parts.engine.verify(circuit_id, proof)
        return {"outputs": [str(value) for value in proof.integers()[len(expected) :]]}

    def proof(self, proof_hash: str) -> Proof:
        """A kept proof. Raises NotFound, ArtifactMismatch."""
        try:
            return Proof.from_document(json.loads(self._parts.artifacts.get(proof_hash)))
        except (ProofRejected, ValueError) as error:
            raise ArtifactMismatch(f"the artifact {proof_hash} is not a proof: {error}") from None

    def _witness(self, witness_hash: str) -> Witness:
        fields = json.loads(self._parts.artifacts.get(witness_hash))
        return Witness(fields["circuit_id"], tuple(fields["inputs"]), tuple(fields["outputs"]), fields["document"])


def proving_steps(
    steps: Steps, prover: Prover, request: Request, circuit_id: str, inputs: Sequence[int]
) -> dict[str, Facts]:
    """The facts of the steps witness, prove and verify for quantised inputs, by the steps' names."""
    witness = steps.run(request, "witness", lambda: prover.witness(circuit_id, inputs))
    proved = steps.run(
        request,
        "prove",
        lambda: prover.prove(request, circuit_id, witness["witnessHash"]),
        attempts=PROVE_ATTEMPTS,
    )
    verified = steps.run(request, "verify", lambda: prover.verify(circuit_id, proved["proofHash"], inputs))
    return {"witness": witness, "prove": proved, "verify": verified}
