"""Traces for OpenTelemetry: one a request, its id the request's own, one span for each try of a step.

A request's id has 128 random bits, as a trace's has: so the id in the logs, in the API and in the traces is the same,
and the steps before and after a crash, or on two machines, are in one trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from oracle import __version__
from oracle.errors import ConfigurationError
from oracle.settings import Settings

TRACES_PATH: Final = "/v1/traces"
EXPORT_TIMEOUT_SECS: Final = 5
# What of a step's facts is worth an attribute: where the proof went
_TOLD: Final = ("txHash", "roundId", "gasUsed")


class Tracing:
    """Where spans go; nowhere by default."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        self._provider: TracerProvider | None = None
        if exporter is not None:
            resource = Resource.create({"service.name": "plumbline", "service.version": __version__})
            self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        tracers: trace.TracerProvider = self._provider or trace.NoOpTracerProvider()
        self._tracer = tracers.get_tracer("plumbline", __version__)

    @classmethod
    def of(cls, settings: Settings) -> Tracing:
        """To the collector of the settings. Raises ConfigurationError for an address that is none."""
        if not settings.otlp_endpoint:
            return cls()
        address = urlsplit(settings.otlp_endpoint)
        if address.scheme not in {"http", "https"} or not address.netloc:
            raise ConfigurationError(
                f"{settings.otlp_endpoint!r} is no collector's address",
                remedy="set PLUMBLINE_OTLP_ENDPOINT to one like http://127.0.0.1:4318",
            )
        url = settings.otlp_endpoint.rstrip("/") + TRACES_PATH
        return cls(OTLPSpanExporter(endpoint=url, timeout=EXPORT_TIMEOUT_SECS))

    @contextmanager
    def span(self, name: str, request_id: str, **attributes: str) -> Iterator[dict[str, Any]]:
        """A step of a request. What is put into the yielded mapping, as far as it is told, becomes attributes."""
        token = context.attach(trace.set_span_in_context(NonRecordingSpan(_root(request_id))))
        facts: dict[str, Any] = {}
        try:
            with self._tracer.start_as_current_span(
                name,
                attributes={"request.id": request_id, **attributes},
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                try:
                    yield facts
                except Exception as error:
                    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                    raise
                for told, value in _told(facts).items():
                    span.set_attribute(told, value)
        finally:
            context.detach(token)

    def flush(self) -> None:
        """Sends what is left; waits EXPORT_TIMEOUT_SECS at most for a collector that does not answer."""
        if self._provider is not None:
            self._provider.force_flush(EXPORT_TIMEOUT_SECS * 1_000)

    def close(self) -> None:
        """Sends what is left and ends."""
        self.flush()
        if self._provider is not None:
            self._provider.shutdown()


def trace_id(request_id: str) -> int:
    """The id of a request's trace: its own 32 hex digits, else a hash of it."""
    try:
        number = int(request_id, 16) if len(request_id) == 32 else 0
    except ValueError:
        number = 0
    return number or int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:16], "big")


def _root(request_id: str) -> SpanContext:
    """The request itself, as the parent of its steps; a span that nobody sends, the same at every try."""
    number = trace_id(request_id)
    return SpanContext(number, number >> 64 or 1, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _told(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(facts[name]) for name in _TOLD if facts.get(name) is not None}
