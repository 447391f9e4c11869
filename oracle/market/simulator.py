"""A market that never was: a GARCH(1,1) path of hourly prices, the same for the same seed, without end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np

from oracle.domain.observations import Observation
from oracle.errors import InvalidInput, SourceExhausted
from oracle.market.base import HOURS, CadencedSource, day_end, day_start, price_from_float

SYMBOL: Final = "SIM"
DEFAULT_SEED: Final = 7
DEFAULT_START: Final = date(2024, 1, 1)

# Hourly Bitcoin as fitted on 2020-2021, rounded: annualised 76 %, persistence .98, shocks with tails of 5 degrees
_FIRST_PRICE: Final = 40_000.0
_SIGMA: Final = 0.0081
_ALPHA: Final = 0.10
_BETA: Final = 0.88
_TAIL: Final = 5.0
_BIGGEST_MOVE: Final = 0.5
_HISTORY: Final = 4_000


class SimulatedSource(CadencedSource):
    """Prices drawn on demand; `start_time` stands after 4,000 hours of history."""

    replay = True

    def __init__(self, seed: int, start: int, end: int | None) -> None:
        super().__init__(SYMBOL, HOURS)
        self._start = start
        self._end = end
        self._first = start - _HISTORY * self.interval_secs
        self._path = _garch_path(seed)
        self._drawn: list[int] = []

    @property
    def start_time(self) -> int:
        return self._start

    def history(self, until: int, count: int) -> list[Observation]:
        """See MarketSource.history."""
        last = (until - self._first) // self.interval_secs
        return [self._observation(index) for index in range(max(0, last - count + 1), last + 1)]

    def next_after(self, observed_at: int) -> Observation:
        """See MarketSource.next_after."""
        index = (max(observed_at, self._start - 1) - self._first) // self.interval_secs + 1
        observation = self._observation(index)
        if self._end is not None and observation.observed_at > self._end:
            raise SourceExhausted(f"the simulation ends at {self._end}")
        return observation

    def _observation(self, index: int) -> Observation:
        while len(self._drawn) <= index:
            self._drawn.append(price_from_float(next(self._path), f"simulated step {len(self._drawn)}"))
        return Observation(self._first + index * self.interval_secs, self._drawn[index])


def open_simulator(
    seed: str = "", symbol: str | None = None, start: date | str | None = None, end: date | str | None = None
) -> SimulatedSource:
    """A simulated market from `start` (default 2024-01-01) to `end` (default: none). `symbol` may only be SIM."""
    if symbol not in (None, SYMBOL):
        raise InvalidInput(f"the simulator has no {symbol!r}", remedy=f"Leave --symbol out or give {SYMBOL}.")
    if seed and not seed.isdecimal():
        raise InvalidInput(f"the simulator's seed {seed!r} is not a natural number")
    first = day_start(start or DEFAULT_START)
    last = day_end(end) if end else None
    if last is not None and last < first:
        raise InvalidInput(f"the simulation would end at {last}, before its start at {first}")
    return SimulatedSource(int(seed or DEFAULT_SEED), first, last)


def _garch_path(seed: int) -> Iterator[float]:
    """Prices of r_t = sqrt(h_t) z_t, h_{t+1} = omega + alpha r_t^2 + beta h_t, z Student t scaled to variance 1."""
    generator = np.random.Generator(np.random.PCG64(seed))
    long_run = _SIGMA**2
    omega = long_run * (1 - _ALPHA - _BETA)
    to_unit_variance = np.sqrt((_TAIL - 2) / _TAIL)
    price, variance = _FIRST_PRICE, long_run
    while True:
        yield price
        move = float(np.sqrt(variance) * generator.standard_t(_TAIL) * to_unit_variance)
        move = max(-_BIGGEST_MOVE, min(_BIGGEST_MOVE, move))
        price *= 1 + move
        variance = omega + _ALPHA * move**2 + _BETA * variance
