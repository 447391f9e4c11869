"""An RPC that is down, slow, rate-limited, no RPC at all, or of another chain."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from web3 import Web3

from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient
from oracle.chain.provider import PatientProvider
from oracle.errors import ConfigurationError, RpcUnavailable, WrongChain
from oracle.settings import Settings
from tests.support.http_stub import Reply, serving
from tests.support.market import settings_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def anvil(settings: Settings) -> Iterator[AnvilProcess]:
    process = AnvilProcess.start(settings)
    yield process
    process.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_connect__nothing_listens__says_what_to_check(settings: Settings) -> None:
    with pytest.raises(RpcUnavailable) as caught:
        ChainClient.connect(settings, f"http://127.0.0.1:{free_port()}", tries=2)
    assert "no connection" in str(caught.value)
    assert "PLUMBLINE_RPC_URL" in caught.value.remedy


@pytest.mark.parametrize("url", ["", "localhost:8545", "ws://127.0.0.1:8545", "http://", "file:///etc/passwd"])
def test_connect__no_http_url__configuration_error(settings: Settings, url: str) -> None:
    with pytest.raises(ConfigurationError):
        ChainClient.connect(settings, url)


def test_connect__other_chain__wrong_chain(tmp_path: Path, anvil: AnvilProcess) -> None:
    with pytest.raises(WrongChain) as caught:
        ChainClient.connect(settings_in(tmp_path, chain_id=1), anvil.rpc_url)
    assert "31337" in str(caught.value)
    assert "PLUMBLINE_CHAIN_ID" in caught.value.remedy


def test_connect__web_page_instead_of_rpc__unavailable(settings: Settings) -> None:
    with serving(lambda _: (200, {"Content-Type": "text/html"}, b"<html>hello</html>")) as url:
        with pytest.raises(RpcUnavailable) as caught:
            ChainClient.connect(settings, url)
        assert "does not speak JSON-RPC" in str(caught.value)


def test_connect__refused_key__not_repeated_and_key_not_shown(settings: Settings) -> None:
    asked = []

    def refuse(body: bytes) -> Reply:
        asked.append(body)
        return 401, {}, b""

    with serving(refuse) as url, pytest.raises(RpcUnavailable) as caught:
        ChainClient.connect(settings, f"{url}/v2/secret-key?token=secret-key")
    assert len(asked) == 1
    assert "401" in str(caught.value)
    assert "secret-key" not in str(caught.value) + caught.value.remedy


def test_connect__rate_limited_twice__succeeds(settings: Settings, anvil: AnvilProcess) -> None:
    limited = []

    def limit_then_pass(body: bytes) -> Reply:
        if len(limited) < 2:
            limited.append(body)
            return 429, {"Retry-After": "0"}, b""
        answer = requests.post(anvil.rpc_url, data=body, headers={"Content-Type": "application/json"}, timeout=10)
        return 200, {"Content-Type": "application/json"}, answer.content

    with serving(limit_then_pass) as url:
        assert ChainClient.connect(settings, url).chain_id == 31337
    assert len(limited) == 2


def test_provider__stalling_node__times_out(settings: Settings) -> None:
    release = threading.Event()

    def stall(_: bytes) -> Reply:
        release.wait(20)
        return 200, {}, json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x1"}).encode()

    with serving(stall) as url:
        web3 = Web3(PatientProvider(url, tries=2, request_timeout_secs=0.1))
        with pytest.raises(RpcUnavailable) as caught:
            _ = web3.eth.chain_id
        release.set()
    assert "timed out" in str(caught.value)


def test_read__anvil_stopped__unavailable_and_back_when_started(settings: Settings, tmp_path: Path) -> None:
    state = tmp_path / "chain.json"
    process = AnvilProcess.start(settings, state_file=state)
    client = ChainClient.connect(settings, process.rpc_url, tries=2)
    port = int(process.rpc_url.rsplit(":", 1)[1])
    process.stop()
    with pytest.raises(RpcUnavailable):
        client.head()
    again = AnvilProcess.start(settings, port=port, state_file=state)
    try:
        assert client.head().number >= 1
    finally:
        again.stop()
