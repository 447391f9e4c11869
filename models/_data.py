"""Real market data: hourly candles and daily closes of Bitcoin and Ether (data folder), the S&P 500 (inside `arch`).

hours = hourly_candles(data, "BTCUSDT")          # the open file alone
hours = hourly_candles(data, "BTCUSDT", early=True)   # with the restricted one before it
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models._errors import DataMissing
from models._registry import Array, DataSource

BTC_DAILY: Final = "btc_daily_2015_2026.csv.gz"
HOURLY: Final = "spot_binance_1h_2020-09_2025-09.parquet"
HOURLY_EARLY: Final = "spot_binance_1h_2017-08_2020-09.parquet"
DEM_GBP: Final = "dem_gbp_bollerslev_ghysels.csv.gz"
_FOLDERS: Final = ("open", "gpl", "restricted", ".")
_DAY: Final = len("2008-09-15")


@dataclass(frozen=True, slots=True)
class DailySeries:
    """Daily closes of one market, oldest first, and where they come from."""

    name: str
    closes: Array
    days: NDArray[np.datetime64]
    sources: tuple[DataSource, ...]

    @property
    def returns(self) -> Array:
        """Simple returns, one a day."""
        return np.asarray(np.diff(self.closes) / self.closes[:-1])


@dataclass(frozen=True, slots=True)
class HourlySeries:
    """Hourly candles on a grid without holes: a missing hour repeats the close before it and is marked.

    `start`: the hours' starts, UTC. `missing`: hours that the source lacks.
    """

    name: str
    start: NDArray[np.datetime64]
    open: Array
    high: Array
    low: Array
    close: Array
    missing: NDArray[np.bool_]
    sources: tuple[DataSource, ...]


def find(data: Path, name: str) -> Path:
    """The file of that name in the data folder. Raises DataMissing."""
    for folder in _FOLDERS:
        if (data / folder / name).is_file():
            return data / folder / name
    raise DataMissing(data / name)


def data_source(path: Path, rows: int, first: Any, last: Any, part: str = "") -> DataSource:
    """What a card says of a file: its span and the hash of all of it. `part`: which part of it was used."""
    name = f"{path.name}, {part}" if part else path.name
    return DataSource(name, rows, str(first)[:_DAY], str(last)[:_DAY], _digest(path))


@lru_cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def daily_series(data: Path) -> list[DailySeries]:
    """The S&P 500, and Bitcoin and Ether where `data` holds their files."""
    found = [sp500()]
    for load in (bitcoin_daily, ether_daily):
        try:
            found.append(load(data))
        except DataMissing:
            continue
    return found


def sp500() -> DailySeries:
    """The S&P 500's closes that come with `arch`, 1999 to 2018."""
    from arch.data import sp500 as source  # noqa: PLC0415  (takes a second to import)

    closes = source.load()["Close"]
    values = np.ascontiguousarray(closes, dtype="<f8")
    digest = hashlib.sha256(values.tobytes()).hexdigest()
    origin = DataSource("arch.data.sp500 (hash: of its closes)", len(values), _day(closes, 0), _day(closes, -1), digest)
    return DailySeries("S&P 500", values, np.asarray(closes.index, dtype="datetime64[D]"), (origin,))


def bitcoin_daily(data: Path) -> DailySeries:
    """Bitcoin's daily closes since 2015. Raises DataMissing."""
    import pandas as pd  # noqa: PLC0415

    path = find(data, BTC_DAILY)
    prices = pd.read_csv(path, parse_dates=["date"]).set_index("date")["price"].dropna()
    return _daily("Bitcoin", prices, (data_source(path, len(prices), prices.index[0], prices.index[-1]),))


def ether_daily(data: Path, *, early: bool = False) -> DailySeries:
    """Ether's close in the last hour of each day since 2020-09, with `early` since 2017-08. Raises DataMissing."""
    return daily_closes(hourly_candles(data, "ETHUSDT", early=early), "Ether")


def daily_closes(hours: HourlySeries, name: str) -> DailySeries:
    """The close of each UTC day's last hour, whole days alone."""
    days = hours.start.astype("datetime64[D]")
    last = np.flatnonzero(hours.start - days == np.timedelta64(23, "h"))
    return DailySeries(name, hours.close[last], days[last], hours.sources)


def _daily(name: str, prices: Any, sources: tuple[DataSource, ...]) -> DailySeries:
    days = np.asarray(prices.index, dtype="datetime64[D]")
    return DailySeries(name, np.asarray(prices, dtype=np.float64), days, sources)


def _day(series: Any, position: int) -> str:
    return str(series.index[position])[:_DAY]


def hourly_candles(data: Path, symbol: str, *, early: bool = False) -> HourlySeries:
    """Binance spot candles of BTCUSDT or ETHUSDT; `early` puts 2017-08 to 2020-09 before. Raises DataMissing."""
    import pandas as pd  # noqa: PLC0415

    frames, sources = [], []
    for name in (HOURLY_EARLY, HOURLY) if early else (HOURLY,):
        path = find(data, name)
        frame = pd.read_parquet(path)
        frame = frame[frame["symbol"] == symbol].set_index("ts").sort_index()
        frames.append(frame)
        sources.append(data_source(path, len(frame), frame.index[0], frame.index[-1], symbol))
    joined = pd.concat(frames)
    index = pd.DatetimeIndex(joined.index)
    index = index.tz_localize(None) if index.tz is not None else index
    frame = joined.set_axis(index).reindex(pd.date_range(index[0], index[-1], freq="h"))
    close = frame["close"].ffill()
    opened, high, low = (frame[column].fillna(close).to_numpy(dtype=np.float64) for column in ("open", "high", "low"))
    return HourlySeries(
        symbol,
        np.asarray(frame.index, dtype="datetime64[h]"),
        opened,
        high,
        low,
        close.to_numpy(dtype=np.float64),
        frame["close"].isna().to_numpy(dtype=np.bool_),
        tuple(sources),
    )


def dem_gbp(data: Path) -> tuple[Array, DataSource]:
    """Daily DEM/GBP returns in percent, 1984 to 1991 (Bollerslev and Ghysels 1996). Raises DataMissing."""
    import pandas as pd  # noqa: PLC0415

    path = find(data, DEM_GBP)
    values = pd.read_csv(path).select_dtypes("number").to_numpy(dtype=np.float64)[:, -1]
    return values, data_source(path, len(values), "1984-01-03", "1991-12-31")
