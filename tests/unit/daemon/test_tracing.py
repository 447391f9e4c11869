"""Traces: what arrives at a collector that speaks OTLP over HTTP."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from oracle.daemon.tracing import Tracing, trace_id
from oracle.errors import ConfigurationError, ProofRejected
from oracle.settings import Settings

REQUEST = "0123456789abcdef0123456789abcdef"


class Collector:
    """A collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                sent = ExportTraceServiceRequest.FromString(body)
                assert self.path == "/v1/traces"
                collector.spans += [s for r in sent.resource_spans for scope in r.scope_spans for s in scope.spans]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.close()


def test_span__steps_of_one_request__are_one_trace_by_its_id(collector: Collector) -> None:
    for process in range(2):  # the second stands for the one after a crash
        tracing = Tracing.of(Settings(otlp_endpoint=collector.url))
        with tracing.span(f"step-{process}", REQUEST, subject="btc") as facts:
            facts |= {"txHash": "0xab", "gasUsed": 21_000, "inputs": [1, 2]}
        tracing.close()
    assert [span.name for span in collector.spans] == ["step-0", "step-1"]
    assert {span.trace_id.hex() for span in collector.spans} == {REQUEST}
    assert len({span.parent_span_id for span in collector.spans}) == 1
    told = {a.key: a.value.string_value for a in collector.spans[0].attributes}
    assert told == {"request.id": REQUEST, "subject": "btc", "txHash": "0xab", "gasUsed": "21000"}


def test_span__failing_step__says_which_error_and_raises_it(collector: Collector) -> None:
    tracing = Tracing.of(Settings(otlp_endpoint=collector.url))
    with pytest.raises(ProofRejected), tracing.span("verify", REQUEST):
        raise ProofRejected("the secret inputs were 1, 2")
    tracing.close()
    (span,) = collector.spans
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "ProofRejected")
    assert not span.events  # the message may hold a user's inputs


def test_span__no_collector_set__is_nothing() -> None:
    tracing = Tracing.of(Settings())
    with tracing.span("prove", REQUEST) as facts:
        facts["txHash"] = "0x"
    tracing.close()


@pytest.mark.parametrize("address", ["127.0.0.1:4318", "ftp://127.0.0.1", "http://"])
def test_of__no_address__is_refused_with_what_to_do(address: str) -> None:
    with pytest.raises(ConfigurationError, match="no collector's address") as refusal:
        Tracing.of(Settings(otlp_endpoint=address))
    assert "PLUMBLINE_OTLP_ENDPOINT" in refusal.value.remedy


@pytest.mark.parametrize(("request_id", "expected"), [(REQUEST, int(REQUEST, 16)), ("0" * 32, None), ("order-7", None)])
def test_trace_id__any_request__is_its_own_or_a_hash(request_id: str, expected: int | None) -> None:
    number = trace_id(request_id)
    assert 0 < number < 1 << 128
    assert number == trace_id(request_id)
    if expected is not None:
        assert number == expected
