"""Fixtures for everything above the contracts: one service over one market for the session, and its API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from oracle.settings import Settings
from tests.support.waiting import until

if TYPE_CHECKING:
    from oracle.daemon.service import OracleService
    from oracle.store.keys import KeyStore
    from tests.support.service_stack import ServiceStack


@pytest.fixture(scope="session")
def service_stack(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceStack]:
    """A deployed market with two models and its running service."""
    from tests.support.service_stack import ServiceStack

    stack = ServiceStack.deploy(settings.model_copy(update={"state_dir": tmp_path_factory.mktemp("service")}))
    try:
        stack.add_tiny_model()
        stack.start()
        yield stack
    finally:
        stack.close()


@pytest.fixture
def service(service_stack: ServiceStack) -> OracleService:
    """The session's service, running."""
    return service_stack.service


@pytest.fixture
def api(service: OracleService, _servers: _Servers) -> httpx.Client:
    """A client of its API, which a real server answers."""
    return _servers.client_of(service)


@pytest.fixture(scope="session")
def _servers() -> Iterator[_Servers]:
    servers = _Servers()
    yield servers
    servers.close()


class _Servers:
    """One server at a time, for the service that runs now."""

    def __init__(self) -> None:
        self._service: OracleService | None = None
        self._open = ExitStack()
        self._client: httpx.Client | None = None

    def client_of(self, service: OracleService) -> httpx.Client:
        """A client of the service's API."""
        if self._client is None or self._service is not service:
            self.close()
            url = self._open.enter_context(served(service))
            self._client = self._open.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=60))
            self._service = service
        return self._client

    def close(self) -> None:
        """Ends the server."""
        self._open.close()
        self._client = self._service = None


@contextmanager
def served(service: OracleService, keys: KeyStore | None = None) -> Iterator[str]:
    """The URL of the service's API while the body runs."""
    import uvicorn

    from oracle.api.app import create_app

    app = create_app(service, keys)
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
