"""Manifests and circuit folders: read as written, refused when damaged."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from oracle.errors import ArtifactMismatch, NotFound
from oracle.proving.building.manifest import MANIFEST, check_folder, read_manifest, write_manifest
from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings
from tests.unit.proving.conftest import LOGISTIC, RELU, TWO_TABLES, Copy


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


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("vk_hash", "", "vk_hash: String should match pattern"),
        ("srs_hash", "0x" + "G" * 64, "srs_hash: String should match pattern"),
        ("source_model_hash", "0x12", "source_model_hash: String should match pattern"),
        ("max_error", math.inf, "max_error: Input should be a finite number"),
        ("input_count", 5, r"input_count has 5, not \[4\]"),
        ("output_count", 0, r"output_count has 0, not \[1\]"),
        ("input_names", ["x", "y"], r"input_names has 2, not \[1\]"),
        ("input_dtypes", [], r"input_dtypes has 0, not \[1\]"),
        ("output_dtypes", [], r"output_dtypes has 0, not \[1\]"),
        ("input_scale_bits", [], r"input_scale_bits has 0, not \[1, 4\]"),
        ("output_scale_bits", [7, 7, 7], r"output_scale_bits has 3, not \[1\]"),
        ("domain", [{"low": 0, "high": 1}] * 2, r"domain has 2, not \[1, 4\]"),
        ("domain", [{"low": 1, "high": 0}], "domain 0 is empty"),
        ("output_magnitudes", [], r"output_magnitudes has 0, not \[1\]"),
        ("outputs_transform", ["sigmoid"] * 2, r"outputs_transform has 2, not \[0, 1\]"),
    ],
)
def test_read_manifest__does_not_fit_together__names_the_field(
    engine: ProvingEngine, tmp_path: Path, field: str, value: object, says: str
) -> None:
    document = json.loads((engine.folder(RELU) / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps(document | {field: value}))
    with pytest.raises(ArtifactMismatch, match=f"is not a manifest: .*{says}"):
        read_manifest(tmp_path)


def test_read_manifest__no_inputs__refused(engine: ProvingEngine, tmp_path: Path) -> None:
    document = json.loads((engine.folder(RELU) / MANIFEST).read_text())
    none = {"input_shapes": [[0]], "input_count": 0}
    (tmp_path / MANIFEST).write_text(json.dumps(document | none))
    with pytest.raises(ArtifactMismatch, match="there are no inputs or no outputs"):
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
    assert [manifest.circuit_id for manifest in engine.circuits()] == [LOGISTIC, RELU, TWO_TABLES]


@pytest.mark.parametrize("name", ["absent", "../relu", "", "."])
def test_circuit__unknown__names_the_known(engine: ProvingEngine, name: str) -> None:
    with pytest.raises(NotFound, match="known: logistic, relu, two-tables"):
        engine.circuit(name)


@pytest.mark.parametrize("damage", ["{", '{"format": 2}', ""])
def test_circuits__one_manifest_unreadable__lists_the_others_and_the_reason(
    copy: Copy, open_engine: Callable[[Settings], ProvingEngine], damage: str
) -> None:
    (copy.circuit / MANIFEST).write_text(damage)
    engine = open_engine(copy.settings)
    assert [manifest.circuit_id for manifest in engine.circuits()] == [LOGISTIC, TWO_TABLES]
    (broken,) = engine.unusable()
    assert broken.folder == copy.circuit
    assert "is not a manifest" in broken.reason
    with pytest.raises(NotFound, match="known: logistic, two-tables"):
        engine.circuit("absent")


def test_circuits__folder_of_another_name__is_unusable(
    copy: Copy, open_engine: Callable[[Settings], ProvingEngine]
) -> None:
    copy.circuit.rename(copy.circuit.with_name("renamed"))
    engine = open_engine(copy.settings)
    assert [(one.folder.name, one.reason.endswith("manifest of relu")) for one in engine.unusable()] == [
        ("renamed", True)
    ]


PINNED = ["model_hash", "circuit_hash", "vk_hash", "pk_hash", "srs_hash", "verifier_source_hash", "ezkl_version"]


@pytest.mark.parametrize("pinned", PINNED)
def test_prepare__another_hash_pinned__is_refused(
    copy: Copy, open_engine: Callable[[Settings], ProvingEngine], pinned: str
) -> None:
    document = json.loads((copy.circuit / MANIFEST).read_text())
    (copy.circuit / MANIFEST).write_text(json.dumps(document | {pinned: "0x" + "22" * 32}))
    with pytest.raises(ArtifactMismatch, match="0x2222"):
        open_engine(copy.settings).prepare(RELU)
