"""Whether the service can do its work (ready), apart from whether it runs (live); and the gauges that go with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from oracle.daemon.durable import DurableEngine
from oracle.daemon.parts import ServiceParts
from oracle.daemon.reading import Reader
from oracle.daemon.views import Check, Health
from oracle.errors import OracleError
from oracle.units import WAD

# A probe that asks more often gets the last answer
FRESH_SECS: Final = 1.0


class HealthCheck:
    """Asks the parts how they are."""

    def __init__(self, parts: ServiceParts, durable: DurableEngine, reader: Reader) -> None:
        self._parts = parts
        self._durable = durable
        self._reader = reader
        self._lock = threading.Lock()
        self._last: tuple[float, Health] | None = None

    def ready(self) -> Health:
        """All checks, at most a second old."""
        with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > FRESH_SECS:
                self._last = (time.monotonic(), self._check())
            return self._last[1]

    def _check(self) -> Health:
        checks = (
            _tried("rpc", self._rpc),
            _tried("database", self._database),
            _tried("workflows", self._workflows),
            _tried("circuits", self._circuits),
            _tried("balance", self._balance),
        )
        for check in checks:
            self._parts.metrics.ready.labels(check.name).set(check.ok)
        return Health(checks)

    def _rpc(self) -> str:
        head = self._parts.client.head()
        return f"chain {self._parts.client.chain_id}, block {head.number}"

    def _database(self) -> str:
        self._parts.requests.check()
        return "answers"

    def _workflows(self) -> str:
        return f"{self._durable.running()} running, {self._durable.waiting()} waiting"

    def _circuits(self) -> str:
        return f"{len(self._parts.engine.circuits())} circuits, {self._parts.settings.max_workers} workers at most"

    def _balance(self) -> str:
        """Ready while one key can send; each key's gauges say which cannot."""
        sender, metrics = self._parts.sender, self._parts.metrics
        balances = sender.balances()
        for address, balance in balances.items():
            metrics.sender_balance.labels(address).set(balance / WAD)
            metrics.sender_low.labels(address).set(balance < sender.floor_wei)
        metrics.balance.set(balances[sender.address] / WAD)
        told = ", ".join(f"{address} has {balance} wei" for address, balance in balances.items())
        if max(balances.values()) < sender.floor_wei:
            raise OracleError(f"{told}: below the floor of {sender.floor_wei}")
        return told

    def update_gauges(self) -> None:
        """Brings queue, feeds and balance up to date; what cannot be read keeps its last value."""
        metrics = self._parts.metrics
        self.ready()
        try:
            for state, count in self._parts.requests.counts().items():
                metrics.queue.labels(state).set(count)
            for feed in self._reader.feeds():
                metrics.feed_round.labels(feed.name).set(feed.round_id)
                metrics.feed_age.labels(feed.name).set(feed.age_secs)
                metrics.feed_stale.labels(feed.name).set(feed.stale)
        except (OracleError, SQLAlchemyError) as error:
            metrics.failures.labels("metrics", type(error).__name__).inc()


def _tried(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except (OracleError, SQLAlchemyError) as error:
        return Check(name, False, f"{type(error).__name__}: {error}")
