"""docs/security.md against what exists: every attack has its tests, every test its row."""

from __future__ import annotations

import subprocess
import sys

from oracle.settings import PROJECT_ROOT


def test_attacks_table__as_written__names_every_test_of_every_attack() -> None:
    script = [sys.executable, "scripts/attacks.py", "--check"]
    done = subprocess.run(script, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
