"""Every assurance suite at nightly counts, and one table of what was asked, reached and found.

.venv/bin/python scripts/assurance.py                     all of them; some hours on two cores
.venv/bin/python scripts/assurance.py --short             at the counts of `make test`
.venv/bin/python scripts/assurance.py --only forge,halmos --json

A suite that cannot run here (no audit environment, no network) is skipped with its reason. Exit code 1 when one fails.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
AUDIT: Final = ROOT / ".venv-audit" / "bin"
BUILD: Final = ROOT / "build" / "assurance"
NO_AUDIT: Final = "no audit environment: make audit"
EXPLAINED: Final = ROOT / "tests" / "slither.json"
# Counts that tests record, by the name of the property
COUNTED: Final = ("calls", "fuzz_runs", "cases")


@dataclass(frozen=True)
class Outcome:
    """What became of a suite; `reached` counts what `asked` counts."""

    suite: str
    counts: str
    asked: int
    reached: int
    outcome: str  # passed, FAILED, skipped
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class Suite:
    """What it counts, how many are asked for, and how it is run: `run(asked)` gives reached, passed, detail."""

    name: str
    counts: str
    nightly: int
    short: int
    run: Callable[[int], tuple[int, bool | None, str]]


def tests(*paths: str) -> Callable[[int], tuple[int, bool | None, str]]:
    """A suite of pytest: it reaches what its tests record, else the number of tests that passed."""
    words = ["-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1"]  # xunit2 takes no properties of tests

    def run(asked: int) -> tuple[int, bool | None, str]:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", *words, f"--junitxml={report}", *paths]
            environment = {**os.environ, **({"PLUMBLINE_FUZZ_CASES": str(asked)} if asked else {})}
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            cases = list(ET.parse(report).iter("testcase")) if report.exists() else []
        recorded = [p for c in cases for p in c.iter("property") if p.get("name") in COUNTED]
        sound = [c for c in cases if c.find("skipped") is None]
        failed = [c.get("name", "") for c in cases if c.find("failure") is not None or c.find("error") is not None]
        reached = sum(int(p.get("value", 0)) for p in recorded) if recorded else len(sound) - len(failed)
        return reached, done.returncode == 0, ", ".join(failed[:3]) or (done.stdout[-200:] if done.returncode else "")

    return run


def halmos(_: int) -> tuple[int, bool | None, str]:
    """Proofs for every value, by halmos."""
    if not (AUDIT / "halmos").exists():
        return 0, None, NO_AUDIT
    out = BUILD / "halmos"
    environment = {
        "FOUNDRY_SRC": "tests/halmos",
        "FOUNDRY_TEST": "tests/halmos",
        "FOUNDRY_OUT": str(out / "out"),
        "FOUNDRY_CACHE_PATH": str(out / "cache"),
        "FOUNDRY_LINT_LINT_ON_BUILD": "false",
    }
    command = [AUDIT / "halmos", "--forge-build-out", os.path.relpath(out / "out", ROOT), "--function", "check_"]
    done = _tool([*command, "--loop", "8", "--solver-timeout-assertion", "120000", "--no-status"], environment)
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    bad = re.findall(r"^\[(?:FAIL|TIMEOUT|ERROR)\] (\w+)", said, re.M)
    proven = len(re.findall(r"^\[PASS\]", said, re.M))
    return proven, done.returncode == 0 and not bad and proven > 0, ", ".join(bad) or done.stderr[-200:] * (not proven)


def slither(_: int) -> tuple[int, bool | None, str]:
    """slither's findings, each of which tests/slither.json has to explain."""
    if not (AUDIT / "slither").exists():
        return 0, None, NO_AUDIT
    report = BUILD / "slither.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    environment = {
        "FOUNDRY_OUT": str(BUILD / "slither" / "out"),
        "FOUNDRY_CACHE_PATH": str(BUILD / "slither" / "cache"),
        "FOUNDRY_TEST": "contracts/none",
        "FOUNDRY_OPTIMIZER": "false",
        "FOUNDRY_LINT_LINT_ON_BUILD": "false",
    }
    paths = ["--filter-paths", "node_modules|contracts/testing", "--json", str(report)]
    done = _tool([AUDIT / "slither", ".", *paths], environment)
    if not report.exists():
        return 0, False, done.stderr[-200:]
    findings = json.loads(report.read_text())["results"].get("detectors", [])
    explained = json.loads(EXPLAINED.read_text())
    unknown = [_finding(f) for f in findings if not _explained(f, explained)]
    return len(findings), not unknown, "; ".join(unknown[:5])


def _explained(finding: dict[str, object], explained: dict[str, dict[str, str]]) -> bool:
    reasons = explained.get(str(finding["check"]), {})
    return "*" in reasons or any(place in _finding(finding) for place in reasons)


def _finding(finding: dict[str, object]) -> str:
    first = str(finding["description"]).splitlines()[0]
    return f"{finding['impact']} {finding['check']}: {re.sub(r' ?[(][^)]*#[^)]*[)]', '', first)}"


def mutants(asked: int) -> tuple[int, bool | None, str]:
    """Faults planted in the money's arithmetic, contracts and twins, that the tests have to see."""
    done = _tool([sys.executable, "scripts/mutate.py", "--limit", str(asked), "--json"], {})
    if done.returncode not in (0, 1) or not done.stdout.strip():
        return 0, False, (done.stderr or done.stdout)[-200:]
    found = json.loads(done.stdout)
    survivors = [f"{s['file']}:{s['line']}" for s in found["unexplained"]]
    detail = f"{found['killed']} of {found['made']} killed" + (
        f"; survive: {', '.join(survivors)}" if survivors else ""
    )
    return found["made"], done.returncode == 0, detail


def supply(_: int) -> tuple[int, bool | None, str]:
    """Licences, both parts lists, and known faults of what is locked where the network tells them."""
    licences = _tool([sys.executable, "scripts/licences.py", "--check"], {})
    parts = _tool([sys.executable, "scripts/sbom.py", "--json"], {})
    if licences.returncode or parts.returncode:
        return 0, False, (licences.stdout + parts.stderr)[-200:]
    found = json.loads(parts.stdout)
    return found["components"], not found["vulnerable"], found["audit"]


SUITES: Final = (
    Suite("attacks", "tests", 0, 0, tests("tests/attacks", "tests/unit/test_security_page.py")),
    Suite("forge", "calls and runs", 1_000_000, 0, tests("tests/invariant/test_forge.py")),
    Suite("histories", "tests", 20_000, 0, tests("tests/invariant", "--deselect", "tests/invariant/test_forge.py")),
    Suite("features", "windows", 100_000, 0, tests("tests/differential/test_windows.py")),
    Suite("verifiers", "proofs", 10_000, 0, tests("tests/differential/test_verifiers.py")),
    Suite("decoders", "proofs", 10_000, 0, tests("tests/differential/test_decoders.py")),
    Suite("differentials", "tests", 10_000, 0, tests("tests/differential")),
    Suite("parsers", "inputs", 20_000, 0, tests("tests/unit/test_parsers.py")),
    Suite("layouts", "tests", 0, 0, tests("tests/contracts/test_layouts.py", "tests/contracts/test_build.py")),
    Suite("bytecode", "tests", 1, 0, tests("tests/contracts/test_verifier_bytecode.py")),
    Suite("halmos", "proofs", 0, 0, halmos),
    Suite("slither", "findings", 0, 0, slither),
    Suite("mutation", "mutants", 2_000, 20, mutants),
    Suite("supply", "components", 0, 0, supply),
)


def _tool(command: list[str | Path], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    path = f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}"
    full = {**os.environ, "PATH": path, **environment}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=ROOT, env=full, capture_output=True, text=True, check=False)


def run(suite: Suite, *, short: bool) -> Outcome:
    """Runs one suite."""
    asked, started = suite.short if short else suite.nightly, time.monotonic()
    reached, passed, detail = suite.run(asked)
    word = {True: "passed", False: "FAILED", None: "skipped"}[passed]
    return Outcome(suite.name, suite.counts, asked, reached, word, round(time.monotonic() - started, 1), detail)


def main() -> int:
    """Runs the suites that are asked for; prints the table as they end."""
    known = [suite.name for suite in SUITES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="the counts of make test")
    parser.add_argument("--only", default=",".join(known), help=f"some of {','.join(known)}")
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    words = parser.parse_args()
    chosen = words.only.split(",")
    if unknown := sorted(set(chosen).difference(known)):
        parser.error(f"no such suite: {', '.join(unknown)}")
    outcomes = []
    form = "{:14} {:>15} {:>10} {:>10} {:>8} {:>9}  {}"
    if not words.json:
        print(form.format("suite", "counts", "asked", "reached", "outcome", "seconds", ""), flush=True)
    for suite in SUITES:
        if suite.name not in chosen:
            continue
        one = run(suite, short=words.short)
        outcomes.append(one)
        if not words.json:
            row = (one.suite, one.counts, one.asked or "all", one.reached, one.outcome, one.seconds, one.detail)
            print(form.format(*row), flush=True)
    if words.json:
        print(json.dumps([asdict(one) for one in outcomes], indent=1))
    return int(any(one.outcome == "FAILED" for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
