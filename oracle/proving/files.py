"""Files that are either whole or absent: atomic writes, staged folders, locks and hashes."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from oracle.errors import Conflict, StorageFull

FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
STORAGE_REMEDY: Final = "free space there, or point PLUMBLINE_CACHE_DIR and PLUMBLINE_STATE_DIR to a larger disk"


@contextmanager
def storage_guard(folder: Path) -> Iterator[None]:
    """Turns the system's disk-full errors into StorageFull naming `folder`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_ERRNOS:
            raise StorageFull(f"no space left under {folder}: {error.strerror}", remedy=STORAGE_REMEDY) from error
        raise


def write_atomic(path: Path, data: bytes | str) -> None:
    """Writes a file so that a reader, or a crash, sees the old content or the new and nothing between."""
    raw = data.encode() if isinstance(data, str) else data
    with storage_guard(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """A fresh folder beside `target` that replaces it when the block ends well and vanishes when it does not.

    Holds the target's lock, and removes what killed processes left behind.
    """
    with locked(target), storage_guard(target.parent):
        for left in target.parent.glob(f".{target.name}.*"):
            shutil.rmtree(left, ignore_errors=True)
        stage = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            yield stage
            stage.chmod(0o755)
            _publish(stage, target)
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _publish(stage: Path, target: Path) -> None:
    if target.exists():
        old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.old."))
        target.replace(old / "was")
        stage.replace(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        stage.replace(target)


@contextmanager
def locked(path: Path, timeout_secs: float = 900.0) -> Iterator[None]:
    """Holds an exclusive lock on `path`.lock among processes; raises Conflict when another holds it too long."""
    with storage_guard(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock", timeout=timeout_secs)
        try:
            lock.acquire()
        except Timeout as error:
            raise Conflict(f"another process has been holding {path}.lock for {timeout_secs:.0f} s") from error
    try:
        yield
    finally:
        lock.release()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, 0x-prefixed hex."""
    with path.open("rb") as file:
        return "0x" + hashlib.file_digest(file, "sha256").hexdigest()


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of bytes, 0x-prefixed hex."""
    return "0x" + hashlib.sha256(data).hexdigest()
