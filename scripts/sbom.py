"""The parts lists of what is locked, as CycloneDX 1.5 JSON: build/sbom/python.json and build/sbom/npm.json.

Known vulnerabilities are asked for where .venv-audit and a vulnerability service are at hand; else the reason is said.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
OUT: Final = ROOT / "build" / "sbom"
LOCKED: Final = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^ \\;]+)[^\n]*\n((?:    --hash=[^\n]*\n)*)", re.M)


def python_components() -> list[dict[str, Any]]:
    """A component for each line of requirements.lock, with the hashes that pip accepts."""
    components = []
    for name, version, hashes in LOCKED.findall((ROOT / "requirements.lock").read_text()):
        plain = re.sub(r"[-_.]+", "-", name).lower()
        found = [{"alg": "SHA-256", "content": h} for h in re.findall(r"sha256:([0-9a-f]{64})", hashes)]
        purl = f"pkg:pypi/{plain}@{version}"
        part = {"type": "library", "bom-ref": purl, "name": plain, "version": version, "purl": purl}
        components.append({**part, "hashes": found[:1] if len(found) == 1 else []} | _accepted(found))
    return components


def _accepted(hashes: list[dict[str, str]]) -> dict[str, Any]:
    """All wheels' hashes: CycloneDX wants those of one file, so the list is a property."""
    return {"properties": [{"name": "plumbline:pip-hash", "value": f"sha256:{h['content']}"} for h in hashes]}


def npm_document() -> dict[str, Any]:
    """npm's own parts list of package-lock.json."""
    command = ["npm", "sbom", "--sbom-format", "cyclonedx", "--package-lock-only"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"npm sbom fails: {done.stderr.strip()[-300:]}")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def vulnerabilities() -> tuple[bool, str]:
    """Whether pip-audit knows a fault of what is locked, and what it says."""
    program = ROOT / ".venv-audit" / "bin" / "pip-audit"
    if not program.exists():
        return False, "vulnerabilities not asked for: make audit"
    command = [str(program), "--disable-pip", "--no-deps", "-r", "requirements.lock", "-f", "json", "--timeout", "10"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return False, "vulnerabilities not known: no vulnerability service is reached from here"
    asked = [d for d in found["dependencies"] if "skip_reason" not in d]
    if not asked:
        return False, "vulnerabilities not known: no vulnerability service is reached from here"
    bad = [f"{d['name']} {v['id']}" for d in asked for v in d["vulns"]]
    return bool(bad), ", ".join(
        bad
    ) or f"no known vulnerability in {len(asked)} of {len(found['dependencies'])} packages"


def main() -> int:
    """Writes both documents; 1 when a known vulnerability is among the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-audit", action="store_true", help="do not ask for known vulnerabilities")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    words = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    python = python_components()
    document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": python}
    npm = npm_document()
    (OUT / "python.json").write_text(json.dumps(document, indent=1) + "\n")
    (OUT / "npm.json").write_text(json.dumps(npm, indent=1) + "\n")
    vulnerable, said = (False, "vulnerabilities not asked for") if words.no_audit else vulnerabilities()
    count = len(python) + len(npm["components"])
    facts = {"components": count, "folder": str(OUT), "vulnerable": vulnerable, "audit": said}
    print(json.dumps(facts) if words.json else f"{facts['components']} components in {OUT}; {said}")
    return int(vulnerable)


if __name__ == "__main__":
    sys.exit(main())
