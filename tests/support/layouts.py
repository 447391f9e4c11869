"""Storage layouts and code sizes of contracts, as they are compiled."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from oracle.settings import PROJECT_ROOT, Settings

# Never deployed by themselves: what is tested with, what is compiled into others, what has no code
APART: Final = ("contracts/testing/", "contracts/libraries/", "contracts/interfaces/")


def found(settings: Settings) -> dict[str, dict[str, Any]]:
    """Of each contract that is deployed: its code's bytes, and `slot+offset type name` of each state variable."""
    facts: dict[str, dict[str, Any]] = {}
    for path in sorted((PROJECT_ROOT / settings.build_dir / "artifacts").glob("*.json")):
        document = json.loads(path.read_text())
        size = len(document["deployedBytecode"].removeprefix("0x")) // 2
        has_functions = any(entry["type"] == "function" for entry in document["abi"])
        if size and has_functions and not document["source"].startswith(APART):
            storage = [_line(entry) for entry in document["storageLayout"]["storage"]]
            facts[path.stem] = {"bytes": size, "storage": storage}
    return facts


def _line(entry: Any) -> str:
    kind = re.sub(r"\)\d+", ")", entry["type"])  # numbers of the syntax tree differ from build to build
    return f"{entry['slot']}+{entry['offset']} {kind} {entry['label']}"
