"""A market on a chain of its own for each file, and a service process for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.settings import Settings
from tests.support.rpc_proxy import RpcProxy
from tests.support.service_process import ServiceProcess
from tests.support.service_stack import ServiceStack


@pytest.fixture(scope="module")
def stack(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceStack]:
    """A market on a chain of its own."""
    stack = ServiceStack.deploy(settings.model_copy(update={"state_dir": tmp_path_factory.mktemp("kill")}))
    yield stack
    stack.close()


@pytest.fixture
def process(stack: ServiceStack, tmp_path: Path) -> Iterator[ServiceProcess]:
    """The running service."""
    proxy = RpcProxy(stack.anvil.rpc_url)
    process = ServiceProcess(stack.settings, proxy, tmp_path / "service.log")
    try:
        process.start()
        yield process
    finally:
        process.close()
        proxy.close()
