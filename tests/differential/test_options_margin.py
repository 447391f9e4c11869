"""The options book on chain equals oracle.domain.options_margin to the wei over random histories.

PLUMBLINE_FUZZ_CASES sets how many calls are compared.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import options_fuzz
from tests.support.histories import histories
from tests.support.local_chain import LocalChain
from tests.support.options import FEEDS, HOUR, WAD, deploy_options

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "300"))
HISTORY = 2_000  # calls on one book
BLOCKS = [1, 12, 40, 60, 80]  # calls in one block
WAITS = [1, 12, 12, 60, 300, 300, 600, 600, 1_800, 7_100, 43_200]
BOOKS: dict[str, dict[str, Any]] = {
    "all feeds, 6 decimals": {"decimals": 6, "feeds": FEEDS},
    "fixed shocks, one volatility, 18 decimals": {
        "decimals": 18,
        "feeds": ("priceFeed",),
        "pillars": 1,
        "minShock": 15 * WAD // 100,
        "maxShock": 15 * WAD // 100,
        "rate": 0,
    },
    "quantile, 8 decimals, dear lots, no penalty": {
        "decimals": 8,
        "feeds": ("priceFeed", "riskFeed"),
        "pillars": 2,
        "riskHorizon": 24 * HOUR,
        "lotSize": WAD,
        "maxOpenInterest": 100 * WAD,
        "penaltyBps": 0,
        "startDiscountBps": 0,
    },
}


@pytest.mark.timeout(0)  # as long as was asked for
@pytest.mark.parametrize("name", BOOKS)
def test_options_margin__random_histories__as_the_reference(
    chain: LocalChain, name: str, record_property: Callable[[str, object], None]
) -> None:
    def begin(seed: int) -> options_fuzz.Fuzzer:
        return options_fuzz.warmed(deploy_options(chain, maxPositions=4, **BOOKS[name]), seed)

    def live(fuzzer: options_fuzz.Fuzzer, left: int) -> int:
        done = 0
        while done < min(HISTORY, left):
            done += fuzzer.block(fuzzer.draw.choice(BLOCKS), fuzzer.draw.choice(WAITS))
            fuzzer.settle_expiries()
        return done

    outcomes = histories(chain, list(BOOKS).index(name), -(-CASES // len(BOOKS)), begin, live, record=record_property)
    assert {"deposit:ok", "list:ok", "trade:ok", "withdraw:ok"} <= set(outcomes)
