"""Both clients against the real service; what they do when it is busy, limits them or is away, against a stub."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from oracle.client import AsyncClient, Client
from oracle.errors import NotFound, RateLimitExceeded, Unauthorized
from tests.support.service_stack import PRICE, TINY, VOLATILITY

INPUTS = [[1.0, -0.5, 0.25]]
LIMITED = (429, {"Retry-After": "0"}, b'{"error": "RateLimitExceeded", "detail": "slow down"}')
AWAY = (503, {"Retry-After": "0"}, b"")
GOOD = (200, {}, b'{"feeds": []}')
Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def stub(*answers: Answer) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that gives these answers in order, and the headers that it was sent."""
    left, sent = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append({name.lower(): value for name, value in self.headers.items()})
            status, headers, body = left.pop(0)
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", sent
        server.shutdown()
        thread.join()


def test_client__a_proof_from_request_to_check__typed(api: httpx.Client) -> None:
    with Client(str(api.base_url)) as oracle:
        assert oracle.health().ok
        assert {feed.name for feed in oracle.feeds()} >= {PRICE, VOLATILITY}
        assert oracle.feed(PRICE).round_id == oracle.rounds(PRICE, limit=1)[0].round_id
        assert oracle.model(TINY) in oracle.models()
        with pytest.raises(NotFound):
            oracle.feed("nothing")
        asked = oracle.request_proof(TINY, INPUTS, idempotency_key="client-1")
        assert oracle.request_proof(TINY, INPUTS, idempotency_key="client-1").id == asked.id
        events = list(oracle.events(asked.id))
        assert [event.name for event in events][-1] == "fulfilled"
        assert [event.seq for event in events] == sorted({event.seq for event in events})
        assert oracle.wait(asked.id).state == "fulfilled"
        proof = oracle.proof(asked.id)
        assert oracle.verify(proof).valid
        assert not oracle.verify(proof.model_copy(update={"proof": "0x00"})).valid


def test_async_client__a_batch__typed(api: httpx.Client) -> None:
    async def run() -> None:
        async with AsyncClient(str(api.base_url)) as oracle:
            asked = await oracle.request_proofs(TINY, [INPUTS, INPUTS], idempotency_key="client-batch")
            assert [one.idempotency_key for one in asked] == ["client-batch#0", "client-batch#1"]
            names = [event.name async for event in oracle.events(asked[0].id)]
            assert names[-1] == "fulfilled"
            ended = await asyncio.gather(*(oracle.wait(one.id) for one in asked))
            assert [one.state for one in ended] == ["fulfilled"] * 2
            with pytest.raises(NotFound):
                await oracle.proof("0" * 32)

    asyncio.run(run())


def test_client__limited_then_away__asks_again_and_sends_its_key() -> None:
    with stub(LIMITED, AWAY, GOOD) as (url, sent), Client(url, key="plk_x") as oracle:
        assert oracle.feeds() == []
    assert [headers["authorization"] for headers in sent] == ["Bearer plk_x"] * 3


def test_client__limited_for_good__its_error_after_the_last_try() -> None:
    with stub(LIMITED, LIMITED) as (url, sent), Client(url, tries=2) as oracle, pytest.raises(RateLimitExceeded):
        oracle.feeds()
    assert len(sent) == 2


def test_client__refused__not_asked_again() -> None:
    refusal = (401, {}, b'{"error": "Unauthorized", "detail": "no"}')
    with stub(refusal) as (url, sent), Client(url) as oracle, pytest.raises(Unauthorized):
        oracle.feeds()
    assert len(sent) == 1


def test_events__stream_breaks__goes_on_after_the_last_seen() -> None:
    first = (200, {}, b'id: 3\nevent: running\ndata: {"at": 1}\n\nid: 4\nevent: prog')
    second = (200, {}, b': keep-alive\n\nid: 4\nevent: fulfilled\ndata: {"at": 2}\n\n')
    with stub(first, second) as (url, sent), Client(url) as oracle:
        assert [(event.seq, event.name) for event in oracle.events("a")] == [(3, "running"), (4, "fulfilled")]
    assert [headers["last-event-id"] for headers in sent] == ["0", "3"]


def test_async_events__stream_breaks__goes_on_after_the_last_seen() -> None:
    async def run(url: str) -> list[int]:
        async with AsyncClient(url) as oracle:
            return [event.seq async for event in oracle.events("a")]

    first = (200, {}, b'id: 3\nevent: running\ndata: {"at": 1}\n\n')
    second = (200, {}, b'id: 4\nevent: cancelled\ndata: {"at": 2}\n\n')
    with stub(first, second) as (url, _):
        assert asyncio.run(run(url)) == [3, 4]
