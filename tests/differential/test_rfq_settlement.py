"""Signed quotes on chain equal oracle.domain.rfq to the wei over random histories, events and refusals included.

PLUMBLINE_FUZZ_CASES sets how many calls of the settlement contract are compared; the book's own calls come on top.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.support import rfq_fuzz
from tests.support.local_chain import LocalChain
from tests.support.trading_fuzz import BOOKS, compare

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "300"))
BLOCKS = [1, 40, 60, 80]  # calls in one block


@pytest.mark.timeout(0)  # as long as was asked for
@pytest.mark.parametrize("name", BOOKS)
def test_rfq_settlement__random_histories__as_the_reference(
    chain: LocalChain, name: str, record_property: Callable[[str, object], None]
) -> None:
    seen = compare(chain, name, -(-CASES // len(BOOKS)), rfq_fuzz.start, BLOCKS, record=record_property)
    assert {"settleQuote:ok", "settleQuote:PriceOutsideBand"} <= seen
