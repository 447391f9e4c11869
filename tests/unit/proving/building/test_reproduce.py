"""Circuits built again: the same hashes, whatever the hash map's order; and on another set-up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from oracle.constants import DEV_S_G2_X
from oracle.errors import ArtifactMismatch, InvalidInput, NotFound, UnsafeSetup
from oracle.proving.building.manifest import MANIFEST, VERIFIER, check_folder, read_manifest
from oracle.proving.building.rebuild import choose_srs, rebuild_circuit
from oracle.proving.building.reproduce import Reproduction, reproduce
from oracle.proving.engine import ProvingEngine
from oracle.proving.srs.importing import import_srs
from oracle.proving.srs.known import Ceremonies
from oracle.proving.srs.store import dev_s_g2, dev_srs_bytes
from oracle.settings import Settings
from tests.support.ceremony import Ceremony
from tests.unit.proving.conftest import LOGISTIC, RELU, TWO_TABLES, Copy

OpenEngine = Callable[[Settings], ProvingEngine]
MAINNET = 1


def _reproduced(settings: Settings, name: str) -> Reproduction:
    folder = settings.state_dir / "circuits" / name
    return reproduce(settings, folder, read_manifest(folder))


@pytest.mark.parametrize("name", [RELU, LOGISTIC, TWO_TABLES, TWO_TABLES])
def test_reproduce__untouched__every_hash_comes_out(home: Settings, name: str) -> None:
    found = _reproduced(home, name)
    assert [fact.name for fact in found.facts if not fact.same] == []
    assert found.ok
    assert len(found.facts) == 7


def test_two_tables__has_two_lookups(home: Settings) -> None:
    settings = json.loads((home.state_dir / "circuits" / TWO_TABLES / "settings.json").read_text())
    assert len(settings["required_lookups"]) == 2


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("model_hash", "modelHash"),
        ("circuit_hash", "circuitHash"),
        ("vk_hash", "vkHash"),
        ("pk_hash", "pkHash"),
        ("verifier_source_hash", "verifierSource"),
    ],
)
def test_reproduce__another_hash_pinned__is_the_one_that_differs(copy: Copy, key: str, name: str) -> None:
    document = json.loads((copy.circuit / MANIFEST).read_text())
    (copy.circuit / MANIFEST).write_text(json.dumps(document | {key: "0x" + "22" * 32}))
    found = _reproduced(copy.settings, RELU)
    assert not found.ok
    assert [fact.name for fact in found.facts if not fact.same] == [name]


def test_reproduce__another_set_up_pinned__fails_with_both_hashes(copy: Copy) -> None:
    document = json.loads((copy.circuit / MANIFEST).read_text())
    (copy.circuit / MANIFEST).write_text(json.dumps(document | {"srs_hash": "0x" + "22" * 32}))
    found = _reproduced(copy.settings, RELU)
    assert not found.ok
    assert "0x2222" in (found.failure or "")


@pytest.mark.parametrize("name", ["vk.key", VERIFIER])
def test_reproduce__committed_file_changed__differs_though_it_can_be_rebuilt(copy: Copy, name: str) -> None:
    path = copy.circuit / name
    path.write_bytes(path.read_bytes() + b"\n")
    found = _reproduced(copy.settings, RELU)
    assert not found.ok
    assert [fact.rebuilt == fact.pinned for fact in found.facts if not fact.same] == [True]


@pytest.mark.parametrize("name", ["network.onnx", "settings.json"])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_reproduce__damaged_source__is_a_failure_with_a_reason(copy: Copy, name: str, damage: str) -> None:
    path = copy.circuit / name
    raw = path.read_bytes()
    path.unlink()
    if damage == "truncated":
        path.write_bytes(raw[: len(raw) // 2])
    found = _reproduced(copy.settings, RELU)
    assert not found.ok
    assert found.failure


@pytest.fixture
def ceremony_file(copy: Copy, tmp_path: Path) -> tuple[Ceremony, Path]:
    ceremony = Ceremony.hold(read_manifest(copy.circuit).logrows)
    path = tmp_path / "final.ptau"
    path.write_bytes(ceremony.ptau())
    return ceremony, path


def test_rebuild_circuit__on_a_public_ceremony__serves_a_real_chain(
    copy: Copy, open_engine: OpenEngine, ceremony_file: tuple[Ceremony, Path]
) -> None:
    ceremony, path = ceremony_file
    before = read_manifest(copy.circuit)
    real = copy.settings.model_copy(update={"chain_id": MAINNET})
    with pytest.raises(UnsafeSetup, match=r"relu has a set-up of kind dev, .* not for chain 1") as caught:
        open_engine(real).prepare(RELU)
    assert "plumbline model rebuild" in caught.value.remedy

    known = Ceremonies(s_g2={"ours": ceremony.s_g2})
    assert import_srs(copy.settings.cache_dir, path, before.logrows, ceremonies=known).kind == "public"
    srs = choose_srs(copy.settings, before.logrows, "public")
    rebuilt = rebuild_circuit(copy.settings, copy.circuit, srs)

    assert (rebuilt.srs_kind, rebuilt.srs_hash) == ("public", srs.srs_hash)
    assert (rebuilt.model_hash, rebuilt.circuit_hash) == (before.model_hash, before.circuit_hash)
    assert rebuilt.vk_hash != before.vk_hash
    check_folder(copy.circuit, read_manifest(copy.circuit))
    engine = open_engine(real)
    proof = engine.prove(RELU, engine.witness(RELU, [300, -200, 100, 400]))
    engine.verify(RELU, proof)
    assert _reproduced(copy.settings, RELU).ok


def test_rebuild_circuit__on_a_file_of_unknown_origin__stays_on_local_chains(
    copy: Copy, open_engine: OpenEngine, ceremony_file: tuple[Ceremony, Path]
) -> None:
    logrows = read_manifest(copy.circuit).logrows
    report = import_srs(copy.settings.cache_dir, ceremony_file[1], logrows)
    rebuild_circuit(copy.settings, copy.circuit, choose_srs(copy.settings, logrows, f"imported/{report.srs_hash}"))
    open_engine(copy.settings).prepare(RELU)
    with pytest.raises(UnsafeSetup, match="has a set-up of kind imported"):
        open_engine(copy.settings.model_copy(update={"chain_id": MAINNET})).prepare(RELU)


def test_choose_srs__none_imported__says_how(copy: Copy) -> None:
    with pytest.raises(NotFound, match="no set-up 'public' of 2\\^9 rows") as caught:
        choose_srs(copy.settings, 9, "public")
    assert "srs import FILE --logrows 9" in caught.value.remedy


def test_rebuild_circuit__set_up_of_another_size__is_refused(copy: Copy) -> None:
    with pytest.raises(InvalidInput, match=r"has 2\^7 rows, the set-up 2\^5"):
        rebuild_circuit(copy.settings, copy.circuit, choose_srs(copy.settings, 5, "dev"))


def test_rebuild_circuit__damaged_folder__is_refused(copy: Copy) -> None:
    (copy.circuit / "settings.json").write_text("{}")
    with pytest.raises(ArtifactMismatch, match=r"settings\.json has hash"):
        rebuild_circuit(copy.settings, copy.circuit, choose_srs(copy.settings, 9, "dev"))


def test_dev_s_g2_x__in_the_constants__is_the_development_secrets(copy: Copy) -> None:
    assert tuple(f"{part:064x}" for part in dev_s_g2()[0]) == DEV_S_G2_X
    assert all(part.lstrip("0") in (copy.circuit / VERIFIER).read_text() for part in DEV_S_G2_X)
    assert len(dev_srs_bytes(4)) == 4 + 128 * 16 + 256
