"""GARCH of four assets: the rounds that belong together, the plans of a group's feeds, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.domain.deployment import FeedAddress, FeedGuards, InputScale
from oracle.domain.feature_modules import GarchFeatures
from oracle.domain.garch_batch import BatchAsset, GarchBatchFeatures, WindowsNotAligned, aligned_place, batch_plans
from oracle.errors import InvalidInput
from oracle.units import WAD
from tests.support.feature_cases import GARCH, market

FOUR = tuple(GarchFeatures(replace(GARCH, sigma_ref_wad=(1 + i) * WAD // 1_000)) for i in range(4))
GUARDS = FeedGuards(0, WAD, 0, 0, 0, 3_600, 60)
ASSETS = tuple(BatchAsset(f"vol-{i}", f"asset {i}", f"price-{i}", each, GUARDS) for i, each in enumerate(FOUR))
TIMES = (100, 200, 300)


@pytest.mark.parametrize(("place", "count"), [(-1, 4), (4, 4), (0, 3), (0, 5)])
def test_features__not_four_or_no_place_of_them__refused(place: int, count: int) -> None:
    with pytest.raises(InvalidInput, match=f"^{count} assets and place {place}, must be 4, 0 to 3$"):
        GarchBatchFeatures((FOUR * 2)[:count], place)


def test_answer__outputs_of_four__the_one_at_its_place() -> None:
    outputs = [WAD, 2 * WAD, 3 * WAD, 4 * WAD]
    for place in range(4):
        one = FOUR[place].answer([outputs[place]], [], 18)
        assert GarchBatchFeatures(FOUR, place).answer(outputs, 18) == one
    for count in (3, 5):
        with pytest.raises(InvalidInput, match=f"^{count} outputs, must be 4$"):
            GarchBatchFeatures(FOUR, 0).answer([WAD] * count, 18)


def test_inputs__four_windows__one_after_another() -> None:
    windows = [market(33, seed=i) for i in range(4)]
    rows = [each.inputs(window, 0, 18) for each, window in zip(FOUR, windows, strict=True)]
    assert GarchBatchFeatures(FOUR, 2).inputs(windows, 0, 18) == [value for row in rows for value in row]
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        GarchBatchFeatures(FOUR, 2).inputs(windows[:3], 0, 18)


@pytest.mark.parametrize(
    ("time", "skew", "place"),
    [(200, 0, 1), (210, 10, 1), (289, 11, 2), (190, 10, 1), (300, 0, 2), (350, 50, 2), (205, 200, 0), (100, 0, 0)],
)
def test_aligned_place__first_within_the_skew__found(time: int, skew: int, place: int) -> None:
    assert aligned_place(1, TIMES, time, skew) == place


@pytest.mark.parametrize(("time", "skew", "found"), [(189, 10, 200), (211, 10, 300), (351, 50, 300), (89, 10, 100)])
def test_aligned_place__none_within_the_skew__refused_with_the_nearest(time: int, skew: int, found: int) -> None:
    said = f"^asset 3 was observed at {found}, must be within {skew} s of {time}$"
    with pytest.raises(WindowsNotAligned, match=said) as refused:
        aligned_place(3, TIMES, time, skew)
    assert (refused.value.asset, refused.value.observed_at) == (3, found)


def test_batch_plans__four_assets__a_feed_each_over_one_computation() -> None:
    plans = batch_plans("group", ASSETS, "garch-vol-32x4", 60)
    assert [plan.name for plan in plans] == [asset.name for asset in ASSETS]
    assert [plan.description for plan in plans] == [asset.description for asset in ASSETS]
    assert [plan.params for plan in plans] == [each.params for each in FOUR]
    # a round of any is a round of the first one's prices
    assert {plan.observations for plan in plans} == {"price-0"}
    assert {(plan.group, plan.model, plan.module) for plan in plans} == {
        ("group", "garch-vol-32x4", "GarchBatchModule")
    }
    assert {(plan.kind, plan.unit, plan.guards) for plan in plans} == {("volatility", "annualised volatility", GUARDS)}
    assert [plan.arguments[1] for plan in plans] == [0, 1, 2, 3]
    batch = plans[0].arguments[0]
    assert {plan.arguments[0] for plan in plans} == {batch}
    assert (batch.name, batch.contract, batch.arguments[1]) == ("group", "GarchBatchInputs", 60)
    singles = batch.arguments[0]
    assert [one.name for one in singles] == [f"group/vol-{i}" for i in range(4)]
    assert {one.contract for one in singles} == {"GarchVolatilityModule"}
    for i, one in enumerate(singles):
        assert one.arguments == (FeedAddress(f"price-{i}"), *FOUR[i].arguments(), InputScale())


@pytest.mark.parametrize("count", [0, 3, 5])
def test_batch_plans__not_four__refused(count: int) -> None:
    with pytest.raises(InvalidInput, match=f"^{count} assets, one proof serves 4$"):
        batch_plans("group", (ASSETS * 2)[:count], "garch-vol-32x4", 60)
