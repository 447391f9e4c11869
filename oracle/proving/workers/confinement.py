"""The sandbox of a worker that reads a stranger's network: what it may touch, and how the kernel holds it to that.

    mechanism    what it takes away
    namespace    the network: its own, without an interface, in a user namespace without rights
    landlock     every path but the libraries, what it is given to read, and its own folder
    seccomp      sockets, processes, programs, signals, tracing, mounts, links, modes and owners of files
    rlimits      memory, CPU seconds, sizes of files, open files; always there

The worker confines itself before it reads its first request, and exits where it cannot. What the kernel cannot count
(threads, the folder's size, wall-clock time) its parent watches. Imports nothing beyond the standard library: nothing
of a stranger may be loaded before `confine` returns.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from oracle.proving.workers import landlock, seccomp

NAMESPACE: Final = "namespace"
LANDLOCK: Final = "landlock"
SECCOMP: Final = "seccomp"
MECHANISMS: Final = (NAMESPACE, LANDLOCK, SECCOMP)

# Address space beside resident memory: thread stacks, arenas, libraries
ADDRESS_SLACK_MB: Final = 4_096
MAX_OPEN_FILES: Final = 256
MAX_THREADS: Final = 128
MAX_FILES: Final = 4_096
PROBE_SECS: Final = 30.0
UNCONFINED_EXIT: Final = 71

_SOURCES: Final = Path(__file__).resolve().parents[2]
_SYSTEM: Final = tuple(
    Path(path)
    for path in (
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/local/lib",
        "/usr/lib64",
        "/usr/share/zoneinfo",
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/sys/devices/system/cpu",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/dev/urandom",
    )
)
_NOTHING: Final = Path(os.devnull)
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_PR_SET_NO_NEW_PRIVS: Final = 38


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a worker may touch: it reads beneath `readable`, changes what is beneath `folder` and `writable`.

    `folder_mb` bounds everything in `folder`. `private`: each worker has a folder of its own there, and no part in the
    others'. `weaker`: it runs even where the kernel lacks a mechanism. `deadline`, of
    time.monotonic, and `cancel` end the whole job that its workers are for.
    """

    folder: Path
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    cpu_secs: int = 3_600
    folder_mb: int = 8_192
    private: bool = False
    weaker: bool = False
    deadline: float | None = None
    cancel: threading.Event | None = None

    def reading(self, *paths: Path) -> Confinement:
        """The same, with more to read."""
        return replace(self, readable=(*self.readable, *paths))

    def writing(self, *paths: Path) -> Confinement:
        """The same, with more to change."""
        return replace(self, writable=(*self.writable, *paths))

    def argument(self, memory_mb: int) -> str:
        """For the worker's command line."""
        return json.dumps(
            {
                "readable": [str(path.resolve()) for path in self.readable],
                "writable": [str(path.resolve()) for path in (self.folder, *self.writable)],
                "memory_mb": memory_mb,
                "cpu_secs": self.cpu_secs,
                "file_mb": self.folder_mb,
                "weaker": self.weaker,
            }
        )


def libraries() -> tuple[Path, ...]:
    """What every worker reads: the interpreter's and the system's libraries, and this package."""
    python = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return (*_SYSTEM, *sorted(Path(path) for path in python if path), _SOURCES)


def exposed(secret: Path) -> bool:
    """Whether a path that nobody else may see lies beneath what every worker reads."""
    return any(secret.resolve().is_relative_to(path.resolve()) for path in libraries())


def missing() -> tuple[str, ...]:
    """The mechanisms that this machine does not give, tried in a process of its own."""
    found = subprocess.run(
        [sys.executable, "-m", "oracle.proving.workers.confinement"],
        cwd=_SOURCES.parent,
        env={"PYTHONPATH": str(_SOURCES.parent)},
        capture_output=True,
        text=True,
        timeout=PROBE_SECS,
        check=False,
    )
    given = found.stdout.split() if found.returncode == 0 else []
    return tuple(name for name in MECHANISMS if name not in given)


def confine(argument: str) -> None:
    """Confines this process as a Confinement's argument says; it must have one thread. Ends it where that fails."""
    spec = json.loads(argument)
    _limit(spec["memory_mb"], spec["cpu_secs"], spec["file_mb"])
    lacking = _take_away([Path(path) for path in spec["readable"]], [Path(path) for path in spec["writable"]])
    if lacking and not spec["weaker"]:
        sys.stderr.write(f"this machine does not confine a worker: no {', '.join(lacking)}\n")
        sys.stderr.flush()
        os._exit(UNCONFINED_EXIT)


def _limit(memory_mb: int, cpu_secs: int, file_mb: int) -> None:
    limits = {
        resource.RLIMIT_AS: (memory_mb + ADDRESS_SLACK_MB) << 20,
        resource.RLIMIT_CPU: cpu_secs,
        resource.RLIMIT_FSIZE: file_mb << 20,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for name, value in limits.items():
        hard = resource.getrlimit(name)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (bound, bound))


def _take_away(readable: Iterable[Path], writable: Iterable[Path]) -> list[str]:
    """Applies every mechanism that there is; the names of those that there are not."""
    lacking = []
    libc = ctypes.CDLL(None, use_errno=True)
    if not _own_network(libc):
        lacking.append(NAMESPACE)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return [*MECHANISMS]
    if not _works(
        landlock.abi() >= landlock.LEAST_ABI,
        lambda: landlock.restrict((*libraries(), *readable), (*writable, _NOTHING)),
    ):
        lacking.append(LANDLOCK)
    if not _works(seccomp.available(), seccomp.install):
        lacking.append(SECCOMP)
    return lacking


def _works(offered: bool, apply: Callable[[], None]) -> bool:
    try:
        if offered:
            apply()
    except OSError:
        return False
    return offered


def _own_network(libc: ctypes.CDLL) -> bool:
    """A network of its own with nothing in it, in a user namespace where rights are worth nothing outside."""
    return any(
        libc.unshare(flags) == 0
        for flags in (_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC, _CLONE_NEWNET | _CLONE_NEWIPC)
    )


def _probe() -> None:
    """Prints the mechanisms that this machine gives; a kernel may offer one and refuse it all the same."""
    lacking = _take_away((), ())
    sys.stdout.write(" ".join(name for name in MECHANISMS if name not in lacking))


if __name__ == "__main__":
    _probe()
