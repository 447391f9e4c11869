"""The workflow of an inference that was asked for on chain: witness, prove, commit where nobody is assigned, fulfil."""

from __future__ import annotations

from typing import Final

from eth_utils.crypto import keccak
from web3.types import TxReceipt

from oracle.chain.coordinator import Answer, Coordinator, Fulfilment
from oracle.daemon.parts import ServiceParts
from oracle.daemon.proofs import Prover
from oracle.daemon.rounds import PROVE_ATTEMPTS, landed
from oracle.daemon.steps import Facts, Steps
from oracle.domain.onchain import AskedInference, OnchainRequest, OnchainStatus
from oracle.domain.requests import Request
from oracle.errors import AnsweredByAnother, ContractRevert, RequestNotOpen

# An assignment that ends sooner may have ended when the fulfilment lands: then a commitment is needed
ASSIGNMENT_MARGIN_SECS: Final = 15


class FulfilmentWorkflow:
    """check, witness, prove, commit, submit, confirm.

    The contract pays one fulfilment of a request, whoever sends how many. Here each request has one commitment and one
    fulfilment, under keys of the outbox that a repeat finds again.
    """

    def __init__(self, parts: ServiceParts, steps: Steps, prover: Prover) -> None:
        self._parts = parts
        self._steps = steps
        self._prover = prover

    def answer(self, request: Request) -> Facts:
        """How the request was answered."""
        circuit, run = request.subject, self._steps.run
        asked = AskedInference.from_json(request.body)
        witness = run(request, "witness", lambda: self._witness(request, asked))
        proved = run(
            request,
            "prove",
            lambda: self._prover.prove(request, circuit, witness["witnessHash"]),
            attempts=PROVE_ATTEMPTS,
        )
        proof_hash = proved["proofHash"]
        committed = run(request, "commit", lambda: self._commit(request, asked, proof_hash))
        submitted = run(request, "submit", lambda: self._submit(request, asked, proof_hash, committed["by"]))
        confirmed = run(request, "confirm", lambda: self._confirm(request, asked, proof_hash, committed["by"]))
        steps = {
            "witness": witness,
            "prove": proved,
            "commit": committed,
            "submit": submitted,
            "confirm": confirmed,
        }
        return {
            "model": circuit,
            "circuitId": circuit,
            "proofHash": proof_hash,
            "proofBytes": proved["proofBytes"],
            "onchainId": str(asked.request_id),
            "coordinator": request.body["coordinator"],
            **{name: value for name, value in confirmed.items() if name != "seconds"},
            "gasUsed": submitted["gasUsed"] + committed["gasUsed"],
            "seconds": {name: facts["seconds"] for name, facts in steps.items()},
        }

    def _witness(self, request: Request, asked: AskedInference) -> Facts:
        self._require_open(request, asked)
        return self._prover.witness(request.subject, asked.inputs)

    def _require_open(self, request: Request, asked: AskedInference) -> OnchainRequest:
        """The request's facts. Raises RequestNotOpen before anything is spent on one that cannot be paid."""
        facts = self._coordinator(request).request_of(asked.request_id)
        if facts.status is not OnchainStatus.OPEN:
            raise RequestNotOpen(f"the request {asked.request_id} is {facts.status.name.lower()} on chain")
        return facts

    def _commit(self, request: Request, asked: AskedInference, proof_hash: str) -> Facts:
        """A commitment in a block, unless one of our keys is assigned for long enough; then that key has to send."""
        facts = self._coordinator(request).request_of(asked.request_id)
        now = self._parts.client.head().timestamp
        if facts.prover in self._parts.sender.addresses and facts.assigned_until > now + ASSIGNMENT_MARGIN_SECS:
            return {"by": facts.prover, "gasUsed": 0}
        if facts.status is not OnchainStatus.OPEN:  # it may be our own fulfilment, of before a crash: submit finds out
            return {"by": "", "gasUsed": 0}
        call = self._coordinator(request).commit(self._fulfilment(request, asked, proof_hash))
        receipt = self._parts.sender.transact(f"commit:{request.id}", call)
        return {"by": "", "gasUsed": landed(self._parts, "commit", receipt)["gasUsed"]}

    def _submit(self, request: Request, asked: AskedInference, proof_hash: str, by: str) -> Facts:
        return landed(self._parts, "fulfil", self._send(request, asked, proof_hash, by))

    def _send(self, request: Request, asked: AskedInference, proof_hash: str, by: str) -> TxReceipt:
        """The receipt of the one fulfilment of this request; after a reorg, of its new landing.

        Raises AnsweredByAnother when somebody else was faster, the chain's refusal for any other reason.
        """
        fulfilment = self._fulfilment(request, asked, proof_hash)
        call = self._coordinator(request).fulfil(fulfilment)
        try:
            return self._parts.sender.transact(f"fulfil:{request.id}", call, by=by)
        except ContractRevert as error:
            answer = self._coordinator(request).answer(asked.request_id, asked.block_number)
            if answer is None:
                raise
            raise AnsweredByAnother(
                f"the request {asked.request_id} was answered in {answer.tx_hash}, paying {answer.payee}"
            ) from error

    def _confirm(self, request: Request, asked: AskedInference, proof_hash: str, by: str) -> Facts:
        """The answer as the chain has it."""
        receipt = self._send(request, asked, proof_hash, by)
        answer = self._coordinator(request).answer_in(receipt, asked.request_id)
        if answer is None:
            raise RequestNotOpen(f"the transaction of the request {asked.request_id} fulfilled nothing")
        facts = self._coordinator(request).request_of(asked.request_id)
        return {**_shown(answer), "callback": facts.callback.name.lower(), "answeredAt": facts.fulfilled_at}

    def _fulfilment(self, request: Request, asked: AskedInference, proof_hash: str) -> Fulfilment:
        proof = self._prover.proof(proof_hash)
        return Fulfilment(
            request_id=asked.request_id,
            inputs=asked.inputs,
            outputs=proof.instances[len(asked.inputs) :],
            zk_proof=proof.zk_proof,
            payee=self._parts.settings.payee or self._parts.sender.address,
            salt=keccak(text=f"{request.id}:{proof_hash}"),
        )

    def _coordinator(self, request: Request) -> Coordinator:
        return Coordinator(self._parts.client, request.body["coordinator"])


def _shown(answer: Answer) -> Facts:
    return {
        "payee": answer.payee,
        "fee": str(answer.fee),
        "outputsWad": [str(value) for value in answer.outputs_wad],
        "txHash": answer.tx_hash,
        "blockNumber": answer.block_number,
    }
