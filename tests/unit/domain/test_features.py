"""oracle.domain.features: the layout of the model's inputs, and what is refused. Bits: tests/differential."""

from __future__ import annotations

import pytest

from oracle.domain.features import MODEL_INPUTS, PRICES, WINDOW, garch_inputs, initial_variance, standardised_returns
from oracle.domain.garch import GarchParams, quantised_parameters
from oracle.errors import InputRejected, InvalidInput
from oracle.units import WAD

PARAMS = GarchParams(WAD // 100, WAD // 20, WAD // 10, 85 * WAD // 100, 5, 252)
FLAT = [100 * 10**8] * PRICES


def test_garch_inputs__flat_series__zeros_then_parameters() -> None:
    inputs = garch_inputs(FLAT, PARAMS, 15)
    assert inputs == [0] * (WINDOW + 1) + list(quantised_parameters(PARAMS, 15))
    assert len(inputs) == MODEL_INPUTS == 38


def test_garch_inputs__one_percent_rise__one_reference_volatility() -> None:
    prices = [10**10] * WINDOW + [101 * 10**8]
    inputs = garch_inputs(prices, PARAMS, 16)
    assert inputs[WINDOW - 1] == 1 << 16
    assert inputs[WINDOW] == (1 << 16) // WINDOW


@pytest.mark.parametrize(("before", "after", "expected"), [(1, 2**64 - 1, 32), (2**64 - 1, 1, -32), (100, 68, -32)])
def test_standardised_returns__beyond_the_limit__clamped(before: int, after: int, expected: int) -> None:
    assert standardised_returns([before, after], WAD // 100, 16) == [expected << 16]


def test_standardised_returns__half_a_unit__away_from_zero() -> None:
    assert standardised_returns([2, 3, 2], WAD, 0) == [1, 0]
    assert standardised_returns([2, 1], WAD, 0) == [-1]


def test_initial_variance__largest_returns__1024() -> None:
    assert initial_variance([32 << 16, -(32 << 16)] * 16, 16) == 1024 << 16


@pytest.mark.parametrize("count", [0, 1, 32, 34])
def test_garch_inputs__other_number_of_prices__raises(count: int) -> None:
    with pytest.raises(InputRejected, match=f"{count} prices"):
        garch_inputs([10**10] * count, PARAMS, 15)


@pytest.mark.parametrize("price", [0, -1, 1 << 64])
def test_garch_inputs__price_out_of_range__raises(price: int) -> None:
    with pytest.raises(InputRejected, match="prices must be"):
        garch_inputs([*FLAT[:-1], price], PARAMS, 15)


def test_garch_inputs__bad_parameters__raises() -> None:
    with pytest.raises(InvalidInput, match="horizon"):
        garch_inputs(FLAT, GarchParams(WAD, WAD, 0, 0, 0, 1), 15)
