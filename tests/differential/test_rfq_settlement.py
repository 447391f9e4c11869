"""Signed quotes on chain equal oracle.domain.rfq to the wei over random histories, events and refusals included.

PLUMBLINE_FUZZ_CASES sets how many calls of the settlement contract are compared; the book's own calls come on top.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.support import rfq_fuzz
from tests.support.local_chain import LocalChain
from tests.support.options import deploy_options
from tests.support.trading_fuzz import BOOKS

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "300"))
HISTORY = 2_500  # calls on one book
BLOCKS = [1, 40, 60, 80]  # calls in one block
WAITS = [1, 12, 12, 60, 300, 600, 1_800, 7_100, 43_200]


@pytest.mark.timeout(0)  # as long as was asked for
@pytest.mark.parametrize("name", BOOKS)
def test_rfq_settlement__random_histories__as_the_reference(
    chain: LocalChain, name: str, record_property: Callable[[str, object], None]
) -> None:
    wanted, done, seed = CASES // len(BOOKS), 0, 1_000 * list(BOOKS).index(name)
    outcomes: dict[str, int] = {}
    while done < wanted:
        with chain.undone():
            fuzzer = rfq_fuzz.start(deploy_options(chain, maxPositions=2, **BOOKS[name]), seed)
            until = min(HISTORY, wanted - done)
            while fuzzer.cases < until:
                fuzzer.block(fuzzer.draw.choice(BLOCKS), fuzzer.draw.choice(WAITS))
                fuzzer.settle_expiries()
        done += fuzzer.cases
        for key, count in fuzzer.outcomes.items():
            outcomes[key] = outcomes.get(key, 0) + count
        seed += 1
    record_property("cases", done)
    record_property("outcomes", dict(sorted(outcomes.items())))
    assert {"settleQuote:ok", "settleQuote:PriceOutsideBand"} <= set(outcomes)
