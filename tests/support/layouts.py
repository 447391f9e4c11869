"""Storage layouts and code sizes of contracts, as they are compiled."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from oracle.settings import PROJECT_ROOT, Settings

# What every number passes through. Its storage is read by slot (evidence, proofs of state), so no change may go unseen
PINNED: Final = ("feeds", "observations", "registry", "requests", "verification")


def found(settings: Settings) -> dict[str, dict[str, Any]]:
    """For each contract with code in those folders: its bytes, and `slot+offset type name` of each state variable."""
    facts: dict[str, dict[str, Any]] = {}
    for path in sorted((PROJECT_ROOT / settings.build_dir / "artifacts").glob("*.json")):
        document = json.loads(path.read_text())
        folder = document["source"].removeprefix("contracts/").split("/")[0]
        code = document["deployedBytecode"].removeprefix("0x")
        if folder in PINNED and code:
            variables = document["storageLayout"]["storage"]
            facts[document["name"]] = {"bytes": len(code) // 2, "storage": [_line(entry) for entry in variables]}
    return facts


def _line(entry: Any) -> str:
    kind = re.sub(r"\)\d+", ")", entry["type"])  # numbers of the syntax tree differ from build to build
    return f"{entry['slot']}+{entry['offset']} {kind} {entry['label']}"
