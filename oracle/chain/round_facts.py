"""What a chain holds about a RiskFeed's rounds: events, calldata, and the observations behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from web3.contract import Contract
from web3.types import LogReceipt

from oracle.chain.client import ChainClient
from oracle.chain.feeds import RiskFeed, SharedProofVerifier
from oracle.domain.commitments import ProvenRound, proof_hash
from oracle.domain.deployment import FeedGuards
from oracle.domain.garch_batch import aligned_place
from oracle.errors import NotFound, ProofRejected


@dataclass(frozen=True, slots=True)
class RoundEvent:
    """One RoundProven event and where it stands."""

    proven: ProvenRound
    root: bytes
    tx_hash: bytes
    block_number: int
    log_index: int

    @property
    def position(self) -> tuple[int, int]:
        """Order on the chain."""
        return self.block_number, self.log_index


@dataclass(frozen=True, slots=True)
class Submission:
    """What a submitRound's calldata holds."""

    observation_round: int
    output_instances: tuple[int, ...]
    zk_proof: bytes


@dataclass(frozen=True, slots=True)
class Observed:
    """One ObservationRecorded or VectorRecorded event; `values`: a price of 8 decimals, or a vector."""

    round_id: int
    values: tuple[int, ...]
    observed_at: int
    segment_start: int
    position: tuple[int, int]
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class GuardsChange:
    """One GuardsChanged event."""

    guards: FeedGuards
    position: tuple[int, int]


def round_events(client: ChainClient, feed: RiskFeed, from_block: int = 0) -> list[RoundEvent]:
    """Every round of a feed in the chain's order."""
    return [_round_event(log, args) for log, args in _events(client, feed.contract, "RoundProven", from_block)]


def guards_changes(client: ChainClient, feed: RiskFeed, from_block: int = 0) -> list[GuardsChange]:
    """Every setting of a feed's guards in the chain's order; the constructor's is the first."""
    return [
        GuardsChange(FeedGuards(*_values(args["guards"])), _position(log))
        for log, args in _events(client, feed.contract, "GuardsChanged", from_block)
    ]


def publisher_sets(client: ChainClient, source: str) -> dict[int, tuple[list[str], int]]:
    """Every set of publishers that a price feed has had, and its quorum, by the set's version."""
    contract = client.contract("ObservationFeed", source)
    return {
        int(args["publisherSetVersion"]): (list(args["publishers"]), int(args["quorum"]))
        for _, args in _events(client, contract, "PublishersChanged", 0)
    }


def observed_window(
    client: ChainClient, source: str, last_round: int, count: int, from_block: int = 0
) -> list[Observed]:
    """The `count` prices that end at a round, from events.

    Raises NotFound when the chain has no event for one of them.
    """
    first = max(1, last_round - count + 1)
    contract = client.contract("ObservationFeed", source)
    wanted = [number.to_bytes(32, "big") for number in range(first, last_round + 1)]
    found = [
        Observed(
            args["roundId"], (args["price"],), args["observedAt"], args["segmentStart"], _position(log), _hash(log)
        )
        for log, args in _events(client, contract, "ObservationRecorded", from_block, wanted)
    ]
    found.sort(key=lambda observed: observed.round_id)
    if [observed.round_id for observed in found] != list(range(first, last_round + 1)):
        raise NotFound(f"{source} has no events for all of the observations {first} to {last_round}")
    return found


def aligned_window(
    client: ChainClient, source: str, asset: int, *, time: int, max_skew: int, count: int, from_block: int = 0
) -> list[Observed]:
    """As observed_window, for the first round observed `max_skew` seconds before `time` or later.

    Raises WindowsNotAligned when that one is more than `max_skew` later, NotFound.
    """
    contract = client.contract("ObservationFeed", source)
    rounds = sorted(
        (args["roundId"], args["observedAt"])
        for _, args in _events(client, contract, "ObservationRecorded", from_block)
    )
    if not rounds:
        raise NotFound(f"{source} has no events of observations")
    place = aligned_place(asset, [observed_at for _, observed_at in rounds], time, max_skew)
    return observed_window(client, source, rounds[place][0], count, from_block)


def round_observed_at(client: ChainClient, source: str, time: int, from_block: int = 0) -> int:
    """The round of a price feed that was observed at exactly that time. Raises NotFound."""
    event = client.contract("ObservationFeed", source).events.ObservationRecorded()
    for log in reversed(client.logs(source, [[bytes.fromhex(event.topic.removeprefix("0x"))]], from_block)):
        args = event.process_log(log)["args"]
        if args["observedAt"] == time:
            return int(args["roundId"])
    raise NotFound(f"{source} has no event of an observation at {time}")


def observed_vector(client: ChainClient, source: str, round_id: int, from_block: int = 0) -> list[Observed]:
    """The vector of a round, from its event. Raises NotFound without one."""
    contract = client.contract("VectorObservationFeed", source)
    events = _events(client, contract, "VectorRecorded", from_block, [round_id.to_bytes(32, "big")])
    if len(events) != 1:
        raise NotFound(f"{source} has {len(events)} events for the vector {round_id}, not one")
    log, args = events[0]
    return [Observed(round_id, tuple(args["values"]), args["observedAt"], round_id, _position(log), _hash(log))]


def submission(client: ChainClient, feed: RiskFeed, event: RoundEvent) -> Submission:
    """The calldata behind a round.

    Raises ProofRejected when the transaction is a direct call neither of submitRound nor of the submitRounds of the
    feed's own SharedProofVerifier, or holds another proof than the event names.
    """
    transaction = client.transaction(event.tx_hash)
    if transaction is None:
        raise NotFound(f"the node does not have transaction 0x{event.tx_hash.hex()}")
    called, data = transaction.get("to"), bytes(transaction["input"])
    shared = feed.inference_verifier()
    if called not in {feed.address, shared}:
        raise ProofRejected(
            f"round {event.proven.round_id} came through {called}, not by a direct call of the feed",
            remedy="Take the proof from a trace of the transaction, and check it with plumbline verify --proof.",
        )
    try:
        if called == feed.address:
            observation_round, outputs, zk_proof = feed.decode_submit(data)
        else:
            _, observation_round, outputs, zk_proof = SharedProofVerifier(client, shared).decode_submit(data)
    except ValueError as error:
        raise ProofRejected(f"the transaction submits no round: {error}") from None
    if proof_hash(zk_proof) != event.proven.proof_hash:
        raise ProofRejected("the calldata holds another proof than the event names")
    return Submission(observation_round, tuple(outputs), zk_proof)


def _events(
    client: ChainClient, contract: Contract, name: str, from_block: int, first_topic: Sequence[bytes] = ()
) -> list[tuple[LogReceipt, Any]]:
    event = contract.events[name]()
    topics: list[Sequence[bytes]] = [[bytes.fromhex(event.topic.removeprefix("0x"))]]
    if first_topic:
        topics.append(first_topic)
    logs = client.logs(str(contract.address), topics, from_block)
    return [(log, event.process_log(log)["args"]) for log in logs]


def _round_event(log: LogReceipt, args: Any) -> RoundEvent:
    proven = ProvenRound(
        round_id=args["roundId"],
        model_id=args["modelId"],
        version=args["version"],
        input_commitment=bytes(args["inputCommitment"]),
        observation_round=args["observationRound"],
        observed_at=args["observedAt"],
        proven_answer=args["provenAnswer"],
        answer=args["answer"],
        proof_hash=bytes(args["proofHash"]),
    )
    return RoundEvent(
        proven, bytes(args["root"]), bytes(log["transactionHash"]), int(log["blockNumber"]), int(log["logIndex"])
    )


def _position(log: LogReceipt) -> tuple[int, int]:
    return int(log["blockNumber"]), int(log["logIndex"])


def _hash(log: LogReceipt) -> bytes:
    return bytes(log["transactionHash"])


def _values(struct: Any) -> list[int]:
    return list(struct.values()) if hasattr(struct, "values") else list(struct)
