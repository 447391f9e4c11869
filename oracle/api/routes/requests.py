"""Proof requests, and the life of any request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse

from oracle.api.deps import BODY_ERRORS, IdempotencyKey, Service, ended, errors
from oracle.api.problems import ApiError
from oracle.api.schemas import PathRequestId, ProofOut, ProofRequestIn, RequestOut, WaitSecs
from oracle.api.strict import StrictRoute
from oracle.daemon.service import OracleService
from oracle.domain.requests import FINAL_STATES, RequestEvent

EVENT_POLL_SECS: Final = 0.15
KEEP_ALIVE_SECS: Final = 15.0
MAX_STREAMS: Final = 64

router = APIRouter(prefix="/v1", tags=["requests"], route_class=StrictRoute)


@router.post(
    "/proof-requests",
    summary="Asks for a proof of one inference",
    description="202 with the request; the same request again under the same Idempotency-Key.",
    status_code=HTTPStatus.ACCEPTED,
    responses=errors(404, 409, 507, *BODY_ERRORS),
)
def request_proof(
    service: Service, response: Response, body: ProofRequestIn, idempotency_key: IdempotencyKey = None
) -> RequestOut:
    request = service.request_proof(body.model, body.input_data, idempotency_key=idempotency_key, submit=body.submit)
    response.headers["Location"] = f"/v1/proof-requests/{request.id}"
    return RequestOut.of(request)


@router.get("/proof-requests/{request_id}", summary="A proof request as it stands", responses=errors(404))
@router.get("/requests/{request_id}", summary="Any request as it stands", responses=errors(404))
async def get_request(service: Service, request_id: PathRequestId, wait_secs: WaitSecs = 0.0) -> RequestOut:
    return RequestOut.of(await ended(service, request_id, wait_secs))


@router.delete("/proof-requests/{request_id}", summary="Cancels a proof request", responses=errors(404, 409))
@router.delete("/requests/{request_id}", summary="Cancels any request", responses=errors(404, 409))
def cancel_request(service: Service, request_id: PathRequestId) -> RequestOut:
    return RequestOut.of(service.cancel(request_id))


@router.get("/proof-requests/{request_id}/proof", summary="The proof that a request brought", responses=errors(404))
@router.get("/requests/{request_id}/proof", summary="The proof that a request brought", responses=errors(404))
def get_proof(service: Service, request_id: PathRequestId) -> ProofOut:
    return ProofOut.of(service.proof(request_id))


@router.get(
    "/proof-requests/{request_id}/events",
    summary="What happens to a request, as server-sent events",
    response_class=StreamingResponse,
    responses=errors(404) | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
@router.get(
    "/requests/{request_id}/events",
    summary="What happens to a request, as server-sent events",
    response_class=StreamingResponse,
    responses=errors(404) | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def follow_request(
    service: Service,
    request: Request,
    request_id: PathRequestId,
    last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,18}$")] = None,
) -> StreamingResponse:
    """Ends with the request. A client that comes back with Last-Event-ID misses nothing."""
    await asyncio.to_thread(service.request, request_id)
    if request.app.state.streams >= MAX_STREAMS:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "TooManyStreams", f"{MAX_STREAMS} streams are open already")
    events = _events(service, request, request_id, int(last_event_id or 0))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(service: OracleService, request: Request, request_id: str, after: int) -> AsyncIterator[str]:
    final = {state.value for state in FINAL_STATES}
    loop = asyncio.get_running_loop()
    state = request.app.state
    state.streams += 1
    try:
        spoken = loop.time()
        while not service.stopping.is_set():
            for event in await asyncio.to_thread(service.events, request_id, after):
                after, spoken = event.seq, loop.time()
                yield _format(event)
                if event.event in final:
                    return
            if await request.is_disconnected():
                return
            if loop.time() - spoken > KEEP_ALIVE_SECS:
                spoken = loop.time()
                yield ": keep-alive\n\n"
            await asyncio.sleep(EVENT_POLL_SECS)
    finally:
        state.streams -= 1


def _format(event: RequestEvent) -> str:
    data = json.dumps({"at": event.at, **event.data}, ensure_ascii=True)
    return f"id: {event.seq}\nevent: {event.event}\ndata: {data}\n\n"
