"""Real option quotes: Deribit's daily chains with each expiry's three pillars (at the money, 25-delta skew and wings).

quotes = option_quotes(data)      # raises DataMissing
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models._black import implied_volatility
from models._data import data_source, find
from models._registry import Array, DataSource

CHAINS: Final = "deribit_options_daily_2026.parquet"
PILLARS: Final = "deribit_atm_term_structure_6h_2026.parquet"
# Deribit's own year
YEAR_SECONDS: Final = 365.25 * 86_400
MIN_YEARS: Final = 2 / 365.25
MAX_Z: Final = 3.0


@dataclass(frozen=True, slots=True)
class OptionQuotes:
    """Out-of-the-money quotes with both sides, oldest first; volatilities as fractions.

    `day`: days since 1970. `z`: ln(K/F) / (atm sqrt T). `volatility`: of the price half way between bid and ask;
    `half_spread`: half of what the two sides are apart, as volatility. `instrument`: the same number on every day.
    """

    day: NDArray[np.int64]
    currency: NDArray[np.str_]
    instrument: NDArray[np.int64]
    log_moneyness: Array
    years: Array
    atm: Array
    skew: Array
    wings: Array
    z: Array
    volatility: Array
    half_spread: Array
    sources: tuple[DataSource, ...] = ()

    def __len__(self) -> int:
        return len(self.z)

    def where(self, chosen: NDArray[np.bool_]) -> OptionQuotes:
        """The chosen quotes."""
        columns = {name: getattr(self, name)[chosen] for name in OptionQuotes.__slots__ if name != "sources"}
        return OptionQuotes(**columns, sources=self.sources)


def option_quotes(data: Path) -> OptionQuotes:
    """Every usable quote: both sides, out of the money, from two days on, |z| up to 3. Raises DataMissing."""
    import pandas as pd  # noqa: PLC0415

    chains, pillars = find(data, CHAINS), find(data, PILLARS)
    columns = ["ts", "ccy", "expiry", "atm_iv", "rr25", "bf25"]
    joined = pd.read_parquet(chains).merge(pd.read_parquet(pillars)[columns], on=columns[:3])
    joined = joined.sort_values(["ts", "ccy", "expiry", "strike", "cp"], kind="stable")
    joined, k, years, call = _out_of_the_money(joined)
    bid, ask = (_side(_floats(joined[side]), k, years, call) for side in ("bid", "ask"))
    middle = _side((_floats(joined["bid"]) + _floats(joined["ask"])) / 2, k, years, call)
    atm = _floats(joined["atm_iv"])
    z = k / (atm * np.sqrt(years))
    usable = np.isfinite(bid + ask + middle + _floats(joined["rr25"]) + _floats(joined["bf25"])) & (ask > bid)
    day = joined["ts"].to_numpy().astype("datetime64[D]").astype(np.int64)
    names = joined["ccy"].astype(str) + joined["expiry"].astype(str) + joined["strike"].astype(str)
    ends = joined["ts"].iloc[0], joined["ts"].iloc[-1]
    sources = tuple(data_source(path, len(joined), *ends) for path in (chains, pillars))
    every = OptionQuotes(
        day,
        joined["ccy"].astype(str).to_numpy(dtype=str),
        pd.factorize(names)[0].astype(np.int64),
        k,
        years,
        atm,
        _floats(joined["rr25"]),
        _floats(joined["bf25"]),
        z,
        middle,
        (ask - bid) / 2,
        sources,
    )
    return every.where(usable)


def _out_of_the_money(joined: Any) -> tuple[Any, Array, Array, NDArray[np.bool_]]:
    """The rows to look at, with their ln(K/F), years, and whether each is a call."""
    years = (joined["expiry"] - joined["ts"]).dt.total_seconds().to_numpy() / YEAR_SECONDS
    k = np.log(_floats(joined["strike"]) / _floats(joined["fwd"]))
    call = (joined["cp"].astype(str).str[0].str.upper() == "C").to_numpy()
    chosen = (years >= MIN_YEARS) & (call == (k >= 0))
    with np.errstate(invalid="ignore"):
        chosen &= np.abs(k) <= MAX_Z * _floats(joined["atm_iv"]) * np.sqrt(np.maximum(years, 0))
    return joined[chosen], k[chosen], years[chosen], call[chosen]


def _side(price: Array, k: Array, years: Array, call: NDArray[np.bool_]) -> Array:
    """Implied volatilities of prices in coin; NaN for none."""
    worth = np.where(call, price, price + 1 - np.exp(k))
    usable = np.isfinite(worth) & (price > 0) & (years > 0)
    result = np.full(len(price), np.nan)
    result[usable] = implied_volatility(worth[usable], k[usable], years[usable])
    return result


def _floats(column: Any) -> Array:
    return np.asarray(column.to_numpy(), dtype=np.float64)
