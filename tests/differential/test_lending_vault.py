"""The lending vault on chain equals oracle.domain.lending_vault to the wei over random histories.

PLUMBLINE_FUZZ_CASES sets how many calls are compared.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain.lending import PositionState
from oracle.units import WAD
from tests.support import lending_fuzz
from tests.support.histories import histories
from tests.support.lending import HOUR, deploy_world
from tests.support.local_chain import LocalChain

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "1500"))
HISTORY = 2_000  # calls on one vault
BLOCK = 25
WAITS = [1, 12, 12, 60, 600, 1_800, 3_599, 3_601, 7_201, 86_400, 2_000_000]
FUZZED = {"minRisk": WAD // 100, "maxRisk": 10 * WAD}
VAULTS: dict[str, dict[str, Any]] = {
    "two collaterals of 18 and 8 decimals": {
        "reserveBps": 1_000,
        "depth": 10**21,
        "others": [{"decimals": 8, "price": 3_000_000_000_000, "depth": 10**10, "weighted": 1}],
    },
    "three, one by its quantile, debt of 18 decimals": {
        "debt_decimals": 18,
        "minDebt": 100 * WAD,
        "reserveBps": 10_000,
        "others": [
            {"decimals": 6, "price": 10**8, "riskHorizon": 24 * HOUR, "weighted": 1, "supplyCap": 10**12},
            {"decimals": 18, "price": 10**10, "liquidationBonus": 0, "slippage": 0},
        ],
    },
    "one of 6 decimals, no grace, no rates": {
        "collateral_decimals": 6,
        "debt_decimals": 8,
        "gracePeriod": 0,
        "closeFactorBps": 10_000,
        "auctionTau": 7_200,
        "baseRate": 0,
        "slopeBelowKink": 0,
        "slopeAboveKink": 0,
        "minDebt": 0,
    },
}


@pytest.mark.timeout(0)  # as long as was asked for
@pytest.mark.parametrize("name", VAULTS)
def test_lending_vault__random_histories__as_the_reference(
    chain: LocalChain, name: str, record_property: Callable[[str, object], None]
) -> None:
    seen: set[tuple[PositionState, PositionState]] = set()

    def begin(seed: int) -> lending_fuzz.Fuzzer:
        return lending_fuzz.start(deploy_world(chain, **FUZZED, **VAULTS[name]), seed)

    def live(fuzzer: lending_fuzz.Fuzzer, left: int) -> int:
        blocks = min(HISTORY, left) // BLOCK + 1
        done = sum(fuzzer.block(BLOCK, fuzzer.draw.choice(WAITS)) for _ in range(blocks))
        seen.update(fuzzer.seen)
        return done

    outcomes = histories(chain, list(VAULTS).index(name), -(-CASES // len(VAULTS)), begin, live, record=record_property)
    record_property("moves", sorted(f"{a.name}>{b.name}" for a, b in seen))
    succeeded = {key.removesuffix(":ok") for key in outcomes if key.endswith(":ok")}
    assert {"supply", "addCollateral", "borrow", "repay", "poke", "startAuction", "take"} <= succeeded
