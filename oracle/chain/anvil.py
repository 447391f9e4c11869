"""The embedded chain: one Anvil process, in a session of its own, that outlives or follows its starter as asked."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psutil
import requests

from oracle.errors import ConfigurationError, RpcUnavailable, StorageFull, ToolMissing
from oracle.settings import PROJECT_ROOT, Settings

HOST: Final = "127.0.0.1"
START_TIMEOUT_SECS: Final = 30.0
STOP_TIMEOUT_SECS: Final = 20.0
POLL_SECS: Final = 0.02
RPC_TIMEOUT_SECS: Final = 10.0


def find_anvil() -> Path:
    """The program: node_modules/.bin/anvil, else anvil on PATH. Raises ToolMissing."""
    bundled = PROJECT_ROOT / "node_modules" / ".bin" / "anvil"
    if bundled.exists():
        return bundled
    on_path = shutil.which("anvil")
    if on_path is None:
        raise ToolMissing(
            "anvil is neither in node_modules/.bin nor on PATH",
            remedy="Run make setup; where npm has no Anvil for the platform, install Foundry (getfoundry.sh).",
        )
    return Path(on_path)


@dataclass
class AnvilProcess:
    """A running Anvil: started here (`start`) or taken over from an earlier process (`adopt`)."""

    rpc_url: str
    pid: int
    log_file: Path | None = None
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def start(
        cls,
        settings: Settings,
        port: int = 0,
        timestamp: int | None = None,
        block_time: int | None = None,
        state_file: Path | None = None,
        *,
        state_interval_secs: int | None = None,
    ) -> AnvilProcess:
        """Starts Anvil on 127.0.0.1 and returns once it answers and has a block after its genesis.

        `timestamp` (unix seconds) is where the chain's clock starts; a chain restored from `state_file` never starts
        before its own last block. `state_file` is written when Anvil is stopped by SIGINT or SIGTERM, and every
        `state_interval_secs` if given. Raises ToolMissing, ConfigurationError for a port in use, RpcUnavailable.
        """
        command = [str(find_anvil()), "--host", HOST, "--port", str(port), "--quiet"]
        command += ["--chain-id", str(settings.chain_id)]
        if block_time is not None:
            command += ["--block-time", str(block_time), "--mixed-mining"]
        if state_file is not None:
            state_file.parent.mkdir(parents=True, exist_ok=True)
            command += ["--state", str(state_file)]
            timestamp = _not_before_saved_state(state_file, timestamp)
            if state_interval_secs is not None:
                command += ["--state-interval", str(state_interval_secs)]
        if timestamp is not None:
            command += ["--timestamp", str(timestamp)]
        log_file = settings.state_dir / "logs" / "anvil.log"
        child = _spawn(command, log_file)
        try:
            rpc_url = f"http://{HOST}:{_wait_for_port(child, log_file, port)}"
            _wait_until_ready(rpc_url, settings.chain_id)
        except BaseException:
            child.kill()
            child.wait()
            raise
        return cls(rpc_url, child.pid, log_file, child)

    @classmethod
    def adopt(cls, rpc_url: str, pid: int) -> AnvilProcess:
        """Takes over a running Anvil. Raises RpcUnavailable unless process `pid` is one and listens at `rpc_url`."""
        adopted = cls(rpc_url, pid)
        if not adopted.alive():
            raise RpcUnavailable(f"no Anvil of process id {pid} listens at {rpc_url}", remedy="Start the stack again.")
        return adopted

    def alive(self) -> bool:
        """True while the process lives and listens at `rpc_url`; a recycled process id does not count."""
        if self._child is not None and self._child.poll() is not None:
            return False
        return urlsplit(self.rpc_url).port in _listening_ports(self.pid)

    def stop(self, timeout_secs: float = STOP_TIMEOUT_SECS) -> None:
        """Ends the process, with time to write its state file; kills it after `timeout_secs`. Harmless when ended."""
        listens = self.alive()
        if not listens and (self._child is None or self._child.poll() is not None):
            return
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if listens:  # else it is ending already, and may still write
                process.terminate()
            try:
                self._wait(process, timeout_secs)
            except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
                process.kill()
                self._wait(process, timeout_secs)

    def _wait(self, process: psutil.Process, timeout_secs: float) -> None:
        if self._child is not None:
            self._child.wait(timeout_secs)
        else:
            process.wait(timeout_secs)


def _spawn(command: list[str], log_file: Path) -> subprocess.Popen[bytes]:
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
    except OSError as error:
        raise StorageFull(f"cannot start anvil with its log in {log_file}: {error}") from error


def _wait_for_port(child: subprocess.Popen[bytes], log_file: Path, port: int) -> int:
    deadline = time.monotonic() + START_TIMEOUT_SECS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise ConfigurationError(
                f"anvil ended with code {child.returncode}: {_last_line(log_file)}",
                remedy=f"Choose a port other than {port}, or 0 for a free one." if port else "",
            )
        for listening in _listening_ports(child.pid):
            return listening
        time.sleep(POLL_SECS)
    raise RpcUnavailable(f"anvil (process {child.pid}) did not open its port within {START_TIMEOUT_SECS:.0f} s")


def _listening_ports(pid: int) -> list[int]:
    try:
        process = psutil.Process(pid)
        if "anvil" not in process.name():
            return []
        return [c.laddr.port for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


def _wait_until_ready(rpc_url: str, chain_id: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECS
    while True:
        try:
            if int(_rpc(rpc_url, "eth_chainId"), 16) == chain_id:
                break
        except requests.RequestException:
            pass
        if time.monotonic() > deadline:
            raise RpcUnavailable(f"anvil at {rpc_url} does not answer")
        time.sleep(POLL_SECS)
    if int(_rpc(rpc_url, "eth_blockNumber"), 16) == 0:
        _mine_unique_block(rpc_url)


def _mine_unique_block(rpc_url: str) -> None:
    """Mines block 1: eth_call sees time 1 on a genesis block alone, and by its hash this chain is told from another.

    Two Anvils started with one timestamp are alike to the last bit, so this block gets a random coinbase.
    """
    _rpc(rpc_url, "anvil_setCoinbase", "0x" + secrets.token_hex(20))
    _rpc(rpc_url, "anvil_mine", hex(1))
    _rpc(rpc_url, "anvil_setCoinbase", "0x" + bytes(20).hex())


def _rpc(rpc_url: str, method: str, *params: object) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return requests.post(rpc_url, json=body, timeout=RPC_TIMEOUT_SECS).json()["result"]


def _not_before_saved_state(state_file: Path, timestamp: int | None) -> int | None:
    if timestamp is None or not state_file.exists():
        return timestamp
    try:
        saved = int(str(json.loads(state_file.read_text())["block"]["timestamp"]), 0)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{state_file} is not a state that Anvil wrote: {error}", remedy="Delete the file to start a new chain."
        ) from error
    return max(timestamp, saved)


def _last_line(log_file: Path) -> str:
    lines = log_file.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"
