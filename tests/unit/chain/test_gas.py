"""The split of a round's gas adds up, and its largest part is the proof."""

from __future__ import annotations

import pytest

from oracle.chain.gas import calldata_gas, split_round_gas
from oracle.errors import NotFound
from tests.support.local_chain import LocalChain
from tests.support.market import Market


def test_split_round_gas__proven_round__parts_add_up(market: Market, chain: LocalChain) -> None:
    split = split_round_gas(market.client, market.volatility.address, 2)
    parts = (split.transaction, split.calldata, split.verification, split.binding, split.storage)
    assert sum(parts) == split.total
    assert min(parts) > 0
    assert split.verification > split.total // 2


def test_split_round_gas__unknown_round__not_found(market: Market, chain: LocalChain) -> None:
    with pytest.raises(NotFound):
        split_round_gas(market.client, market.volatility.address, 9)


def test_calldata_gas__zero_and_other_bytes__4_and_16() -> None:
    assert calldata_gas(b"\x00\x00\x01") == 24
