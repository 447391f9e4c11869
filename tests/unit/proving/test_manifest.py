"""Manifests and circuit folders: read as written, refused when damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from oracle.errors import ArtifactMismatch, NotFound
from oracle.proving.engine import ProvingEngine
from oracle.proving.manifest import MANIFEST, check_folder, read_manifest, write_manifest
from oracle.settings import Settings
from tests.unit.proving.conftest import LOGISTIC, RELU, Copy


def test_read_manifest__written__is_the_same(engine: ProvingEngine, tmp_path: Path) -> None:
    manifest = engine.circuit(RELU)
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert (tmp_path / MANIFEST).read_bytes() == (engine.folder(RELU) / MANIFEST).read_bytes()


def test_read_manifest__missing__is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no circuit in"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}'])
def test_read_manifest__damaged__is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ArtifactMismatch, match="is not a manifest"):
        read_manifest(tmp_path)


def test_read_manifest__of_another_ezkl__names_both(copy: Copy) -> None:
    document = json.loads((copy.circuit / MANIFEST).read_text())
    (copy.circuit / MANIFEST).write_text(json.dumps(document | {"ezkl_version": "1.0.0"}))
    with pytest.raises(ArtifactMismatch, match=r"ezkl 1\.0\.0, this release speaks 23.0.5"):
        read_manifest(copy.circuit)


@pytest.mark.parametrize("name", ["network.onnx", "settings.json", "vk.key", "Verifier.sol"])
@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing"])
def test_prepare__damaged_circuit_file__names_it(
    copy: Copy, open_engine: Callable[[Settings], ProvingEngine], name: str, damage: str
) -> None:
    path = copy.circuit / name
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(raw if damage == "flipped" else raw[: len(raw) // 2])
    with pytest.raises(ArtifactMismatch, match=name):
        open_engine(copy.settings).prepare(RELU)


def test_check_folder__untouched__passes(engine: ProvingEngine) -> None:
    check_folder(engine.folder(RELU), engine.circuit(RELU))


def test_circuits__all__are_listed_by_name(engine: ProvingEngine) -> None:
    assert [manifest.circuit_id for manifest in engine.circuits()] == [LOGISTIC, RELU]


@pytest.mark.parametrize("name", ["absent", "../relu", "", "."])
def test_circuit__unknown__names_the_known(engine: ProvingEngine, name: str) -> None:
    with pytest.raises(NotFound, match="known: logistic, relu"):
        engine.circuit(name)
