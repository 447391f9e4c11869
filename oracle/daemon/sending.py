"""What every workflow that proves and sends does alike."""

from __future__ import annotations

from typing import Final

from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from oracle.chain.client import calldata
from oracle.daemon.parts import ServiceParts
from oracle.daemon.steps import Facts

# A proof that was killed for its time or memory is tried once more, on a fresh worker
PROVE_ATTEMPTS: Final = 2


def simulate(parts: ServiceParts, function: ContractFunction) -> Facts:
    """Runs a call by eth_call in the next block's state, as the sender. Raises the revert it would have."""
    parts.client.simulate({"from": parts.sender.address, "to": function.address, "data": calldata(function)})
    return {}


def landed(parts: ServiceParts, purpose: str, receipt: TxReceipt, gas_used: int | None = None) -> Facts:
    """What is kept of a mined transaction; `gas_used` is a part of it, where others have theirs in it too."""
    gas_used = int(receipt["gasUsed"]) if gas_used is None else gas_used
    parts.metrics.gas_used.labels(purpose).inc(gas_used)
    return {
        "txHash": receipt["transactionHash"].to_0x_hex(),
        "gasUsed": gas_used,
        "blockNumber": int(receipt["blockNumber"]),
    }
