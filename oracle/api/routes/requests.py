"""Proof requests, and the life of any request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse

from oracle.api.access import Gate, charge, cost_of, refund
from oracle.api.deps import (
    ARCHIVE_ANSWER,
    BODY_ERRORS,
    IdempotencyKey,
    Keys,
    Prover,
    Reader,
    Service,
    archived,
    ended,
    errors,
    forget_if_ended,
    look_again,
    scoped,
)
from oracle.api.examples import EVENT_STREAM
from oracle.api.schemas import PathRequestId, ProofBatchIn, ProofOut, ProofRequestIn, RequestOut, RequestsOut, WaitSecs
from oracle.api.streams import Sent, stream
from oracle.api.strict import StrictRoute
from oracle.daemon.service import OracleService
from oracle.domain.access import ApiKey
from oracle.domain.requests import FINAL_STATES
from oracle.domain.requests import Request as AcceptedRequest

router = APIRouter(prefix="/v1", tags=["requests"], route_class=StrictRoute)


@router.post(
    "/proof-requests",
    summary="Asks for a proof of one inference",
    description="202 with the request; the same request again under the same Idempotency-Key.",
    status_code=HTTPStatus.ACCEPTED,
    responses=errors(404, 409, 507, *BODY_ERRORS),
)
def request_proof(  # noqa: PLR0917
    service: Service,
    keys: Keys,
    caller: Prover,
    response: Response,
    body: ProofRequestIn,
    idempotency_key: IdempotencyKey = None,
) -> RequestOut:
    (request,) = _accepted(service, keys, caller, [body], scoped(idempotency_key, caller))
    response.headers["Location"] = f"/v1/proof-requests/{request.id}"
    return RequestOut.of(request)


@router.post(
    "/proof-request-batches",
    summary="Asks for many proofs at once",
    description="All of them or, where one does not fit, none. Request i of a batch has the batch's Idempotency-Key "
    "with `#i` after it; a batch sent again brings the same requests. Each is followed by its own id.",
    status_code=HTTPStatus.ACCEPTED,
    responses=errors(404, 409, 507, *BODY_ERRORS),
)
def request_proofs(
    service: Service, keys: Keys, caller: Prover, body: ProofBatchIn, idempotency_key: IdempotencyKey = None
) -> RequestsOut:
    accepted = _accepted(service, keys, caller, body.requests, scoped(idempotency_key, caller), numbered=True)
    return RequestsOut(requests=[RequestOut.of(request) for request in accepted])


def _accepted(
    service: OracleService,
    keys: Gate,
    caller: ApiKey | None,
    bodies: Sequence[ProofRequestIn],
    key: str | None,
    *,
    numbered: bool = False,
) -> list[AcceptedRequest]:
    """The requests, all checked before the first is accepted; charged are those that are new, repeats never."""
    for body in bodies:
        service.check_proof_request(body.model, body.input_data, submit=body.submit)
    own_keys = [f"{key}#{index}" if numbered and key else key for index in range(len(bodies))]
    known = service.known([own for own in own_keys if own]) if key else set()
    costs = [0 if own in known else cost_of(caller, body.priority) for own, body in zip(own_keys, bodies, strict=True)]
    charge(keys, caller, sum(costs))
    began, accepted = time.time(), []
    try:
        for own_key, body in zip(own_keys, bodies, strict=True):
            accepted.append(
                service.request_proof(
                    body.model, body.input_data, idempotency_key=own_key, submit=body.submit, priority=body.priority
                )
            )
    finally:
        new = sum(cost for cost, request in zip(costs, accepted, strict=False) if request.created_at >= began)
        refund(keys, caller, sum(costs) - new)
    return accepted


@router.get("/proof-requests/{request_id}", summary="A proof request as it stands", responses=errors(404))
@router.get("/requests/{request_id}", summary="Any request as it stands", responses=errors(404))
async def get_request(
    service: Service, _: Reader, http: Request, request_id: PathRequestId, wait_secs: WaitSecs = 0.0
) -> RequestOut:
    return RequestOut.of(forget_if_ended(http, await ended(service, request_id, wait_secs)))


@router.delete("/proof-requests/{request_id}", summary="Cancels a proof request", responses=errors(404, 409))
@router.delete("/requests/{request_id}", summary="Cancels any request", responses=errors(404, 409))
def cancel_request(service: Service, _: Prover, request_id: PathRequestId) -> RequestOut:
    return RequestOut.of(service.cancel(request_id))


@router.get("/proof-requests/{request_id}/proof", summary="The proof that a request brought", responses=errors(404))
@router.get("/requests/{request_id}/proof", summary="The proof that a request brought", responses=errors(404))
def get_proof(service: Service, _: Reader, request_id: PathRequestId) -> ProofOut:
    return ProofOut.of(service.proof(request_id))


@router.get(
    "/requests/{request_id}/evidence.zip",
    summary="What a request brought as one file, checked without asking anyone",
    response_class=Response,
    responses=errors(404) | ARCHIVE_ANSWER,
)
def get_request_archive(service: Service, _: Reader, request_id: PathRequestId) -> Response:
    return archived(service.request_archive(request_id), request_id)


@router.get(
    "/proof-requests/{request_id}/events",
    summary="What happens to a request, as server-sent events",
    response_class=StreamingResponse,
    responses=errors(404) | {200: {"content": {"text/event-stream": EVENT_STREAM}}},
)
@router.get(
    "/requests/{request_id}/events",
    summary="What happens to a request, as server-sent events",
    response_class=StreamingResponse,
    responses=errors(404) | {200: {"content": {"text/event-stream": EVENT_STREAM}}},
)
async def follow_request(
    service: Service,
    _: Reader,
    request: Request,
    request_id: PathRequestId,
    last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,18}$", examples=["3"])] = None,
) -> StreamingResponse:
    """Ends with the request. A client that comes back with Last-Event-ID misses nothing."""
    followed = await asyncio.to_thread(service.request, request_id)

    def read(after: int) -> list[Sent]:
        return [
            Sent(event.seq, event.event, {"at": event.at, **event.data}, last=event.event in FINAL_STATES)
            for event in service.events(request_id, after)
        ]

    return stream(request, read, int(last_event_id or 0), on_last=lambda: look_again(request, followed))
