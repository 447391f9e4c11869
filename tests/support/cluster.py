"""The service over PostgreSQL as operators run it: one `plumbline serve`, any number of `plumbline worker`.

Each worker has a state folder of its own, as on another machine; with `namespaces` a network of its own too.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from oracle.cli.supervisor import free_port
from oracle.settings import PROJECT_ROOT
from tests.support.onchain_stack import OnchainStack
from tests.support.postgres import PostgresServer
from tests.support.rpc_proxy import RpcProxy
from tests.support.service_stack import START, TINY
from tests.support.waiting import until

READY_SECS: Final = 120.0
# A process whose workflows are of an earlier release: of another number, and else the same
_OF_VERSION: Final = (
    "from oracle.daemon import service; service.WORKFLOWS_VERSION = {version!r}; "
    "from oracle.cli.main import main; main()"
)
BRIDGE: Final = "plbr0"
BRIDGE_ADDRESS: Final = "10.77.0.1"


@dataclass
class Member:
    """One process of the cluster."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; returns at once."""
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command,
                cwd=PROJECT_ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def alive(self) -> bool:
        """Whether it runs."""
        return self.child is not None and self.child.poll() is None

    def kill(self) -> None:
        """kill -9."""
        assert self.child is not None
        self.child.kill()
        self.child.wait(20)

    def terminate(self, timeout_secs: float = 60.0) -> int:
        """SIGTERM; its exit code."""
        assert self.child is not None
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(timeout_secs)

    def says(self, text: str) -> int:
        """How often its log has a text."""
        return self.log.read_text(errors="replace").count(text) if self.log.exists() else 0


@dataclass
class Cluster:
    """PostgreSQL, chain, proxy to it, and the processes."""

    stack: OnchainStack
    postgres: PostgresServer
    proxy: RpcProxy
    folder: Path
    database_url: str
    namespaces: bool = False
    members: list[Member] = field(default_factory=list)
    api_url: str = ""

    @classmethod
    def over(cls, stack: OnchainStack, postgres: PostgresServer, folder: Path, *, namespaces: bool = False) -> Cluster:
        """A cluster without processes yet."""
        proxy = RpcProxy(stack.anvil.rpc_url, host=BRIDGE_ADDRESS if namespaces else "127.0.0.1")
        return cls(stack, postgres, proxy, folder, postgres.database(), namespaces)

    def serve(self, version: str = "", **settings: str) -> Member:
        """Starts the process with API and listener, which leaves proofs to workers unless told.

        `version`: of its workflows, where it is another than this release's.
        """
        port = free_port()
        self.api_url = f"http://127.0.0.1:{port}"
        environment = self._environment(self.stack.settings.state_dir) | {
            "PLUMBLINE_API_PORT": str(port),
            "PLUMBLINE_SERVE_PROVES": "false",
        }
        command = [*_plumbline(version), "serve", "--source", "sp500", "--start", START]
        return self._started(Member("serve", command, environment | settings, self.folder / f"serve{version}.log"))

    def worker(self, *options: str, version: str = "", **settings: str) -> Member:
        """Starts a worker on a machine of its own; `version` as for `serve`."""
        number = sum(member.name.startswith("worker") for member in self.members) + 1
        state = self.folder / f"worker-{number}"
        shutil.copytree(self.stack.settings.state_dir / "circuits", state / "circuits")
        command = [*_plumbline(version), "worker", "--drain-secs", "30", *options]
        if self.namespaces:
            command = ["ip", "netns", "exec", f"pl{number}", *command]
        log = self.folder / f"worker-{number}.log"
        return self._started(Member(f"worker-{number}", command, self._environment(state) | settings, log))

    def _environment(self, state: Path) -> dict[str, str]:
        return {
            "PLUMBLINE_STATE_DIR": str(state),
            "PLUMBLINE_CACHE_DIR": str(self.stack.settings.cache_dir),
            "PLUMBLINE_DATABASE_URL": self.database_url,
            "PLUMBLINE_ARTIFACTS_URL": f"file://{self.folder / 'artifacts'}",
            "PLUMBLINE_RPC_URL": self.proxy.url,
            "PLUMBLINE_TX_TIMEOUT_SECS": "5",
            "PLUMBLINE_MAX_WORKERS": "1",
            "PLUMBLINE_SILENCE_SECS": "10",
        }

    def _started(self, member: Member) -> Member:
        member.start()
        self.members.append(member)
        return member

    def ready(self) -> bool:
        """Whether the API answers and everything it needs is there."""
        try:
            return httpx.get(f"{self.api_url}/v1/health/ready", trust_env=False, timeout=20).is_success
        except httpx.HTTPError:
            return False

    def wait_ready(self) -> None:
        """Returns once the service is ready and every worker has started."""
        for member in self.members:
            until(lambda m=member: m.says("service started") > 0 or not m.alive(), READY_SECS)  # type: ignore[misc]
            assert member.alive(), member.log.read_text()[-3_000:]
        until(self.ready, READY_SECS)

    def prove(self, index: int, *, submit: bool = False) -> str:
        """The id of an accepted request for a proof; asked again under its key until it is accepted."""
        body = {"model": TINY, "inputData": [[0.5 + index % 7 / 8, -1.0, 0.25]], "submit": submit}
        headers = {"Idempotency-Key": f"prove-{index}"}
        deadline = time.monotonic() + READY_SECS
        while True:
            try:
                response = httpx.post(
                    f"{self.api_url}/v1/proof-requests", json=body, headers=headers, trust_env=False, timeout=20
                )
                if response.status_code in {200, 202}:
                    return str(response.json()["id"])
                assert response.status_code >= 500, response.text
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, "no request was accepted in time"
            time.sleep(0.2)

    def prove_many(self, bodies: Sequence[dict[str, Any]], key: str) -> None:
        """Has a batch of proofs accepted under a key."""
        url = f"{self.api_url}/v1/proof-request-batches"
        headers = {"Idempotency-Key": key}
        response = httpx.post(url, json={"requests": list(bodies)}, headers=headers, trust_env=False, timeout=120)
        assert response.status_code == 202, response.text

    def request(self, request_id: str) -> dict[str, Any]:
        """A request as it stands."""
        url = f"{self.api_url}/v1/requests/{request_id}"
        return dict(httpx.get(url, trust_env=False, timeout=20).json())

    def close(self) -> None:
        """Ends every process."""
        for member in self.members:
            if member.alive():
                member.kill()
        self.proxy.close()


def _plumbline(version: str) -> list[str]:
    return [sys.executable, *(["-c", _OF_VERSION.format(version=version)] if version else ["-m", "oracle.cli"])]


def namespaces_allowed() -> bool:
    """Whether this user may make network namespaces here."""
    if os.getuid() != 0 or shutil.which("ip") is None:
        return False
    made = subprocess.run(["ip", "netns", "add", "plprobe"], capture_output=True, check=False).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", "plprobe"], check=False)
    return made


@contextmanager
def networks(count: int) -> Iterator[None]:
    """Namespaces pl1, pl2 ..., each with an address of 10.77.0.0/24 behind one bridge of this machine's."""
    made: list[str] = []

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    try:
        ip("link", "add", BRIDGE, "type", "bridge")
        made.append(BRIDGE)
        ip("addr", "add", f"{BRIDGE_ADDRESS}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for number in range(1, count + 1):
            name = f"pl{number}"
            ip("netns", "add", name)
            made.append(name)
            ip("link", "add", f"{name}h", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{name}h", "master", BRIDGE, "up")
            ip("netns", "exec", name, "ip", "addr", "add", f"10.77.0.{10 + number}/24", "dev", "eth0")
            ip("netns", "exec", name, "ip", "link", "set", "eth0", "up")
            ip("netns", "exec", name, "ip", "link", "set", "lo", "up")
        yield
    finally:
        for name in reversed(made):
            command = ["ip", "link", "del", name] if name == BRIDGE else ["ip", "netns", "del", name]
            subprocess.run(command, check=False, capture_output=True)
