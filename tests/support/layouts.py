"""Storage layouts and code sizes of contracts, as they are compiled."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from oracle.settings import PROJECT_ROOT, Settings

# What every number passes through. Its storage is read by slot (evidence, proofs of state), so no change may go unseen
PINNED: Final = (
    "InferenceCoordinator",
    "InferenceVerifier",
    "ModelRegistry",
    "ObservationFeed",
    "RiskFeed",
    "VectorObservationFeed",
)


def found(settings: Settings) -> dict[str, dict[str, Any]]:
    """Of each of these: its code's bytes, and `slot+offset type name` of each state variable."""
    facts: dict[str, dict[str, Any]] = {}
    for name in PINNED:
        document = json.loads((PROJECT_ROOT / settings.build_dir / "artifacts" / f"{name}.json").read_text())
        size = len(document["deployedBytecode"].removeprefix("0x")) // 2
        facts[name] = {"bytes": size, "storage": [_line(entry) for entry in document["storageLayout"]["storage"]]}
    return facts


def _line(entry: Any) -> str:
    kind = re.sub(r"\)\d+", ")", entry["type"])  # numbers of the syntax tree differ from build to build
    return f"{entry['slot']}+{entry['offset']} {kind} {entry['label']}"
