"""Plants faults in what money rests on, one at a time, and counts those that the tests see.

.venv/bin/python scripts/mutate.py domain                       oracle/domain: faults by cosmic-ray of .venv-audit
.venv/bin/python scripts/mutate.py contracts                    contracts: faults of scripts/mutation/solidity_faults.py
.venv/bin/python scripts/mutate.py contracts --only Margin --count 0    every place of one source, not a sample
.venv/bin/python scripts/mutate.py domain --resume --minutes 14 --json

Of each module a sample of `--count` places, drawn by `--seed`, one fault at each: a longer one begins with the shorter.
Which tests have to see it is in tests/mutation.json. Verdicts are kept in build/assurance: with `--resume` a fault that
was killed is not made again while its source is the same, one that survived while its tests are the same too. What
survives is listed; tests/mutants.json says why no test can see some. Exit code 1 below 90 % of the faults made.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from mutation import inplace, session, solidity_faults
from mutation.faults import Fault, change, digest, sample

ROOT: Final = Path(__file__).resolve().parent.parent
AUDIT: Final = ROOT / ".venv-audit" / "bin" / "python"
MAP: Final = ROOT / "tests" / "mutation.json"
EXPLAINED: Final = ROOT / "tests" / "mutants.json"
KEPT: Final = ROOT / "build" / "assurance"
BAR: Final = 0.9
SEED: Final = 7992
COUNT: Final = 12
# Of random histories and windows that a fault gets
CASES: Final = "400"


@dataclass(frozen=True)
class Verdict:
    """One fault and whether it was seen."""

    file: str
    line: int
    operator: str
    change: str
    killed: bool
    by: str
    seconds: float
    source: str
    tests: str


@dataclass(frozen=True)
class Target:
    """A source, the tests that are to see its faults, and for a contract's what is compiled with it."""

    file: str
    tests: tuple[str, ...]
    units: tuple[str, ...] = ()


def targets(kind: str, only: str) -> list[Target]:
    """What tests/mutation.json says of this kind."""
    return [
        Target(file, tuple(group["tests"]), tuple(group.get("units", ())))
        for group in json.loads(MAP.read_text())[kind]
        for file in group["files"]
        if any(word in file for word in only.split(","))
    ]


def unmapped() -> list[str]:
    """Modules of the domain that no entry of tests/mutation.json names: nothing plants faults in them."""
    named = {file for group in json.loads(MAP.read_text())["domain"] for file in group["files"]}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "oracle" / "domain").rglob("*.py")}
    return sorted(path for path in modules - named if not path.endswith("__init__.py"))


def python_faults(target: Target, seed: int, count: int) -> list[Fault]:
    """A sample of cosmic-ray's faults of a module."""
    command = [AUDIT, ROOT / "scripts" / "mutation" / "python_faults.py", target.file, seed, count]
    done = subprocess.run([str(w) for w in command], cwd=ROOT, capture_output=True, text=True, check=True)
    before = (ROOT / target.file).read_text()
    made = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        Fault(m["line"], m["line"] * 1_000 + m["column"], m["operator"], change(before, m["source"]), m["source"])
        for m in made
    ]


class Unfit(Exception):
    """The tests do not pass without a fault, so that they say nothing."""


class Compiler:
    """scripts/mutation/compiler.mjs, running."""

    def __init__(self) -> None:
        command = ["node", str(ROOT / "scripts" / "mutation" / "compiler.mjs")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def artifacts(self, units: tuple[str, ...], changed: dict[str, str]) -> list[dict[str, Any]] | None:
        """The compiled units, None when they do not compile."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"units": units, "changed": changed}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, list[dict[str, Any]]] = json.loads(self.process.stdout.readline())
        return answer.get("artifacts")


@cache
def compiler() -> Compiler:
    """One for the whole run."""
    return Compiler()


def of_contract(target: Target, folder: Path) -> session.Prepare:
    """The tests deploy contracts that were compiled with the faulty source."""

    def prepare(fault: Fault | None) -> Callable[[], None] | None:
        made = compiler().artifacts(target.units, {target.file: fault.source} if fault else {})
        if made is None:
            return None
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "artifacts").mkdir(parents=True)
        replaced = {artifact["name"]: artifact for artifact in made}
        for path in (ROOT / "build" / "artifacts").glob("*.json"):
            if path.stem not in replaced:
                (folder / "artifacts" / path.name).symlink_to(path)
        for name, artifact in replaced.items():
            (folder / "artifacts" / f"{name}.json").write_text(json.dumps(artifact))
        return partial(deploy_from, folder)

    return prepare


def deploy_from(folder: Path) -> None:
    """From now on tests deploy what is in `folder`, of any size, and nobody counts gas: it is not optimised."""
    os.environ["PLUMBLINE_BUILD_DIR"] = str(folder)
    sys.modules["oracle.chain.build"].compile_contracts = lambda settings: None  # type: ignore[attr-defined]
    for module in list(sys.modules.values()):
        if "check_gas" in vars(module):
            module.check_gas = lambda name, gas, folder=None: None  # type: ignore[attr-defined]
    server = sys.modules["tests.support.local_chain"].AnvilServer
    start = server.start.__func__
    server.start = classmethod(
        lambda cls, log, *extra, **words: start(cls, log, "--disable-code-size-limit", *extra, **words)
    )


def of_module(target: Target) -> session.Prepare:
    """The tests have imported the module; it is changed where it is."""

    def prepare(fault: Fault | None) -> Callable[[], None]:
        return partial(inplace.plant, target.file, fault.source) if fault else lambda: None

    return prepare


def planted(target: Target, folder: Path, count: int, seed: int, known: dict[str, Verdict]) -> Iterator[Verdict]:
    """The verdicts on a sample of a target's faults. Raises Unfit."""
    if target.units:
        prepare = of_contract(target, folder / "build")
        faults = sample(solidity_faults.faults((ROOT / target.file).read_text()), seed, target.file)
    else:
        prepare, faults = of_module(target), python_faults(target, seed, count)
    return islice(mutate(target, faults, prepare, known), count or None)


def mutate(
    target: Target, faults: list[Fault], prepare: session.Prepare, known: dict[str, Verdict]
) -> Iterator[Verdict]:
    """Plants each fault in turn; one that does not compile is none. Raises Unfit."""
    source, tests = digest((ROOT / target.file).read_text()), digest(*(_text(path) for path in target.tests))
    left = []
    for fault in faults:
        old = known.get(f"{target.file} {fault.change}")
        if old and old.source == source and (old.killed or old.tests == tests):
            yield old
        else:
            left.append(fault)
    for fault, ended in session.run(target.tests, left, prepare, tolerant=bool(target.units)) if left else ():
        if fault:
            words = (target.file, fault.line, fault.operator, fault.change, ended.outcome != "passed")
            yield Verdict(*words, (ended.failed or (ended.outcome,))[0], round(ended.seconds, 1), source, tests)
        elif ended.outcome != "passed":
            words = ", ".join(ended.failed) or ended.outcome
            raise Unfit(f"{target.file}: its tests do not pass without a fault: {words}")


def _text(path: str) -> str:
    file = ROOT / path.partition("::")[0]
    return "".join(p.read_text() for p in sorted(file.rglob("*.py"))) if file.is_dir() else file.read_text()


def read(kept: Path) -> dict[str, Verdict]:
    """Verdicts of earlier runs, by file and change."""
    lines = kept.read_text().splitlines() if kept.exists() else []
    verdicts = [Verdict(**json.loads(line)) for line in lines]
    return {f"{v.file} {v.change}": v for v in verdicts}


def survivors(verdicts: list[Verdict]) -> tuple[list[Verdict], list[Verdict]]:
    """Those that tests/mutants.json explains, and the others."""
    reasons = json.loads(EXPLAINED.read_text())
    alive = [v for v in verdicts if not v.killed]
    explained = [v for v in alive if v.change in reasons.get(v.file, {})]
    return explained, [v for v in alive if v not in explained]


def tell(verdict: Verdict) -> None:
    """One line as it happens."""
    mark = "killed  " if verdict.killed else "SURVIVES"
    print(f"{mark} {verdict.seconds:6.1f}s {verdict.file}:{verdict.line} {verdict.change}", flush=True)


def facts(kind: str, seed: int, verdicts: list[Verdict], unfinished: list[str]) -> dict[str, Any]:
    """What a run came to."""
    explained, unexplained = survivors(verdicts)
    modules = {
        file: {"made": len(own), "killed": sum(v.killed for v in own)}
        for file in dict.fromkeys(v.file for v in verdicts)
        for own in [[v for v in verdicts if v.file == file]]
    }
    killed = sum(v.killed for v in verdicts)
    return {
        "kind": kind,
        "seed": seed,
        "made": len(verdicts),
        "killed": killed,
        "share": round(killed / max(1, len(verdicts)), 4),
        "explained": [asdict(v) for v in explained],
        "unexplained": [asdict(v) for v in unexplained],
        "modules": modules,
        "unfinished": unfinished,
    }


def say(found: dict[str, Any]) -> None:
    """The same as text."""
    for file, one in found["modules"].items():
        print(f"{file:55} {one['killed']:4} of {one['made']:4} killed")
    said = f"{found['killed']} of {found['made']} faults killed ({found['share']:.1%}), seed {found['seed']}"
    print(f"{said}; {len(found['explained'])} survivors explained, {len(found['unexplained'])} not")
    for one in found["unexplained"]:
        print(f"  survives: {one['file']}:{one['line']} {one['operator']}: {one['change']}")
    if found["unfinished"]:
        print(f"unfinished: {'; '.join(found['unfinished'])}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("domain", "contracts"), help="what to plant faults in")
    parser.add_argument("--count", type=int, default=COUNT, help=f"places of each source ({COUNT}); 0: all of them")
    parser.add_argument("--seed", type=int, default=SEED, help=f"draws the sample ({SEED})")
    parser.add_argument("--only", default="", help="sources whose path has one of these words, by commas, in it")
    parser.add_argument("--resume", action="store_true", help="keep the verdicts of earlier runs")
    parser.add_argument("--minutes", type=float, default=0, help="begin no fault after so long; 0: no limit")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    return parser.parse_args()


def main() -> int:
    """Mutates what is asked for and prints what came of it."""
    words = arguments()
    if words.kind == "domain" and not AUDIT.exists():
        raise SystemExit("no audit environment: make audit")
    chosen = targets(words.kind, words.only)
    if not chosen:
        raise SystemExit(f"no source of {words.kind} has {words.only} in its path: tests/mutation.json lists them")
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"mutation-{words.kind}.jsonl"
    known = read(kept) if words.resume else {}
    os.environ["PLUMBLINE_FUZZ_CASES"] = CASES
    deadline = time.monotonic() + 60 * words.minutes if words.minutes else float("inf")
    verdicts: list[Verdict] = []
    missing = unmapped() if words.kind == "domain" and not words.only else []
    unfinished = [f"{path} is not in tests/mutation.json" for path in missing]
    with tempfile.TemporaryDirectory() as folder, kept.open("a") as log:
        for target in chosen:
            try:
                for verdict in planted(target, Path(folder), words.count, words.seed, known):
                    verdicts.append(verdict)
                    print(json.dumps(asdict(verdict)), file=log, flush=True)
                    if not words.json:
                        tell(verdict)
                    if time.monotonic() > deadline:
                        unfinished.append(f"{target.file} (out of time)")
                        break
            except Unfit as error:
                unfinished.append(str(error))
    found = facts(words.kind, words.seed, verdicts, unfinished)
    print(json.dumps(found)) if words.json else say(found)
    return int(not verdicts or bool(unfinished) or found["share"] < BAR)


if __name__ == "__main__":
    sys.exit(main())
