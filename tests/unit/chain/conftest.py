"""A deployed market on the session's chain, with a real circuit."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracle.chain.client import ChainClient
from oracle.settings import Settings
from tests.support.local_chain import LocalChain
from tests.support.market import Market, settings_in
from tests.support.window_circuit import WindowCircuit


@pytest.fixture(scope="session")
def window_circuit(tmp_path_factory: pytest.TempPathFactory) -> WindowCircuit:
    """Set up once for the session."""
    return WindowCircuit.make(tmp_path_factory.mktemp("window"))


@pytest.fixture(scope="session")
def client(chain: LocalChain, tmp_path_factory: pytest.TempPathFactory) -> ChainClient:
    """The product's client of the session's chain."""
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
