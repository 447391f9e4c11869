"""The stack's record, its lock, and processes by pid."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.cli import stack as records
from oracle.cli.processes import ProcessRef
from oracle.cli.stack import ProcessRecord, Stack
from oracle.cli.supervisor import free_port, take_down
from oracle.errors import ConfigurationError, Conflict, NotFound
from oracle.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", cache_dir=tmp_path / "cache")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield child
    child.kill()
    child.wait()


def _stack(**changes: object) -> Stack:
    facts = {"rpc_url": "http://127.0.0.1:1", "chain_id": 31337, "source": "sp500", **changes}
    return Stack.model_validate(facts)


def test_save__then_find__the_same(settings: Settings) -> None:
    stack = _stack(service=ProcessRecord.of(os.getpid()), api_url="http://127.0.0.1:2")
    records.save(settings, stack)
    assert records.find(settings) == stack
    assert [path.name for path in settings.state_dir.iterdir()] == ["stack.json"]


def test_find__nothing_there__none(settings: Settings) -> None:
    assert records.find(settings) is None


@pytest.mark.parametrize("text", ["", "{", '{"rpcUrl": 3}', "[]"])
def test_find__unreadable__says_which_file_to_delete(settings: Settings, text: str) -> None:
    settings.state_dir.mkdir()
    records.record_path(settings).write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        records.find(settings)
    assert str(records.record_path(settings)) in caught.value.remedy


def test_require__processes_gone__not_found(settings: Settings) -> None:
    records.save(settings, _stack(anvil=ProcessRecord(pid=os.getpid(), started_at=1.0)))
    with pytest.raises(NotFound):
        records.require(settings)


def test_exclusive__taken_by_another_process__conflict(settings: Settings) -> None:
    with records.exclusive(settings):
        code = (
            "import sys; from pathlib import Path; from oracle.cli import stack; from oracle.settings import Settings;"
            "from oracle.errors import Conflict\n"
            "try:\n with stack.exclusive(Settings(state_dir=Path(sys.argv[1]))): pass\n"
            "except Conflict: sys.exit(9)"
        )
        taken = subprocess.run([sys.executable, "-c", code, str(settings.state_dir)], check=False)
    assert taken.returncode == 9
    with records.exclusive(settings):
        pass


def test_exclusive__twice_in_one_process__conflict(settings: Settings) -> None:
    with records.exclusive(settings), pytest.raises(Conflict), records.exclusive(settings):
        pass


def test_process_ref__recycled_pid__not_alive_and_not_stopped(sleeper: subprocess.Popen[bytes]) -> None:
    other = ProcessRef(sleeper.pid, ProcessRef.of(sleeper.pid).started_at - 100)
    assert not other.alive()
    assert not other.stop()
    assert sleeper.poll() is None


def test_process_ref_stop__running__ended(sleeper: subprocess.Popen[bytes]) -> None:
    ref = ProcessRef.of(sleeper.pid)
    assert ref.alive()
    assert ref.stop(5.0)
    assert not ref.alive()


def test_process_ref_stop__nobody_waits_for_it__returns_at_once() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    ref = ProcessRef.of(child.pid)
    code = (
        "import sys; from oracle.cli.processes import ProcessRef\n"
        "ProcessRef(int(sys.argv[1]), float(sys.argv[2])).stop(100)"
    )
    subprocess.run([sys.executable, "-c", code, str(ref.pid), str(ref.started_at)], check=True, timeout=50)
    assert not ref.alive()
    assert child.wait() != 0


def test_take_down__service_left_behind__ended_and_forgotten(
    settings: Settings, sleeper: subprocess.Popen[bytes]
) -> None:
    records.save(settings, _stack(service=ProcessRecord.of(sleeper.pid)))
    assert take_down(settings) == [f"service (pid {sleeper.pid})"]
    assert sleeper.poll() is not None
    assert records.find(settings) is None
    assert take_down(settings) == []


def test_free_port__taken__says_so() -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(ConfigurationError, match=str(listener.getsockname()[1])):
            free_port(listener.getsockname()[1])


def test_free_port__zero__usable() -> None:
    assert 1024 < free_port() < 65536
