"""The embedded chain starts, stops, comes back with its state, and is taken over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from oracle.chain import anvil as anvil_module
from oracle.chain.anvil import AnvilProcess, find_anvil
from oracle.chain.client import ChainClient
from oracle.errors import ConfigurationError, RpcUnavailable, ToolMissing
from oracle.settings import Settings
from tests.support.market import settings_in
from tests.support.waiting import until

START = 1_200_000_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def running(settings: Settings) -> Iterator[AnvilProcess]:
    process = AnvilProcess.start(settings, timestamp=START)
    yield process
    process.stop()


def test_start__timestamp__chain_begins_there_with_a_block(settings: Settings, running: AnvilProcess) -> None:
    head = ChainClient.connect(settings, running.rpc_url).head()
    assert head.number == 1
    assert START <= head.timestamp <= START + 60


def test_start__own_session__spared_by_a_signal_to_the_group(running: AnvilProcess) -> None:
    assert os.getsid(running.pid) == running.pid
    assert running.alive()


def test_start__port_in_use__configuration_error(settings: Settings, running: AnvilProcess) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AnvilProcess.start(settings, port=int(running.rpc_url.rsplit(":", 1)[1]))
    assert "Choose a port" in caught.value.remedy


def test_start__block_time__mines_by_itself(settings: Settings) -> None:
    process = AnvilProcess.start(settings, block_time=1)
    try:
        client = ChainClient.connect(settings, process.rpc_url)
        first = client.head().number
        until(lambda: client.head().number > first)
    finally:
        process.stop()


def test_start__two_with_one_timestamp__are_different_chains(settings: Settings, running: AnvilProcess) -> None:
    other = AnvilProcess.start(settings, timestamp=START)
    try:
        keys = {ChainClient.connect(settings, process.rpc_url).chain_key for process in (running, other)}
        assert len(keys) == 2
    finally:
        other.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_start__state_file__survives_a_restart(settings: Settings, tmp_path: Path, number: signal.Signals) -> None:
    state = tmp_path / "chain.json"
    first = AnvilProcess.start(settings, timestamp=START, state_file=state)
    client = ChainClient.connect(settings, first.rpc_url)
    client.set_next_block_timestamp(START + 1000)
    client.mine()
    key, head = client.chain_key, client.head()
    os.kill(first.pid, number)
    until(lambda: not first.alive())
    first.stop()  # it no longer listens and may still write
    assert not psutil.pid_exists(first.pid)
    second = AnvilProcess.start(settings, timestamp=START, state_file=state)
    try:
        again = ChainClient.connect(settings, second.rpc_url)
        assert (again.chain_key, again.head().hash) == (key, head.hash)
        again.mine()
        assert START + 1000 <= again.head().timestamp <= START + 1060
    finally:
        second.stop()


def test_start__broken_state_file__says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "chain.json").write_text("{")
    with pytest.raises(ConfigurationError) as caught:
        AnvilProcess.start(settings, timestamp=START, state_file=tmp_path / "chain.json")
    assert "Delete the file" in caught.value.remedy


def test_adopt__running__stopped_by_the_adopter(running: AnvilProcess) -> None:
    adopted = AnvilProcess.adopt(running.rpc_url, running.pid)
    adopted.stop()
    assert not running.alive()
    adopted.stop()


def test_adopt__other_process_under_that_id__refused(running: AnvilProcess) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        with pytest.raises(RpcUnavailable):
            AnvilProcess.adopt(running.rpc_url, stranger.pid)
        assert psutil.pid_exists(stranger.pid)
        stranger.communicate(b"\n")


def test_adopt__ended__refused(settings: Settings) -> None:
    process = AnvilProcess.start(settings)
    process.stop()
    with pytest.raises(RpcUnavailable):
        AnvilProcess.adopt(process.rpc_url, process.pid)


def test_find_anvil__nowhere__tool_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(anvil_module, "PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing) as caught:
        find_anvil()
    assert "make setup" in caught.value.remedy


def test_find_anvil__on_path__found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = find_anvil()
    (tmp_path / "anvil").symlink_to(real)
    monkeypatch.setattr(anvil_module, "PROJECT_ROOT", tmp_path / "elsewhere")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_anvil() == tmp_path / "anvil"
