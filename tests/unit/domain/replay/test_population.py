"""The users of a replay."""

from __future__ import annotations

from itertools import groupby, pairwise
from statistics import fmean

import pytest

from oracle.domain.replay.population import TradingHabits, WritingHabits, trading_intents, writing_intents
from oracle.errors import InvalidInput


def test_trading_intents__one_seed__is_one_population() -> None:
    assert trading_intents(3, 500) == trading_intents(3, 500)
    assert trading_intents(3, 500) != trading_intents(4, 500)


def test_trading_intents__of_one_trader__do_not_overlap_and_end_in_time() -> None:
    hours = 700
    ordered = sorted(trading_intents(1, hours), key=lambda intent: (intent.trader, intent.opens))
    for _, group in groupby(ordered, key=lambda intent: intent.trader):
        own = list(group)
        assert all(intent.opens < intent.closes <= hours - 1 for intent in own)
        assert all(first.closes < then.opens for first, then in pairwise(own))


def test_trading_intents__longer_replay__begins_with_the_same_positions() -> None:
    short, long = trading_intents(1, 300), trading_intents(1, 900)
    starts = {(i.trader, i.opens, i.is_long, i.notional) for i in long}
    assert {(i.trader, i.opens, i.is_long, i.notional) for i in short} <= starts


def test_trading_intents__many__follow_the_habits() -> None:
    habits = TradingHabits(traders=200)
    intents = trading_intents(7, 2_000, habits)
    assert fmean(i.is_long for i in intents) == pytest.approx(habits.long_share, abs=0.03)
    assert sorted(i.notional for i in intents)[len(intents) // 2] == pytest.approx(habits.median_notional, rel=0.1)
    assert all(habits.min_notional <= i.notional <= habits.max_notional for i in intents)
    assert all(0 <= i.buffer <= habits.buffer for i in intents)
    assert fmean(i.buffer for i in intents) == pytest.approx(habits.buffer / 2, rel=0.1)


def test_writing_intents__of_one_writer__come_after_the_last_expiry() -> None:
    ordered = sorted(writing_intents(1, 2_000), key=lambda intent: (intent.writer, intent.opens))
    for _, group in groupby(ordered, key=lambda intent: intent.writer):
        own = list(group)
        assert all(a.opens + (a.days + 1) * 24 <= b.opens for a, b in pairwise(own))
    assert all(intent.call_distance or intent.put_distance for intent in ordered)


@pytest.mark.parametrize("count", [0, 201])
def test_habits__a_count_out_of_range__refused(count: int) -> None:
    with pytest.raises(InvalidInput):
        TradingHabits(traders=count)
    with pytest.raises(InvalidInput):
        WritingHabits(writers=count)
