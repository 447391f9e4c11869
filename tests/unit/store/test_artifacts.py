"""The content-addressed store, on a real disk that is really full."""

from __future__ import annotations

import hashlib
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import pytest

from oracle.errors import ArtifactMismatch, ConfigurationError, InvalidInput, NotFound, StorageFull
from oracle.store.artifacts import ArtifactStore, open_artifacts


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Writes beyond `size` bytes fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_put__any_bytes__come_back_under_their_hash(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    for content in (b"", b"proof", bytes(range(256)) * 100):
        content_hash = store.put(content)
        assert content_hash == hashlib.sha256(content).hexdigest()
        assert store.get(content_hash) == content
        assert content_hash in store


def test_put__twice__keeps_one_file(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    assert store.put(b"proof") == store.put(b"proof")
    assert len(files(tmp_path)) == 1


def test_put__many_threads_at_once__one_whole_file(tmp_path: Path) -> None:
    store, content = ArtifactStore(tmp_path), b"x" * 100_000
    threads = [threading.Thread(target=store.put, args=(content,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.stat().st_size for path in files(tmp_path)] == [100_000]


def test_put__disk_full__leaves_nothing(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    with largest_file(1_000), pytest.raises(StorageFull, match="100000 bytes do not fit"):
        store.put(b"x" * 100_000)
    assert files(tmp_path) == []
    store.put(b"x" * 100_000)


def test_put__over_a_damaged_file__mends_it(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    content_hash = store.put(b"proof")
    files(tmp_path)[0].write_bytes(b"prooF")
    store.put(b"proof")
    assert store.get(content_hash) == b"proof"


@pytest.mark.parametrize("damage", [b"", b"proo", b"prooF", b"proof "])
def test_get__changed_file__refused(tmp_path: Path, damage: bytes) -> None:
    store = ArtifactStore(tmp_path)
    content_hash = store.put(b"proof")
    files(tmp_path)[0].write_bytes(damage)
    with pytest.raises(ArtifactMismatch):
        store.get(content_hash)


def test_get__never_put__not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        ArtifactStore(tmp_path).get("0" * 64)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0" * 63, "G" * 64, "A" * 64, "0" * 64 + "\n", "/" * 64])
def test_get__name_that_is_no_hash__refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        ArtifactStore(tmp_path).get(name)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_open_artifacts__url__keeps_and_checks(tmp_path: Path, kind: str) -> None:
    url = f"memory://{tmp_path.name}" if kind == "memory" else f"file://{tmp_path}/kept"
    store, again = open_artifacts(tmp_path, url), open_artifacts(tmp_path, url)
    content_hash = store.put(b"proof")
    assert again.get(content_hash) == b"proof"
    assert content_hash in again
    assert "0" * 64 not in again
    with pytest.raises(NotFound):
        again.get("0" * 64)
    with pytest.raises(InvalidInput):
        again.get("../../etc/passwd")


def test_remote_artifacts__changed_behind_its_back__refused(tmp_path: Path) -> None:
    store = open_artifacts(tmp_path, f"memory://{tmp_path.name}")
    content_hash = store.put(b"proof")
    fsspec.filesystem("memory").pipe_file(f"/{tmp_path.name}/{content_hash[:2]}/{content_hash}", b"forged")
    with pytest.raises(ArtifactMismatch):
        store.get(content_hash)


def test_open_artifacts__unknown_protocol__says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nonsense"):
        open_artifacts(tmp_path, "nonsense://bucket")
