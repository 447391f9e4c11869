"""LiquidationBoard: typed reads, calls to send, and its proven batches as the rounds of a feed.

A round is a batch that was proven, its answer the highest probability of liquidation among the positions in it. The
contract keeps each account's newest assessment alone, so batches are read from events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import HexStr
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.logs import DISCARD
from web3.types import LogReceipt, TxReceipt

from oracle.chain.client import LOG_RANGE_BLOCKS, ChainClient, checked_address
from oracle.chain.feeds import AggregatorFeed, FeedRound, RiskFeed, checked_round
from oracle.chain.reverts import NoDataPresent
from oracle.domain.deployment import FeedRecord
from oracle.domain.market_state import NO_DEBT, Assessment
from oracle.errors import FeatureUnavailable
from oracle.units import WAD

MARKET_INPUTS: Final = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """One BatchTaken event: what a prover needs. `inputs` are integers at the model's input scale."""

    batch_id: int
    accounts: tuple[str, ...]
    inputs: tuple[int, ...]
    observed_at: int
    block_number: int
    log_index: int


@dataclass(frozen=True, slots=True)
class ProvenBatch:
    """One BatchProven event, with the assessments that its transaction stored."""

    batch_id: int
    input_commitment: bytes
    proof_hash: bytes
    tx_hash: bytes
    block_number: int
    log_index: int
    assessments: tuple[Assessment, ...]

    @property
    def observed_at(self) -> int:
        """Time of the newest price in it; 0 when all its positions had newer assessments."""
        return max((one.observed_at for one in self.assessments), default=0)

    @property
    def answer(self) -> int:
        """The highest probability of the batch."""
        return max((one.probability for one in self.assessments), default=0)


class LiquidationBoard:
    """One board. `first_block`: before the first event of it and of its vault."""

    def __init__(self, client: ChainClient, address: str, first_block: int = 0) -> None:
        self._client = client
        self._first_block = first_block
        self.contract = client.contract("LiquidationBoard", address)

    @property
    def address(self) -> str:
        """The board's contract."""
        return str(self.contract.address)

    # --- what it is

    def vault(self) -> str:
        """Address of the LendingVault whose positions it assesses."""
        return str(self._read("vault"))

    def prices(self) -> str:
        """Address of the ObservationFeed."""
        return str(self._read("prices"))

    def stride(self) -> int:
        """Prices that make 8 hours."""
        return int(self._read("stride"))

    def places(self) -> int:
        """Positions of one batch at most."""
        return int(self._read("places"))

    def input_scale_bits(self) -> int:
        """Inputs are integers at 2^bits."""
        return int(self._read("inputScaleBits"))

    def inference_verifier(self) -> str:
        """Address of the InferenceVerifier."""
        return str(self._read("inferenceVerifier"))

    def model_id(self) -> int:
        """The registered model."""
        return int(self._read("modelId"))

    def model_version(self) -> int:
        """The version that the next batch is proven with."""
        return int(self._read("modelVersion"))

    def paused(self) -> bool:
        """Whether the guardian has stopped it."""
        return bool(self._read("paused"))

    # --- batches

    def nearest_accounts(self) -> list[str]:
        """The positions nearest to liquidation, as many as there are places, in the order that `snapshot` wants.

        Left out: who owes nothing, and who can be liquidated already. Raises FeatureUnavailable when none is left.
        """
        vault = self._client.contract("LendingVault", self.vault())
        borrowers = {args["account"] for _, args in self._events("Borrowed", contract=vault)}
        factors = {one: int(self._client.call(vault.functions.healthFactor(one))) for one in sorted(borrowers)}
        healthy = sorted((factor, one) for one, factor in factors.items() if WAD <= factor < NO_DEBT)
        if not healthy:
            raise FeatureUnavailable(
                f"no position of the vault {vault.address} has debt and is healthy",
                remedy="a board assesses open loans; a health factor below 1 needs no forecast",
            )
        return sorted((one for _, one in healthy[: self.places()]), key=lambda one: int(one, 16))

    def expected_inputs(self, accounts: Sequence[str], observation_round: int) -> list[int]:
        """What a snapshot would take now. Raises the board's and the vault's refusals."""
        inputs, _ = self._read("expectedInputs", list(accounts), checked_round(observation_round))
        return list(inputs)

    def snapshot(self, accounts: Sequence[str], observation_round: int) -> ContractFunction:
        """The call that has the chain compute a batch's inputs."""
        return self.contract.functions.snapshot(list(accounts), checked_round(observation_round))

    def prove(self, batch: Batch, output_instances: Sequence[int], zk_proof: bytes) -> ContractFunction:
        """The call that proves a batch and stores its assessments."""
        return self.contract.functions.prove(
            batch.batch_id, list(batch.accounts), list(batch.inputs), list(output_instances), zk_proof
        )

    def decode_prove(self, data: bytes) -> tuple[Batch, list[int], bytes]:
        """The batch (without its place on chain), outputs and proof of a prove's calldata. Raises ValueError."""
        function, arguments = self.contract.decode_function_input(HexStr("0x" + data.hex()))
        if function.fn_name != "prove":
            raise ValueError(f"the call is {function.fn_name}, not prove")
        batch = Batch(int(arguments["batchId"]), tuple(arguments["accounts"]), tuple(arguments["inputs"]), 0, 0, 0)
        return batch, list(arguments["outputInstances"]), bytes(arguments["zkProof"])

    def taken(self, receipt: TxReceipt) -> Batch | None:
        """The batch that a transaction took."""
        for event in self.contract.events.BatchTaken().process_receipt(receipt, errors=DISCARD):
            if event["address"] == self.address:
                return _batch(event["args"], event["blockNumber"], event["logIndex"])
        return None

    def batch(self, batch_id: int) -> Batch | None:
        """A batch as its event told it; None without one."""
        for log, args in self._events("BatchTaken", ([checked_round(batch_id).to_bytes(32, "big")],)):
            return _batch(args, log["blockNumber"], log["logIndex"])
        return None

    # --- rounds

    def proven(
        self, batch_id: int = 0, first_block: int | None = None, last_block: int | None = None
    ) -> list[ProvenBatch]:
        """Batches that were proven, in the chain's order: one, or all of these blocks."""
        span = (self._first_block if first_block is None else first_block, last_block)
        wanted = [checked_round(batch_id).to_bytes(32, "big")] if batch_id else []
        assessed: dict[bytes, list[Assessment]] = {}
        for log, args in self._events("PositionAssessed", ([], wanted), span):
            assessed.setdefault(bytes(log["transactionHash"]), []).append(_assessment(args))
        return [
            ProvenBatch(
                batch_id=int(args["batchId"]),
                input_commitment=bytes(args["inputCommitment"]),
                proof_hash=bytes(args["proofHash"]),
                tx_hash=bytes(log["transactionHash"]),
                block_number=int(log["blockNumber"]),
                log_index=int(log["logIndex"]),
                assessments=tuple(
                    one
                    for one in assessed.get(bytes(log["transactionHash"]), ())
                    if one.batch_id == int(args["batchId"])
                ),
            )
            for log, args in self._events("BatchProven", (wanted,), span)
        ]

    def assessments(self) -> list[Assessment]:
        """The newest assessment of each account, the likeliest liquidation first."""
        newest = {args["account"]: _assessment(args) for _, args in self._events("PositionAssessed")}
        return sorted(newest.values(), key=lambda one: (-one.probability, one.account))

    def stored(self, account: str) -> tuple[int, int, int, int]:
        """Probability, confidence (WAD), observation and proof time of an account. Raises reverts.NotAssessed."""
        probability, confidence, observed_at, updated_at = self._read("assessmentOf", checked_address(account))
        return int(probability), int(confidence), int(observed_at), int(updated_at)

    def rounds(self, limit: int, before: int | None = None) -> list[FeedRound]:
        """The newest proven batches below `before`, newest first; without those that only older news were in."""
        found = [one for one in self.proven() if one.assessments and (before is None or one.batch_id < before)]
        return [self._round(one) for one in sorted(found, key=lambda one: -one.batch_id)[:limit]]

    def latest_round(self) -> int:
        """The newest round's id; 0 before the first."""
        latest = self.latest()
        return latest.round_id if latest else 0

    def latest(self) -> FeedRound | None:
        """The round whose newest price is the newest; None before the first. Looks backwards from the chain's head."""
        last = self._client.head().number
        while last >= self._first_block:
            first = max(self._first_block, last - LOG_RANGE_BLOCKS + 1)
            found = [one for one in self.proven(0, first, last) if one.assessments]
            if found:
                return self._round(max(found, key=lambda one: (one.observed_at, one.batch_id)))
            last = first - 1
        return None

    def round_data(self, round_id: int) -> FeedRound:
        """A proven batch as a round. Raises reverts.NoDataPresent for every other id."""
        for found in self.proven(round_id) if round_id else ():
            if found.assessments:
                return self._round(found)
        raise NoDataPresent(round_id)

    def _round(self, proven: ProvenBatch) -> FeedRound:
        block = self._client.block(proven.block_number)
        return FeedRound(proven.batch_id, proven.answer, proven.observed_at, block.timestamp if block else 0)

    # --- helpers

    def _events(
        self,
        name: str,
        topics: Sequence[Sequence[bytes]] = (),
        span: tuple[int, int | None] | None = None,
        contract: Contract | None = None,
    ) -> list[tuple[LogReceipt, Mapping[str, Any]]]:
        """Events of the board, or of another contract; `topics`: choices of the indexed arguments, empty: any."""
        source, (first, last) = contract or self.contract, span or (self._first_block, None)
        event = source.events[name]()
        every = [[bytes.fromhex(event.topic.removeprefix("0x"))], *topics]
        while not every[-1]:
            every.pop()
        logs = self._client.logs(str(source.address), every, first, last)
        return [(log, event.process_log(log)["args"]) for log in logs]

    def _read(self, function: str, *arguments: object) -> Any:
        return self._client.call(self.contract.functions[function](*arguments))


def opened_feed(client: ChainClient, record: FeedRecord) -> AggregatorFeed | LiquidationBoard:
    """Latest round and rounds of any feed that is recorded."""
    if record.assesses_positions:
        return LiquidationBoard(client, record.address, record.first_block)
    return AggregatorFeed(client, record.address)


def proven_contract(client: ChainClient, record: FeedRecord) -> RiskFeed | LiquidationBoard:
    """A proven feed with its pause and its model's version."""
    if record.assesses_positions:
        return LiquidationBoard(client, record.address, record.first_block)
    return RiskFeed(client, record.address)


def _batch(args: Mapping[str, Any], block_number: int, log_index: int) -> Batch:
    return Batch(
        batch_id=int(args["batchId"]),
        accounts=tuple(args["accounts"]),
        inputs=tuple(args["inputs"]),
        observed_at=int(args["observedAt"]),
        block_number=int(block_number),
        log_index=int(log_index),
    )


def _assessment(args: Mapping[str, Any]) -> Assessment:
    return Assessment(
        account=str(args["account"]),
        batch_id=int(args["batchId"]),
        probability=int(args["probabilityWad"]),
        confidence=int(args["confidenceWad"]),
        observed_at=int(args["observedAt"]),
    )
