"""Every suite in tests/forge: arithmetic against a second form of itself, contracts under long random sequences.

PLUMBLINE_FUZZ_CASES sets how many calls a suite's campaigns make together, and how often each fuzz test runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import forge

CALLS = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "2000"))
# A portfolio's margin is 23 scenarios at each call, so that a few calls are as much work as another suite's thousands
FEWER = {} if "PLUMBLINE_FUZZ_CASES" in os.environ else {"options": 400}
FUZZ_RUNS = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "100"))


@pytest.mark.slow
@pytest.mark.timeout(0)  # as long as was asked for
@pytest.mark.parametrize("suite", forge.suites())
def test_suite__random_values_and_sequences__everything_holds(
    suite: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if not forge.FORGE.exists():
        pytest.skip("forge is not installed for this platform")
    calls = FEWER.get(suite, CALLS)
    done = forge.run(suite, calls, FUZZ_RUNS, tmp_path)
    record_property("calls", done.calls)
    record_property("fuzz_runs", done.fuzz_runs)
    assert (done.failed, done.passed > 0) == (0, True), done.output[-4_000:]
    assert done.calls >= calls or done.calls == 0
    assert done.calls + done.fuzz_runs > 0
