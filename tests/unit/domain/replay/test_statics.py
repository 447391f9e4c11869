"""What is fixed before a sample."""

from __future__ import annotations

import math
from random import Random

import pytest

from oracle.domain.features import garch_inputs
from oracle.domain.garch import GarchParams, annualised_vol_wad, forecast
from oracle.domain.gjr import GjrFeatures
from oracle.domain.replay.statics import calibrated, day_moves, day_volatility, tail_risk
from oracle.errors import InvalidInput
from oracle.units import WAD

PARAMS = GarchParams(6 * WAD // 1000, 2 * WAD // 100, 8 * WAD // 100, 90 * WAD // 100, 24, 8766)


def walk(hours: int, seed: int, deviation: float = 0.006) -> list[int]:
    draw, price, found = Random(seed), 1e12, []
    for _ in range(hours):
        price *= math.exp(draw.gauss(0, deviation))
        found.append(round(price))
    return found


def test_day_volatility__a_window__is_the_feeds_over_a_day() -> None:
    prices = walk(33, 1)
    scale = 1 << 30
    *x, h0, omega, alpha, beta, a, b = (value / scale for value in garch_inputs(prices, PARAMS, 30))
    annual = annualised_vol_wad(round(forecast(x, h0, omega, alpha, beta, a, b) * WAD), PARAMS) / WAD
    assert day_volatility(prices, PARAMS) == pytest.approx(annual * math.sqrt(24 / 8766), rel=1e-6)


def test_calibrated__a_random_walk__has_the_normal_quantile() -> None:
    statics, features = calibrated(walk(6_000, 2), PARAMS)
    assert statics.margin / WAD == pytest.approx(2.33 * 0.006 * math.sqrt(24), rel=0.1)
    assert math.sqrt(features.quantile_squared_wad / WAD) == pytest.approx(2.33, rel=0.15)
    assert statics.reference_risk == pytest.approx(statics.margin, rel=0.15)


def test_calibrated__either_margin__is_exceeded_by_one_move_in_fifty() -> None:
    prices = walk(6_000, 3)
    statics, _ = calibrated(prices, PARAMS)
    moves = day_moves(prices)
    assert sum(abs(move) > statics.margin / WAD for move in moves) / len(moves) == pytest.approx(0.02, abs=0.001)


def test_calibrated__too_short_a_history__refused() -> None:
    with pytest.raises(InvalidInput, match="999 hours before the sample"):
        calibrated(walk(999, 1), PARAMS)


def test_tail_risk__parameters__of_garch_without_asymmetry() -> None:
    features = tail_risk(PARAMS, 5 * WAD)
    sigma, omega, alpha, beta = 6 * WAD // 1000, 2 * WAD // 100, 8 * WAD // 100, 90 * WAD // 100
    assert features.gjr == GjrFeatures(sigma, omega, alpha, 0, beta, 24, 8766)
    assert features.quantile_squared_wad == 5 * WAD
