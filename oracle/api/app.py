"""The API over a service: FastAPI under /v1, problems for errors, OpenAPI at /openapi.json."""

from __future__ import annotations

from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oracle import __version__
from oracle.api import problems
from oracle.api.access import AccessControl, Gate
from oracle.api.examples import EXAMPLES
from oracle.api.fresh import Fresh, KeptReads
from oracle.api.routes import book as book_routes
from oracle.api.routes import feeds, health, models, requests, uploads
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
    app.state.fresh = fresh = Fresh()
    problems.install(app)
    app.add_middleware(Logged)
    app.add_middleware(BodyLimits, limit_of=uploads.limit_of)
    app.add_middleware(KeptReads, fresh=fresh)
    app.add_middleware(AccessControl, gate=gate)
    for router in (feeds.router, models.router, uploads.router, requests.router, book_routes.router, health.router):
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


class Logged:
    """ASGI middleware: every log line of a request says which request it is of."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on, with method and path bound to the log."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                _log.debug("answered", status=message["status"])
            await send(message)

        with bound(method=scope["method"], path=scope["path"]):
            await self._app(scope, receive, noted)


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, summary=app.summary, version=app.version, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["ProblemOut"] = ProblemOut.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for name, example in EXAMPLES.items():
            schemas[name].setdefault("examples", [example])
        if app.state.gate.keys is None:  # then it asks nobody, and says so
            document["components"].pop("securitySchemes", None)
            for operation in (one for methods in document["paths"].values() for one in methods.values()):
                operation.pop("security", None)
        app.openapi_schema = document
    return app.openapi_schema
