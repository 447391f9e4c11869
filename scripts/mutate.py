"""Plants faults in the arithmetic that money rests on, one at a time, and counts those that the unit tests see.

cosmic-ray of .venv-audit makes the faults, in a copy of the tree; `--limit` takes an even sample of them. What survives
is listed, unless tests/mutants.json says why no test can see it. Exit code 1 below 90 %.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PROGRAM: Final = ROOT / ".venv-audit" / "bin" / "cosmic-ray"
EXPLAINED: Final = ROOT / "tests" / "mutants.json"
BAR: Final = 0.9
TIMEOUT_SECS: Final = 60.0
# Each module, and the tests that are to see its faults
TARGETS: Final = {
    "oracle/domain/margin.py": ("tests/unit/domain/test_margin.py",),
    "oracle/domain/guards.py": ("tests/unit/domain/test_guards.py",),
    "oracle/domain/lending.py": ("tests/unit/domain/test_lending.py",),
    "oracle/domain/garch.py": ("tests/unit/domain/test_garch.py",),
}
OPTIONS: Final = "-q -x --noconftest -c /dev/null --rootdir . --import-mode=importlib -p no:cacheprovider"
CONFIG: Final = """[cosmic-ray]
module-path = "{module}"
timeout = {timeout}
excluded-modules = []
test-command = "{python} -m pytest {options} {tests}"
[cosmic-ray.distributor]
name = "local"
"""


def mutate(tree: Path, module: str, tests: tuple[str, ...], limit: int) -> list[dict[str, Any]]:
    """The faults of one module and whether each was seen."""
    config, session = tree / "mutate.toml", tree / "mutate.sqlite"
    session.unlink(missing_ok=True)
    values = {"module": module, "timeout": TIMEOUT_SECS, "python": sys.executable}
    config.write_text(CONFIG.format(**values, options=OPTIONS, tests=" ".join(tests)))
    _run(tree, "init", str(config), str(session))
    with sqlite3.connect(session) as store:
        jobs = [row[0] for row in store.execute("select job_id from mutation_specs order by start_pos_row, job_id")]
        kept = set(jobs[:: max(1, -(-len(jobs) // limit))])
        for table in ("mutation_specs", "work_items"):
            store.executemany(f"delete from {table} where job_id = ?", [(job,) for job in jobs if job not in kept])
    _run(tree, "exec", str(config), str(session))
    query = (
        "select m.operator_name, m.occurrence, m.start_pos_row, r.test_outcome from mutation_specs m "
        "join work_results r on r.job_id = m.job_id order by m.start_pos_row"
    )
    with sqlite3.connect(session) as store:
        return [
            {
                "file": module,
                "line": line,
                "fault": f"{operator.split('/')[-1]}#{occurrence}",
                "seen": "KILLED" in outcome.upper(),
            }
            for operator, occurrence, line, outcome in store.execute(query)
        ]


def _run(tree: Path, *words: str) -> None:
    done = subprocess.run([str(PROGRAM), *words], cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"cosmic-ray {words[0]} fails: {(done.stderr or done.stdout)[-400:]}")


def main() -> int:
    """Mutates what is asked for and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=2_000, help="faults in all, about")
    parser.add_argument("--only", default="", help="modules whose name has this in it")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    words = parser.parse_args()
    if not PROGRAM.exists():
        raise SystemExit("no audit environment: make audit")
    chosen = {module: tests for module, tests in TARGETS.items() if words.only in module}
    made: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in ("oracle", "models", "tests"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        for module, tests in chosen.items():
            made += mutate(tree, module, tests, max(1, words.limit // len(chosen)))
    reasons = json.loads(EXPLAINED.read_text())
    survived = [m for m in made if not m["seen"]]
    unexplained = [m for m in survived if f"{m['file']} {m['fault']}" not in reasons]
    killed = len(made) - len(survived)
    facts = {"made": len(made), "killed": killed, "share": killed / max(1, len(made)), "unexplained": unexplained}
    if words.json:
        print(json.dumps(facts))
    else:
        print(f"{killed} of {len(made)} faults seen ({facts['share']:.1%})")
        for one in unexplained:
            print(f"  survives: {one['file']}:{one['line']} {one['fault']}")
    return int(not made or facts["share"] < BAR)


if __name__ == "__main__":
    sys.exit(main())
