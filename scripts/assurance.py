"""Every assurance suite at nightly counts, and one table of what was asked, reached and found.

.venv/bin/python scripts/assurance.py                     all of them; some hours on two cores
.venv/bin/python scripts/assurance.py --resume            goes on where an earlier run ended: what passed is kept a day
.venv/bin/python scripts/assurance.py --only windows,halmos --json
.venv/bin/python scripts/assurance.py --summary           runs nothing: the table of what was run in the last day
.venv/bin/python scripts/assurance.py --short             at the counts of `make test`

Long suites run in pieces, each with its own seed and kept in build/assurance. A suite that cannot run here (no audit
environment, no network) is skipped with its reason. Exit code 1 when one fails.
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
KEPT: Final = BUILD / "outcomes.jsonl"
FAILED: Final = BUILD / "failed"
FORGE_SEED: Final = 7992
SECS_PER_DAY: Final = 86_400


@dataclass(frozen=True)
class Outcome:
    """What became of a suite, or of a piece of it; `reached` counts what `asked` counts, `at` is the commit."""

    suite: str
    counts: str
    asked: int
    reached: int
    outcome: str  # passed, FAILED, skipped, not run
    seconds: float
    detail: str = ""
    piece: int = 0
    at: str = ""
    ended: float = 0.0


Run = Callable[[int, int], tuple[int, bool | None, str]]


@dataclass(frozen=True)
class Suite:
    """What it counts, how many are asked for, how it is run: `run(cases, piece)` gives reached, passed, detail.

    `each`: the cases of every one of its tests at nightly counts, where what is counted is tests.
    """

    name: str
    counts: str
    nightly: int
    short: int
    run: Run
    pieces: int = 1
    each: int = 0


def tests(*paths: str) -> Run:
    """A suite of pytest: it reaches what its tests record, else the number of tests that passed."""
    words = ["-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1"]  # xunit2 takes no properties of tests

    def run(asked: int, piece: int) -> tuple[int, bool | None, str]:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", *words, f"--junitxml={report}", *paths]
            environment = {**os.environ, **({"PLUMBLINE_FUZZ_CASES": str(asked)} if asked else {})}
            environment |= (
                {"FOUNDRY_FUZZ_SEED": hex(FORGE_SEED + piece), "PLUMBLINE_FUZZ_PIECE": str(piece)} if piece else {}
            )
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            cases = list(ET.parse(report).iter("testcase")) if report.exists() else []
        recorded = [p for c in cases for p in c.iter("property") if p.get("name") in COUNTED]
        sound = [c for c in cases if c.find("skipped") is None]
        failed = [c.get("name", "") for c in cases if c.find("failure") is not None or c.find("error") is not None]
        reached = sum(int(p.get("value", 0)) for p in recorded) if recorded else len(sound) - len(failed)
        if not done.returncode:
            return reached, True, ""
        return reached, False, f"{', '.join(failed[:3]) or done.stdout[-200:]}; {kept_output(done)}"

    return run


def kept_output(done: subprocess.CompletedProcess[str]) -> str:
    """Where all that a failed run said is kept."""
    FAILED.mkdir(parents=True, exist_ok=True)
    file = FAILED / f"{time.time_ns()}.txt"
    file.write_text(done.stdout + done.stderr)
    return f"see {file.relative_to(ROOT)}"


def halmos(_: int, __: int) -> tuple[int, bool | None, str]:
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


def slither(_: int, __: int) -> tuple[int, bool | None, str]:
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
    idle = [f"nothing is explained by {reason}" for reason in _idle(findings, explained)]
    return len(findings), not unknown and not idle, "; ".join([*unknown, *idle][:5])


def _explained(finding: dict[str, object], explained: dict[str, dict[str, str]]) -> bool:
    reasons = explained.get(str(finding["check"]), {})
    return "*" in reasons or any(place in _finding(finding) for place in reasons)


def _idle(findings: list[dict[str, object]], explained: dict[str, dict[str, str]]) -> list[str]:
    """Reasons without a finding: what they excused is gone, and they would excuse something new."""
    said: dict[str, list[str]] = {check: [] for check in explained}
    for finding in findings:
        said.setdefault(str(finding["check"]), []).append(_finding(finding))
    return [
        f"{check} {place}"
        for check, places in explained.items()
        for place in places
        if place != "*" and not any(place in finding for finding in said[check])
    ]


def _finding(finding: dict[str, object]) -> str:
    first = str(finding["description"]).splitlines()[0]
    return f"{finding['impact']} {finding['check']}: {re.sub(r' ?[(][^)]*#[^)]*[)]', '', first)}"


def mutants(kind: str) -> Run:
    """Faults planted in the money's arithmetic, contracts or twins, that the tests have to see."""

    def run(asked: int, _: int) -> tuple[int, bool | None, str]:
        words = ["--count", str(asked)] if asked else ["--count", "2", "--only", "domain/margin,libraries/Margin"]
        done = _tool([sys.executable, "scripts/mutate.py", kind, *words, "--resume", "--json"], {})
        if not done.stdout.strip():
            return 0, None if NO_AUDIT in done.stderr else False, (done.stderr or done.stdout)[-200:]
        found = json.loads(done.stdout)
        survivors = [f"{s['file']}:{s['line']}" for s in found["unexplained"]]
        said = f"{found['killed']} of {found['made']} killed, {found['share']:.1%}, seed {found['seed']}"
        said += f"; {len(found['explained'])} survivors explained, {len(survivors)} not: {', '.join(survivors[:5])}"
        return found["made"], done.returncode == 0, "; ".join([said, *found["unfinished"]])

    return run


def supply(_: int, __: int) -> tuple[int, bool | None, str]:
    """Licences, both parts lists, and known faults of what is locked where the network tells them."""
    licences = _tool([sys.executable, "scripts/licences.py", "--check"], {})
    parts = _tool([sys.executable, "scripts/sbom.py", "--json"], {})
    if licences.returncode or parts.returncode:
        return 0, False, (licences.stdout + parts.stderr)[-200:]
    found = json.loads(parts.stdout)
    return found["components"], not found["vulnerable"], found["audit"]


def forge(suite: str) -> Run:
    """One folder of tests/forge."""
    return tests("tests/invariant/test_forge.py", "-k", f"[{suite}]")


CALLDATA: Final = tuple(f"tests/contracts/{name}/test_calldata.py" for name in ("ObservationFeed", "RiskFeed"))
# In so many pieces, each with histories of its own and done in some minutes
TWINS: Final = {"perp_market": 2, "lending_vault": 2, "options_margin": 10, "rfq_settlement": 5, "order_matching": 5}
CIRCUITS: Final = ("family_circuits", "garch_circuit", "groth16", "risk_circuits")
OWN_SUITE: Final = ("windows", "verifiers", "decoders")


def arithmetic() -> list[str]:
    """The differentials of single functions."""
    apart = {f"test_{name}" for name in (*TWINS, *CIRCUITS, *OWN_SUITE)}
    return [str(p.relative_to(ROOT)) for p in sorted(ROOT.glob("tests/differential/test_*.py")) if p.stem not in apart]


def twins() -> list[Suite]:
    """Each protocol against its Python twin."""
    return [
        Suite(f"twin-{name}", "calls", 100_000, 0, tests(f"tests/differential/test_{name}.py"), pieces)
        for name, pieces in TWINS.items()
    ]


SUITES: Final = (
    Suite("attacks", "tests", 0, 0, tests("tests/attacks", "tests/unit/test_security_page.py")),
    Suite("forge-perp", "calls", 400_000, 0, forge("perp"), pieces=4),
    Suite("forge-lending", "calls", 300_000, 0, forge("lending"), pieces=3),
    Suite("forge-oracle", "calls", 375_000, 0, forge("oracle"), pieces=3),
    Suite("forge-options", "calls", 50_000, 0, forge("options"), pieces=10),
    Suite("forge-libraries", "runs", 50_000, 0, forge("libraries")),
    Suite("histories", "calls", 5_000, 0, tests("tests/invariant", "--deselect", "tests/invariant/test_forge.py")),
    Suite("windows", "windows", 100_000, 0, tests("tests/differential/test_windows.py")),
    Suite("verifiers", "proofs", 10_000, 0, tests("tests/differential/test_verifiers.py")),
    Suite("decoders", "proofs", 10_000, 0, tests("tests/differential/test_decoders.py")),
    *twins(),
    Suite("arithmetic", "tests", 0, 0, tests(*arithmetic()), each=10_000),
    Suite("circuits", "tests", 0, 0, tests(*(f"tests/differential/test_{name}.py" for name in CIRCUITS))),
    Suite("parsers", "inputs", 20_000, 0, tests("tests/unit/test_parsers.py")),
    Suite("calldata", "calls", 10_000, 0, tests(*CALLDATA)),
    Suite("layouts", "tests", 0, 0, tests("tests/contracts/test_layouts.py", "tests/contracts/test_build.py")),
    Suite("bytecode", "tests", 1, 0, tests("tests/contracts/test_verifier_bytecode.py")),
    Suite("halmos", "proofs", 0, 0, halmos),
    Suite("slither", "findings", 0, 0, slither),
    Suite("mutation-domain", "faults", 12, 0, mutants("domain")),
    Suite("mutation-contracts", "faults", 12, 0, mutants("contracts")),
    Suite("supply", "components", 0, 0, supply),
)


def _tool(command: list[str | Path], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    path = f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}"
    full = {**os.environ, "PATH": path, **environment}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=ROOT, env=full, capture_output=True, text=True, check=False)


def run(suite: Suite, piece: int, *, short: bool) -> Outcome:
    """Runs one piece of a suite, piece 0 being all of one that has a single piece."""
    pieces = 1 if short else suite.pieces
    asked, started = suite.short if short else suite.nightly // pieces, time.monotonic()
    cases = asked or (0 if short else suite.each)
    reached, passed, detail = suite.run(cases, piece + 1 if pieces > 1 else 0)
    if passed and reached < asked:
        passed, detail = False, f"{reached:,} of {asked:,} {suite.counts}; {detail}".rstrip("; ")
    elif passed and cases > asked:
        detail = f"{cases:,} cases each"
    word = {True: "passed", False: "FAILED", None: "skipped"}[passed]
    at = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    seconds, commit = round(time.monotonic() - started, 1), at.stdout.strip()
    return Outcome(suite.name, suite.counts, asked, reached, word, seconds, detail, piece, commit, time.time())


def recorded() -> dict[tuple[str, int], Outcome]:
    """The pieces at nightly counts that ended within the last day, the newest of each."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    outcomes = [Outcome(**json.loads(line)) for line in lines]
    return {(one.suite, one.piece): one for one in outcomes if time.time() - one.ended < SECS_PER_DAY}


def record(one: Outcome) -> None:
    """Keeps a piece for `--resume` and `--summary`."""
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with KEPT.open("a") as file:
        print(json.dumps(asdict(one)), file=file)


def whole(suite: Suite, pieces: list[Outcome], *, short: bool) -> Outcome:
    """One line of a suite's pieces."""
    wanted = 1 if short else suite.pieces
    words = {one.outcome for one in pieces}
    bad = next((word for word in ("FAILED", "skipped") if word in words), None)
    word = bad or ("passed" if len(pieces) == wanted else "not run")
    details = [one.detail for one in pieces if one.detail]
    if pieces and len(pieces) < wanted:
        details.append(f"{len(pieces)} of {wanted} pieces run")
    return Outcome(
        suite.name,
        suite.counts,
        suite.short if short else suite.nightly,
        sum(one.reached for one in pieces),
        word,
        round(sum(one.seconds for one in pieces), 1),
        "; ".join(dict.fromkeys(details)),
        at=" ".join(dict.fromkeys(one.at for one in pieces)),
    )


def outcome(suite: Suite, kept: dict[tuple[str, int], Outcome], words: argparse.Namespace) -> Outcome:
    """What became of a suite: pieces that are kept, others run unless only a summary is asked for."""
    pieces = []
    for piece in range(1 if words.short else suite.pieces):
        one = kept.get((suite.name, piece))
        if not (one and (words.summary or one.outcome == "passed")):
            if words.summary:
                continue
            one = run(suite, piece, short=words.short)
            if not words.short:
                record(one)
        pieces.append(one)
    return whole(suite, pieces, short=words.short)


def arguments() -> argparse.Namespace:
    """The command line."""
    known = [suite.name for suite in SUITES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="the counts of make test")
    parser.add_argument("--resume", action="store_true", help="keep what passed in the last day")
    parser.add_argument("--summary", action="store_true", help="run nothing: what was run in the last day")
    parser.add_argument("--only", default=",".join(known), help=f"some of {','.join(known)}")
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    words = parser.parse_args()
    words.chosen = words.only.split(",")
    if unknown := sorted(set(words.chosen).difference(known)):
        parser.error(f"no such suite: {', '.join(unknown)}")
    return words


def main() -> int:
    """Runs the suites that are asked for; prints the table as they end."""
    words = arguments()
    kept = recorded() if words.resume or words.summary else {}
    outcomes = []
    form = "{:20} {:>10} {:>9} {:>9} {:>8} {:>8}  {}"
    if not words.json:
        print(form.format("suite", "counts", "asked", "reached", "outcome", "seconds", ""), flush=True)
    for suite in SUITES:
        if suite.name not in words.chosen:
            continue
        one = outcome(suite, kept, words)
        outcomes.append(one)
        if not words.json:
            row = (one.suite, one.counts, one.asked or "all", one.reached, one.outcome, one.seconds, one.detail)
            print(form.format(*row), flush=True)
    if words.json:
        print(json.dumps([asdict(one) for one in outcomes], indent=1))
    else:
        calls = sum(one.reached for one in outcomes if one.suite.startswith("forge-") and one.counts == "calls")
        print(f"forge calls in all: {calls:,}; {sum(one.seconds for one in outcomes):,.0f} s")
    return int(any(one.outcome == "FAILED" for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
