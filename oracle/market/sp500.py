"""The S&P 500's daily closes of 1999 to 2018 inside the `arch` package: real data on every machine, offline."""

from __future__ import annotations

import csv
import gzip
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from oracle.domain.observations import Observation
from oracle.errors import ToolMissing
from oracle.market.base import TRADING_DAYS, SeriesSource, day_end, day_start, price_from_float
from oracle.units import SECS_PER_HOUR

SYMBOL: Final = "SPX"

# New York closes at 16:00: 21:00 UTC in winter and 20:00 in summer, so at 21:00 UTC the close is always known
_CLOSE_SECS: Final = 21 * SECS_PER_HOUR

# The financial crisis: what the demo replays
DEFAULT_START: Final = date(2007, 1, 1)
DEFAULT_END: Final = date(2009, 12, 31)


def open_sp500(start: date | str | None = None, end: date | str | None = None) -> SeriesSource:
    """A replay of the index from `start` to `end`, by default 2007 to 2009; all earlier days are history."""
    first = day_start(start or DEFAULT_START)
    last = day_end(end) if end else (None if start else day_end(DEFAULT_END))
    return SeriesSource(SYMBOL, TRADING_DAYS, load_closes(), first, last)


def load_closes() -> list[Observation]:
    """The 5,031 daily closes, each observed at 21:00 UTC of its day. Raises ToolMissing without `arch`.

    The file is read where it lies: importing `arch` would take every command two seconds.
    """
    package = find_spec("arch")
    if package is None or package.origin is None:
        raise ToolMissing("the S&P 500's closes come with `arch`, not installed", remedy="make setup")
    with gzip.open(Path(package.origin).parent / "data" / "sp500" / "sp500.csv.gz", "rt", newline="") as file:
        return [_close(row["Date"], row["Close"]) for row in csv.DictReader(file)]


def _close(us_date: str, price: str) -> Observation:
    day = datetime.strptime(us_date, "%m/%d/%Y").date()
    return Observation(day_start(day) + _CLOSE_SECS, price_from_float(float(price), f"S&P 500 of {day}"))
