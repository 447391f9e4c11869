"""The service as users run it: a real `plumbline serve` process, behind a proxy to its chain, that can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from oracle.cli.supervisor import free_port
from oracle.settings import PROJECT_ROOT, Settings
from tests.support.rpc_proxy import RpcProxy
from tests.support.service_stack import START
from tests.support.waiting import until

TIMEOUT_SECS = 90.0


@dataclass
class ServiceProcess:
    """The real service process, behind a proxy to the chain."""

    settings: Settings
    proxy: RpcProxy
    log: Path
    child: subprocess.Popen[bytes] | None = None
    api_url: str = ""

    def start(self) -> None:
        """Starts `plumbline serve` and waits until it is ready."""
        port = free_port()
        self.api_url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "PLUMBLINE_STATE_DIR": str(self.settings.state_dir),
            "PLUMBLINE_CACHE_DIR": str(self.settings.cache_dir),
            "PLUMBLINE_CIRCUITS_DIR": str(self.settings.circuits_dir),
            "PLUMBLINE_RPC_URL": self.proxy.url,
            "PLUMBLINE_API_PORT": str(port),
        }
        command = [sys.executable, "-m", "oracle.cli", "serve", "--source", "sp500", "--start", START]
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                command, cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        until(self._ready, TIMEOUT_SECS)

    def _ready(self) -> bool:
        assert self.child is not None
        assert self.child.poll() is None, self.log.read_text()[-2_000:]
        try:
            return httpx.get(f"{self.api_url}/v1/health/ready", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def alive(self) -> bool:
        """Whether it runs."""
        return self.child is not None and self.child.poll() is None

    def kill(self) -> None:
        """kill -9."""
        assert self.child is not None
        self.child.send_signal(signal.SIGKILL)
        assert self.child.wait(10) == -signal.SIGKILL

    def push(self, feed: str, key: str = "") -> dict[str, Any]:
        """The accepted request."""
        headers = {"Idempotency-Key": key} if key else {}
        response = httpx.post(f"{self.api_url}/v1/feeds/{feed}/push", headers=headers, trust_env=False)
        assert response.status_code in {200, 202}, response.text
        return dict(response.json())

    def ended(self, request_id: str) -> dict[str, Any]:
        """The request once it has ended."""
        deadline = time.monotonic() + TIMEOUT_SECS
        while True:
            url = f"{self.api_url}/v1/requests/{request_id}?waitSecs=5"
            request = dict(httpx.get(url, trust_env=False, timeout=30).json())
            if request["finishedAt"] is not None:
                return request
            assert time.monotonic() < deadline, request

    def events(self, request_id: str) -> list[str]:
        """The names of what happened to a request that has ended, without progress."""
        text = httpx.get(f"{self.api_url}/v1/requests/{request_id}/events", trust_env=False).text
        names = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
        return [name for name in names if name != "progress"]

    def close(self) -> None:
        """Ends it."""
        if self.child is not None and self.alive():
            self.child.terminate()
            self.child.wait(20)
