"""Prices from a file: csv, csv.gz or parquet with a time (`ts` or `date`) and a price (`close` or `price`).

A time names the start of its period where the file holds candles (`close`) or days (`date`): such a price is observed
at the period's end, never before it was known. In a file of `ts` and `price` the price is observed at `ts` itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from oracle.domain.observations import Observation
from oracle.errors import InvalidInput, ToolMissing
from oracle.market.base import (
    CALENDAR_DAYS,
    HOURS,
    TRADING_DAYS,
    Cadence,
    SeriesSource,
    day_end,
    day_start,
    price_from_float,
)
from oracle.units import SECS_PER_DAY, SECS_PER_HOUR

if TYPE_CHECKING:
    import pandas as pd

_TIME_COLUMNS: Final = ("ts", "date", "timestamp", "time")
_PRICE_COLUMNS: Final = ("close", "price")
_SYMBOL_COLUMNS: Final = ("symbol", "coin")
_MIN_ROWS: Final = 3

# Numbers beyond it (the year 5138 in seconds) are milliseconds
_LARGEST_SECS: Final = 1e11

# Days with a weekend in them: a stock market has about 252 / 365 of the calendar's days
_TRADING_DAY_SHARE: Final = 0.85


def open_csv(
    path: Path, symbol: str | None = None, start: date | str | None = None, end: date | str | None = None
) -> SeriesSource:
    """A replay of the file's rows of `symbol` from `start` to `end`; the rows before `start` are history.

    Without `start` the first half of the file is history. `symbol` may be left out when the file holds one market;
    `venue:symbol` picks from a file of several venues. Raises InvalidInput for a file that cannot be replayed:
    missing columns, rows out of order or twice, prices that are not positive, an interval neither hourly nor daily.
    """
    frame = _read(path)
    time_column = _column(path, frame, _TIME_COLUMNS, "time")
    price_column = _column(path, frame, _PRICE_COLUMNS, "price")
    frame, name = _select(path, frame, symbol)
    times = _unix_seconds(path, frame[time_column])
    cadence = _cadence(path, times)
    names_period = price_column == "close" or time_column == "date"
    delay = cadence.interval_secs if names_period else 0
    series = [
        Observation(time + delay, price_from_float(price, f"{path.name}, row {row}"))
        for row, time, price in zip(frame.index, times, _floats(path, frame[price_column]), strict=True)
    ]
    first = day_start(start) if start else series[len(series) // 2].observed_at
    return SeriesSource(name, cadence, series, first, day_end(end) if end else None)


def _read(path: Path) -> pd.DataFrame:
    """The file as a frame whose index counts the rows from 1."""
    import pandas as pd  # noqa: PLC0415  (takes a second to import)

    if not path.is_file():
        raise InvalidInput(f"there is no file {path}", remedy="Give an existing csv, csv.gz or parquet file.")
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except ImportError as error:
        raise ToolMissing(f"parquet files cannot be read: {error}", remedy="Run make setup.") from error
    except (ValueError, OSError, EOFError) as error:
        raise InvalidInput(f"{path} cannot be read as {path.suffix.lstrip('.') or 'csv'}: {error}") from error
    if frame.empty:
        raise InvalidInput(f"{path} holds no rows")
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame


def _column(path: Path, frame: pd.DataFrame, names: Iterable[str], what: str) -> str:
    for name in names:
        if name in frame.columns:
            return name
    raise InvalidInput(
        f"{path.name} has no {what} column: expected one of {', '.join(names)}, found {', '.join(map(str, frame))}"
    )


def _select(path: Path, frame: pd.DataFrame, symbol: str | None) -> tuple[pd.DataFrame, str]:
    """The rows of one market, and its name."""
    column = next((name for name in _SYMBOL_COLUMNS if name in frame.columns), None)
    if column is None:
        return frame, symbol or path.name.split(".")[0].split("_")[0].upper()
    venue, _, wanted = (symbol or "").rpartition(":")
    if venue and "venue" in frame.columns:
        frame = frame[frame["venue"] == venue]
    present = sorted(map(str, frame[column].unique()))
    if not wanted and len(present) == 1:
        wanted = present[0]
    if wanted not in present:
        problem = f"holds no {symbol!r}" if symbol else "holds several markets"
        raise InvalidInput(f"{path.name} {problem}", remedy=f"Give --symbol: one of {', '.join(present)}.")
    chosen = frame[frame[column] == wanted]
    if "venue" in chosen.columns and chosen["venue"].nunique() > 1:
        venues = sorted(map(str, chosen["venue"].unique()))
        raise InvalidInput(
            f"{path.name} holds {wanted} of several venues", remedy=f"Give --symbol {venues[0]}:{wanted} or another."
        )
    return chosen, wanted


def _unix_seconds(path: Path, column: pd.Series[Any]) -> list[int]:
    """The times as unix seconds, strictly rising."""
    import pandas as pd  # noqa: PLC0415

    try:
        if pd.api.types.is_numeric_dtype(column):
            divisor = 1_000 if float(column.max()) > _LARGEST_SECS else 1
            moments = pd.to_datetime(column / divisor, unit="s", utc=True)
        else:
            moments = pd.to_datetime(column, utc=True)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{path.name}: a time cannot be read: {error}") from error
    if moments.isna().any():
        raise InvalidInput(f"{path.name}, row {moments.index[moments.isna()][0]}: no time")
    times = [int(moment.timestamp()) for moment in moments]
    for row, before, after in zip(column.index[1:], times, times[1:], strict=False):
        if after == before:
            raise InvalidInput(f"{path.name}, row {row}: the time {column[row]} comes twice")
        if after < before:
            raise InvalidInput(f"{path.name}, row {row}: the time {column[row]} is before the row above it")
    return times


def _floats(path: Path, column: pd.Series[float]) -> list[float]:
    try:
        return [float(value) for value in column]
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{path.name}: a price is not a number: {error}") from error


def _cadence(path: Path, times: list[int]) -> Cadence:
    """Hourly or daily, from the median step; daily with or without weekends, from the share of days present."""
    if len(times) < _MIN_ROWS:
        raise InvalidInput(f"{path.name} has {len(times)} rows, too few to infer an interval")
    step = median(after - before for before, after in itertools.pairwise(times))
    if step == SECS_PER_HOUR:
        return HOURS
    if step == SECS_PER_DAY:
        share = (len(times) - 1) * SECS_PER_DAY / (times[-1] - times[0])
        return CALENDAR_DAYS if share > _TRADING_DAY_SHARE else TRADING_DAYS
    raise InvalidInput(
        f"{path.name} has a row every {step:.0f} s: only hourly (3600) and daily (86400) prices are read"
    )
