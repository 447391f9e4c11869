"""A market on a chain of its own, and a service process that each test finds running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oracle.settings import Settings
from tests.support.rpc_proxy import RpcProxy
from tests.support.service_process import ServiceProcess
from tests.support.service_stack import ServiceStack


@pytest.fixture(scope="session")
def stack(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceStack]:
    """A market on a chain of its own."""
    stack = ServiceStack.deploy(settings.model_copy(update={"state_dir": tmp_path_factory.mktemp("kill")}))
    yield stack
    stack.close()


@pytest.fixture(scope="session")
def _process(stack: ServiceStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    proxy = RpcProxy(stack.anvil.rpc_url)
    process = ServiceProcess(stack.settings, proxy, tmp_path_factory.mktemp("log") / "service.log")
    yield process
    process.close()
    proxy.close()


@pytest.fixture
def process(_process: ServiceProcess) -> Iterator[ServiceProcess]:
    """The running service; started again where an earlier test has left it dead."""
    if not _process.alive():
        _process.start()
    yield _process
    _process.proxy.down = False
    _process.proxy.release()
