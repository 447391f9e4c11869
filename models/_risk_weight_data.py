"""Windows with the losses of the week after them, for the risk weight.

The next week's largest loss is the largest fall over any 24 hours of it, close to close, as the shortfall is a day's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models._data import HourlySeries, hourly_candles
from models._liquidation_data import COINS, DAY_HOURS, FIRST_HOUR, Windows, windows
from models._liquidation_features import HORIZON_HOURS
from models._registry import Array

DAYS: Final = 7
TAIL: Final = 0.025
EWMA_LAMBDA: Final = 0.94
EWMA_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class LossWindows:
    """One coin's windows: `days` (n, 7) losses of the days after, `largest` (n,) the week's largest 24-hour loss,
    `drawdown` (n,) its largest fall from a peak, `ewma` (n,) EWMA(.94) volatility of a day. Losses are fractions.
    """

    windows: Windows
    days: Array
    largest: Array
    drawdown: Array
    ewma: Array

    def where(self, chosen: NDArray[np.bool_]) -> LossWindows:
        """The chosen rows."""
        parts = (self.days, self.largest, self.drawdown, self.ewma)
        return LossWindows(self.windows.where(chosen), *(part[chosen] for part in parts))

    def before(self, day: str) -> LossWindows:
        """Windows whose week after is over before `day`."""
        return self.where(self.windows.at + np.timedelta64(HORIZON_HOURS + 1, "h") <= np.datetime64(day, "h"))

    def between(self, first: str, end: str) -> LossWindows:
        """Windows from `first` to before `end`."""
        at = self.windows.at
        return self.where((at >= np.datetime64(first, "h")) & (at < np.datetime64(end, "h")))


def coin_losses(data: Path, every_hours: int) -> list[LossWindows]:
    """Bitcoin's and Ether's windows since 2017. Raises DataMissing."""
    return [loss_windows(hourly_candles(data, symbol, early=True), every_hours) for symbol in COINS]


def loss_windows(series: HourlySeries, every_hours: int) -> LossWindows:
    """A series' windows with what came after."""
    found = windows(series, every_hours)
    hours = np.arange(FIRST_HOUR, len(series.close) - HORIZON_HOURS, every_hours)
    after = sliding_window_view(series.close, HORIZON_HOURS + 1)[hours]
    daily = 1 - after[:, DAY_HOURS::DAY_HOURS] / after[:, :-DAY_HOURS:DAY_HOURS]
    rolling = 1 - after[:, DAY_HOURS:] / after[:, :-DAY_HOURS]
    drawdown = 1 - after / np.maximum.accumulate(after, axis=1)
    return LossWindows(
        found, daily, np.maximum(rolling.max(axis=1), 0.0), drawdown.max(axis=1), _ewma(series.close, hours)
    )


def _ewma(close: Array, hours: NDArray[np.int64]) -> Array:
    back = DAY_HOURS * np.arange(EWMA_DAYS + 1)
    returns = -np.diff(np.log(close[hours[:, None] - back]), axis=1)
    weights = EWMA_LAMBDA ** np.arange(EWMA_DAYS)
    return np.asarray(np.sqrt(returns**2 @ (weights / weights.sum())))


def unconditional(losses: Array) -> float:
    """Mean of the worst 2.5 % of losses: the long-run shortfall of a day."""
    worst = np.sort(losses.ravel())[::-1]
    return float(worst[: max(1, int(np.ceil(TAIL * worst.size)))].mean())
