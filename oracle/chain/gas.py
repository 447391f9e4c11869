"""Where the gas of one proven round goes, from the transaction's trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from web3.types import TxReceipt

from oracle.chain.client import ChainClient
from oracle.chain.feeds import RiskFeed
from oracle.chain.models import InferenceVerifier
from oracle.chain.round_facts import RoundEvent, round_events
from oracle.errors import NotFound, RpcRefused

# EIP-2028: https://eips.ethereum.org/EIPS/eip-2028
TRANSACTION_GAS: Final = 21_000
ZERO_BYTE_GAS: Final = 4
BYTE_GAS: Final = 16


@dataclass(frozen=True, slots=True)
class GasSplit:
    """Gas of one submitRound. The parts add up to `total`.

    `verification`: the pinned Halo2 verifier. `binding`: inputs computed from the observations, instances, commitment,
    registry, decoding. `storage`: the feed's own work, which is mostly its slots and events.
    """

    total: int
    transaction: int
    calldata: int
    verification: int
    binding: int
    storage: int


def split_round_gas(client: ChainClient, feed_address: str, round_id: int) -> GasSplit:
    """Where the gas of a round went. Raises NotFound, and RpcRefused by a node without traces."""
    feed = RiskFeed(client, feed_address)
    event = _event_of(client, feed, round_id)
    receipt, transaction = client.receipt(event.tx_hash), client.transaction(event.tx_hash)
    if receipt is None or transaction is None:
        raise NotFound(f"the node does not have the transaction of round {round_id}")
    registry = InferenceVerifier(client, feed.inference_verifier()).registry()
    verifier = registry.version(event.proven.model_id, event.proven.version).spec.verifier
    return _split(client, receipt, bytes(transaction["input"]), verifier)


def calldata_gas(data: bytes) -> int:
    """What a transaction pays for its data: 4 a zero byte, 16 any other."""
    zeros = data.count(0)
    return ZERO_BYTE_GAS * zeros + BYTE_GAS * (len(data) - zeros)


def _split(client: ChainClient, receipt: TxReceipt, data: bytes, verifier: str) -> GasSplit:
    trace = client.rpc("debug_traceTransaction", "0x" + receipt["transactionHash"].hex(), {"tracer": "callTracer"})
    total, calls = int(receipt["gasUsed"]), list(trace.get("calls", ()))
    verifications = [call for call in _walk(calls) if _address(call) == verifier.lower()]
    if not verifications:
        raise RpcRefused(0, "the trace shows no call of the verifier")
    verification = sum(_gas(call) for call in verifications)
    called = sum(_gas(call) for call in calls)
    paid = calldata_gas(data)
    return GasSplit(
        total=total,
        transaction=TRANSACTION_GAS,
        calldata=paid,
        verification=verification,
        binding=called - verification,
        storage=total - TRANSACTION_GAS - paid - called,
    )


def _event_of(client: ChainClient, feed: RiskFeed, round_id: int) -> RoundEvent:
    for event in round_events(client, feed):
        if event.proven.round_id == round_id:
            return event
    raise NotFound(f"{feed.address} has no round {round_id}")


def _walk(calls: list[Any]) -> Iterator[Any]:
    for call in calls:
        yield call
        yield from _walk(list(call.get("calls", ())))


def _gas(call: Any) -> int:
    used = call["gasUsed"]
    return int(used, 16) if isinstance(used, str) else int(used)


def _address(call: Any) -> str:
    return str(call.get("to", "")).lower()
