"""Opens a market source by its specification."""

from __future__ import annotations

from datetime import date

from oracle.errors import InvalidInput
from oracle.market.base import MarketSource
from oracle.market.ccxt_exchange import open_exchange
from oracle.market.csv_file import open_csv
from oracle.market.simulator import open_simulator
from oracle.market.sp500 import SYMBOL as SP500_SYMBOL
from oracle.market.sp500 import open_sp500
from oracle.paths import absolute

_FORMS = "sp500, csv:FILE, ccxt:EXCHANGE:SYMBOL, simulator or simulator:SEED"


def open_source(
    spec: str, symbol: str | None = None, start: date | str | None = None, end: date | str | None = None
) -> MarketSource:
    """The source that `spec` names: sp500, csv:FILE, ccxt:EXCHANGE:SYMBOL, simulator or simulator:SEED.

    `start` and `end` bound a replay: dates or ISO texts, UTC, both inclusive. Raises InvalidInput for an unknown form,
    a symbol that the source does not have, or a window without observations.
    """
    kind, _, rest = spec.partition(":")
    if kind == "sp500" and not rest:
        if symbol not in (None, SP500_SYMBOL):
            raise InvalidInput(f"sp500 has no {symbol!r}", remedy=f"Leave --symbol out or give {SP500_SYMBOL}.")
        return open_sp500(start, end)
    if kind == "csv" and rest:
        return open_csv(absolute(rest), symbol, start, end)
    if kind == "simulator":
        return open_simulator(rest, symbol, start, end)
    if kind == "ccxt" and rest:
        exchange, _, market = rest.partition(":")
        market = market or symbol or ""
        if not market:
            raise InvalidInput(f"{spec!r} names no market", remedy="Write ccxt:kraken:BTC/USD.")
        if start or end:
            raise InvalidInput("a live exchange has no --start or --end", remedy="Leave them out, or replay a file.")
        return open_exchange(exchange, market)
    raise InvalidInput(f"{spec!r} is no market source", remedy=f"Use {_FORMS}.")
