"""Windows, gaps, prices and names that all sources share."""

from __future__ import annotations

from datetime import date

import pytest

from oracle.domain.observations import Observation
from oracle.errors import InvalidInput, SourceExhausted
from oracle.market.base import HOURS, SeriesSource, base_asset, day_end, day_start, price_from_float
from oracle.units import SECS_PER_DAY, SECS_PER_HOUR

HOURLY = [Observation(i * SECS_PER_HOUR, 100 + i) for i in range(10)]


def test_history__until_between_two__last_before() -> None:
    source = SeriesSource("X", HOURS, HOURLY, start=5 * SECS_PER_HOUR)
    assert source.history(4 * SECS_PER_HOUR + 1, 2) == HOURLY[3:5]


def test_history__more_than_there_are__all() -> None:
    source = SeriesSource("X", HOURS, HOURLY, start=5 * SECS_PER_HOUR)
    assert source.history(2 * SECS_PER_HOUR, 100) == HOURLY[:3]


def test_next_after__before_start__first_of_the_window() -> None:
    source = SeriesSource("X", HOURS, HOURLY, start=5 * SECS_PER_HOUR)
    assert source.next_after(0) == HOURLY[5]


def test_next_after__each_step__whole_window_then_exhausted() -> None:
    source = SeriesSource("X", HOURS, HOURLY, start=5 * SECS_PER_HOUR, end=7 * SECS_PER_HOUR)
    seen, cursor = [], 0
    with pytest.raises(SourceExhausted, match="ends at 1970-01-01 07:00"):
        while True:
            observation = source.next_after(cursor)
            seen.append(observation)
            cursor = observation.observed_at
    assert seen == HOURLY[5:8]
    assert source.steps_after(5 * SECS_PER_HOUR) == 2


def test_series__empty_window__invalid_input() -> None:
    with pytest.raises(InvalidInput, match="has no observation from") as raised:
        SeriesSource("X", HOURS, HOURLY, start=100 * SECS_PER_HOUR)
    assert "1970-01-01 00:00 to 1970-01-01 09:00" in raised.value.remedy


def test_series__long_gap_in_window__invalid_input() -> None:
    gapped = HOURLY[:5] + [Observation(o.observed_at + 7 * SECS_PER_HOUR, o.price) for o in HOURLY[5:]]
    with pytest.raises(InvalidInput, match="gap of 28800 s from 1970-01-01 04:00 to 1970-01-01 12:00"):
        SeriesSource("X", HOURS, gapped, start=0)


def test_series__long_gap_before_window__accepted() -> None:
    gapped = HOURLY[:5] + [Observation(o.observed_at + 7 * SECS_PER_HOUR, o.price) for o in HOURLY[5:]]
    assert SeriesSource("X", HOURS, gapped, start=12 * SECS_PER_HOUR).next_after(0).price == 105


@pytest.mark.parametrize(("price", "scaled"), [(1.0, 10**8), (0.000000016, 2), (1411.27, 141_127_000_000)])
def test_price_from_float__positive__eight_decimals(price: float, scaled: int) -> None:
    assert price_from_float(price, "row") == scaled


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf"), 1e-9, 2e11])
def test_price_from_float__impossible__invalid_input(price: float) -> None:
    with pytest.raises(InvalidInput, match="row 3"):
        price_from_float(price, "row 3")


def test_day_start_and_end__dates_and_texts__utc() -> None:
    assert day_start(date(1970, 1, 2)) == day_start("1970-01-02") == SECS_PER_DAY
    assert day_end("1970-01-02") == 2 * SECS_PER_DAY - 1
    assert day_end("1970-01-02T06:00") == day_start("1970-01-02T06:00") == SECS_PER_DAY + 6 * SECS_PER_HOUR
    assert day_start("1970-01-02T01:00+01:00") == SECS_PER_DAY


def test_day_start__no_date__invalid_input() -> None:
    with pytest.raises(InvalidInput, match="'yesterday' is not an ISO date"):
        day_start("yesterday")


@pytest.mark.parametrize(
    ("symbol", "base"),
    [
        ("BTCUSDT", "btc"),
        ("BTC/USDT", "btc"),
        ("BTC-USD", "btc"),
        ("SPX", "spx"),
        ("USDT", "usdt"),
        ("eth/eur:eur", "eth"),
    ],
)
def test_base_asset__market_symbols__asset(symbol: str, base: str) -> None:
    assert base_asset(symbol) == base


def test_base_asset__nothing_left__invalid_input() -> None:
    with pytest.raises(InvalidInput, match="no feed can be named"):
        base_asset("/")
