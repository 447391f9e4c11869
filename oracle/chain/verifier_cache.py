"""Compiled verifiers by the hash of what they were made from: solc takes seconds, and the same source comes often."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from oracle.chain import solc
from oracle.chain.build import ContractArtifact
from oracle.errors import ModelRejected
from oracle.settings import Settings


def compiled_verifier(settings: Settings, source: Path, name: str = solc.VERIFIER_CONTRACT) -> ContractArtifact:
    """The compiled verifier of a circuit's Verifier.sol, from the cache where it is there; `name`: its contract.

    Raises ModelRejected for a missing or unreadable source, and what solc.compile_verifier raises.
    """
    try:
        text = source.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelRejected(f"the verifier's source cannot be read: {error}") from error
    recipe = json.dumps([text, name, solc.compiler_version(), solc.compiler_settings()], sort_keys=True)
    cached = settings.cache_dir / "verifiers" / f"{sha256(recipe.encode()).hexdigest()}.json"
    artifact = _read(cached)
    if artifact is None:
        artifact = solc.compile_verifier(settings, source, name)
        with suppress(OSError):  # a cache that cannot be written only costs time
            _write(cached, artifact)
    return artifact


def _read(cached: Path) -> ContractArtifact | None:
    try:
        content = json.loads(cached.read_text())
        return ContractArtifact(
            name=content["name"],
            abi=tuple(content["abi"]),
            bytecode=bytes.fromhex(content["bytecode"]),
            deployed_bytecode=bytes.fromhex(content["deployedBytecode"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(cached: Path, artifact: ContractArtifact) -> None:
    cached.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "name": artifact.name,
        "abi": artifact.abi,
        "bytecode": artifact.bytecode.hex(),
        "deployedBytecode": artifact.deployed_bytecode.hex(),
    }
    descriptor, temporary = tempfile.mkstemp(dir=cached.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file)
        Path(temporary).replace(cached)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
