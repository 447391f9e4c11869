"""Which tests have to see the faults of which source, as tests/mutation.json says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from .faults import digest

ROOT: Final = Path(__file__).resolve().parents[2]
MAP: Final = ROOT / "tests" / "mutation.json"
SOURCES: Final = {"domain": ("oracle/domain", "*.py"), "contracts": ("contracts", "*.sol")}
# Of random histories and windows that a fault gets; some tests ask that more be reached than so few reach
CASES: Final = 400
# Folders of contracts that deploy no code of their own, or only the tests'
WITHOUT_CODE: Final = {"interfaces", "types", "testing"}


@dataclass(frozen=True)
class Target:
    """Sources, the tests that are to see their faults, and for contracts what is compiled with them."""

    files: tuple[str, ...]
    tests: tuple[str, ...]
    units: tuple[str, ...] = ()
    cases: int = CASES


def targets(kind: str, only: str) -> list[Target]:
    """What tests/mutation.json says of this kind."""
    groups = json.loads(MAP.read_text())[kind]
    chosen = [
        Target(
            tuple(file for file in group["files"] if any(word in file for word in only.split(","))),
            tuple(group["tests"]),
            tuple(group.get("units", ())),
            group.get("cases", CASES),
        )
        for group in groups
    ]
    return [target for target in chosen if target.files]


def unmapped(kind: str) -> list[str]:
    """Sources of this kind that no entry of tests/mutation.json names: nothing plants faults in them."""
    named = {file for group in json.loads(MAP.read_text())[kind] for file in group["files"]}
    root, pattern = SOURCES[kind]
    paths = [path.relative_to(ROOT) for path in (ROOT / root).rglob(pattern) if path.name != "__init__.py"]
    return sorted(str(path) for path in paths if str(path) not in named and path.parts[1] not in WITHOUT_CODE)


@cache
def tests_of(target: Target) -> str:
    """Names the text of a target's tests, which a survivor's verdict depends on."""
    return digest(*(_text(path) for path in target.tests))


def _text(path: str) -> str:
    file = ROOT / path.partition("::")[0]
    return "".join(p.read_text() for p in sorted(file.rglob("*.py"))) if file.is_dir() else file.read_text()
