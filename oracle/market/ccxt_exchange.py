"""A live market through ccxt: the closes of an exchange's finished hourly candles."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from oracle.domain.observations import Observation
from oracle.errors import InvalidInput, SourceUnavailable
from oracle.market.base import HOURS, CadencedSource, price_from_float

_TIMEFRAME: Final = "1h"
_TIMEOUT_MS: Final = 10_000
_PAGE: Final = 500
_MILLIS: Final = 1_000


class ExchangeSource(CadencedSource):
    """Hourly closes of `symbol` from a ccxt client; a candle counts once its hour is over."""

    replay = False

    def __init__(self, client: Any, symbol: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(symbol, HOURS)
        self._client = client
        self._clock = clock
        self._opened = int(clock())

    @property
    def start_time(self) -> int:
        return self._opened

    def history(self, until: int, count: int) -> list[Observation]:
        """See MarketSource.history; asks the exchange page by page."""
        until = min(until, int(self._clock()))
        since = (until // self.interval_secs - count) * self.interval_secs
        found: dict[int, Observation] = {}
        while since < until:
            page = self._closed_candles(since)
            fresh = {o.observed_at: o for o in page if o.observed_at <= until and o.observed_at not in found}
            if not fresh:
                break
            found |= fresh
            since = max(fresh)
        return [found[observed_at] for observed_at in sorted(found)][-count:]

    def next_after(self, observed_at: int) -> Observation:
        """See MarketSource.next_after."""
        since = int(self._clock()) - 4 * self.interval_secs
        newest = max(self._closed_candles(since), key=lambda o: o.observed_at, default=None)
        if newest is None or newest.observed_at <= observed_at:
            raise SourceUnavailable(f"{self._client.id} has no candle of {self.symbol} closed after {observed_at} yet")
        return newest

    def _closed_candles(self, since: int) -> list[Observation]:
        """The closes of candles that open at or after `since` and are over, oldest first."""
        import ccxt  # noqa: PLC0415  (takes a second to import)

        try:
            rows = self._client.fetch_ohlcv(self.symbol, _TIMEFRAME, since * _MILLIS, _PAGE)
        except ccxt.BadSymbol as error:
            raise InvalidInput(f"{self._client.id} has no market {self.symbol}: {error}") from error
        except ccxt.BaseError as error:
            raise SourceUnavailable(f"{self._client.id} does not serve {self.symbol}: {error}") from error
        now = self._clock()
        observations = []
        for opened_ms, *_, close, _volume in sorted(rows):
            closed_at = int(opened_ms) // _MILLIS + self.interval_secs
            if closed_at <= now and close is not None:
                observations.append(Observation(closed_at, price_from_float(float(close), self.symbol)))
        return observations


def open_exchange(exchange: str, symbol: str) -> ExchangeSource:
    """The live source for `symbol` in ccxt's spelling (BTC/USDT). Nothing is asked of the exchange yet.

    Raises InvalidInput for an exchange that ccxt does not know or that has no candles.
    """
    import ccxt  # noqa: PLC0415

    if exchange not in ccxt.exchanges:
        raise InvalidInput(f"ccxt knows no exchange {exchange!r}", remedy="Use ccxt's own spelling, such as kraken.")
    client = getattr(ccxt, exchange)({"enableRateLimit": True, "timeout": _TIMEOUT_MS})
    if not client.has.get("fetchOHLCV"):
        raise InvalidInput(f"{exchange} serves no candles", remedy="Choose an exchange with fetchOHLCV.")
    return ExchangeSource(client, symbol)
