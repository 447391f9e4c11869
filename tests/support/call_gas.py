"""Where the gas of a transaction went, by the contract that it was spent in."""

from __future__ import annotations

from typing import Any

from web3.types import TxReceipt

from tests.support.local_chain import LocalChain

INTRINSIC = 21_000
LAST_PRECOMPILE = 0x1FF
ZERO_BYTE, OTHER_BYTE = 4, 16  # EIP-2028


def execution_gas(chain: LocalChain, receipt: TxReceipt) -> int:
    """Gas used without the transaction's base price and its calldata's: the same for every proof of a circuit."""
    return int(receipt["gasUsed"]) - INTRINSIC - calldata_gas(chain, receipt)


def calldata_gas(chain: LocalChain, receipt: TxReceipt) -> int:
    """Gas that the transaction's calldata cost; differs from proof to proof by its zero bytes."""
    data = bytes(chain.web3.eth.get_transaction(receipt["transactionHash"])["input"])
    return ZERO_BYTE * data.count(0) + OTHER_BYTE * (len(data) - data.count(0))


def gas_by_call(chain: LocalChain, receipt: TxReceipt) -> dict[str, int]:
    """Gas of each contract called, by its address in lower case: with precompiles, without what it called beside."""
    trace = chain.rpc("debug_traceTransaction", receipt["transactionHash"].to_0x_hex(), {"tracer": "callTracer"})
    spent: dict[str, int] = {}
    _collect(trace, spent)
    return spent


def _collect(frame: dict[str, Any], spent: dict[str, int]) -> int:
    total = int(frame["gasUsed"], 16)
    calls = [call for call in frame.get("calls", []) if int(call["to"], 16) > LAST_PRECOMPILE]
    inner = sum(_collect(call, spent) for call in calls)
    spent[frame["to"]] = spent.get(frame["to"], 0) + total - inner
    return total
