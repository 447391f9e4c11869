"""Four figures of a market, and the distance of a position: twin of MarketState.sol and of LiquidationBoard.sol.

What each input is stands in models/_liquidation_features.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oracle.domain.logistic import probability_wad
from oracle.domain.transcendental import ln_wad
from oracle.domain.window import (
    RETURN_BITS,
    checked_scale,
    checked_window,
    positive_squares,
    root_of_ratio,
    simple_returns,
    sum_of_squares,
)
from oracle.errors import InputRejected
from oracle.units import WAD, div_round

RETURNS: Final = 90
WEEK: Final = 21
DAY: Final = 3
ROOT_BITS: Final = 64
MAX_DISTANCE: Final = 8
MAX_HEALTH_FACTOR_WAD: Final = 10**36
NO_DEBT: Final = 2**256 - 1


class PositionWithoutDebt(InputRejected):
    """The position owes nothing, so nothing can be liquidated."""


class AlreadyLiquidatable(InputRejected):
    """The position's health factor is below 1: its auction can start now."""

    def __init__(self, health_factor: int) -> None:
        super().__init__(f"the health factor is {health_factor}, at least {WAD} is taken (18 decimals)")
        self.health_factor = health_factor


@dataclass(frozen=True, slots=True)
class MarketState:
    """`inputs`: volatility, week, day, trend at the circuit's scale. `week`: standard deviation of a week at 2^64."""

    inputs: tuple[int, int, int, int]
    week: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a proof said of one position. Probability of liquidation within a week and confidence: WAD."""

    account: str
    batch_id: int
    probability: int
    confidence: int
    observed_at: int


def market_state(prices: Sequence[int], stride: int, scale_bits: int) -> MarketState:
    """From 90 * stride + 1 prices, oldest first, of which `stride` make 8 hours.

    Raises FlatWindow, ReturnOutOfRange, InputRejected.
    """
    checked_window(prices, RETURNS * stride + 1)
    checked_scale(scale_bits)
    returns = simple_returns(prices, stride)
    total = positive_squares(returns)
    week_squares, day_squares = sum_of_squares(returns[-WEEK:]), sum_of_squares(returns[-DAY:])
    week = root_of_ratio(WEEK * total, RETURNS, ROOT_BITS - RETURN_BITS)
    one = 1 << scale_bits
    before, last = prices[(RETURNS - WEEK) * stride], prices[-1]
    trend = div_round((last - before) << RETURN_BITS, before)
    trend = div_round(trend << ROOT_BITS - RETURN_BITS + scale_bits, week)
    inputs = (
        _clip(10 * week >> ROOT_BITS - scale_bits, (one + 9) // 10, 10 * one),
        _clip(root_of_ratio(week_squares * RETURNS, WEEK * total, scale_bits), 0, 5 * one // 2),
        _clip(root_of_ratio(day_squares * RETURNS, DAY * total, scale_bits), 0, 4 * one),
        _clip(trend, -4 * one, 4 * one),
    )
    return MarketState(inputs, week)


def distance(health_factor_wad: int, week: int, scale_bits: int) -> int:
    """ln(health factor) in standard deviations of a week (at 2^64), cut at 8, at 2^scale_bits, rounded down.

    Raises PositionWithoutDebt for the vault's largest integer, AlreadyLiquidatable below 1.
    """
    if health_factor_wad == NO_DEBT:
        raise PositionWithoutDebt("the position has no debt")
    if health_factor_wad < WAD:
        raise AlreadyLiquidatable(health_factor_wad)
    cut = MAX_DISTANCE << scale_bits
    if health_factor_wad > MAX_HEALTH_FACTOR_WAD:
        return cut
    return min((ln_wad(health_factor_wad) << ROOT_BITS + scale_bits) // (WAD * week), cut)


def board_inputs(
    prices: Sequence[int], health_factors: Sequence[int], *, places: int, stride: int, scale_bits: int
) -> list[int]:
    """What LiquidationBoard computes for these positions; empty places are as far away as can be.

    Raises what market_state and distance raise, InputRejected for no positions or more than there are places.
    """
    if not 0 < len(health_factors) <= places:
        raise InputRejected(f"{len(health_factors)} positions, a batch has 1 to {places}")
    market = market_state(prices, stride, scale_bits)
    distances = [distance(one, market.week, scale_bits) for one in health_factors]
    return [*market.inputs, *distances, *[MAX_DISTANCE << scale_bits] * (places - len(distances))]


def assessed(accounts: Sequence[str], outputs_wad: Sequence[int], places: int) -> tuple[dict[str, int], int]:
    """What a batch's outputs say: each account's probability of liquidation, and the confidence in all of them, WAD.

    Outputs are a logit for each of the `places`, and the confidence behind them.
    """
    probabilities = dict(zip(accounts, map(probability_wad, outputs_wad[:places]), strict=False))
    return probabilities, min(max(outputs_wad[places], 0), WAD)


def _clip(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))
