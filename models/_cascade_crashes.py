"""Weeks of crashes against LaR95: liquidations of Bitcoin collateral on Aave, and a book estimated from those before.

The book at a week's start is not in the data, so it is taken from what is: of the past year's weeks that fell by more
than 3 %, the most that was liquidated for each unit of ln price, spread evenly over distance. sigma is the liquidation
family's s at the hour before the week, from 91 closes 8 hours apart. Neither sees the week.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models._cascade_simulator import EDGES, Market, risk
from models._data import data_source, find, hourly_candles
from models._liquidation_features import PRICES, STEP_HOURS, window_inputs
from models._registry import Array, DataSource

LIQUIDATIONS: Final = "aave_btc_collateral_liquidations_2020_2026.parquet"
PERPETUAL: Final = "perp_candles_1h.parquet"
# First days of the weeks
CRASHES: Final = (
    "2021-05-19",
    "2022-01-21",
    "2022-06-13",
    "2022-11-08",
    "2024-08-05",
    "2025-02-03",
    "2025-10-10",
    "2026-01-31",
)
WEEK: Final = 7
LEAST_FALL: Final = 0.03
YEAR: Final = 365
LEAST_WEEKS: Final = 20
# Value sold per unit of ln price: what Aave sells is small against the coin's markets
DEPTH: Final = 2e10
BUFFER: Final = 0.2


@dataclass(frozen=True, slots=True)
class Weeks:
    """A week from each day on: its sigma and LaR95 known before, its fall and liquidations (USD) after."""

    first: Any
    sigma: Array
    lar95: Array
    fall: Array
    liquidated: Array
    sources: tuple[DataSource, ...]

    @property
    def covered(self) -> Array:
        """1 where liquidations stayed at or below LaR95."""
        return np.asarray(self.liquidated <= self.lar95, dtype=np.float64)


def weeks(data: Path) -> Weeks:
    """Every week that starts with a year's liquidations behind it, one a day. Raises DataMissing."""
    import pandas as pd  # noqa: PLC0415

    path = find(data, LIQUIDATIONS)
    table = pd.read_parquet(path)
    days = pd.to_datetime(table["timestamp"], unit="s").dt.floor("D")
    paid = table.groupby(days)["amount_usd"].sum()
    close, sources = _closes(data)
    hours, prices = close.index.to_numpy(), close.to_numpy()
    first = pd.date_range(paid.index[0] + pd.Timedelta(days=5), paid.index[-1] - pd.Timedelta(days=WEEK), freq="D")
    at = np.searchsorted(hours, first.to_numpy()) - 1
    inside = at + WEEK * 24 < len(prices)
    first, at = first[inside], at[inside]
    steps = STEP_HOURS * np.arange(1 - PRICES, 1)
    sigma = window_inputs(prices[at[:, None] + steps])[1]
    after = prices[at[:, None] + np.arange(1, WEEK * 24 + 1)]
    fall = np.maximum(np.log(prices[at] / after.min(axis=1)), 0.0)
    daily = paid.reindex(pd.date_range(first[0], periods=len(first) + WEEK, freq="D"), fill_value=0.0).to_numpy()
    liquidated = np.array([daily[i : i + WEEK].sum() for i in range(len(first))])
    lar = _known_before(fall, liquidated, sigma)
    known = ~np.isnan(lar)
    origin = data_source(path, len(table), days.min(), days.max())
    days_known: Any = first.to_numpy().astype("datetime64[D]")[known]
    return Weeks(days_known, sigma[known], lar[known], fall[known], liquidated[known], (origin, *sources))


def _known_before(fall: Array, liquidated: Array, sigma: Array) -> Array:
    """LaR95 of each week from weeks that were over before it; NaN with fewer than 20 of them."""
    found = np.full(len(fall), np.nan)
    for week in range(len(fall)):
        past = slice(max(0, week - YEAR - WEEK), max(0, week - WEEK + 1))
        large = fall[past] > LEAST_FALL
        if large.sum() < LEAST_WEEKS:
            continue
        density = float((liquidated[past][large] / fall[past][large]).max())
        if density > 0:
            found[week] = risk(density * np.diff(EDGES), Market(float(sigma[week]), DEPTH, BUFFER)).lar95
    return found


def _closes(data: Path) -> tuple[Any, tuple[DataSource, ...]]:
    """Hourly closes of Bitcoin: spot, and after its end the Binance perpetual."""
    import pandas as pd  # noqa: PLC0415

    spot = hourly_candles(data, "BTCUSDT")
    path = find(data, PERPETUAL)
    table = pd.read_parquet(path)
    table = table[(table["venue"] == "binance") & table["coin"].str.startswith("BTC")].set_index("ts").sort_index()
    index: Any = table.index
    if index.tz is not None:
        table = table.set_axis(index.tz_localize(None))
    head = pd.Series(spot.close, index=pd.DatetimeIndex(spot.start.astype("datetime64[ns]")))
    tail = table["close"][table.index > head.index[-1]]
    tail.index = tail.index.astype("datetime64[ns]")
    joined = pd.concat([head, tail]).resample("h").ffill()
    return joined, (*spot.sources, data_source(path, len(table), table.index[0], table.index[-1], "Binance BTC"))
