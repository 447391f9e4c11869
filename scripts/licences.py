"""Writes docs/licences.md: every package of the lock files with its version, licence and use.

.venv/bin/python scripts/licences.py            write
.venv/bin/python scripts/licences.py --check    exit 1 if the file is not what would be written, or a licence forbids it
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "licences.md"

# Packages whose own metadata says nothing, or not the whole of it; read in their files or repositories
NOTES = {
    "ezkl": "none stated in the wheel; its repository dropped Apache-2.0 in January 2024; generated verifiers say MIT",
    "@aave/core-v3": "BUSL-1.1",
}
COPYLEFT = re.compile(r"\bA?GPL", re.I)
WEAK = re.compile(r"LGPL|Lesser", re.I)
NAMES = {
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ISC License (ISCL)": "ISC",
}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(dist: metadata.Distribution) -> str:
    meta = dist.metadata
    if note := NOTES.get(canonical(meta["Name"])):
        return note
    if expression := meta.get("License-Expression"):
        return expression
    classifiers = [c.split("::")[-1].strip() for c in meta.get_all("Classifier", []) if c.startswith("License ::")]
    named = sorted({NAMES.get(c, c) for c in classifiers if c != "OSI Approved"})
    if named:
        return ", ".join(named)
    text = (meta.get("License") or "").strip().splitlines()
    return text[0][:60] if text else "not stated"


def runtime_closure() -> set[str]:
    """Names of the packages that the shipped service imports, directly or through another."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    todo = [canonical(re.split(r"[\[<>=!~; ]", d)[0]) for d in project["dependencies"]]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            requires = metadata.distribution(name).requires or []
        except metadata.PackageNotFoundError:
            continue
        todo += [canonical(re.split(r"[\[<>=!~; (]", r)[0]) for r in requires if "extra ==" not in r]
    return seen


def python_rows() -> list[tuple[str, str, str, str]]:
    runtime = runtime_closure()
    pinned = re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / "requirements.lock").read_text(), re.M)
    rows = []
    for name in sorted(map(canonical, pinned)):
        try:
            dist = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # pinned for another platform
        version = dist.version.split("+")[0]
        rows.append((name, version, licence_of(dist), "runtime" if name in runtime else "development"))
    return rows


def npm_rows() -> list[tuple[str, str, str, str]]:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    rows = set()
    for path, entry in packages.items():
        if not path:
            continue
        name = path.split("node_modules/")[-1]
        licence = NOTES.get(name) or entry.get("license", "not stated")
        rows.add((name, entry["version"], str(licence), "development" if entry.get("dev") else "build"))
    return sorted(rows)


def table(rows: list[tuple[str, str, str, str]]) -> str:
    lines = ["| package | version | licence | use |", "| --- | --- | --- | --- |"]
    return "\n".join(lines + [f"| {n} | {v} | {lic} | {use} |" for n, v, lic, use in rows])


def render() -> tuple[str, list[str]]:
    python, npm = python_rows(), npm_rows()
    forbidden = [
        f"{n} {v}: {lic}"
        for n, v, lic, use in python + npm
        if use != "development" and COPYLEFT.search(lic) and not WEAK.search(lic)
    ]
    text = f"""# Licences of what Plumbline depends on

Made by `scripts/licences.py` from the lock files; `make test` compares. Nothing that ships imports a package under
the GPL or AGPL. `runtime` is what the service imports, `build` what contracts are compiled with and from,
`development` the rest.

## Python

{table(python)}

## npm

{table(npm)}
"""
    return text, forbidden


def main() -> int:
    text, forbidden = render()
    for line in forbidden:
        print(f"forbidden licence in what ships: {line}", file=sys.stderr)
    if "--check" not in sys.argv:
        OUT.parent.mkdir(exist_ok=True)
        OUT.write_text(text)
    elif not OUT.exists() or OUT.read_text() != text:
        print(f"{OUT.relative_to(ROOT)} is out of date: run scripts/licences.py", file=sys.stderr)
        return 1
    return 1 if forbidden else 0


if __name__ == "__main__":
    sys.exit(main())
