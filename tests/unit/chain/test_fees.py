"""Fees stay within the cap, and a replacement is always large enough to be accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.chain.fees import GWEI, Fees, initial_fees, replacement_fees
from oracle.errors import FeeAboveCap

amounts = st.integers(0, 10**13)


def test_initial_fees__room_enough__twice_the_base_fee_and_the_tip() -> None:
    assert initial_fees(10 * GWEI, GWEI, 200 * GWEI) == Fees(21 * GWEI, GWEI)


def test_initial_fees__near_the_cap__capped() -> None:
    assert initial_fees(150 * GWEI, 300 * GWEI, 200 * GWEI) == Fees(200 * GWEI, 200 * GWEI)


def test_initial_fees__base_fee_above_cap__refused_with_both() -> None:
    with pytest.raises(FeeAboveCap) as caught:
        initial_fees(201, 1, 200)
    assert (caught.value.base_fee, caught.value.cap) == (201, 200)


def test_replacement_fees__quiet_market__an_eighth_more() -> None:
    assert replacement_fees(Fees(80, 8), 1, 1, 1000) == Fees(90, 9)


def test_replacement_fees__rising_market__follows_it() -> None:
    assert replacement_fees(Fees(80, 8), 100, 10, 1000) == Fees(210, 10)


def test_replacement_fees__no_room_below_cap__none() -> None:
    assert replacement_fees(Fees(95, 8), 1, 1, 100) is None


@given(amounts, amounts, amounts, amounts, amounts)
def test_replacement_fees__any__accepted_by_nodes_and_within_cap(
    max_fee: int, tip: int, base_fee: int, market_tip: int, cap: int
) -> None:
    old = Fees(max_fee, min(tip, max_fee))
    new = replacement_fees(old, base_fee, market_tip, cap)
    if new is not None:
        assert new.max_priority_fee <= new.max_fee <= cap
        assert new.max_fee * 8 >= old.max_fee * 9
        assert new.max_priority_fee * 8 >= old.max_priority_fee * 9
        assert new.max_fee > old.max_fee
        assert new.max_priority_fee > old.max_priority_fee
