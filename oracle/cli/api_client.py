"""The service's API as seen from the command line: JSON in and out, problems as the same errors the service raised."""

from __future__ import annotations

from typing import Any, Final

import httpx

from oracle import errors
from oracle.errors import ContractRevert, InvalidInput, OracleError, Retry, ServiceUnavailable

CONNECT_TIMEOUT_SECS: Final = 5.0
# A push proves and waits for the chain before it answers
ANSWER_TIMEOUT_SECS: Final = 600.0


class ApiClient:
    """Speaks to one service. Raises ServiceUnavailable when nothing answers at the address."""

    def __init__(self, base_url: str, key: str = "") -> None:
        self._base_url = base_url.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = httpx.Timeout(ANSWER_TIMEOUT_SECS, connect=CONNECT_TIMEOUT_SECS)
        self._client = httpx.Client(base_url=self._base_url, timeout=timeout, headers=headers, trust_env=False)

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON document behind a path."""
        return self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: Any = None, *, idempotency_key: str = "", **query: Any) -> Any:
        """The JSON answer to a POST."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._call("POST", path, json=body, headers=headers, params=query)

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            response = self._client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise ServiceUnavailable(
                f"no answer from {self._base_url}: {error or type(error).__name__}",
                remedy="see `plumbline status`; start the stack with `plumbline up`",
            ) from error
        if response.is_success:
            return response.json() if response.content else None
        raise problem_error(response)


def problem_error(response: httpx.Response) -> OracleError:
    """The error that a problem document (RFC 9457) stands for; by status where it names none that we know."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    detail = str(problem.get("detail") or problem.get("title") or f"the service answered {response.status_code}")
    remedy = str(problem.get("remedy") or "")
    revert = problem.get("revert")
    if isinstance(revert, dict):
        return ContractRevert(str(revert.get("name")), tuple(revert.get("args") or ()), remedy=remedy)
    fallback = Retry if response.status_code >= 500 else InvalidInput
    return named_error(str(problem.get("error") or ""), detail, remedy, fallback)


def named_error(name: str, message: str, remedy: str, fallback: type[OracleError] = OracleError) -> OracleError:
    """An error of the class of that name, or of `fallback` where there is none, with this message and remedy."""
    known = getattr(errors, name, None)
    kind = known if isinstance(known, type) and issubclass(known, OracleError) else fallback
    error = kind.__new__(kind)
    OracleError.__init__(error, message, remedy=remedy)
    return error
