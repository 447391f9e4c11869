"""Every error as a problem document (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from oracle import errors
from oracle.daemon.durable import INTERNAL
from oracle.domain.requests import Cause
from oracle.errors import ContractRevert, OracleError
from oracle.store.db import database_error

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECS: Final = 5

_log = structlog.get_logger(__name__)

# The first class that matches decides
_STATUS: Final[tuple[tuple[type[OracleError], HTTPStatus], ...]] = (
    (errors.NotFound, HTTPStatus.NOT_FOUND),
    (errors.Conflict, HTTPStatus.CONFLICT),
    (errors.InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.SkipCycle, HTTPStatus.CONFLICT),
    (errors.Retry, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.StorageFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (errors.OracleError, HTTPStatus.SERVICE_UNAVAILABLE),
)


class ProblemResponse(JSONResponse):
    """A problem document; ASCII only, so that no echoed character can break it."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """The document's bytes."""
        return json.dumps(content, ensure_ascii=True, allow_nan=False).encode("ascii")


class ApiError(HTTPException):
    """An HTTP-level refusal that no part below the API knows, such as a body too large."""

    def __init__(
        self, status: HTTPStatus, error: str, detail: str, remedy: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(int(status), detail, headers)
        self.status = status
        self.error = error
        self.remedy = remedy


def problem(
    status: HTTPStatus, error: str, detail: str, *, remedy: str = "", headers: dict[str, str] | None = None, **more: Any
) -> ProblemResponse:
    """A problem document's response."""
    document = {
        "type": f"urn:plumbline:error:{error}",
        "title": status.phrase,
        "status": int(status),
        "detail": _printable(detail),
        "error": error,
        **({"remedy": remedy} if remedy else {}),
        **more,
    }
    headers = dict(headers or {})
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(RETRY_AFTER_SECS))
    return ProblemResponse(document, status_code=int(status), headers=headers)


def status_of(error: OracleError) -> HTTPStatus:
    """The HTTP status that an error is answered with."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def problem_of(cause: Cause) -> dict[str, Any]:
    """The problem document that a request's failure is: what the call itself would have answered."""
    kind: type[OracleError] = getattr(errors, cause.error, getattr(errors, cause.branch, OracleError))
    status = status_of(kind.__new__(kind)) if cause.error != INTERNAL else HTTPStatus.INTERNAL_SERVER_ERROR
    return {
        "type": f"urn:plumbline:error:{cause.error}",
        "title": status.phrase,
        "status": int(status),
        "detail": _printable(cause.message),
        "error": cause.error,
        "remedy": cause.remedy,
        **({"node": _printable(cause.node)} if cause.node else {}),
    }


def install(app: FastAPI) -> None:
    """Makes the app answer each of its errors with a problem document."""
    app.add_exception_handler(OracleError, _oracle_error)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(Exception, _unknown_error)


def _oracle_error(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, OracleError)
    node = str(getattr(error, "node", ""))
    more: dict[str, Any] = {"node": _printable(node)} if node else {}
    name = type(error).__name__
    if isinstance(error, ContractRevert):
        name = ContractRevert.__name__
        more["revert"] = {"name": error.name, "args": [_json_argument(argument) for argument in error.args_]}
    return problem(status_of(error), name, str(error), remedy=error.remedy, **more)


def _database_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, DBAPIError)
    _log.error("database failed", path=request.url.path, exc_info=error)
    return _oracle_error(request, database_error(error))


def api_problem(error: ApiError) -> ProblemResponse:
    """The response that an ApiError stands for."""
    return problem(error.status, error.error, error.detail, remedy=error.remedy, headers=dict(error.headers or {}))


def _api_error(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, ApiError)
    return api_problem(error)


def _invalid_request(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    found = [
        {"at": _printable("/".join(str(part) for part in item["loc"])), "message": _printable(str(item["msg"]))}
        for item in error.errors()
    ]
    detail = "; ".join(f"{item['at']}: {item['message']}" for item in found[:3])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidInput", detail, errors=found[:20])


def _http_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    name = {HTTPStatus.NOT_FOUND: "NotFound"}.get(status, status.phrase.title().replace(" ", ""))
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return problem(status, name, detail, headers=dict(error.headers or {}))


def _unknown_error(request: Request, error: Exception) -> ProblemResponse:
    _log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "an unexpected error; see the service's log")


def _printable(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")[:2_000]


def _json_argument(argument: object) -> Any:
    if isinstance(argument, bytes):
        return "0x" + argument.hex()
    if isinstance(argument, bool) or argument is None:
        return argument
    if isinstance(argument, list | tuple):
        return [_json_argument(item) for item in argument]
    return str(argument)
