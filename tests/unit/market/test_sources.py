"""Every source by its specification, and what each refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracle.errors import InvalidInput
from oracle.market import open_source
from oracle.market.base import CALENDAR_DAYS, HOURS, TRADING_DAYS, SeriesSource, day_start
from oracle.units import SECS_PER_HOUR

SPOT = "open/spot_binance_1h_2020-09_2025-09.parquet"


def test_open_source__sp500__replays_the_crisis() -> None:
    source = open_source("sp500")
    first = source.next_after(0)
    assert (source.symbol, source.cadence, source.replay) == ("SPX", TRADING_DAYS, True)
    assert first.observed_at == day_start("2007-01-03") + 21 * SECS_PER_HOUR
    assert first.price == 141_659_997_600
    assert len(source.history(source.start_time - 1, 10_000)) == 2_011
    assert isinstance(source, SeriesSource)
    assert source.end_time == day_start("2009-12-31") + 21 * SECS_PER_HOUR


def test_open_source__sp500_window__its_dates() -> None:
    source = open_source("sp500", start="2008-09-15", end="2008-10-10")
    assert isinstance(source, SeriesSource)
    assert source.next_after(0).observed_at == day_start("2008-09-15") + 21 * SECS_PER_HOUR
    assert source.steps_after(0) == 20


def test_open_source__sp500_whole_history__no_gap_too_long() -> None:
    source = open_source("sp500", start="1999-01-01")
    assert isinstance(source, SeriesSource)
    assert source.steps_after(0) == 5_031


def test_open_source__bitcoin_hours__the_crash_of_may_2021(data_dir: Path) -> None:
    source = open_source(f"csv:{data_dir / SPOT}", "BTCUSDT", start="2021-05-19", end="2021-05-20")
    assert (source.symbol, source.cadence) == ("BTCUSDT", HOURS)
    # the candle of 23:00 on the 18th is known at midnight
    assert source.next_after(0).observed_at == day_start("2021-05-19")
    assert isinstance(source, SeriesSource)
    assert source.steps_after(0) == 48
    lowest = min(o.price for o in source.history(day_start("2021-05-20"), 24))
    assert lowest < 37_000 * 10**8


def test_open_source__all_hours__outages_within_the_limit(data_dir: Path) -> None:
    source = open_source(f"csv:{data_dir / SPOT}", "ETHUSDT", start="2020-09-20")
    assert isinstance(source, SeriesSource)
    assert source.steps_after(0) == 43_803


def test_open_source__bitcoin_days__calendar(data_dir: Path) -> None:
    source = open_source(f"csv:{data_dir / 'open/btc_daily_2015_2026.csv.gz'}")
    assert (source.symbol, source.cadence) == ("BTC", CALENDAR_DAYS)


def test_open_source__several_venues__must_be_told(data_dir: Path) -> None:
    path = data_dir / "open/perp_candles_1h.parquet"
    with pytest.raises(InvalidInput, match="several venues") as raised:
        open_source(f"csv:{path}", "BTC")
    assert "--symbol binance:BTC" in raised.value.remedy
    source = open_source(f"csv:{path}", "bybit:BTC")
    assert (source.symbol, source.interval_secs) == ("BTC", SECS_PER_HOUR)


def test_open_source__long_outage__is_named(data_dir: Path) -> None:
    path = data_dir / "restricted/spot_binance_1h_2017-08_2020-09.parquet"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with pytest.raises(InvalidInput, match=r"gap of 1[0-9]{5} s from 2018-02-08"):
        open_source(f"csv:{path}", "BTCUSDT", start="2018-02-01", end="2018-02-20")


@pytest.mark.parametrize("spec", ["", "nasdaq", "csv:", "ccxt:", "sp500:1", "csv"])
def test_open_source__unknown_form__lists_the_forms(spec: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        open_source(spec)
    assert "simulator:SEED" in raised.value.remedy


def test_open_source__exchange_without_market__invalid_input() -> None:
    with pytest.raises(InvalidInput, match="names no market"):
        open_source("ccxt:kraken")


def test_open_source__exchange_with_dates__invalid_input() -> None:
    with pytest.raises(InvalidInput, match="no --start or --end"):
        open_source("ccxt:kraken:BTC/USD", start="2024-01-01")


def test_open_source__exchange_symbol_apart__same() -> None:
    assert open_source("ccxt:kraken", "BTC/USD").symbol == open_source("ccxt:kraken:BTC/USD").symbol == "BTC/USD"


@pytest.mark.parametrize("spec", ["sp500", "simulator"])
def test_open_source__symbol_it_does_not_have__invalid_input(spec: str) -> None:
    with pytest.raises(InvalidInput, match="'AAPL'"):
        open_source(spec, "AAPL")
