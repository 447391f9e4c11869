"""One pytest session that collects its tests once and runs them for each fault in a fork, to the first failure."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import hypothesis  # noqa: F401 - these are what most of a session's start goes into: forks have them already
import pytest
import web3  # noqa: F401

from . import forks
from .faults import Fault

# Readies a fault, None being the source as it is: gives what a fork has to do to have it, None when it is no program
Prepare = Callable[[Fault | None], Callable[[], None] | None]
WORDS = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:schemathesis", "--tb=no", "--assert=plain", "-x")


class Session:
    """A pytest plugin in place of its loop: first without a fault, then each, until `tell` wants no more.

    `tolerant`: tests that fail without a fault are left out instead of ending it.
    """

    def __init__(self, faults: Sequence[Fault], prepare: Prepare, tell: Callable[..., bool], *, tolerant: bool) -> None:
        self.faults, self.prepare, self.tell, self.tolerant = faults, prepare, tell, tolerant
        self.failed: list[str] = []
        self.collected = True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tests that cannot be imported cannot see anything."""
        self.collected &= not report.failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes the tests that fail."""
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """All of it; pytest itself runs nothing."""
        if not (self.collected and session.items):
            self.tell(None, forks.Ended("failed", ("its tests cannot be collected",), 0.0, 0.0))
            return True
        items, have = session.items, self.prepare(None)
        control = forks.forked(partial(self._run, session, items, have, whole=self.tolerant), forks.BASELINE)
        if self.tolerant and control.failed:
            items = [item for item in items if item.nodeid not in control.failed]
            control = forks.forked(partial(self._run, session, items, have), forks.BASELINE) if items else control
        if not self.tell(None, control):
            return True
        limits = forks.Limits(5 + round(4 * control.cpu_seconds), 300 + 8 * control.seconds)
        for fault in self.faults:
            have = self.prepare(fault)
            if have and not self.tell(fault, forks.forked(partial(self._run, session, items, have), limits)):
                break
        return True

    def _run(
        self,
        session: pytest.Session,
        items: Sequence[pytest.Item],
        have: Callable[[], None] | None,
        *,
        whole: bool = False,
    ) -> dict[str, Any]:
        try:
            if have:
                have()
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self.failed and not whole:
                    break
        except BaseException as error:  # noqa: BLE001 - a fault may raise anything, also on import
            self.failed.append(repr(error)[:200])
        with contextlib.suppress(BaseException):
            session._setupstate.teardown_exact(None)
        return {"failed": self.failed}


def run(
    tests: Sequence[str], faults: Sequence[Fault], prepare: Prepare, *, tolerant: bool
) -> Iterator[tuple[Fault | None, forks.Ended]]:
    """How the tests end without a fault (None), then with each that is a program."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _session(writer, tests, faults, partial(Session, prepare=prepare, tolerant=tolerant))
    os.close(writer)
    by_source = {fault.source: fault for fault in faults}
    try:
        with os.fdopen(reader) as pipe:
            for line in pipe:
                source, outcome, failed, seconds = json.loads(line)
                yield by_source.get(source), forks.Ended(outcome, tuple(failed), seconds, 0.0)
    finally:
        forks.end(child)


def _session(writer: int, tests: Sequence[str], faults: Sequence[Fault], plugin: Callable[..., Session]) -> None:
    """The session, silent, whose ends go up the pipe; the process ends here."""
    os.setpgid(0, 0)
    pipe = os.fdopen(writer, "w")

    def tell(fault: Fault | None, ended: forks.Ended) -> bool:
        said = [fault.source if fault else "", ended.outcome, ended.failed, ended.seconds]
        print(json.dumps(said), file=pipe, flush=True)
        return bool(fault) or ended.outcome == "passed"

    with contextlib.suppress(BaseException):
        forks.silence()
        pytest.main([*WORDS, *tests], plugins=[plugin(faults, tell=tell)])
    pipe.close()
    os._exit(0)
