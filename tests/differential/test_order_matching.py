"""Order logs matched on chain equal oracle.domain.matching to the wei over random histories, events included.

PLUMBLINE_FUZZ_CASES sets how many entries and calls of the contract are compared; the book's own calls come on top.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.support import matching_fuzz
from tests.support.local_chain import LocalChain
from tests.support.trading_fuzz import BOOKS, compare

CASES = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "300"))
BLOCKS = [1, 12, 24]  # calls in one block, batches among them


@pytest.mark.timeout(0)  # as long as was asked for
@pytest.mark.parametrize("name", BOOKS)
def test_order_matching__random_histories__as_the_reference(
    chain: LocalChain, name: str, record_property: Callable[[str, object], None]
) -> None:
    seen = compare(chain, name, -(-CASES // len(BOOKS)), matching_fuzz.start, BLOCKS, record=record_property)
    assert {"settleBatch:ok", "entry:fill"} <= seen
