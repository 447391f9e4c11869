"""Real daily closes for scoring models: the S&P 500 (inside `arch`), Bitcoin and Ether (data folder)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models._registry import Array

_BTC: Final = "btc_daily_2015_2026.csv.gz"
_HOURLY: Final = "spot_binance_1h_2020-09_2025-09.parquet"
_HASH_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class DailySeries:
    """Daily closes of one market; `digest` is the SHA-256 (16 digits) of the closes as float64."""

    name: str
    source: str
    first: str
    last: str
    closes: Array

    @property
    def returns(self) -> Array:
        """Simple returns, one a day."""
        return np.asarray(np.diff(self.closes) / self.closes[:-1])

    @property
    def digest(self) -> str:
        return hashlib.sha256(np.ascontiguousarray(self.closes, dtype="<f8").tobytes()).hexdigest()[:_HASH_DIGITS]


def daily_series(data: Path) -> list[DailySeries]:
    """The S&P 500, and Bitcoin and Ether where `data` holds their files."""
    from arch.data import sp500  # noqa: PLC0415  (takes a second to import)

    found = [_series("S&P 500", "arch.data.sp500", sp500.load()["Close"])]
    import pandas as pd  # noqa: PLC0415

    btc = _find(data, _BTC)
    if btc is not None:
        frame = pd.read_csv(btc, parse_dates=["date"]).set_index("date")
        found.append(_series("Bitcoin", btc.name, frame["price"]))
    hourly = _find(data, _HOURLY)
    if hourly is not None:
        frame = pd.read_parquet(hourly)
        ether = frame[frame["symbol"] == "ETHUSDT"].set_index("ts")["close"]
        found.append(_series("Ether", f"{hourly.name}, last hour of each day", ether.resample("1D").last()))
    return found


def _find(data: Path, name: str) -> Path | None:
    return next((path for path in (data / "open" / name, data / name) if path.is_file()), None)


def _series(name: str, source: str, closes: Any) -> DailySeries:
    closes = closes.dropna()
    days = [str(day)[: len("2008-09-15")] for day in (closes.index[0], closes.index[-1])]
    return DailySeries(name, source, days[0], days[1], np.asarray(closes, dtype=np.float64))
