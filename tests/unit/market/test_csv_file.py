"""Files in every shape that is read, and each way in which one can be wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from oracle.errors import InvalidInput
from oracle.market.base import CALENDAR_DAYS, HOURS, TRADING_DAYS, SeriesSource
from oracle.market.csv_file import open_csv
from oracle.units import SECS_PER_DAY, SECS_PER_HOUR

HEAD = "ts,symbol,close\n"


def write(folder: Path, text: str, name: str = "btc_test.csv") -> Path:
    """A file of that text, gzipped where its name says so."""
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def candles(count: int, symbol: str = "BTCUSDT") -> str:
    """Hourly candles from 2021-01-01."""
    return "".join(f"2021-01-01 {hour:02d}:00:00+00:00,{symbol},{100 + hour}\n" for hour in range(count))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_open_csv__candles__close_is_known_an_hour_later(tmp_path: Path, name: str) -> None:
    source = open_csv(write(tmp_path, HEAD + candles(5), name), start="2021-01-01")
    first = source.next_after(0)
    assert source.cadence == HOURS
    assert first.observed_at == 1_609_459_200 + SECS_PER_HOUR
    assert first.price == 100 * 10**8


def test_open_csv__points__price_is_known_at_once(tmp_path: Path) -> None:
    rows = "".join(f"{1_609_459_200 + i * SECS_PER_HOUR},{100 + i}\n" for i in range(4))
    source = open_csv(write(tmp_path, "ts,price\n" + rows), start="2021-01-01")
    assert source.next_after(0).observed_at == 1_609_459_200
    assert source.symbol == "BTC"


def test_open_csv__milliseconds__read_as_such(tmp_path: Path) -> None:
    rows = "".join(f"{(1_609_459_200 + i * SECS_PER_HOUR) * 1_000},{100 + i}\n" for i in range(4))
    assert open_csv(write(tmp_path, "ts,price\n" + rows), start="2021-01-01").next_after(0).observed_at == 1_609_459_200


def test_open_csv__days_with_weekends_left_out__trading_days(tmp_path: Path) -> None:
    days = [day for week in range(6) for day in range(4 + 7 * week, 9 + 7 * week)]
    rows = "".join(f"{i * SECS_PER_DAY},{100 + i}\n" for i in days)
    assert open_csv(write(tmp_path, "date,price\n" + rows)).cadence == TRADING_DAYS


def test_open_csv__every_day__calendar_days_known_at_their_end(tmp_path: Path) -> None:
    rows = "".join(f"2021-01-{day:02d},{100 + day}\n" for day in range(1, 29))
    source = open_csv(write(tmp_path, "date,price\n" + rows), start="2021-01-02")
    assert source.cadence == CALENDAR_DAYS
    assert source.next_after(0).observed_at == 1_609_459_200 + SECS_PER_DAY
    assert source.next_after(0).price == 101 * 10**8


def test_open_csv__no_start__first_half_is_history(tmp_path: Path) -> None:
    source = open_csv(write(tmp_path, HEAD + candles(20)))
    assert isinstance(source, SeriesSource)
    assert (len(source.history(source.start_time - 1, 100)), source.steps_after(0)) == (10, 10)


def test_open_csv__two_markets__symbol_chooses(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + candles(5) + candles(5, "ETHUSDT"))
    assert open_csv(path, "ETHUSDT").symbol == "ETHUSDT"
    with pytest.raises(InvalidInput, match="holds several markets") as raised:
        open_csv(path)
    assert "BTCUSDT, ETHUSDT" in raised.value.remedy
    with pytest.raises(InvalidInput, match="holds no 'DOGE'"):
        open_csv(path, "DOGE")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("when,close\n1,2\n", "has no time column: expected one of ts, date"),
        ("ts,value\n1,2\n", "has no price column: expected one of close, price, found ts, value"),
        ("ts,close\n", "holds no rows"),
        ("", "cannot be read"),
        (HEAD + candles(2), "has 2 rows, too few"),
        (HEAD + candles(3) + "2021-01-01 02:00:00+00:00,BTCUSDT,5\n", "row 4: the time .* comes twice"),
        (HEAD + candles(3) + "2021-01-01 01:00:00+00:00,BTCUSDT,5\n", "row 4: the time .* is before the row above"),
        (HEAD + candles(3) + "2021-01-01 03:00:00+00:00,BTCUSDT,0\n", "row 4: the price 0.0 is not a positive"),
        (HEAD + candles(3) + "2021-01-01 03:00:00+00:00,BTCUSDT,-7\n", "row 4: the price -7.0 is not a positive"),
        (HEAD + candles(3) + "2021-01-01 03:00:00+00:00,BTCUSDT,\n", "row 4: the price nan is not a positive"),
        (HEAD + candles(3) + "2021-01-01 03:00:00+00:00,BTCUSDT,n.a.x\n", "a price is not a number"),
        (HEAD + candles(3) + "soon,BTCUSDT,5\n", "a time cannot be read"),
        (HEAD + candles(3) + ",BTCUSDT,5\n", "row 4: no time"),
        ("ts,price\n0,1\n60,1\n120,1\n180,1\n", "a row every 60 s: only hourly"),
    ],
)
def test_open_csv__bad_file__says_where(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        open_csv(write(tmp_path, text))


def test_open_csv__no_file__invalid_input(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no file"):
        open_csv(tmp_path / "missing.csv")


@pytest.mark.parametrize("name", ["a.csv.gz", "a.parquet"])
def test_open_csv__damaged_file__invalid_input(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x1f\x8bnot really")
    with pytest.raises(InvalidInput, match="cannot be read"):
        open_csv(path)


def test_open_csv__empty_window__says_the_span(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no observation from 2022") as raised:
        open_csv(write(tmp_path, HEAD + candles(5)), start="2022-01-01", end="2022-02-01")
    assert "2021-01-01 01:00 to 2021-01-01 05:00" in raised.value.remedy
