"""A batch of a LiquidationBoard verified again from an RPC, the board's address and the batch's id alone.

The market's inputs are recomputed from the recorded prices, each position's from its health factor in the snapshot's
block; commitment and probabilities by their Python twins; the proof by the pinned verifier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from oracle.chain.board import MARKET_INPUTS, Batch, LiquidationBoard, ProvenBatch
from oracle.chain.client import ChainClient, checked_address
from oracle.chain.evidence_checks import (
    Result,
    check_code,
    check_model,
    check_proof,
    check_transaction,
    check_verifier_code,
    in_hex,
    model_facts,
    run_check,
)
from oracle.chain.models import InferenceVerifier, ModelRegistry, ModelVersion
from oracle.chain.round_facts import Observed, observed_window, round_observed_at
from oracle.domain.commitments import feed_nonce, input_commitment, proof_hash
from oracle.domain.evidence import Evidence
from oracle.domain.market_state import RETURNS, assessed, board_inputs, market_state
from oracle.errors import ContractRevert, InvalidInput, NotFound, ProofRejected, RpcRefused
from oracle.units import felt_from_int

GONE: Final = "the node no longer holds that block's state, or the vault changed again within it"


@dataclass(frozen=True)
class BatchFacts:
    """A proven batch as the chain holds it, with what it was made of."""

    client: ChainClient
    board: LiquidationBoard
    vault: str
    proven: ProvenBatch
    taken: Batch
    window: Sequence[Observed]
    places: int
    scale_bits: int
    stride: int
    inference: InferenceVerifier
    registry: ModelRegistry
    model_id: int
    version: int  # 0: none of the model's gives the commitment
    model: ModelVersion
    submitted: Batch
    output_instances: Sequence[int]
    zk_proof: bytes

    @property
    def tx_hash(self) -> bytes:
        return self.proven.tx_hash

    @property
    def model_ids(self) -> tuple[int, int]:
        """The board's model; the commitment, which is checked by itself, says that it was proven."""
        return self.board.model_id(), self.model_id

    @property
    def instances(self) -> list[int]:
        return [*(felt_from_int(value) for value in self.taken.inputs), *self.output_instances]

    @property
    def prices(self) -> list[int]:
        return [observed.values[0] for observed in self.window]

    def commitment(self, version: int) -> bytes:
        """What the event must name, had the batch been proven with that version."""
        return input_commitment(
            self.client.chain_id,
            self.inference.address,
            self.model_id,
            version,
            feed_nonce(self.board.address, self.proven.batch_id),
            self.taken.observed_at,
            self.instances[: len(self.taken.inputs)],
        )


def collect_batch_evidence(client: ChainClient, address: str, batch_id: int = 0, *, from_block: int = 0) -> Evidence:
    """A proven batch with every check done; `batch_id` 0 is the newest.

    Raises NotFound for a batch that is not there, ProofRejected when the transaction does not hold what the event
    claims, RpcUnavailable.
    """
    return batch_evidence(gather_batch(client, address, batch_id, from_block))


def batch_evidence(facts: BatchFacts) -> Evidence:
    """The evidence of gathered facts, with every check done."""
    client = facts.client
    checks = tuple(run_check(name, check, facts, GONE) for name, check in _CHECKS)
    block, proven, model = client.block(facts.proven.block_number), facts.proven, facts.model
    return Evidence(
        chain_id=client.chain_id,
        feed=facts.board.address,
        description=f"liquidation board of {facts.vault}, {len(facts.taken.accounts)} positions",
        round_id=proven.batch_id,
        tx_hash=in_hex(proven.tx_hash),
        block_number=proven.block_number,
        observation_round=facts.window[-1].round_id,
        observed_at=facts.taken.observed_at,
        updated_at=block.timestamp if block else 0,
        answer=proven.answer,
        proven_answer=proven.answer,
        model_id=facts.model_id,
        model_version=facts.version,
        **model_facts(model),
        input_commitment=in_hex(proven.input_commitment),
        proof_hash=in_hex(proven.proof_hash),
        root="",
        prices=tuple(facts.prices),
        inputs=facts.taken.inputs,
        outputs_wad=tuple(_outputs(facts)),
        instances=tuple(facts.instances),
        zk_proof=in_hex(facts.zk_proof),
        checks=checks,
    )


def gather_batch(client: ChainClient, address: str, batch_id: int = 0, from_block: int = 0) -> BatchFacts:
    """A batch's facts; 0 is the newest. Raises as collect_batch_evidence."""
    address = checked_address(address)
    board = LiquidationBoard(client, address, from_block)
    proven = _proven(board, batch_id)
    taken = board.batch(proven.batch_id)
    if taken is None:
        raise NotFound(f"the chain has no BatchTaken event for batch {proven.batch_id} of {address}")
    transaction = client.transaction(proven.tx_hash)
    if transaction is None or transaction.get("to") != board.address:
        raise ProofRejected(
            f"batch {proven.batch_id} came not by a direct call of the board",
            remedy="Take the proof from a trace of the transaction, and check it with plumbline verify --proof.",
        )
    try:
        submitted, outputs, zk_proof = board.decode_prove(bytes(transaction["input"]))
    except ValueError as error:
        raise ProofRejected(f"the transaction proves no batch: {error}") from None
    inference, model_id, stride = (
        InferenceVerifier(client, board.inference_verifier()),
        board.model_id(),
        board.stride(),
    )
    registry = inference.registry()
    prices = board.prices()
    last = round_observed_at(client, prices, taken.observed_at, from_block)
    current = registry.latest_version(model_id)
    facts = BatchFacts(
        client=client,
        board=board,
        vault=board.vault(),
        proven=proven,
        taken=taken,
        window=observed_window(client, prices, last, RETURNS * stride + 1, from_block),
        places=board.places(),
        scale_bits=board.input_scale_bits(),
        stride=stride,
        inference=inference,
        registry=registry,
        model_id=model_id,
        version=0,
        model=registry.version(model_id, current),
        submitted=submitted,
        output_instances=outputs,
        zk_proof=zk_proof,
    )
    for version in range(current, 0, -1):
        if facts.commitment(version) == proven.input_commitment:
            return replace(facts, version=version, model=registry.version(model_id, version))
    return facts


def _proven(board: LiquidationBoard, batch_id: int) -> ProvenBatch:
    found = board.proven(batch_id)
    if not found:
        which = f"batch {batch_id}" if batch_id else "batch at all"
        raise NotFound(f"{board.address} has proven no {which}", remedy="`plumbline feed rounds` lists those it has.")
    return found[0] if batch_id else max(found, key=lambda one: (one.observed_at, one.batch_id))


# --- checks


def _check_contracts(facts: BatchFacts) -> Result:
    contracts = [
        ("LiquidationBoard", facts.board.address),
        ("LendingVault", facts.vault),
        ("ObservationFeed", facts.board.prices()),
        ("InferenceVerifier", facts.inference.address),
        ("ModelRegistry", str(facts.registry.contract.address)),
    ]
    return check_code(facts.client, contracts)


def _check_batch(facts: BatchFacts) -> Result:
    """What was proven is what was taken, and was taken before."""
    taken, submitted = facts.taken, facts.submitted
    before = (taken.block_number, taken.log_index) < (facts.proven.block_number, facts.proven.log_index)
    expected = (taken.batch_id, taken.accounts, taken.inputs, proof_hash(facts.zk_proof), True)
    return expected, (submitted.batch_id, submitted.accounts, submitted.inputs, facts.proven.proof_hash, before)


def _check_window(facts: BatchFacts) -> Result:
    """The prices are of one segment, and were there before the snapshot."""
    last, position = facts.window[-1], (facts.taken.block_number, facts.taken.log_index)
    sound = last.position < position and last.segment_start <= facts.window[0].round_id
    return "one segment before the snapshot", "one segment before the snapshot" if sound else "a gap, or later prices"


def _check_market(facts: BatchFacts) -> Result:
    """The Python twin's four figures of the market."""
    market = market_state(facts.prices, facts.stride, facts.scale_bits)
    return market.inputs, tuple(facts.taken.inputs[:MARKET_INPUTS])


def health_factors(facts: BatchFacts) -> list[int] | None:
    """The positions' health factors in the snapshot's block, WAD; None where the chain no longer tells them."""
    taken, vault = facts.taken, facts.client.contract("LendingVault", facts.vault)
    logs = facts.client.logs(facts.vault, [], taken.block_number, taken.block_number)
    if any(log["logIndex"] > taken.log_index for log in logs):
        return None
    try:
        return [
            int(facts.client.call(vault.functions.healthFactor(account), block=taken.block_number))
            for account in taken.accounts
        ]
    except (RpcRefused, ContractRevert):
        return None


def _check_positions(facts: BatchFacts) -> Result:
    """The Python twin's distances, from the vault's health factors in the snapshot's block."""
    factors = health_factors(facts)
    if factors is None:
        return None
    inputs = board_inputs(facts.prices, factors, places=facts.places, stride=facts.stride, scale_bits=facts.scale_bits)
    return inputs[MARKET_INPUTS:], list(facts.taken.inputs[MARKET_INPUTS:])


def _check_commitment(facts: BatchFacts) -> Result:
    version = facts.version or facts.board.model_version()
    return in_hex(facts.commitment(version)), in_hex(facts.proven.input_commitment)


def _outputs(facts: BatchFacts) -> list[int]:
    try:
        return facts.model.spec.outputs_wad(facts.output_instances)
    except InvalidInput:
        return []


def _check_outputs(facts: BatchFacts) -> Result:
    """Every assessment that the proof stored is the probability and the confidence that its outputs stand for."""
    says, confidence = assessed(
        facts.taken.accounts, facts.model.spec.outputs_wad(facts.output_instances), facts.places
    )
    stored = facts.proven.assessments
    expected = [(one.account, says.get(one.account), confidence, facts.taken.observed_at) for one in stored]
    return expected, [(one.account, one.probability, one.confidence, one.observed_at) for one in stored]


def _check_stored(facts: BatchFacts) -> Result:
    """No account of the batch is left with an older assessment."""
    stored = facts.proven.assessments
    return [], [one.account for one in stored if facts.board.stored(one.account)[2] < one.observed_at]


_CHECKS: Final[tuple[tuple[str, Callable[[BatchFacts], Result]], ...]] = (
    ("contracts", _check_contracts),
    ("transaction", check_transaction),
    ("batch", _check_batch),
    ("observation window", _check_window),
    ("market inputs", _check_market),
    ("positions", _check_positions),
    ("input commitment", _check_commitment),
    ("model", check_model),
    ("verifier code", check_verifier_code),
    ("proof", check_proof),
    ("outputs", _check_outputs),
    ("stored assessments", _check_stored),
)
