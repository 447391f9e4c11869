"""Compiled contracts: build/artifacts, made by scripts/compile.mjs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from oracle.errors import ArtifactMismatch, ToolMissing
from oracle.settings import PROJECT_ROOT, Settings

COMPILE_SCRIPT: Final = PROJECT_ROOT / "scripts" / "compile.mjs"
BUILD_TIMEOUT_SECS: Final = 300.0


@dataclass(frozen=True, slots=True)
class ContractArtifact:
    """A compiled contract: its ABI in JSON form, creation code and runtime code."""

    name: str
    abi: tuple[dict[str, Any], ...]
    bytecode: bytes
    deployed_bytecode: bytes


def load(settings: Settings, name: str) -> ContractArtifact:
    """The artifact of contract `name`. Raises ArtifactMismatch when it was not compiled."""
    return _read(artifacts_dir(settings) / f"{name}.json")


def load_all(settings: Settings) -> dict[str, ContractArtifact]:
    """Every compiled contract and interface, by name."""
    return {path.stem: _read(path) for path in sorted(artifacts_dir(settings).glob("*.json"))}


def artifacts_dir(settings: Settings) -> Path:
    """The folder that holds one JSON file for each contract."""
    return settings.build_dir / "artifacts"


def compile_contracts(settings: Settings) -> None:
    """Brings build/ up to date; quick when nothing changed.

    Raises ArtifactMismatch with the compiler's messages; what does compile is then still there.
    """
    node = shutil.which("node")
    if node is None:
        raise ToolMissing("node is not on PATH", remedy="Install Node.js 20 or newer.")
    environment = {**os.environ, "PLUMBLINE_BUILD_DIR": str(settings.build_dir)}
    done = subprocess.run(
        [node, str(COMPILE_SCRIPT)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_SECS,
        check=False,
    )
    if done.returncode != 0:
        raise ArtifactMismatch(f"contracts do not compile:\n{done.stderr.strip()}")


def _read(path: Path) -> ContractArtifact:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise ArtifactMismatch(f"{path.stem} is not compiled ({path})", remedy="Run make contracts.") from None
    return ContractArtifact(
        name=content["name"],
        abi=tuple(content["abi"]),
        bytecode=bytes.fromhex(content["bytecode"][2:]),
        deployed_bytecode=bytes.fromhex(content["deployedBytecode"][2:]),
    )
