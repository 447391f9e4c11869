"""Sums over a replay, and which variant is better."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.domain.replay.calls import Call, Moment
from oracle.domain.replay.lived import LivedHours
from oracle.domain.replay.runs import (
    HourRecord,
    Outcome,
    VariantRun,
    acts_at,
    by_requirement,
    deployed_at,
    verdict,
    worst_hours,
)

BASE = Outcome("one", 100.0, 3, 0.1, 1e6, 1e5, 0.1, 10.0, 0.0, 0.0, {})


@pytest.mark.parametrize(
    ("debt", "ratio", "expected"),
    [
        (50.0, 0.1, "better"),
        (100.0, 0.09, "better"),
        (50.0, 0.09, "better"),
        (100.0, 0.1, "equal"),
        (50.0, 0.11, "mixed"),
        (150.0, 0.09, "mixed"),
        (100.0, 0.11, "worse"),
        (150.0, 0.1, "worse"),
        (150.0, 0.11, "worse"),
    ],
)
def test_verdict__bad_debt_and_margin__both_count(debt: float, ratio: float, expected: str) -> None:
    assert verdict(replace(BASE, bad_debt=debt, collateral_ratio=ratio), BASE) == expected


def test_verdict__by_requirement__collateral_does_not_count() -> None:
    dynamic = replace(BASE, collateral_ratio=0.2, mean_requirement=0.09)
    assert (verdict(dynamic, BASE), verdict(dynamic, BASE, by_requirement)) == ("worse", "better")


def hour(exposure: float, collateral: float, bad_debt: float, fund: float) -> HourRecord:
    return HourRecord(0.1, exposure, collateral, bad_debt, 1, fund)


def test_outcome__hours_without_exposure__count_for_sums_alone() -> None:
    run = VariantRun("one", None, hours=[hour(0, 0, 0, 10), hour(100, 20, 5, 4), hour(300, 40, 0, 7)])
    outcome = run.outcome()
    assert (outcome.bad_debt, outcome.liquidations) == (5, 3)
    assert (outcome.mean_exposure, outcome.mean_collateral, outcome.collateral_ratio) == (200, 30, 0.15)
    assert outcome.efficiency == pytest.approx(400 / 60)
    assert (outcome.fund_change, outcome.fund_drawdown) == (-3, 6)


def test_worst_hours__moves_and_bad_debt__each_once() -> None:
    run = VariantRun("one", None, hours=[hour(1, 1, debt, 0) for debt in (0, 0, 9, 0)])
    assert worst_hours([run], [0.0, -0.2, 0.01, 0.1], count=2) == [1, 3, 2]


def test_times__of_an_observation__seconds_after_it() -> None:
    assert [deployed_at(3_600, place) for place in range(3)] == [3_660, 3_661, 3_662]
    assert [acts_at(3_600, part, 4) for part in range(4)] == [3_720, 4_560, 5_400, 6_240]
    assert acts_at(3_600) == 3_720


def test_at__no_calls__no_moment() -> None:
    run, call = VariantRun("one", None), Call("one", "keeper", "poke", ())
    run.at(1, 0, [])
    run.at(2, 0, [call])
    assert run.moments == [Moment(2, 0, [call])]


def test_lived_hours__protocol_that_says_nothing_of_an_hour__not_made() -> None:
    with pytest.raises(TypeError, match="abstract method"):
        LivedHours("one", None, [], [])  # type: ignore[abstract]
