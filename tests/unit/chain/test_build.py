"""oracle.chain.build: artifacts as compiled, and what a missing one says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from oracle.chain import build
from oracle.errors import ArtifactMismatch, ToolMissing
from oracle.settings import Settings


def test_load__compiled_contract__abi_and_code(settings: Settings, compiled: object) -> None:
    artifact = build.load(settings, "ObservationFeed")
    assert artifact.name == "ObservationFeed"
    assert any(entry.get("name") == "submit" for entry in artifact.abi)
    assert artifact.deployed_bytecode
    assert len(artifact.bytecode) > len(artifact.deployed_bytecode)


def test_load__interface__without_code(settings: Settings, compiled: object) -> None:
    assert build.load(settings, "IObservationFeed").bytecode == b""


def test_load__never_compiled__says_what_to_do(settings: Settings) -> None:
    with pytest.raises(ArtifactMismatch, match="Nowhere is not compiled") as caught:
        build.load(settings, "Nowhere")
    assert "make contracts" in caught.value.remedy


def test_compile_contracts__second_time__compiles_nothing(settings: Settings, compiled: object) -> None:
    manifest = settings.build_dir / "manifest.json"
    artifact = build.artifacts_dir(settings) / "IObservationFeed.json"
    before = artifact.stat().st_mtime_ns
    assert "contracts/interfaces/IObservationFeed.sol" in json.loads(manifest.read_text())
    subprocess.run(["node", str(build.COMPILE_SCRIPT)], check=False, capture_output=True, timeout=300)
    assert artifact.stat().st_mtime_ns == before


def test_compile_contracts__no_node__tool_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="node"):
        build.compile_contracts(Settings(build_dir=tmp_path))
