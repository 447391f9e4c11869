"""The workflow of an inference that was asked for on chain: witness, prove, commit where nobody is assigned, fulfil."""

from __future__ import annotations

import time
from typing import Final

from eth_utils.crypto import keccak
from web3.types import TxReceipt

from oracle.chain.coordinator import Answer, Coordinator, Fulfilment
from oracle.chain.reverts import WrongRequestStatus
from oracle.daemon.batching import FulfilmentBatcher, Sent
from oracle.daemon.parts import ServiceParts
from oracle.daemon.proofs import Prover
from oracle.daemon.sending import PROVE_ATTEMPTS, landed
from oracle.daemon.steps import Facts, Steps
from oracle.domain.onchain import AskedInference, OnchainRequest, OnchainStatus
from oracle.domain.requests import Request
from oracle.errors import AnsweredByAnother, ContractRevert, RequestNotOpen, TransactionNotMined

# An assignment that ends sooner may have ended when the fulfilment lands: then a commitment is needed
ASSIGNMENT_MARGIN_SECS: Final = 15


class FulfilmentWorkflow:
    """witness, prove, commit unless assigned for long enough, submit, confirm.

    The contract pays one fulfilment of a request, whoever sends how many. Here each request has one commitment and one
    fulfilment, by itself or in a batch, under keys of the outbox that a repeat finds again: those of a batch too that
    was signed by a process which died before it was recorded.
    """

    def __init__(self, parts: ServiceParts, steps: Steps, prover: Prover) -> None:
        self._parts = parts
        self._batcher = FulfilmentBatcher(parts)
        self._steps = steps
        self._prover = prover

    def answer(self, request: Request) -> Facts:
        """How the request was answered."""
        circuit, run = request.subject, self._steps.run
        asked = AskedInference.from_json(request.body)
        with self._batcher.coming():
            witness = run(request, "witness", lambda: self._witness(request, asked))
            proved = run(
                request,
                "prove",
                lambda: self._prover.prove(request, circuit, witness["witnessHash"]),
                attempts=PROVE_ATTEMPTS,
            )
            proof_hash = proved["proofHash"]
            steps = {"witness": witness, "prove": proved}
            by, committed_gas = witness.get("by", ""), 0
            if not by:  # each step costs writes to the database, between which a block may pass
                committed = run(request, "commit", lambda: self._commit(request, asked, proof_hash))
                by, committed_gas, steps["commit"] = committed["by"], committed["gasUsed"], committed
        submitted = run(request, "submit", lambda: self._submit(request, asked, proof_hash, by))
        confirmed = run(request, "confirm", lambda: self._confirm(request, asked, submitted))
        steps |= {"submit": submitted, "confirm": confirmed}
        return {
            "model": circuit,
            "circuitId": circuit,
            "proofHash": proof_hash,
            "proofBytes": proved["proofBytes"],
            "onchainId": str(asked.request_id),
            "coordinator": request.body["coordinator"],
            **{name: value for name, value in confirmed.items() if name != "seconds"},
            "gasUsed": submitted["gasUsed"] + committed_gas,
            "seconds": {name: facts["seconds"] for name, facts in steps.items()},
        }

    def _witness(self, request: Request, asked: AskedInference) -> Facts:
        """The witness, and the key of ours that is assigned for longer than a proof can take, else "".

        Raises RequestNotOpen before anything is spent on a request that cannot be paid.
        """
        facts = self._coordinator(request).request_of(asked.request_id)
        if facts.status is not OnchainStatus.OPEN:
            raise RequestNotOpen(f"the request {asked.request_id} is {facts.status.name.lower()} on chain")
        margin = ASSIGNMENT_MARGIN_SECS + self._parts.settings.prove_timeout_secs
        by = self._assigned(facts, margin)
        return {**self._prover.witness(request.subject, asked.inputs), "by": by}

    def _assigned(self, facts: OnchainRequest, margin_secs: float) -> str:
        """The key of ours that a request is assigned to for so long yet, which then has to send; "" for none."""
        if facts.prover not in self._parts.sender.addresses:
            return ""
        return facts.prover if facts.assigned_until > self._parts.client.head().timestamp + margin_secs else ""

    def _commit(self, request: Request, asked: AskedInference, proof_hash: str) -> Facts:
        """A commitment in a block, unless one of our keys is assigned for long enough."""
        facts = self._coordinator(request).request_of(asked.request_id)
        by = self._assigned(facts, ASSIGNMENT_MARGIN_SECS)
        if by:
            return {"by": by, "gasUsed": 0}
        if facts.status is not OnchainStatus.OPEN:  # it may be our own fulfilment, of before a crash: submit finds out
            return {"by": "", "gasUsed": 0}
        call = self._coordinator(request).commit(self._fulfilment(request, asked, proof_hash))
        receipt = self._parts.sender.transact(f"commit:{request.id}", call)
        self._outwait(int(receipt["blockNumber"]))
        return {"by": "", "gasUsed": landed(self._parts, "commit", receipt)["gasUsed"]}

    def _outwait(self, block: int) -> None:
        """Returns once a fulfilment can be simulated: off local chains that is done in the newest block, not the next.

        Raises TransactionNotMined when no block comes.
        """
        client, seen = self._parts.client, b""
        deadline = time.monotonic() + self._parts.settings.tx_timeout_secs
        while not client.is_local and client.head().number <= block:
            if time.monotonic() > deadline:
                raise TransactionNotMined(f"no block follows {block}")
            seen = client.heads.wait(seen, 1.0)

    def _submit(self, request: Request, asked: AskedInference, proof_hash: str, by: str) -> Facts:
        sent = self._send(request, asked, proof_hash, by)
        facts = landed(self._parts, "fulfil", sent.receipt, sent.gas_used)
        return {**facts, "key": sent.key, "together": sent.together}

    def _send(self, request: Request, asked: AskedInference, proof_hash: str, by: str) -> Sent:
        """The one fulfilment of this request.

        Raises AnsweredByAnother when somebody else was faster, TransactionNotMined while an answer is only on its way,
        the chain's refusal for any other reason.
        """
        coordinator = self._coordinator(request)
        try:
            return self._batcher.send(request.id, coordinator, self._fulfilment(request, asked, proof_hash), by)
        except ContractRevert as error:
            answer = coordinator.answer(asked.request_id, asked.block_number)
            if answer is None:
                if isinstance(error, WrongRequestStatus) and error.args_[1] == OnchainStatus.FULFILLED:
                    raise TransactionNotMined(f"an answer to the request {asked.request_id} is on its way") from error
                raise
            receipt = self._own(answer)
            if receipt is None:
                raise AnsweredByAnother(
                    f"the request {asked.request_id} was answered in {answer.tx_hash}, paying {answer.payee}"
                ) from error
            return self._batcher.found(coordinator, asked.request_id, receipt)

    def _own(self, answer: Answer) -> TxReceipt | None:
        """The receipt of an answer that one of our keys has sent: in a batch, or for an earlier attempt."""
        tx_hash = bytes.fromhex(answer.tx_hash.removeprefix("0x"))
        transaction = self._parts.client.transaction(tx_hash)
        if transaction is None or transaction["from"] not in self._parts.sender.addresses:
            return None
        return self._parts.client.receipt(tx_hash)

    def _confirm(self, request: Request, asked: AskedInference, submitted: Facts) -> Facts:
        """The answer as the chain has it; after a reorg, its transaction's new landing."""
        key = submitted.get("key", f"fulfil:{request.id}")  # a step of before batches has none
        if key:
            receipt = self._parts.sender.again(key)
        else:
            found = self._parts.client.receipt(bytes.fromhex(submitted["txHash"].removeprefix("0x")))
            if found is None:
                raise RequestNotOpen(f"the answer to the request {asked.request_id} was taken back")
            receipt = found
        answer = self._coordinator(request).answer_in(receipt, asked.request_id)
        if answer is None:
            raise RequestNotOpen(f"the transaction of the request {asked.request_id} fulfilled nothing")
        facts = self._coordinator(request).request_of(asked.request_id)
        return {
            **_shown(answer),
            "together": submitted["together"],
            "callback": facts.callback.name.lower(),
            "answeredAt": facts.fulfilled_at,
        }

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
