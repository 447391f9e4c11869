"""The table of attacks in docs/security.md: names the files that test each line, found by the tests' names.

`--check` fails when the table is not what the tests say; without it the table's last column is written again.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "security.md"
LINES: Final = range(1, 34)
NAME: Final = re.compile(r"test_attack_(\d\d)_+(.+)")
ROW: Final = re.compile(r"^\| (\d+) \|(.*?)\|(.*?)\|(.*)\|$", re.M)


def found_tests() -> dict[int, list[str]]:
    """For each line of the list of attacks, the files under tests that make it."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and (match := NAME.fullmatch(node.name)):
                found[int(match[1])].add(str(path.relative_to(ROOT / "tests")))
    return {line: sorted(files) for line, files in found.items()}


def cell(files: list[str]) -> str:
    """The last column: files, those outside tests/attacks with their folder."""
    return ", ".join(f"`{file.removeprefix('attacks/')}`" for file in files)


def render(page: str) -> str:
    """The page with the tests as they are now. Raises ValueError for a line without a row or without a test."""
    found = found_tests()
    rows = [int(match[1]) for match in ROW.finditer(page)]
    faults = [
        *(f"attack {n} has no row in {PAGE.name}" for n in LINES if n not in rows),
        *(f"attack {n} has {rows.count(n)} rows" for n in LINES if rows.count(n) > 1),
        *(f"attack {n} has no test" for n in LINES if n not in found),
        *(f"there is no attack {n}" for n in sorted({*found, *rows}.difference(LINES))),
    ]
    if faults:
        raise ValueError("; ".join(faults))
    return ROW.sub(lambda m: f"| {m[1]} |{m[2]}|{m[3]}| {cell(found[int(m[1])])} |", page)


def main() -> int:
    """0 when the table is, or has been made, what the tests say."""
    page = PAGE.read_text()
    try:
        rendered = render(page)
    except ValueError as error:
        print(error)
        return 1
    if rendered == page:
        return 0
    if "--check" in sys.argv:
        print("docs/security.md does not name the tests as they are: run scripts/attacks.py")
        return 1
    PAGE.write_text(rendered)
    return 0


if __name__ == "__main__":
    sys.exit(main())
