"""Uploaded circuits from the artifact store: every byte as the upload's record says, or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oracle.daemon.circuit_sharing import CircuitFetcher, keep_circuit
from oracle.domain.requests import RequestKind
from oracle.errors import ArtifactMismatch, NotFound, ServiceUnavailable
from oracle.proving.building.manifest import MANIFEST, NETWORK, VERIFIER, VERIFYING_KEY, read_manifest
from oracle.proving.engine import ProvingEngine
from oracle.proving.intake import add_model
from oracle.proving.uploaded import MARKER, upload_of
from oracle.proving.uploads import CIRCUIT_FILES
from oracle.settings import Settings
from oracle.store.artifacts import Artifacts, open_artifacts
from oracle.store.db import create_tables, open_engine, sqlite_url
from oracle.store.requests import RequestStore
from tests.support.service_stack import TINY, tiny_files

BODY = {"onnx": "aa" * 32, "samples": "bb" * 32}


@dataclass
class Machines:
    """The one that built a circuit, and another with a state folder of its own."""

    built: Path
    requests: RequestStore
    artifacts: Artifacts
    settings: Settings

    def uploaded(self, **changed: Any) -> str:
        """An upload that has ended with this result."""
        request, _ = self.requests.accept(RequestKind.MODEL, TINY, BODY)
        manifest = read_manifest(self.built)
        result = {
            "files": keep_circuit(self.artifacts, self.built),
            "modelHash": manifest.model_hash,
            "circuitHash": manifest.circuit_hash,
            "vkHash": manifest.vk_hash,
        }
        self.requests.fulfil(request.id, result | changed)
        return request.id

    def engine(self) -> ProvingEngine:
        """The other machine's."""
        engine = ProvingEngine(self.settings)
        engine.fetch = CircuitFetcher(self.settings, self.requests, self.artifacts).fetch
        return engine


@pytest.fixture(scope="module")
def built(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    own = settings.model_copy(update={"state_dir": tmp_path_factory.mktemp("built")})
    add_model(own, TINY, *tiny_files(own.state_dir / "tiny"))
    return own.state_dir / "circuits" / TINY


@pytest.fixture
def machines(settings: Settings, built: Path, tmp_path: Path) -> Iterator[Machines]:
    database = open_engine(sqlite_url(tmp_path / "plumbline.db"))
    create_tables(database)
    folder = Path(shutil.copytree(built, tmp_path / "built" / TINY))
    other = settings.model_copy(update={"state_dir": tmp_path / "other"})
    artifacts = open_artifacts(tmp_path, f"memory://{tmp_path.name}")
    yield Machines(folder, RequestStore(database, "here"), artifacts, other)
    database.dispose()


def test_fetch__uploaded_elsewhere__same_files_marked_as_uploaded(machines: Machines) -> None:
    request_id = machines.uploaded()
    folder = machines.engine().folder(TINY)
    assert folder == machines.settings.state_dir / "circuits" / TINY
    for name in CIRCUIT_FILES:
        assert (folder / name).read_bytes() == (machines.built / name).read_bytes()
    mark = upload_of(folder)
    assert mark is not None
    assert (mark.request_id, mark.onnx_hash, mark.samples_hash) == (request_id, "0x" + "aa" * 32, "0x" + "bb" * 32)
    assert {path.name for path in folder.iterdir()} == {*CIRCUIT_FILES, MARKER}


def _other_key(machines: Machines) -> str:
    return machines.artifacts.put((machines.built / VERIFYING_KEY).read_bytes() + b"\0")


def _files(machines: Machines, **changed: str) -> dict[str, Any]:
    names = {"network": NETWORK, "key": VERIFYING_KEY, "verifier": VERIFIER, "manifest": MANIFEST}
    return {"files": keep_circuit(machines.artifacts, machines.built) | {names[k]: v for k, v in changed.items()}}


def _forged_manifest(machines: Machines) -> dict[str, Any]:
    """A circuit that is sound in itself, with another key than the record's."""
    key = (machines.built / VERIFYING_KEY).read_bytes() + b"\0"
    hashed = machines.artifacts.put(key)
    document = json.loads((machines.built / MANIFEST).read_bytes()) | {"vk_hash": f"0x{hashed}"}
    return _files(machines, key=hashed, manifest=machines.artifacts.put(json.dumps(document).encode()))


REFUSED: dict[str, Callable[[Machines], dict[str, Any]]] = {
    "another key": lambda machines: _files(machines, key=_other_key(machines)),
    "another verifier": lambda machines: _files(machines, verifier=machines.artifacts.put(b"contract Verifier {}")),
    "another network": lambda machines: _files(machines, network=machines.artifacts.put(b"not a network")),
    "another manifest": lambda machines: _files(machines, manifest=machines.artifacts.put(b"{}")),
    "key and manifest": _forged_manifest,
    "record's key": lambda _: {"vkHash": "0x" + "11" * 32},
    "record's model": lambda _: {"modelHash": "0x" + "11" * 32},
    "a file too few": lambda machines: {
        "files": {MANIFEST: keep_circuit(machines.artifacts, machines.built)[MANIFEST]}
    },
    "a file elsewhere": lambda machines: {"files": {**_files(machines)["files"], "../evil": _other_key(machines)}},
}


@pytest.mark.parametrize("case", REFUSED)
def test_fetch__not_what_the_record_says__refused_and_nothing_left(machines: Machines, case: str) -> None:
    machines.uploaded(**REFUSED[case](machines))
    with pytest.raises(ArtifactMismatch):
        machines.engine().folder(TINY)
    assert [path.name for path in (machines.settings.state_dir / "circuits").glob("[!.]*") if path.is_dir()] == []


def test_fetch__artifact_changed_in_the_store_or_gone__refused(machines: Machines, tmp_path: Path) -> None:
    kept = open_artifacts(tmp_path / "kept")
    machines.artifacts = kept
    machines.uploaded()
    content_hash = keep_circuit(kept, machines.built)[VERIFYING_KEY]
    path = tmp_path / "kept" / content_hash[:2] / content_hash
    path.write_bytes(b"changed")
    with pytest.raises(ArtifactMismatch):
        machines.engine().folder(TINY)
    path.unlink()
    with pytest.raises(NotFound):
        machines.engine().folder(TINY)
    assert not (machines.settings.state_dir / "circuits" / TINY).exists()


def test_fetch__upload_not_ended_or_unknown__waits_or_is_not_found(machines: Machines) -> None:
    engine = machines.engine()
    with pytest.raises(NotFound, match="no circuit"):
        engine.folder(TINY)
    machines.requests.accept(RequestKind.MODEL, TINY, BODY)
    with pytest.raises(ServiceUnavailable, match="not ended"):
        engine.folder(TINY)
    with pytest.raises(NotFound):
        engine.folder("../" + TINY)
