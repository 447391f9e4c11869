"""forge over the suites in tests/forge: fuzz tests and invariant campaigns, each as long as is asked for."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oracle.settings import PROJECT_ROOT

FORGE: Final = PROJECT_ROOT / "node_modules" / ".bin" / "forge"
SUITES: Final = PROJECT_ROOT / "tests" / "forge"
BUILD: Final = PROJECT_ROOT / "build" / "forge-suites"
DEPTH: Final = 250
# From here on the optimizer's work is worth its time
LONG_RUN: Final = 5_000


@dataclass(frozen=True)
class Run:
    """What forge said of one suite: calls of invariant campaigns, runs of fuzz tests, how many passed and failed."""

    calls: int
    fuzz_runs: int
    passed: int
    failed: int
    output: str


def suites() -> list[str]:
    """The folders that hold tests."""
    return sorted({path.parent.name for path in SUITES.glob("*/*.t.sol")})


def run(suite: str, calls: int, fuzz_runs: int, scratch: Path) -> Run:
    """Runs a suite with at least `calls` calls in its campaigns together, and `fuzz_runs` in each fuzz test."""
    optimised = max(calls, fuzz_runs) >= LONG_RUN
    build = BUILD / ("optimised" if optimised else "plain")
    environment = {
        **os.environ,
        "FOUNDRY_OPTIMIZER": str(optimised).lower(),
        "FOUNDRY_SRC": "tests/forge",
        "FOUNDRY_TEST": "tests/forge",
        "FOUNDRY_OUT": str(build / "out"),
        "FOUNDRY_CACHE_PATH": str(build / "cache"),
        "FOUNDRY_FUZZ_FAILURE_PERSIST_DIR": str(scratch / "fuzz"),
        "FOUNDRY_FUZZ_RUNS": str(fuzz_runs),
        "FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR": str(scratch / "invariant"),
        "FOUNDRY_INVARIANT_DEPTH": str(DEPTH),
        "FOUNDRY_INVARIANT_FAIL_ON_REVERT": "true",
    }
    chosen = ["--match-path", f"tests/forge/{suite}/*"]
    campaigns = _campaigns(_forge(["test", "--list", "--json", *chosen], environment).stdout)
    environment["FOUNDRY_INVARIANT_RUNS"] = str(max(1, -(-calls // (DEPTH * max(1, campaigns)))))
    done = _forge(["test", *chosen], environment)
    output = done.stdout + done.stderr
    return Run(
        calls=_sum(r"\[PASS\].*\(runs: \d+, calls: (\d+)", output),
        fuzz_runs=_sum(r"\[PASS\].*\(runs: (\d+), μ", output),
        passed=len(re.findall(r"^\[PASS\]", output, re.M)),
        failed=len(re.findall(r"^\[FAIL", output, re.M)) + (done.returncode != 0),
        output=output,
    )


def _forge(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(FORGE), *arguments]
    return subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)


def _campaigns(listing: str) -> int:
    """How many invariants forge lists; the compiler may print before the document."""
    document = json.loads(listing[listing.index("{") :])
    names = [name for contracts in document.values() for tests in contracts.values() for name in tests]
    return sum(name.startswith(("invariant", "statefulFuzz")) for name in names)


def _sum(pattern: str, text: str) -> int:
    return sum(int(number) for number in re.findall(pattern, text))
