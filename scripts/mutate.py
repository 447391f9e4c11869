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
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from mutation import inplace, session, solidity_faults
from mutation.faults import Fault, change, digest, sample
from mutation.targets import Target, targets, tests_of, unmapped

ROOT: Final = Path(__file__).resolve().parent.parent
AUDIT: Final = ROOT / ".venv-audit" / "bin" / "python"
EXPLAINED: Final = ROOT / "tests" / "mutants.json"
KEPT: Final = ROOT / "build" / "assurance"
BAR: Final = 0.9
SEED: Final = 7992
COUNT: Final = 12


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


def python_faults(file: str, seed: int, count: int) -> list[Fault]:
    """A sample of cosmic-ray's faults of a module."""
    command = [AUDIT, ROOT / "scripts" / "mutation" / "python_faults.py", file, seed, count]
    done = subprocess.run([str(w) for w in command], cwd=ROOT, capture_output=True, text=True, check=True)
    before = (ROOT / file).read_text()
    made = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        Fault(m["line"], m["line"] * 1_000 + m["column"], m["operator"], change(before, m["source"]), m["source"])
        for m in made
    ]


# Gives what a fork has to do to have a source's fault, None when it is no program
Plant = Callable[[str, Fault | None], Callable[[], None] | None]


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


def of_contract(target: Target, folder: Path) -> Plant:
    """The tests deploy contracts that were compiled with the faulty source."""

    def plant(file: str, fault: Fault | None) -> Callable[[], None] | None:
        made = compiler().artifacts(target.units, {file: fault.source} if fault else {})
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

    return plant


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


def of_module(file: str, fault: Fault | None) -> Callable[[], None]:
    """The tests have imported the module; it is changed where it is."""
    return partial(inplace.plant, file, fault.source) if fault else lambda: None


def planted(target: Target, folder: Path, count: int, seed: int, known: dict[str, Verdict]) -> Iterator[Verdict]:
    """The verdicts on a sample of each source's faults, known ones first. Raises Unfit."""
    tests = tests_of(target)
    made: Counter[str] = Counter()
    left: list[list[tuple[str, Fault]]] = []
    for file in target.files:
        source, own = digest((ROOT / file).read_text()), []
        for fault in drawn(target, file, count, seed):
            old = known.get(place(file, fault))
            if not (old and old.source == source and (old.killed or old.tests == tests)):
                own.append((file, fault))
            elif not count or made[file] < count:
                made[file] += 1
                yield old
        left.append(own if not count or made[file] < count else [])
    # One of each source in turn, so that each has some when the time ends
    yield from mutate(target, [one for row in zip_longest(*left) for one in row if one], folder, count, made)


def drawn(target: Target, file: str, count: int, seed: int) -> list[Fault]:
    """A sample of a source's faults; of a contract's all in the sample's order, as not all of them compile."""
    if target.units:
        return sample(solidity_faults.faults((ROOT / file).read_text()), seed, file)
    return python_faults(file, seed, count)


def mutate(
    target: Target, faults: list[tuple[str, Fault]], folder: Path, count: int, made: Counter[str]
) -> Iterator[Verdict]:
    """Plants each fault in turn, up to `count` a source; one that does not compile is none. Raises Unfit."""
    plant: Plant = of_contract(target, folder / "build") if target.units else of_module
    files = {fault.source: file for file, fault in faults}

    def prepare(fault: Fault | None) -> Callable[[], None] | None:
        file = files[fault.source] if fault else ""
        if fault and count and made[file] >= count:
            return None
        have = plant(file, fault)
        made[file] += have is not None
        return have

    ours = [fault for _, fault in faults]
    os.environ["PLUMBLINE_FUZZ_CASES"] = str(target.cases)
    for fault, ended in session.run(target.tests, ours, prepare, tolerant=bool(target.units)) if ours else ():
        if fault:
            file = files[fault.source]
            words = (file, fault.line, fault.operator, fault.change, ended.outcome != "passed")
            source, by = digest((ROOT / file).read_text()), (ended.failed or (ended.outcome,))[0]
            yield Verdict(*words, by, round(ended.seconds, 1), source, tests_of(target))
        elif ended.outcome != "passed":
            words = ", ".join(ended.failed) or ended.outcome
            raise Unfit(f"{target.files[0]}: its tests do not pass without a fault: {words}")


def read(kept: Path) -> dict[str, Verdict]:
    """Verdicts of earlier runs, by place and change."""
    lines = kept.read_text().splitlines() if kept.exists() else []
    verdicts = [Verdict(**json.loads(line)) for line in lines]
    return {place(v.file, v): v for v in verdicts}


def place(file: str, one: Fault | Verdict) -> str:
    """Names a fault: several lines of a source may be changed in the same words."""
    return f"{file}:{one.line} {one.change}"


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
    deadline = time.monotonic() + 60 * words.minutes if words.minutes else float("inf")
    verdicts: list[Verdict] = []
    missing = [] if words.only else unmapped(words.kind)
    unfinished = [f"{path} is not in tests/mutation.json" for path in missing]
    with tempfile.TemporaryDirectory() as folder, kept.open("a") as log:
        for target in chosen:
            if time.monotonic() > deadline:
                unfinished.append(f"{target.files[0]} (out of time)")
                continue
            try:
                for verdict in planted(target, Path(folder), words.count, words.seed, known):
                    verdicts.append(verdict)
                    print(json.dumps(asdict(verdict)), file=log, flush=True)
                    if not words.json:
                        tell(verdict)
                    if time.monotonic() > deadline:
                        unfinished.append(f"{verdict.file} (out of time)")
                        break
            except Unfit as error:
                unfinished.append(str(error))
    found = facts(words.kind, words.seed, verdicts, unfinished)
    print(json.dumps(found)) if words.json else say(found)
    return int(not verdicts or bool(unfinished) or found["share"] < BAR)


if __name__ == "__main__":
    sys.exit(main())
