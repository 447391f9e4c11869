"""The API over a service: FastAPI under /v1, problems for errors, OpenAPI at /openapi.json."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from oracle import __version__
from oracle.api import problems
from oracle.api.access import AccessControl, Gate
from oracle.api.routes import book as book_routes
from oracle.api.routes import feeds, health, models, requests
from oracle.api.schemas import ProblemOut
from oracle.api.strict import BodyLimits
from oracle.daemon.book import BookService
from oracle.daemon.logs import bound
from oracle.daemon.service import OracleService
from oracle.store.keys import KeyStore

TITLE: Final = "Plumbline"
SUMMARY: Final = "Verifiable risk oracle: every number that moves collateral carries its own proof."

_log = structlog.get_logger(__name__)


def create_app(service: OracleService, keys: KeyStore | None = None, book: BookService | None = None) -> FastAPI:
    """The API of a service, and of an order book, that somebody else starts and stops.

    Without `keys` everybody may do everything; without `book` there is none.
    """
    app = FastAPI(title=TITLE, summary=SUMMARY, version=__version__, docs_url=None, redoc_url=None)
    app.state.service = service
    app.state.book = book
    app.state.streams = 0
    app.state.gate = gate = Gate(keys)
    problems.install(app)
    app.middleware("http")(_logged)
    app.add_middleware(BodyLimits)
    app.add_middleware(AccessControl, gate=gate)
    for router in (feeds.router, models.router, requests.router, book_routes.router, health.router):
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


async def _logged(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    with bound(method=request.method, path=request.url.path):
        response = await call_next(request)
        _log.debug("answered", status=response.status_code)
    return response


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, summary=app.summary, version=app.version, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["ProblemOut"] = ProblemOut.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema
