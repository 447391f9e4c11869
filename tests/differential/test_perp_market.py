"""The perpetual market on chain equals oracle.domain.perp to the wei over random histories.

PLUMBLINE_FUZZ_CASES sets how many calls are compared.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import perp_fuzz
from tests.support.histories import histories
from tests.support.local_chain import LocalChain
from tests.support.perp import HOUR, WAD, deploy_perp

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "1500"))
HISTORY = 600  # calls on one market
BLOCK = 20
WAITS = [1, 12, 12, 60, 600, 1_800, 3_599, 3_601, 7_201, 86_400, 90_000]
MARKETS: dict[str, dict[str, Any]] = {
    "volatility, 6 decimals": {"decimals": 6},
    "quantile, 18 decimals, fixed depth, no weight": {
        "decimals": 18,
        "weighted": False,
        "riskHorizon": 24 * HOUR,
        "depthRampBpsPerHour": 0,
        "maxMargin": WAD,
    },
    "8 decimals, small fund use, no decay": {
        "decimals": 8,
        "fundUseBps": 50,
        "premiumDecayBpsPerHour": 0,
        "depthRampBpsPerHour": 0,
        "closeFactorBps": 10_000,
        "feeBps": 0,
    },
    "7 decimals, wild depth": {
        "decimals": 7,
        "baseDepth": 4_000 * WAD,
        "maxOpenInterest": 250 * WAD,
        "depthRampBpsPerHour": 2_500,
        "premiumDecayBpsPerHour": 10_000,
        "maxDivergenceBps": 9_000,
        "maxSkewFundBps": 65_535,
        "fundUseBps": 10_000,
        "minMargin": WAD // 100,
        "liquidationFeeBps": 30,
    },
}


@pytest.mark.timeout(0)  # as long as was asked for
@pytest.mark.parametrize("name", MARKETS)
def test_perp_market__random_histories__as_the_reference(
    chain: LocalChain, name: str, record_property: Callable[[str, object], None]
) -> None:
    def begin(seed: int) -> perp_fuzz.Fuzzer:
        return perp_fuzz.start(deploy_perp(chain, fund=0, fundCooldown=HOUR, **MARKETS[name]), seed)

    def live(fuzzer: perp_fuzz.Fuzzer, left: int) -> int:
        blocks = min(HISTORY, left) // BLOCK + 1
        return sum(fuzzer.block(BLOCK, fuzzer.draw.choice(WAITS)) for _ in range(blocks))

    outcomes = histories(
        chain, list(MARKETS).index(name), -(-CASES // len(MARKETS)), begin, live, record=record_property
    )
    assert {"increase:ok", "decrease:ok", "deposit:ok", "withdraw:ok"} <= set(outcomes)
