"""The workflows of feeds: a price, and a proven round."""

from __future__ import annotations

from web3.contract.contract import ContractFunction
from web3.logs import DISCARD
from web3.types import TxReceipt

from oracle.chain.feeds import RiskFeed, SharedProofVerifier
from oracle.daemon.boards import BoardWorkflow
from oracle.daemon.observing import Observer
from oracle.daemon.parts import ServiceParts
from oracle.daemon.proofs import Prover, proving_steps
from oracle.daemon.sending import landed, simulate
from oracle.daemon.steps import Facts, Steps
from oracle.domain.deployment import FeedRecord
from oracle.domain.requests import Request
from oracle.errors import TransactionNotMined


class FeedWorkflows:
    """plan, observe, and for a proven feed: snapshot, witness, prove, verify, simulate, submit, confirm."""

    def __init__(self, parts: ServiceParts, steps: Steps, observer: Observer, prover: Prover) -> None:
        self._parts = parts
        self._steps = steps
        self._observer = observer
        self._prover = prover
        self._boards = BoardWorkflow(parts, steps, prover)

    def price(self, request: Request) -> Facts:
        """The next observation of a price feed."""
        feed = self._parts.feed(request.subject)
        observed = self._observe(request, feed)
        return {
            "feed": feed.name,
            "kind": feed.kind,
            "roundId": observed["observationRound"],
            "answer": observed["price"],
            **_pick(observed, "observationRound", "observedAt", "updatedAt", "price", "txHash", "gasUsed"),
            "seconds": {"observe": observed["seconds"]},
        }

    def round(self, request: Request) -> Facts:
        """The next proven round of a feed."""
        feed = self._parts.feed(request.subject)
        observed = self._observe(request, feed)
        if feed.assesses_positions:
            return self._boards.run(request, feed, observed)
        target = int(observed["observationRound"])

        snapshot = self._steps.run(request, "snapshot", lambda: self._snapshot(feed, target))
        inputs = [int(value) for value in snapshot["inputs"]]
        proof = proving_steps(self._steps, self._prover, request, feed.model, inputs)
        proof_hash = proof["prove"]["proofHash"]
        simulated = self._steps.run(request, "simulate", lambda: self._simulate(feed, target, proof_hash, len(inputs)))
        submitted = self._steps.run(
            request, "submit", lambda: self._submit(request, feed, target, proof_hash, len(inputs))
        )
        confirmed = self._steps.run(
            request, "confirm", lambda: self._confirm(request, feed, target, proof_hash, len(inputs))
        )
        steps = {
            "observe": observed,
            "snapshot": snapshot,
            **proof,
            "simulate": simulated,
            "submit": submitted,
            "confirm": confirmed,
        }
        return {
            "feed": feed.name,
            "kind": feed.kind,
            **_pick(confirmed, "roundId", "answer", "provenAnswer", "observedAt", "updatedAt", "txHash", "blockNumber"),
            **_pick(observed, "observationRound", "price"),
            "proofHash": proof_hash,
            "gasUsed": submitted["gasUsed"],
            "observeGasUsed": observed.get("gasUsed", 0),
            "seconds": {name: facts["seconds"] for name, facts in steps.items()},
        }

    def _observe(self, request: Request, feed: FeedRecord) -> Facts:
        planned = self._steps.run(request, "plan", lambda: self._observer.plan(feed))
        return self._steps.run(request, "observe", lambda: self._observer.record(request, feed, planned))

    def _snapshot(self, feed: FeedRecord, target: int) -> Facts:
        expected = self._parts.risk_feed(feed).expected_inputs(target)
        return {
            "inputs": [str(value) for value in expected.inputs],
            "observedAt": expected.observed_at,
            "commitment": "0x" + expected.commitment.hex(),
        }

    def _call(self, feed: FeedRecord, target: int, proof_hash: str, input_count: int) -> ContractFunction:
        proof = self._prover.proof(proof_hash)
        outputs = proof.instances[input_count:]
        if not feed.group:
            return self._parts.risk_feed(feed).submit_round(target, outputs, proof.zk_proof)
        together = [member.address for member in self._parts.deployment().group(feed.group)]
        shared = SharedProofVerifier(self._parts.client, feed.verifier)
        return shared.submit_rounds(together, target, outputs, proof.zk_proof)

    def _simulate(self, feed: FeedRecord, target: int, proof_hash: str, input_count: int) -> Facts:
        return simulate(self._parts, self._call(feed, target, proof_hash, input_count))

    def _send(self, request: Request, feed: FeedRecord, target: int, proof_hash: str, input_count: int) -> TxReceipt:
        """The receipt of the one transaction of this request; after a reorg, of its new landing."""
        key = f"round:{feed.address}:{target}:{request.id}"
        return self._parts.sender.transact(key, self._call(feed, target, proof_hash, input_count))

    def _submit(self, request: Request, feed: FeedRecord, target: int, proof_hash: str, input_count: int) -> Facts:
        return landed(self._parts, "round", self._send(request, feed, target, proof_hash, input_count))

    def _confirm(self, request: Request, feed: FeedRecord, target: int, proof_hash: str, input_count: int) -> Facts:
        receipt = self._send(request, feed, target, proof_hash, input_count)
        contract = self._parts.risk_feed(feed)
        proven = contract.round(_round_of(contract, receipt, target))
        return {
            "roundId": proven.round_id,
            "answer": str(proven.answer),
            "provenAnswer": str(proven.proven_answer),
            "observedAt": proven.observed_at,
            "updatedAt": proven.updated_at,
            "txHash": receipt["transactionHash"].to_0x_hex(),
            "blockNumber": int(receipt["blockNumber"]),
        }


def _round_of(contract: RiskFeed, receipt: TxReceipt, target: int) -> int:
    for event in contract.contract.events.RoundProven().process_receipt(receipt, errors=DISCARD):
        if event["address"] == contract.address and event["args"]["observationRound"] == target:
            return int(event["args"]["roundId"])
    raise TransactionNotMined(f"the transaction proved no round for observation {target}")


def _pick(facts: Facts, *names: str) -> Facts:
    return {name: facts[name] for name in names if name in facts}
