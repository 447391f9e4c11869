"""docs/security.md against what exists: every attack has its tests, every test its row."""

from __future__ import annotations

import re
import subprocess
import sys

from oracle.settings import PROJECT_ROOT


def test_attacks_table__as_written__names_every_test_of_every_attack() -> None:
    script = [sys.executable, "scripts/attacks.py", "--check"]
    done = subprocess.run(script, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


def test_page__every_test_and_file_that_it_names__exists() -> None:
    page = (PROJECT_ROOT / "docs" / "security.md").read_text()
    sources = "".join(path.read_text() for path in (PROJECT_ROOT / "tests" / "e2e").glob("test_*.py"))
    named = set(re.findall(r"`(test_\w+__\w+)`", page))
    assert named
    assert {name for name in named if f"def {name}(" not in sources} == set()
    files = set(re.findall(r"\btests/[\w/]+(?:\.py|\.json)?", page))
    assert {file for file in files if not (PROJECT_ROOT / file).exists()} == set()


def test_page__no_marks_of_a_merge__in_any_page() -> None:
    pages = [*(PROJECT_ROOT / "docs").rglob("*.md"), PROJECT_ROOT / "README.md", PROJECT_ROOT / "CHANGELOG.md"]
    assert [p.name for p in pages if re.search(r"^(<{7}|={7}|>{7})( |$)", p.read_text(), re.M)] == []
