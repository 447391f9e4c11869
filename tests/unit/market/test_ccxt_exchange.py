"""The live source against a loopback HTTP server that answers as Kraken does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

import ccxt
import pytest

from oracle.errors import InvalidInput, SourceUnavailable
from oracle.market.ccxt_exchange import ExchangeSource, open_exchange
from oracle.units import SECS_PER_HOUR

NOW = 1_700_001_800  # half past an hour
HOUR = NOW - NOW % SECS_PER_HOUR
PAIR = {
    "altname": "XBTUSD",
    "wsname": "XBT/USD",
    "aclass_base": "currency",
    "base": "XXBT",
    "aclass_quote": "currency",
    "quote": "ZUSD",
    "pair_decimals": 1,
    "lot_decimals": 8,
    "lot_multiplier": 1,
    "fees": [[0, 0.26]],
    "fees_maker": [[0, 0.16]],
    "ordermin": "0.0001",
    "costmin": "0.5",
    "tick_size": "0.1",
    "status": "online",
}
ASSETS = {
    "XXBT": {"aclass": "currency", "altname": "XBT", "decimals": 10, "display_decimals": 5},
    "ZUSD": {"aclass": "currency", "altname": "USD", "decimals": 4, "display_decimals": 2},
}


@dataclass
class Exchange:
    """What the server answers: hourly candles that end with one still open, at most `page` from `since` on."""

    hours: int = 300
    page: int = 720
    status: int = 200
    errors: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        """Kraken's result for one path."""
        if path.endswith("/Assets"):
            return ASSETS
        if path.endswith("/AssetPairs"):
            return {"XXBTZUSD": PAIR}
        since = int(query.get("since", ["0"])[0])
        first = HOUR - (self.hours - 1) * SECS_PER_HOUR
        opens = [first + i * SECS_PER_HOUR for i in range(self.hours)]
        rows = [[t, "1", "1", "1", f"{price_at(t)}", "1", "1", 1] for t in opens if t > since]
        return {"XXBTZUSD": rows[: self.page], "last": opens[-2]}


def price_at(opened: int) -> float:
    """The close of the candle that opened then."""
    return 30_000.5 + (opened // SECS_PER_HOUR) % 1_000


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """A server on loopback for one test."""
    state = Exchange()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parsed = urlparse(self.path)
            result = state.answer(parsed.path, parse_qs(parsed.query)) if not state.errors else {}
            body = json.dumps({"error": state.errors, "result": result}).encode()
            self.send_response(state.status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def source_on(url: str, symbol: str = "BTC/USD") -> ExchangeSource:
    """The source on a real ccxt client whose address is the server's."""
    client = ccxt.kraken({"timeout": 5_000, "enableRateLimit": False})
    client.urls["api"] = {"public": url, "private": url}
    return ExchangeSource(client, symbol, clock=lambda: float(NOW))


def test_next_after__open_candle__is_left_out(exchange: Exchange) -> None:
    observation = source_on(exchange.url).next_after(0)
    assert observation.observed_at == HOUR
    assert observation.price == round(price_at(HOUR - SECS_PER_HOUR) * 10**8)


def test_next_after__nothing_newer__source_unavailable(exchange: Exchange) -> None:
    with pytest.raises(SourceUnavailable, match="no candle"):
        source_on(exchange.url).next_after(HOUR)


def test_history__several_pages__consecutive_hours(exchange: Exchange) -> None:
    exchange.page = 40
    past = source_on(exchange.url).history(NOW, 100)
    assert [o.observed_at for o in past] == [HOUR - i * SECS_PER_HOUR for i in range(99, -1, -1)]


def test_history__until_in_the_past__nothing_later(exchange: Exchange) -> None:
    past = source_on(exchange.url).history(HOUR - 10 * SECS_PER_HOUR, 5)
    assert past[-1].observed_at == HOUR - 10 * SECS_PER_HOUR
    assert len(past) == 5


def test_history__fewer_than_asked__all_there_are(exchange: Exchange) -> None:
    exchange.hours = 10
    assert len(source_on(exchange.url).history(NOW, 100)) == 9


def test_next_after__server_error__source_unavailable(exchange: Exchange) -> None:
    exchange.status = 503
    with pytest.raises(SourceUnavailable, match="kraken does not serve BTC/USD"):
        source_on(exchange.url).next_after(0)


def test_next_after__exchange_error__source_unavailable(exchange: Exchange) -> None:
    exchange.errors = ["EService:Unavailable"]
    with pytest.raises(SourceUnavailable, match="Unavailable"):
        source_on(exchange.url).next_after(0)


def test_next_after__nobody_listens__source_unavailable(exchange: Exchange) -> None:
    with pytest.raises(SourceUnavailable):
        source_on("http://127.0.0.1:9").next_after(0)


def test_next_after__unknown_market__invalid_input(exchange: Exchange) -> None:
    with pytest.raises(InvalidInput, match="DOGE/MARS"):
        source_on(exchange.url, "DOGE/MARS").next_after(0)


def test_open_exchange__unknown_name__invalid_input() -> None:
    with pytest.raises(InvalidInput, match="no exchange 'mtgox2'"):
        open_exchange("mtgox2", "BTC/USD")


def test_open_exchange__known__asks_nothing_yet() -> None:
    source = open_exchange("kraken", "BTC/USD")
    assert (source.symbol, source.interval_secs, source.replay) == ("BTC/USD", SECS_PER_HOUR, False)
