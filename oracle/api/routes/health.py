"""Whether it lives, whether it is ready, and what it counts."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Response

from oracle.api.deps import Reader, Service
from oracle.api.examples import METRICS
from oracle.api.schemas import HealthCheckOut, HealthOut, LiveOut
from oracle.daemon.metrics import CONTENT_TYPE

router = APIRouter(tags=["operations"])


@router.get(
    "/v1/health/live",
    summary="Whether the process is worth keeping",
    responses={503: {"model": LiveOut, "description": "It is to be restarted."}},
)
async def live(service: Service, response: Response) -> LiveOut:
    alive = service.live()
    response.status_code = HTTPStatus.OK if alive else HTTPStatus.SERVICE_UNAVAILABLE
    return LiveOut(ok=alive)


@router.get(
    "/v1/health/ready",
    summary="Whether everything that work needs is there",
    responses={503: {"model": HealthOut, "description": "At least one check fails."}},
)
def ready(service: Service, response: Response) -> HealthOut:
    health = service.ready()
    response.status_code = HTTPStatus.OK if health.ok else HTTPStatus.SERVICE_UNAVAILABLE
    checks = [HealthCheckOut(name=check.name, ok=check.ok, detail=check.detail) for check in health.checks]
    return HealthOut(ok=health.ok, checks=checks)


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": METRICS}}}},
)
def metrics(service: Service, _: Reader) -> Response:
    return Response(service.render_metrics(), media_type=CONTENT_TYPE)
