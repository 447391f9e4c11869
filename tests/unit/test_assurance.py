"""`make assurance` in its short form: the table holds what was asked, reached and found."""

from __future__ import annotations

import json
import subprocess
import sys

from oracle.settings import PROJECT_ROOT

# Checks that one reason may explain as a whole; every other finding has the reason of its own place
STYLE = {"naming-convention", "shadowing-local"}
SCRIPT = [sys.executable, "scripts/assurance.py"]


def test_assurance__short_form_of_two_suites__both_pass_with_their_counts() -> None:
    words = [*SCRIPT, "--short", "--only", "layouts,supply", "--json"]
    done = subprocess.run(words, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=500)
    outcomes = {one["suite"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 0, outcomes
    assert {name: one["outcome"] for name, one in outcomes.items()} == {"layouts": "passed", "supply": "passed"}
    assert outcomes["layouts"]["reached"] >= 3
    assert outcomes["supply"]["reached"] > 200


def test_assurance__unknown_suite__names_it() -> None:
    done = subprocess.run([*SCRIPT, "--only", "nothing"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such suite: nothing" in done.stderr


def test_audit_lock__every_package__has_its_hashes() -> None:
    text = (PROJECT_ROOT / "requirements-audit.lock").read_text()
    entries = [line for line in text.splitlines() if "==" in line]
    assert any(line.startswith("halmos==0.3.3") for line in entries)
    assert any(line.startswith("slither-analyzer==0.11.6") for line in entries)
    assert all(line.endswith("\\") for line in entries)


def test_slither_reasons__each__says_why() -> None:
    reasons = json.loads((PROJECT_ROOT / "tests" / "slither.json").read_text())
    assert all(len(reason) > 10 for places in reasons.values() for reason in places.values())


def test_slither_reasons__for_whole_checks__are_of_style_alone() -> None:
    reasons = json.loads((PROJECT_ROOT / "tests" / "slither.json").read_text())
    assert {check for check, places in reasons.items() if "*" in places} <= STYLE
