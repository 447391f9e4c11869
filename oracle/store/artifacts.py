"""Content-addressed files: a name is the SHA-256 of the content, so a file is either right or refused."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Final

from oracle.errors import ArtifactMismatch, ConfigurationError, InvalidInput, NotFound, StorageFull

FOLDER_NAME: Final = "artifacts"
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class ArtifactStore:
    """Keeps byte strings under their SHA-256, hexadecimal, in `folder`/ab/abcd...

    Safe for many threads and processes: a file appears whole or not at all, and never changes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    def put(self, content: bytes) -> str:
        """The content's hash, once it is on disk. Raises StorageFull or ConfigurationError, nothing half-written."""
        content_hash = hashlib.sha256(content).hexdigest()
        path = self._path(content_hash)
        with contextlib.suppress(OSError):
            if path.read_bytes() == content:
                return content_hash
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_atomically(path, content)
        except OSError as error:
            if error.errno in _FULL:
                raise StorageFull(
                    f"{len(content)} bytes do not fit into {self._folder}: {error.strerror}",
                    remedy="free space on that disk; nothing was half-written",
                ) from error
            raise ConfigurationError(
                f"{self._folder} cannot be written: {error.strerror}", remedy="see the folder's rights"
            ) from error
        return content_hash

    def get(self, content_hash: str) -> bytes:
        """The content, checked against its hash.

        Raises NotFound for a hash that was never put, ArtifactMismatch when the file was changed.
        """
        path = self._path(content_hash)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no artifact {content_hash}") from None
        actual = hashlib.sha256(content).hexdigest()
        if actual != content_hash:
            raise ArtifactMismatch(
                f"{path} holds {actual}, not {content_hash}", remedy=f"delete {path}: it will be made again"
            )
        return content

    def __contains__(self, content_hash: object) -> bool:
        return isinstance(content_hash, str) and self._path(content_hash).exists()

    def _path(self, content_hash: str) -> Path:
        if not _HASH.fullmatch(content_hash):
            raise InvalidInput(f"{content_hash!r} is not a SHA-256 in lower-case hexadecimal")
        return self._folder / content_hash[:2] / content_hash


def _write_atomically(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
