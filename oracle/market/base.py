"""What a market source is, and the helpers that all of them share."""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Protocol

from oracle.domain.observations import Observation
from oracle.errors import InvalidInput, SourceExhausted
from oracle.units import PRICE_UNIT, SECS_PER_DAY, SECS_PER_HOUR

_MAX_PRICE: Final = (1 << 64) - 1
_QUOTES: Final = ("USDT", "USDC", "BUSD", "FDUSD", "USD", "EUR")


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a market is observed, in seconds, and what follows from it.

    A gap longer than `max_interval_secs` starts a new segment on chain. `horizon` is the number of steps over which
    the volatility feed of such a market forecasts unless told otherwise.
    """

    interval_secs: int
    min_interval_secs: int
    max_interval_secs: int
    periods_per_year: int
    horizon: int


TRADING_DAYS: Final = Cadence(SECS_PER_DAY, SECS_PER_DAY // 2, 7 * SECS_PER_DAY, 252, 5)
CALENDAR_DAYS: Final = Cadence(SECS_PER_DAY, SECS_PER_DAY // 2, 7 * SECS_PER_DAY, 365, 5)
HOURS: Final = Cadence(SECS_PER_HOUR, SECS_PER_HOUR // 2, 6 * SECS_PER_HOUR, 8766, 24)


class MarketSource(Protocol):
    """A stream of observations of one market.

    A replayed source knows its past and its end; a live one asks the market. `start_time` is the unix time at which
    a replay begins: its first step is the first observation at or after it, and everything before is history.
    For a live source it is the time of opening.
    """

    @property
    def symbol(self) -> str: ...
    @property
    def cadence(self) -> Cadence: ...
    @property
    def interval_secs(self) -> int: ...
    @property
    def min_interval_secs(self) -> int: ...
    @property
    def max_interval_secs(self) -> int: ...
    @property
    def periods_per_year(self) -> int: ...
    @property
    def horizon(self) -> int: ...
    @property
    def replay(self) -> bool: ...
    @property
    def start_time(self) -> int: ...

    def history(self, until: int, count: int) -> list[Observation]:
        """The last `count` observations at or before `until` (unix seconds), oldest first; fewer if no more are."""
        ...

    def next_after(self, observed_at: int) -> Observation:
        """The observation that follows `observed_at`; for a live source the newest.

        Raises SourceExhausted at a replay's end, SourceUnavailable when a live market does not answer or has
        nothing newer yet.
        """
        ...


class CadencedSource:
    """The properties that follow from a symbol and a cadence."""

    def __init__(self, symbol: str, cadence: Cadence) -> None:
        self._symbol = symbol
        self._cadence = cadence

    @property
    def symbol(self) -> str:
        return self._symbol

    @property
    def cadence(self) -> Cadence:
        return self._cadence

    @property
    def interval_secs(self) -> int:
        return self._cadence.interval_secs

    @property
    def min_interval_secs(self) -> int:
        return self._cadence.min_interval_secs

    @property
    def max_interval_secs(self) -> int:
        return self._cadence.max_interval_secs

    @property
    def periods_per_year(self) -> int:
        return self._cadence.periods_per_year

    @property
    def horizon(self) -> int:
        return self._cadence.horizon


class SeriesSource(CadencedSource):
    """A replay of a known series, from `start` to `end` (unix seconds, both inclusive); earlier rows are history.

    Raises InvalidInput when the window is empty or holds a gap longer than the cadence's `max_interval_secs`.
    """

    replay = True

    def __init__(
        self, symbol: str, cadence: Cadence, series: Sequence[Observation], start: int, end: int | None = None
    ) -> None:
        super().__init__(symbol, cadence)
        self._series = tuple(series)
        self._times = [observation.observed_at for observation in self._series]
        self._end = self._times[-1] if end is None else end
        self._start = start
        self._check_window()

    def _check_window(self) -> None:
        window = [t for t in self._times if self._start <= t <= self._end]
        if not window:
            raise InvalidInput(
                f"{self.symbol} has no observation from {_text(self._start)} to {_text(self._end)}",
                remedy=f"The series runs from {_text(self._times[0])} to {_text(self._times[-1])}.",
            )
        for before, after in itertools.pairwise(window):
            if after - before > self.max_interval_secs:
                raise InvalidInput(
                    f"{self.symbol} has a gap of {after - before} s from {_text(before)} to {_text(after)}, "
                    f"longer than the {self.max_interval_secs} s that a window may span",
                    remedy="Choose --start and --end on one side of the gap.",
                )

    @property
    def start_time(self) -> int:
        return self._start

    @property
    def end_time(self) -> int:
        """The last observation time of the replay, unix seconds."""
        return self._times[bisect_right(self._times, self._end) - 1]

    def steps_after(self, observed_at: int) -> int:
        """How many observations the replay still has after `observed_at`."""
        cursor = max(observed_at, self._start - 1)
        return max(0, bisect_right(self._times, self._end) - bisect_right(self._times, cursor))

    def history(self, until: int, count: int) -> list[Observation]:
        """See MarketSource.history."""
        stop = bisect_right(self._times, until)
        return list(self._series[max(0, stop - count) : stop])

    def next_after(self, observed_at: int) -> Observation:
        """See MarketSource.next_after."""
        index = bisect_right(self._times, max(observed_at, self._start - 1))
        if index == len(self._times) or self._times[index] > self._end:
            raise SourceExhausted(f"the replay of {self.symbol} ends at {_text(self.end_time)}")
        return self._series[index]


def price_from_float(price: float, where: str) -> int:
    """The price with 8 decimals, rounded to the nearest; `where` names the row in errors.

    Raises InvalidInput unless the price is finite, positive after rounding, and fits in uint64.
    """
    if not math.isfinite(price) or price <= 0:
        raise InvalidInput(f"{where}: the price {price} is not a positive number")
    scaled = round(price * PRICE_UNIT)
    if not 0 < scaled <= _MAX_PRICE:
        raise InvalidInput(f"{where}: the price {price} does not fit in a uint64 of 8 decimals")
    return scaled


def day_start(day: date | str) -> int:
    """Unix seconds of 00:00 UTC of a date or of an ISO date or date-time; a time without zone is UTC.

    Raises InvalidInput for anything else.
    """
    if isinstance(day, str):
        try:
            moment = datetime.fromisoformat(day)
        except ValueError as error:
            raise InvalidInput(f"{day!r} is not an ISO date such as 2008-09-15") from error
    else:
        moment = datetime(day.year, day.month, day.day)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def day_end(day: date | str) -> int:
    """Unix seconds of the last second of a date; an ISO date-time with hours stands for itself."""
    start = day_start(day)
    is_whole_day = not isinstance(day, str) or len(day) <= len("2008-09-15")
    return start + SECS_PER_DAY - 1 if is_whole_day else start


def base_asset(symbol: str) -> str:
    """The lower-case asset that a feed is named after: btc for BTCUSDT, BTC/USDT or BTC-USD; spx for SPX."""
    head = re.split(r"[/:\-_ ]", symbol.strip())[0].upper()
    for quote in _QUOTES:
        if head.endswith(quote) and len(head) > len(quote):
            head = head[: -len(quote)]
            break
    base = re.sub(r"[^a-z0-9]", "", head.lower())
    if not base:
        raise InvalidInput(f"no feed can be named after the symbol {symbol!r}")
    return base


def _text(unix_secs: int) -> str:
    return datetime.fromtimestamp(unix_secs, UTC).strftime("%Y-%m-%d %H:%M")
