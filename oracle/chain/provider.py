"""The way to the RPC: HTTP with a bounded number of repetitions, and failures in our own errors."""

from __future__ import annotations

import time
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from web3 import HTTPProvider
from web3.types import RPCEndpoint, RPCResponse

from oracle.errors import ConfigurationError, RpcUnavailable

REQUEST_TIMEOUT_SECS: Final = 15.0
TRIES: Final = 6
FIRST_BACKOFF_SECS: Final = 0.05  # doubles: 1.6 s in all beside the requests' own time
LONGEST_RETRY_AFTER_SECS: Final = 5.0
TRANSIENT_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
REMEDY: Final = "Check that the node runs and that PLUMBLINE_RPC_URL is right (plumbline doctor tries it)."


class PatientProvider(HTTPProvider):
    """Repeats a request that found no answer, then raises RpcUnavailable. Harmless for raw transactions too."""

    def __init__(self, rpc_url: str, *, tries: int = TRIES, request_timeout_secs: float = REQUEST_TIMEOUT_SECS) -> None:
        if urlsplit(rpc_url).scheme not in {"http", "https"} or not urlsplit(rpc_url).hostname:
            raise ConfigurationError(
                f"{_without_secrets(rpc_url)!r} is not an http or https URL", remedy="Set PLUMBLINE_RPC_URL."
            )
        super().__init__(rpc_url, request_kwargs={"timeout": request_timeout_secs}, exception_retry_configuration=None)
        self._tries = tries
        self._shown_url = _without_secrets(rpc_url)

    def _make_request(self, method: RPCEndpoint, request_data: bytes) -> bytes:
        for attempt in range(1, self._tries + 1):
            try:
                return super()._make_request(method, request_data)
            except requests.RequestException as error:
                if not _transient(error) or attempt == self._tries:
                    raise RpcUnavailable(
                        f"{self._shown_url} does not answer {method}: {_cause(error)}", remedy=REMEDY
                    ) from None
                time.sleep(_pause_secs(error, attempt))
        raise RpcUnavailable(f"{self._shown_url} was not asked", remedy=REMEDY)

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """The node's response. Raises RpcUnavailable for anything but JSON, such as a proxy's error page."""
        try:
            return super().make_request(method, params)
        except ValueError:
            raise RpcUnavailable(f"{self._shown_url} does not speak JSON-RPC", remedy=REMEDY) from None


def _transient(error: requests.RequestException) -> bool:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code in TRANSIENT_STATUS
    return isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)


def _pause_secs(error: requests.RequestException, attempt: int) -> float:
    asked = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    if asked.isdigit():
        return min(float(asked), LONGEST_RETRY_AFTER_SECS)
    return FIRST_BACKOFF_SECS * 2.0 ** (attempt - 1)


def _cause(error: requests.RequestException) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__


def _without_secrets(rpc_url: str) -> str:
    """Scheme, host and port: API keys stand in paths, queries and user names."""
    parts = urlsplit(rpc_url)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"
