"""Feeds and their rounds."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from oracle.api.deps import (
    ARCHIVE_ANSWER,
    IdempotencyKey,
    Operator,
    Reader,
    Service,
    archived,
    ended,
    errors,
    forget_if_ended,
    kept,
    scoped,
)
from oracle.api.schemas import (
    MAX_ROUND_ID,
    EvidenceOut,
    FeedOut,
    FeedsOut,
    PathName,
    PathRoundId,
    PositionOut,
    PositionsOut,
    RequestOut,
    RoundOut,
    RoundsOut,
    VerificationOut,
    WaitSecs,
)
from oracle.api.strict import StrictRoute
from oracle.daemon.reading import MAX_ROUNDS

router = APIRouter(prefix="/v1/feeds", tags=["feeds"], route_class=StrictRoute)


@router.get("", summary="All feeds with their newest round", response_model=FeedsOut, responses=errors())
async def list_feeds(service: Service, _: Reader, request: Request) -> Response:
    return await kept(
        request, lambda: FeedsOut(feeds=[FeedOut.of(feed) for feed in service.feeds()]), service.newest_block
    )


@router.get("/{name}", summary="One feed with its newest round", response_model=FeedOut, responses=errors(404))
async def get_feed(service: Service, _: Reader, request: Request, name: PathName) -> Response:
    return await kept(request, lambda: FeedOut.of(service.feed(name)), service.newest_block)


@router.get("/{name}/rounds", summary="Rounds, newest first", response_model=RoundsOut, responses=errors(404))
async def list_rounds(
    service: Service,
    _: Reader,
    request: Request,
    name: PathName,
    limit: Annotated[int, Query(ge=1, le=MAX_ROUNDS, examples=[10])] = 50,
    before: Annotated[
        int | None, Query(ge=1, le=MAX_ROUND_ID, description="Only rounds below this one.", examples=[41])
    ] = None,
) -> Response:
    found = service.rounds
    return await kept(
        request,
        lambda: RoundsOut(rounds=[RoundOut.of(view) for view in found(name, limit, before)]),
        service.newest_block,
    )


@router.get("/{name}/rounds/{round_id}", summary="One round", response_model=RoundOut, responses=errors(404))
async def get_round(service: Service, _: Reader, request: Request, name: PathName, round_id: PathRoundId) -> Response:
    return await kept(request, lambda: RoundOut.of(service.round(name, round_id)), service.newest_block)


@router.get(
    "/{name}/rounds/{round_id}/evidence",
    summary="Everything about a proven round from the chain alone: window, inputs, proof, hashes, checks",
    responses=errors(404),
)
def get_evidence(service: Service, _: Reader, name: PathName, round_id: PathRoundId) -> EvidenceOut:
    return EvidenceOut.model_validate(service.evidence(name, round_id).as_json())


@router.get(
    "/{name}/rounds/{round_id}/evidence.zip",
    summary="The same and more as one file, checked without asking anyone",
    response_class=Response,
    responses=errors(404) | ARCHIVE_ANSWER,
)
def get_evidence_archive(service: Service, _: Reader, name: PathName, round_id: PathRoundId) -> Response:
    return archived(service.archive(name, round_id), f"{name}-{round_id}")


@router.get(
    "/{name}/rounds/{round_id}/verify",
    summary="Verifies a proven round again from the chain alone",
    responses=errors(404),
)
def verify_round(service: Service, _: Reader, name: PathName, round_id: PathRoundId) -> VerificationOut:
    return VerificationOut.of(name, service.evidence(name, round_id))


@router.get(
    "/{name}/positions",
    summary="A liquidation board's positions with their proven probabilities, the likeliest first",
    response_model=PositionsOut,
    responses=errors(404),
)
async def list_positions(service: Service, _: Reader, request: Request, name: PathName) -> Response:
    found = service.positions
    return await kept(request, lambda: PositionsOut(positions=[PositionOut.of(one) for one in found(name)]))


@router.post(
    "/{name}/push",
    summary="Advances the market by one step and makes the feed's next round",
    description="200 with the ended request, or 202 with the running one after `waitSecs`. Follow it at Location.",
    responses=errors(404, 409) | {202: {"model": RequestOut, "description": "Accepted, not ended yet."}},
)
async def push_feed(  # noqa: PLR0917
    service: Service,
    caller: Operator,
    http: Request,
    response: Response,
    name: PathName,
    wait_secs: WaitSecs = 0.0,
    idempotency_key: IdempotencyKey = None,
) -> RequestOut:
    accepted = await asyncio.to_thread(service.push, name, scoped(idempotency_key, caller))
    request = forget_if_ended(http, await ended(service, accepted.id, wait_secs))
    response.status_code = HTTPStatus.OK if request.finished else HTTPStatus.ACCEPTED
    response.headers["Location"] = f"/v1/requests/{request.id}"
    return RequestOut.of(request)
