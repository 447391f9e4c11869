"""The perpetual market's invariants under forge: long random sequences inside one process.

PLUMBLINE_FUZZ_CASES sets how many calls are made in all; without it a few thousand.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from oracle.settings import PROJECT_ROOT

FORGE = PROJECT_ROOT / "node_modules" / ".bin" / "forge"
SUITE = "tests/forge/perp"
DEPTH = 250
CAMPAIGNS = 6  # one for each invariant
CALLS = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "6000"))


@pytest.mark.slow
@pytest.mark.timeout(0)  # as long as was asked for
def test_perp_market__random_sequences_under_forge__invariants_hold(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if not FORGE.exists():
        pytest.skip("forge is not installed for this platform")
    environment = {
        **os.environ,
        "FOUNDRY_SRC": SUITE,
        "FOUNDRY_TEST": SUITE,
        "FOUNDRY_OUT": str(tmp_path / "out"),
        "FOUNDRY_CACHE_PATH": str(tmp_path / "cache"),
        "FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR": str(tmp_path / "failures"),
        "FOUNDRY_INVARIANT_RUNS": str(max(1, -(-CALLS // (DEPTH * CAMPAIGNS)))),
        "FOUNDRY_INVARIANT_DEPTH": str(DEPTH),
        "FOUNDRY_INVARIANT_FAIL_ON_REVERT": "true",
    }
    done = subprocess.run(
        [str(FORGE), "test"], cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    calls = [int(n) for n in re.findall(r"\[PASS\].*calls: (\d+)", done.stdout)]
    record_property("calls", sum(calls))
    assert done.returncode == 0, (done.stdout + done.stderr)[-4_000:]
    assert len(calls) == CAMPAIGNS
    assert sum(calls) >= CALLS
