"""The parts lists of `make sbom` against the lock files: nothing locked is missing, nothing is added."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from oracle.settings import PROJECT_ROOT

HASH = re.compile(r"sha256:[0-9a-f]{64}")


@pytest.fixture(scope="module")
def documents() -> tuple[dict, dict]:
    """Both documents, made now, without asking for vulnerabilities."""
    script = [sys.executable, "scripts/sbom.py", "--no-audit", "--json"]
    done = subprocess.run(script, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    folder = Path(json.loads(done.stdout)["folder"])
    python, npm = (json.loads((folder / f"{name}.json").read_text()) for name in ("python", "npm"))
    return python, npm


def test_python_parts__against_the_lock__same_versions_and_hashes(documents: tuple[dict, dict]) -> None:
    """The lock is read here line by line, apart from the script's own reading."""
    locked: dict[str, set[str]] = {}
    purl = ""
    for line in (PROJECT_ROOT / "requirements.lock").read_text().splitlines():
        if line and not line.startswith((" ", "#", "-")):
            name, version = line.removesuffix("\\").strip().split(";")[0].split("==")
            purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name.split('[')[0]).lower()}@{version.strip()}"
            locked[purl] = set()
        elif match := HASH.search(line):
            locked[purl].add(match[0])
    listed = {part["purl"]: {entry["value"] for entry in part["properties"]} for part in documents[0]["components"]}
    assert listed == locked
    assert all(hashes for hashes in locked.values())


def test_npm_parts__against_the_lock__same_packages_and_integrity(documents: tuple[dict, dict]) -> None:
    packages = json.loads((PROJECT_ROOT / "package-lock.json").read_text())["packages"]
    locked = {(path.rpartition("node_modules/")[2], entry["version"]) for path, entry in packages.items() if path}
    listed = {
        ("/".join(filter(None, (part.get("group"), part["name"]))), part["version"])
        for part in documents[1]["components"]
    }
    assert listed == locked
    assert [path for path, entry in packages.items() if path and not entry["integrity"].startswith("sha512-")] == []


def test_documents__as_cyclonedx__name_their_form_and_no_part_twice(documents: tuple[dict, dict]) -> None:
    for document in documents:
        assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
        references = [part["bom-ref"] for part in document["components"]]
        assert len(set(references)) == len(references)
