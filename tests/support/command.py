"""The command line as users run it: `plumbline` in a process of its own, on a state folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oracle.settings import PROJECT_ROOT
from tests.support.waiting import until

COMMAND_TIMEOUT_SECS = 400.0
UP_TIMEOUT_SECS = 240.0


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def facts(self) -> Any:
        """What it printed as JSON; fails with its error when it failed."""
        assert self.returncode == 0, self.stderr
        return json.loads(self.stdout)


@dataclass
class Plumbline:
    """Runs commands on one state folder."""

    state_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    _up: subprocess.Popen[bytes] | None = None

    def _env(self) -> dict[str, str]:
        return {**os.environ, "PLUMBLINE_STATE_DIR": str(self.state_dir), **self.environment}

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "oracle.cli", *arguments]

    def __call__(self, *arguments: str) -> Done:
        """Runs a command to its end."""
        done = subprocess.run(
            self._command(*arguments),
            cwd=PROJECT_ROOT,
            env=self._env(),
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_SECS,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def spawn(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts a command; its output is read by `communicate`."""
        return subprocess.Popen(
            self._command(*arguments),
            cwd=PROJECT_ROOT,
            env=self._env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def up(self, *arguments: str) -> dict[str, Any]:
        """Starts `plumbline up` and returns its status once it is ready."""
        log = self.state_dir.parent / "up.log"
        before = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self._up = subprocess.Popen(
                self._command("up", *arguments), cwd=PROJECT_ROOT, env=self._env(), stdout=out, stderr=out
            )
        up = self._up

        def ready() -> bool:
            said = log.read_text()[before:]
            assert up.poll() is None, said
            return "Ready." in said

        until(ready, UP_TIMEOUT_SECS)
        status: dict[str, Any] = self("status", "--json").facts
        return status

    def kill_up(self) -> None:
        """Kills `plumbline up` itself, as a power cut would, but not what it has started."""
        assert self._up is not None
        self._up.send_signal(signal.SIGKILL)
        self._up.wait()

    def end(self) -> int | None:
        """Ends everything; the exit code of `up`."""
        self("down")
        return None if self._up is None else self._up.wait(60)
