"""Work in a child of its own, within limits, and how it ended."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

PR_SET_PDEATHSIG: Final = 1
MEMORY: Final = 8 << 30  # bytes; a fault may shift by 10^18


@dataclass(frozen=True)
class Ended:
    """What a run of tests came to."""

    outcome: str  # passed, failed, stalled
    failed: tuple[str, ...]
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Limits:
    """Seconds that a child may take: of a core, which load does not change, and of the clock, for one that waits."""

    cpu: int
    wall: float


BASELINE: Final = Limits(600, 1_200.0)


def forked(work: Callable[[], dict[str, Any]], limits: Limits) -> Ended:
    """What `work` says in a child of its own: {"failed": [...]}. A child out of time has stalled."""
    started, spent = time.monotonic(), _cpu_of_children()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu + 5))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        silence()
        answer = json.dumps(work())
        with os.fdopen(writer, "w") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(writer)
    said = _read(reader, started + limits.wall)
    status = end(child)
    seconds, cpu = time.monotonic() - started, _cpu_of_children() - spent
    if said is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return Ended("stalled", (), seconds, cpu)
    failed = json.loads(said)["failed"] if said else ["the interpreter ended"]
    return Ended("failed" if failed else "passed", tuple(failed), seconds, cpu)


def end(child: int) -> int:
    """Ends a child and what it started; its status."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def silence() -> None:
    """Nothing of a child's is read but its answer, and on Linux it ends with its parent."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _read(reader: int, deadline: float) -> str | None:
    parts = []
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while True:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            part = pipe.read(65_536)
            if not part:
                return b"".join(parts).decode()
            parts.append(part)
