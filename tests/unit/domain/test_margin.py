"""The risk engine's arithmetic in figures that a reader can check."""

from __future__ import annotations

import random

import pytest

from oracle.domain import margin
from oracle.units import SECS_PER_DAY, WAD


def test_quantile_scale__volatility__normal_quantile_of_the_period() -> None:
    scale = margin.quantile_scale(SECS_PER_DAY, 0)
    assert scale / WAD == pytest.approx(2.3263478740408408 / 365**0.5, rel=1e-15)


def test_quantile_scale__quantile__square_root_of_time() -> None:
    assert margin.quantile_scale(4 * SECS_PER_DAY, SECS_PER_DAY) == 2 * WAD
    assert margin.quantile_scale(SECS_PER_DAY, SECS_PER_DAY) == WAD


def test_initial_margin__weight_and_impact__added_and_clipped() -> None:
    assert margin.initial_margin(WAD // 10, 2 * WAD, WAD // 100, WAD // 50, WAD // 2) == 21 * WAD // 100
    assert margin.initial_margin(0, WAD, 0, WAD // 50, WAD // 2) == WAD // 50
    assert margin.initial_margin(WAD, WAD, 0, WAD // 50, WAD // 2) == WAD // 2
    assert margin.maintenance_margin(WAD // 10) == 8 * WAD // 100


def test_collateral_factor__absurd_quantile__floor() -> None:
    assert margin.collateral_factor(WAD, 0, WAD // 10, WAD) == WAD // 2
    assert margin.collateral_factor(10**40, 0, WAD // 10, WAD) == WAD // 10
    assert margin.collateral_factor(0, 0, WAD // 10, 9 * WAD // 10) == 9 * WAD // 10


def test_risk_weight__any_arguments__monotone_in_shortfall_antitone_in_confidence() -> None:
    draw = random.Random(1)
    for _ in range(5_000):
        shortfall, more = sorted(draw.randint(0, 2 * WAD) for _ in range(2))
        sure, surer = sorted(draw.randint(0, WAD) for _ in range(2))
        reference, lam = draw.randint(1, WAD), draw.randint(0, 3 * WAD)
        weight = margin.risk_weight(shortfall, reference, lam, sure)
        assert WAD // 2 <= weight <= 3 * WAD
        assert margin.risk_weight(more, reference, lam, sure) >= weight
        assert margin.risk_weight(shortfall, reference, lam, surer) <= weight


def test_ramped__steps__never_past_the_target() -> None:
    assert margin.ramped(10, 100, 3, 20, 1) == 70
    assert margin.ramped(10, 100, 9, 20, 1) == 100
    assert margin.ramped(100, 10, 3, 20, 1) == 40
    assert margin.ramped(100, 10, 1, 1, 2) == 100
