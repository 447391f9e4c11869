"""Evidence archives forged with their index made anew, so that only their meaning gives them away."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from oracle.daemon import archive_checks
from oracle.domain.archive import PROOF, REQUEST, ROUND
from oracle.domain.evidence import Check, CheckStatus
from oracle.domain.proofs import Proof
from oracle.proving.building.manifest import CircuitManifest
from oracle.settings import Settings

Change = Callable[[Any], None]


def one_check(settings: Settings, kind: str, members: dict[str, bytes], name: str) -> Check:
    """One of check_offline's, which test_archive__..__every_check holds to be among them; all would take minutes."""
    manifest = CircuitManifest.model_validate_json(members["manifest.json"])
    proof = Proof.from_document(json.loads(members[PROOF]))
    if name == "proof under the circuit's key":
        return archive_checks._run(name, lambda: archive_checks._proof(settings, members, proof))
    told = json.loads(members[REQUEST if kind == "request" else ROUND])
    check = dict(archive_checks._OF_ROUNDS.get(kind, archive_checks._INFERENCE))[name]
    return archive_checks._run(name, lambda: check(members, told, manifest, proof))


def failed(checks: list[Check]) -> set[str]:
    """The names of those that failed."""
    return {check.name for check in checks if check.status is CheckStatus.FAILED}


def edited(name: str, change: Change) -> Callable[[dict[str, bytes]], None]:
    """What changes a member's document."""

    def apply(members: dict[str, bytes]) -> None:
        document = json.loads(members[name])
        change(document)
        members[name] = json.dumps(document).encode()

    return apply


def put(*path: str | int, value: Any) -> Change:
    """What puts another value at a place of a document."""

    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        assert document[path[-1]] != value
        document[path[-1]] = value

    return change
