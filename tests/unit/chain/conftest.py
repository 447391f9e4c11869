"""A deployed market with a real circuit, on a chain that no other tests use: its feeds must not go stale under it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.chain.client import ChainClient
from oracle.settings import Settings
from tests.support.local_chain import AnvilServer, LocalChain
from tests.support.market import Market, settings_in
from tests.support.window_circuit import WindowCircuit


@pytest.fixture(scope="session")
def window_circuit(tmp_path_factory: pytest.TempPathFactory) -> WindowCircuit:
    """Set up once for the session."""
    return WindowCircuit.make(tmp_path_factory.mktemp("window"))


@pytest.fixture(scope="session")
def chain(settings: Settings, compiled: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """An Anvil of these tests' own."""
    server = AnvilServer.start(tmp_path_factory.mktemp("anvil") / "anvil.log")
    yield LocalChain(settings, server.rpc_url)
    server.stop()


@pytest.fixture(scope="session")
def client(chain: LocalChain, tmp_path_factory: pytest.TempPathFactory) -> ChainClient:
    """The product's client of that chain."""
    return ChainClient.connect(settings_in(tmp_path_factory.mktemp("client")), chain.rpc_url)


@pytest.fixture(scope="session")
def market(client: ChainClient, window_circuit: WindowCircuit) -> Market:
    """Deployed once, with a full window of observations and two proven rounds."""
    market = Market.deploy(client, window_circuit)
    market.fill_window()
    market.prove_round()
    market.observe(104.0)
    market.prove_round()
    return market


@pytest.fixture
def own_settings(tmp_path: Path) -> Settings:
    """Settings whose state folder belongs to one test."""
    return settings_in(tmp_path)
