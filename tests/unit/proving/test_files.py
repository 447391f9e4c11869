"""Files that are whole or absent, also when the disk is full or a process was killed."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oracle.errors import StorageFull
from oracle.proving.files import staged_folder, storage_guard, write_atomic
from tests.unit.proving.conftest import RELU, Copy

# No file may grow beyond the limit: what a full disk does, without filling one
LIMITED = """
import resource, sys
from pathlib import Path
from oracle.errors import StorageFull
from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
engine = ProvingEngine(Settings(state_dir=Path(sys.argv[1]), cache_dir=Path(sys.argv[2]), circuits_dir=Path("none")))
try:
    engine.prepare(sys.argv[4])
except StorageFull as error:
    print("StorageFull", error, "|", error.remedy)
engine.close()
"""


@pytest.mark.parametrize(("limit", "kept"), [(4_096, "srs"), (500_000, "circuits")])
def test_prepare__disk_full__leaves_nothing_half_written(copy: Copy, limit: int, kept: str) -> None:
    cache = copy.settings.cache_dir
    shutil.rmtree(cache / kept)
    arguments = [str(copy.settings.state_dir), str(cache), str(limit), RELU]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *arguments], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.startswith("StorageFull"), done.stdout + done.stderr
    assert "PLUMBLINE_CACHE_DIR" in done.stdout
    left = [path for path in (cache / kept).rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []


def test_write_atomic__failing__keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomic(path, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageFull, match="no space left under"):
        write_atomic(path, "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_storage_guard__other_trouble__passes_through(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), storage_guard(tmp_path):
        raise PermissionError(errno.EACCES, "no")


def test_staged_folder__failing__leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with staged_folder(target) as stage:
        (stage / "a").write_text("1")

    def fail() -> None:
        with staged_folder(target) as stage:
            (stage / "a").write_text("2")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (target / "a").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["target"]


def test_staged_folder__left_by_a_killed_process__is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".target.dead"
    left.mkdir()
    with staged_folder(tmp_path / "target"):
        pass
    assert not left.exists()
