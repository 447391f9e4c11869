"""The client for asyncio; the same calls as oracle.client.synchronous."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self, TypeVar

import httpx

from oracle.api.schemas import (
    CardOut,
    EvidenceOut,
    FeedOut,
    HealthOut,
    ModelOut,
    PositionOut,
    ProofOut,
    RequestOut,
    RoundOut,
    VerificationOut,
    VerifyOut,
)
from oracle.client import calls
from oracle.client.calls import Call, Event, EventReader, Inputs
from oracle.client.problems import no_answer, problem_error

T = TypeVar("T")


class AsyncClient:
    """Speaks to one service. Every call raises the OracleError that the service names; ServiceUnavailable without one.

    A call is sent up to `tries` times while the service is away, busy (503) or limits us (429, Retry-After); what makes
    something carries an idempotency key, so that it is made once.
    """

    def __init__(self, base_url: str, key: str = "", *, tries: int = 4) -> None:
        self._base_url = base_url.rstrip("/")
        self._tries = tries
        timeout = httpx.Timeout(calls.ANSWER_TIMEOUT_SECS, connect=calls.CONNECT_TIMEOUT_SECS)
        headers = calls.headers_of(key)
        self._http = httpx.AsyncClient(base_url=self._base_url, timeout=timeout, headers=headers, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connections."""
        await self._http.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON document behind any path."""
        return await self._run(calls.raw("GET", path, query))

    async def post(self, path: str, body: Any = None, *, idempotency_key: str = "", **query: Any) -> Any:
        """The JSON answer to a POST to any path."""
        return await self._run(calls.raw("POST", path, query, body, idempotency_key))

    async def health(self) -> HealthOut:
        """Every check of readiness. Raises Retry when one fails."""
        return await self._run(calls.health())

    async def feeds(self) -> list[FeedOut]:
        """Every feed with its newest round."""
        return await self._run(calls.feeds())

    async def feed(self, name: str) -> FeedOut:
        """One feed with its newest round. Raises NotFound."""
        return await self._run(calls.feed(name))

    async def positions(self, name: str) -> list[PositionOut]:
        """A liquidation board's positions, the likeliest liquidation first."""
        return await self._run(calls.positions(name))

    async def rounds(self, name: str, limit: int = 50, before: int | None = None) -> list[RoundOut]:
        """Rounds below `before`, newest first."""
        return await self._run(calls.rounds(name, limit, before))

    async def round(self, name: str, round_id: int) -> RoundOut:
        """One round. Raises NotFound."""
        return await self._run(calls.round_(name, round_id))

    async def evidence(self, name: str, round_id: int) -> EvidenceOut:
        """Everything about a proven round, checked again."""
        return await self._run(calls.evidence(name, round_id))

    async def evidence_archive(self, name: str, round_id: int) -> bytes:
        """A proven round's evidence as one file, for `plumbline verify --evidence`."""
        return await self._run(calls.evidence_archive(name, round_id))

    async def request_archive(self, request_id: str) -> bytes:
        """The evidence of what a request brought, as one file. Raises NotFound before it has a proof."""
        return await self._run(calls.request_archive(request_id))

    async def verify_round(self, name: str, round_id: int) -> VerificationOut:
        """A proven round verified again from the chain alone."""
        return await self._run(calls.verify_round(name, round_id))

    async def push(self, name: str, *, idempotency_key: str | None = None) -> RequestOut:
        """A request for the feed's next round."""
        return await self._run(calls.push(name, idempotency_key))

    async def models(self) -> list[ModelOut]:
        """Every model that can be proven."""
        return await self._run(calls.models())

    async def model(self, name: str) -> ModelOut:
        """One model. Raises NotFound."""
        return await self._run(calls.model(name))

    async def card(self, name: str) -> CardOut:
        """A model's card. Raises NotFound."""
        return await self._run(calls.card(name))

    async def upload_model(
        self,
        name: str,
        onnx: bytes,
        samples: Any,
        *,
        objective: str = "balanced",
        max_error: float | None = None,
        domain: str | None = None,
        deploy: bool = True,
        idempotency_key: str | None = None,
    ) -> RequestOut:
        """A request for a circuit of an ONNX file, with samples {"input_data": [[...]]} as bytes or as a document.

        `domain`: LOW:HIGH, with commas one for each input tensor or value; None: around the samples.
        """
        options = {"objective": objective, "maxError": max_error, "domain": domain, "deploy": deploy}
        return await self._run(calls.upload_model(name, onnx, samples, options, idempotency_key))

    async def request_proof(
        self,
        model: str,
        inputs: Inputs,
        *,
        submit: bool = False,
        priority: str = "normal",
        idempotency_key: str | None = None,
    ) -> RequestOut:
        """A request for a proof: one flat row for each input tensor; with `submit` it is stored on chain.

        `priority`: high, normal or low.
        """
        return await self._run(calls.request_proof(model, inputs, submit, priority, idempotency_key))

    async def request_proofs(
        self,
        model: str,
        batch: Sequence[Inputs],
        *,
        submit: bool = False,
        priority: str = "normal",
        idempotency_key: str | None = None,
    ) -> list[RequestOut]:
        """Requests for many proofs: all are accepted, or none."""
        return await self._run(calls.request_proofs(model, batch, submit, priority, idempotency_key))

    async def request(self, request_id: str, wait_secs: float = 0.0) -> RequestOut:
        """A request once it has ended, or as it stands after the wait."""
        return await self._run(calls.request(request_id, wait_secs))

    async def wait(self, request_id: str, timeout_secs: float = calls.ANSWER_TIMEOUT_SECS) -> RequestOut:
        """A request once it has ended, or as it stands after the timeout."""
        deadline = time.monotonic() + timeout_secs
        while True:
            left = max(0.0, deadline - time.monotonic())
            found = await self.request(request_id, min(left, calls.LONG_POLL_SECS))
            if found.finished_at is not None or left == 0:
                return found

    async def events(self, request_id: str) -> AsyncIterator[Event]:
        """What happens to a request until it has ended, from its beginning; goes on where a connection broke."""
        reader, attempt = EventReader(request_id), 0
        while not reader.ended:
            before, pause = reader.after, calls.pause_secs(None, attempt)
            try:
                async with self._http.stream("GET", reader.path, headers=reader.headers()) as response:
                    if response.status_code in calls.RETRY_STATUS and attempt + 1 < self._tries:
                        pause = calls.pause_secs(response, attempt)
                    elif not response.is_success:
                        await response.aread()
                        raise problem_error(response)
                    else:
                        async for line in response.aiter_lines():
                            for event in reader.feed(line):
                                yield event
            except httpx.HTTPError as error:
                if attempt + 1 >= self._tries:
                    raise no_answer(self._base_url, error) from error
            attempt = 0 if reader.after > before else attempt + 1
            if not reader.ended:
                await asyncio.sleep(pause)

    async def cancel(self, request_id: str) -> RequestOut:
        """Ends a request that has not begun to send. Raises Conflict."""
        return await self._run(calls.cancel(request_id))

    async def proof(self, request_id: str) -> ProofOut:
        """The proof that a request has brought. Raises NotFound."""
        return await self._run(calls.proof(request_id))

    async def verify(self, proof: ProofOut) -> VerifyOut:
        """Whether a proof holds, and its outputs."""
        return await self._run(calls.verify(proof))

    async def _run(self, call: Call[T]) -> T:
        for attempt in range(self._tries):
            last = attempt + 1 == self._tries
            try:
                response = await self._http.request(**call.arguments())
            except httpx.HTTPError as error:
                if last:
                    raise no_answer(self._base_url, error) from error
                await asyncio.sleep(calls.pause_secs(None, attempt))
                continue
            if last or response.status_code not in calls.RETRY_STATUS:
                return call.answer(response)
            await asyncio.sleep(calls.pause_secs(response, attempt))
        raise AssertionError("unreachable")
