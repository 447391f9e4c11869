"""The workflow of a LiquidationBoard: positions nearest to liquidation, their snapshot on chain, its proof, posted."""

from __future__ import annotations

from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from oracle.chain.board import Batch, LiquidationBoard
from oracle.daemon.parts import ServiceParts
from oracle.daemon.proofs import Prover, proving_steps
from oracle.daemon.sending import landed, simulate
from oracle.daemon.steps import Facts, Steps
from oracle.domain.deployment import FeedRecord
from oracle.domain.logistic import probability_wad
from oracle.domain.requests import Request
from oracle.errors import TransactionNotMined
from oracle.units import wad_from_scaled


class BoardWorkflow:
    """snapshot, witness, prove, verify, simulate, submit, confirm, after the price has been observed."""

    def __init__(self, parts: ServiceParts, steps: Steps, prover: Prover) -> None:
        self._parts = parts
        self._steps = steps
        self._prover = prover

    def run(self, request: Request, feed: FeedRecord, observed: Facts) -> Facts:
        """Facts of the batch whose window ends at the observed price."""
        target, board = int(observed["observationRound"]), self._parts.board(feed)
        taken = self._steps.run(request, "snapshot", lambda: self._snapshot(request, board, target))
        batch = _batch(taken)
        proof = proving_steps(self._steps, self._prover, request, feed.model, batch.inputs)
        proof_hash = proof["prove"]["proofHash"]
        simulated = self._steps.run(
            request, "simulate", lambda: simulate(self._parts, self._call(board, batch, proof_hash))
        )
        submitted = self._steps.run(
            request, "submit", lambda: landed(self._parts, "batch", self._send(request, board, batch, proof_hash))
        )
        confirmed = self._steps.run(
            request, "confirm", lambda: self._confirm(board, self._send(request, board, batch, proof_hash))
        )
        steps = {
            "observe": observed,
            "snapshot": taken,
            **proof,
            "simulate": simulated,
            "submit": submitted,
            "confirm": confirmed,
        }
        return {
            "feed": feed.name,
            "kind": feed.kind,
            **{name: value for name, value in confirmed.items() if name != "seconds"},
            "observationRound": target,
            "price": observed["price"],
            "proofHash": proof_hash,
            "gasUsed": submitted["gasUsed"],
            "snapshotGasUsed": taken["gasUsed"],
            "observeGasUsed": observed.get("gasUsed", 0),
            "seconds": {name: facts["seconds"] for name, facts in steps.items()},
        }

    def _snapshot(self, request: Request, board: LiquidationBoard, target: int) -> Facts:
        """The batch that the chain has taken for this request; who is in it, its event says."""
        key = f"snapshot:{board.address}:{target}:{request.id}"
        receipt = self._parts.sender.transact(key, board.snapshot(board.nearest_accounts(), target))
        batch = board.taken(receipt)
        if batch is None:
            raise TransactionNotMined(f"the transaction took no batch of {board.address}")
        return {
            **landed(self._parts, "snapshot", receipt),
            "batchId": batch.batch_id,
            "accounts": list(batch.accounts),
            "inputs": [str(value) for value in batch.inputs],
            "observedAt": batch.observed_at,
        }

    def _call(self, board: LiquidationBoard, batch: Batch, proof_hash: str) -> ContractFunction:
        proof = self._prover.proof(proof_hash)
        return board.prove(batch, proof.instances[len(batch.inputs) :], proof.zk_proof)

    def _send(self, request: Request, board: LiquidationBoard, batch: Batch, proof_hash: str) -> TxReceipt:
        """The receipt of the one proof of this request; after a reorg, of its new landing."""
        key = f"batch:{board.address}:{batch.batch_id}:{request.id}"
        return self._parts.sender.transact(key, self._call(board, batch, proof_hash))

    def _confirm(self, board: LiquidationBoard, receipt: TxReceipt) -> Facts:
        block = int(receipt["blockNumber"])
        tx_hash = bytes(receipt["transactionHash"])
        found = [one for one in board.proven(0, block, block) if one.tx_hash == tx_hash]
        if not found:
            raise TransactionNotMined(f"the transaction proved no batch of {board.address}")
        proven = found[0]
        mined = self._parts.client.block(proven.block_number)
        return {
            "roundId": proven.batch_id,
            "answer": str(proven.answer),
            "provenAnswer": str(proven.answer),
            "observedAt": proven.observed_at,
            "updatedAt": mined.timestamp if mined else 0,
            "txHash": receipt["transactionHash"].to_0x_hex(),
            "blockNumber": proven.block_number,
            "positions": [{"account": one.account, "probability": str(one.probability)} for one in proven.assessments],
        }


def board_answer(parts: ServiceParts, feed: FeedRecord, observation_round: int) -> int:
    """The answer that a batch taken and proven now would give, WAD. Raises FeatureUnavailable, ContractRevert."""
    board = parts.board(feed)
    accounts = board.nearest_accounts()
    witness = parts.engine.witness(feed.model, board.expected_inputs(accounts, observation_round))
    circuit = parts.engine.circuit(feed.model)
    logits = [wad_from_scaled(value, circuit.output_scale(i)) for i, value in enumerate(witness.outputs)]
    return max(probability_wad(logit) for logit in logits[: len(accounts)])


def _batch(taken: Facts) -> Batch:
    return Batch(
        batch_id=int(taken["batchId"]),
        accounts=tuple(taken["accounts"]),
        inputs=tuple(int(value) for value in taken["inputs"]),
        observed_at=int(taken["observedAt"]),
        block_number=int(taken["blockNumber"]),
        log_index=0,
    )
