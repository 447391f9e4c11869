"""What the service counts, for Prometheus; a registry of its own for each service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_STEP_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """Counters and gauges; names begin with plumbline_, units are in the names."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.accepted = Counter("plumbline_requests_accepted", "Requests accepted.", ["kind"], registry=registry)
        self.finished = Counter("plumbline_requests_finished", "Requests ended.", ["kind", "state"], registry=registry)
        self.failures = Counter(
            "plumbline_failures", "Failed steps and feeder cycles, by cause.", ["step", "cause"], registry=registry
        )
        self.step_seconds = Histogram(
            "plumbline_step_seconds", "Seconds of a step.", ["step"], buckets=_STEP_BUCKETS, registry=registry
        )
        self.gas_used = Counter("plumbline_gas_used", "Gas of landed transactions.", ["purpose"], registry=registry)
        self.queue = Gauge("plumbline_queue_requests", "Requests not ended yet.", ["state"], registry=registry)
        self.feed_age = Gauge(
            "plumbline_feed_age_seconds",
            "Seconds since the newest observation in the answer.",
            ["feed"],
            registry=registry,
        )
        self.feed_round = Gauge("plumbline_feed_round", "The newest round's id.", ["feed"], registry=registry)
        self.feed_stale = Gauge(
            "plumbline_feed_stale", "1 when consumers see the feed as stale.", ["feed"], registry=registry
        )
        self.balance = Gauge("plumbline_operator_balance_ether", "What the operator's key has.", registry=registry)
        self.sender_balance = Gauge(
            "plumbline_sender_balance_ether", "What each sending key has.", ["address"], registry=registry
        )
        self.sender_low = Gauge(
            "plumbline_sender_below_floor", "1 for a sending key below its floor.", ["address"], registry=registry
        )
        self.onchain = Gauge(
            "plumbline_onchain_requests", "Requests on chain that are not settled.", ["state"], registry=registry
        )
        self.ready = Gauge(
            "plumbline_check_ok", "1 for each readiness check that passes.", ["check"], registry=registry
        )
        self.decisions = Counter(
            "plumbline_push_decisions", "The feeder's decisions.", ["feed", "push"], registry=registry
        )

    @contextmanager
    def timed(self, step: str) -> Iterator[dict[str, float]]:
        """Measures what runs inside; the yielded mapping has "seconds" afterwards."""
        measured: dict[str, float] = {}
        started = time.perf_counter()
        try:
            yield measured
        finally:
            measured["seconds"] = time.perf_counter() - started
            self.step_seconds.labels(step).observe(measured["seconds"])

    def render(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)
