"""Execution gas of the pricing libraries: calls of the harness without the transaction's base price and calldata."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from web3.contract import Contract

from oracle.units import WAD
from tests.support.local_chain import LocalChain

Snapshot = Callable[[str, int], None]
INTRINSIC = 21_000
NOW = 1_767_225_600
CALL = (60_000 * WAD, 66_000 * WAD, 6 * WAD // 10, NOW + 30 * 86_400, NOW, 1)
SMILE = (WAD // 100, WAD // 10, -3 * WAD // 10, WAD // 50, WAD // 5)
LATER = (3 * WAD // 200, 3 * WAD // 20, -3 * WAD // 10, WAD // 50, WAD // 5)


@pytest.fixture(scope="module")
def harness(chain: LocalChain) -> Contract:
    """The libraries as external functions."""
    return chain.deploy("PricingHarness")


def execution(harness: Contract, function: str, *args: object) -> int:
    """Gas of a call as a transaction, less its base price and its calldata's."""
    call = harness.functions[function](*args)
    data = bytes.fromhex(call.build_transaction({"gas": 10**7})["data"][2:])
    calldata = 4 * data.count(0) + 16 * (len(data) - data.count(0))
    receipt = harness.w3.eth.wait_for_transaction_receipt(call.transact({"gas": 10**7}))
    return int(receipt["gasUsed"]) - INTRINSIC - calldata


def test_gas__black76(harness: Contract, gas_snapshot: Snapshot) -> None:
    gas_snapshot("Pricing.value-and-greeks", execution(harness, "valueOf", CALL))
    gas_snapshot("Pricing.value", execution(harness, "price", CALL[0], CALL[1], 172 * WAD // 1000, True))
    gas_snapshot("Pricing.impliedVolatility", execution(harness, "impliedVolatility", CALL, 1_500 * WAD))


@pytest.mark.parametrize(("index", "name"), [(0, "exp"), (1, "ln"), (2, "sqrt"), (3, "cdf"), (4, "pdf")])
def test_gas__functions(harness: Contract, gas_snapshot: Snapshot, index: int, name: str) -> None:
    single = execution(harness, "evaluate", index, [WAD * 3 // 2])
    double = execution(harness, "evaluate", index, [WAD * 3 // 2] * 2)
    gas_snapshot(f"Pricing.{name}", double - single)


def test_gas__svi(harness: Contract, gas_snapshot: Snapshot) -> None:
    gas_snapshot("Pricing.localVolatility", execution(harness, "localVolatility", SMILE, WAD // 10, WAD // 3))
    gas_snapshot("Pricing.requireButterflyFree", execution(harness, "requireButterflyFree", SMILE))
    gas_snapshot("Pricing.requireCalendarFree", execution(harness, "requireCalendarFree", SMILE, LATER))
