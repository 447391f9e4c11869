"""`plumbline up`: keeps the chain and the service of one state folder running until it is told to end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from oracle.cli import stack as records
from oracle.cli.stack import ProcessRecord, Stack
from oracle.errors import ConfigurationError, Halt, ServiceUnavailable
from oracle.settings import Settings

POLL_SECS: Final = 0.25
READY_TIMEOUT_SECS: Final = 180.0
STOP_TIMEOUT_SECS: Final = 20.0
# `up` itself ends a service and a chain before it is done
TAKE_DOWN_SECS: Final = 60.0
DEMO_FOLDER: Final = "demo"
# A service that dies sooner than this counts as failing at once; so many in a row end `up`
SHORT_LIFE_SECS: Final = 15.0
MAX_SHORT_LIVES: Final = 5
LOG_TAIL_LINES: Final = 15

Say = Callable[[str], None]


class ServiceProcess:
    """The child that runs `plumbline serve`, in a session of its own so that Ctrl-C reaches only `up`."""

    def __init__(self, settings: Settings, api_url: str, say: Say, *, verbose: bool = False) -> None:
        self._settings = settings
        self._api_url = api_url
        self._say = say
        self._verbose = verbose
        self._child: subprocess.Popen[bytes] | None = None
        self._born = 0.0
        self._short_lives = 0

    @property
    def log_path(self) -> Path:
        """What the service writes."""
        return self._settings.state_dir / "logs" / "service.log"

    def start(self) -> ProcessRecord:
        """Starts it; returns at once. Use `wait_ready` before telling anybody."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "oracle.cli", *(["--verbose"] if self._verbose else []), "serve"]
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self._environment(),
            )
        self._born = time.monotonic()
        return ProcessRecord.of(self._child.pid)

    def _environment(self) -> dict[str, str]:
        folders = ("state_dir", "cache_dir", "circuits_dir", "build_dir")
        own = {f"PLUMBLINE_{name.upper()}": str(getattr(self._settings, name)) for name in folders}
        own["PLUMBLINE_API_PORT"] = self._api_url.rsplit(":", 1)[1]
        return {**os.environ, **own}

    def wait_ready(self, ended: threading.Event) -> None:
        """Returns when the service answers as ready, or `ended` is set. Raises ServiceUnavailable."""
        import httpx

        deadline = time.monotonic() + READY_TIMEOUT_SECS
        with httpx.Client(trust_env=False, timeout=5.0) as client:
            while time.monotonic() < deadline and not ended.is_set():
                if self.died():
                    raise self._failure("the service ended while starting")
                try:
                    if client.get(f"{self._api_url}/v1/health/ready").is_success:
                        return
                except httpx.HTTPError:
                    pass
                ended.wait(POLL_SECS)
        if not ended.is_set():
            raise self._failure(f"the service was not ready within {READY_TIMEOUT_SECS:.0f} s")

    def died(self) -> bool:
        """Whether it ended by itself (or was killed)."""
        return self._child is not None and self._child.poll() is not None

    def restart(self, ended: threading.Event) -> ProcessRecord | None:
        """Starts it again, later after each short life; None when `ended` came first. Raises Halt when futile."""
        code = self._child.returncode if self._child else None
        short = time.monotonic() - self._born < SHORT_LIFE_SECS
        self._short_lives = self._short_lives + 1 if short else 0
        if self._short_lives > MAX_SHORT_LIVES:
            raise Halt(f"the service died {self._short_lives} times at once; its last words: {self._tail()}")
        self._say(f"the service ended ({_describe(code)}); starting it again")
        if ended.wait(2.0**self._short_lives - 1):
            return None
        return self.start()

    def stop(self) -> None:
        """Ends it and waits for it."""
        if self._child is None or self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_TIMEOUT_SECS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _failure(self, what: str) -> ServiceUnavailable:
        return ServiceUnavailable(f"{what}; its last words: {self._tail()}", remedy=f"see {self.log_path}")

    def _tail(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines() if self.log_path.exists() else []
        return " | ".join(lines[-LOG_TAIL_LINES:]) or "none"


def _describe(code: int | None) -> str:
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"


def free_port(wanted: int = 0, host: str = "127.0.0.1") -> int:
    """The wanted port, or a free one for 0. Raises ConfigurationError when it is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            raise ConfigurationError(
                f"port {wanted} of {host} cannot be used: {error.strerror}",
                remedy="choose another port; 0 for any",
            ) from None
        return int(probe.getsockname()[1])


def stop_leftovers(stack: Stack | None, *, chain_too: bool) -> None:
    """Ends what an `up` that was killed has left: its service, and its chain when asked."""
    if stack is None:
        return
    leftovers: list[ProcessRecord | None] = [stack.service, *([stack.anvil] if chain_too else [])]
    for process in leftovers:
        if process is not None:
            process.ref.stop()


def take_down(settings: Settings) -> list[str]:
    """Ends the stack of this state folder, whoever started it, and a chain that the demo kept; says what was ended."""
    return [*_take_down(settings, ""), *_take_down(demo_folder(settings), "demo's ")]


def demo_folder(settings: Settings) -> Settings:
    """The settings with the demo's own state folder."""
    return settings.model_copy(update={"state_dir": settings.state_dir / DEMO_FOLDER})


def _take_down(settings: Settings, whose: str) -> list[str]:
    stack = records.find(settings)
    if stack is None:
        return []
    ended = []
    for name, process in (("supervisor", stack.supervisor), ("service", stack.service), ("anvil", stack.anvil)):
        patience = TAKE_DOWN_SECS if name == "supervisor" else STOP_TIMEOUT_SECS
        if process is not None and process.ref.stop(patience):
            ended.append(f"{whose}{name} (pid {process.pid})")
    records.forget(settings)
    return ended
