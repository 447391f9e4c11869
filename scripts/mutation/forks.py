"""Tests run in forked children of one warm process: a fault costs its own tests, not the start of Python."""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.util
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent.parent
MEMORY: Final = 8 << 30  # bytes; a fault may shift by 10^18
OWN: Final = ("oracle", "models", "tests", "conftest", "mutation", "__main__")


@dataclass(frozen=True)
class Ended:
    """What a run of tests came to."""

    outcome: str  # passed, failed, stalled
    failed: tuple[str, ...]
    seconds: float
    cpu_seconds: float
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """Seconds that a child may take: of a core, which load does not change, and of the clock, for one that waits."""

    cpu: int
    wall: float


class Altered(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another source than its file's."""

    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = path, source
        self.name = path.removesuffix(".py").replace("/", ".")

    def prepare(self) -> None:
        """Before pytest starts."""
        sys.meta_path.insert(0, self)

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """The altered module's, no other's."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        """Runs the altered source as if it stood in the file."""
        file = str(ROOT / self.path)
        module.__file__ = file
        exec(compile(self.source, file, "exec"), module.__dict__)


class Contracts:
    """Tests take their contracts from another folder, compiled without the optimizer; gas is nobody's concern then."""

    def __init__(self, build: Path) -> None:
        self.build = build

    def prepare(self) -> None:
        """Before pytest starts."""
        os.environ["PLUMBLINE_BUILD_DIR"] = str(self.build)

    def pytest_sessionstart(self) -> None:
        """Once tests/conftest.py and its plugins are imported."""
        sys.modules["oracle.chain.build"].compile_contracts = lambda settings: None  # type: ignore[attr-defined]
        for module in list(sys.modules.values()):
            if "check_gas" in vars(module):
                module.check_gas = lambda name, gas, folder=None: None  # type: ignore[attr-defined]
        server = sys.modules["tests.support.local_chain"].AnvilServer
        start = server.start.__func__
        server.start = classmethod(
            lambda cls, log, *extra, **words: start(cls, log, "--disable-code-size-limit", *extra, **words)
        )


class _Watch:
    """Notes the tests that fail."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.nodeid not in self.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def run(
    tests: Sequence[str], limits: Limits, fault: Altered | Contracts, *, first: bool = True, without: Sequence[str] = ()
) -> Ended:
    """Runs tests in a child that has `fault`; `first` ends at the first failure. A child out of time has stalled."""
    started, spent = time.monotonic(), _cpu_of_children()
    reader, writer = os.pipe()
    folder = tempfile.mkdtemp(prefix="mutation-")
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu + 5))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        words = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={folder}/t", "--tb=no", "--no-header"]
        words += ["--assert=plain"]  # nobody reads what an assertion compared, and rewriting takes seconds
        words += ["-x"] if first else []
        words += [word for name in without for word in ("--deselect", name)]
        _child([*words, *tests], fault, writer, modules=not first)
    os.close(writer)
    said = _read(reader, started + limits.wall)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    shutil.rmtree(folder, ignore_errors=True)
    seconds, cpu = time.monotonic() - started, _cpu_of_children() - spent
    if said is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return Ended("stalled", (), seconds, cpu)
    facts = json.loads(said or '{"code": 1, "failed": ["the interpreter ended"], "modules": []}')
    outcome = "passed" if facts["code"] == 0 else "failed"
    return Ended(outcome, tuple(facts["failed"]), seconds, cpu, tuple(facts["modules"]))


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def warm(modules: Sequence[str]) -> None:
    """Imports what the tests import of others' packages, once for all children."""
    for name in modules:
        if name.split(".")[0] not in OWN and name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _child(words: Sequence[str], fault: Altered | Contracts, writer: int, *, modules: bool) -> None:
    code, watch = 1, _Watch()
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.chdir(ROOT)
        sys.path.insert(0, str(ROOT))
        fault.prepare()
        code = int(pytest.main(list(words), plugins=[watch, fault]))
    except BaseException as error:  # noqa: BLE001 - a fault may raise anything, also on import
        watch.failed.append(repr(error)[:200])
    imported = [name for name, module in sys.modules.items() if getattr(module, "__file__", None)]
    answer = json.dumps({"code": code, "failed": watch.failed[:50], "modules": imported if modules else []})
    with os.fdopen(writer, "w") as pipe:
        pipe.write(answer)
    os._exit(0)


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
