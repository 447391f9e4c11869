"""The simulated market: the same for the same seed, endless, and volatile as it says."""

from __future__ import annotations

import numpy as np
import pytest

from oracle.errors import InvalidInput, SourceExhausted
from oracle.market.base import HOURS, day_start
from oracle.market.simulator import open_simulator
from oracle.units import SECS_PER_HOUR


def test_open_simulator__same_seed__same_path() -> None:
    one, other = open_simulator("5"), open_simulator("5")
    assert one.history(one.start_time, 500) == other.history(other.start_time, 500)


def test_open_simulator__order_of_reading__does_not_matter() -> None:
    one, other = open_simulator(), open_simulator()
    later = one.history(one.start_time + 100 * SECS_PER_HOUR, 1)
    other.next_after(0)
    assert other.history(other.start_time + 100 * SECS_PER_HOUR, 1) == later


def test_open_simulator__other_seed__other_path() -> None:
    assert open_simulator("1").next_after(0).price != open_simulator("2").next_after(0).price


def test_next_after__steps__hourly_from_the_start() -> None:
    source = open_simulator(start="2025-03-01", end="2025-03-01T02:00")
    first = source.next_after(0)
    assert (source.symbol, source.cadence, first.observed_at) == ("SIM", HOURS, day_start("2025-03-01"))
    third = source.next_after(source.next_after(first.observed_at).observed_at)
    with pytest.raises(SourceExhausted, match="simulation ends"):
        source.next_after(third.observed_at)


def test_history__past__volatility_near_what_is_simulated() -> None:
    source = open_simulator()
    prices = np.array([o.price for o in source.history(source.start_time - 1, 10_000)])
    assert len(prices) == 4_000
    assert 0.006 < np.std(np.diff(prices) / prices[:-1]) < 0.011


def test_open_simulator__no_number__invalid_input() -> None:
    with pytest.raises(InvalidInput, match="seed 'x' is not"):
        open_simulator("x")


def test_open_simulator__end_before_start__invalid_input() -> None:
    with pytest.raises(InvalidInput, match="before its start"):
        open_simulator(start="2025-01-02", end="2025-01-01")
