"""Content-addressed files: a name is the SHA-256 of the content, so a file is either right or refused."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Final, Protocol

import fsspec
from fsspec.utils import get_protocol

from oracle.errors import ArtifactMismatch, ConfigurationError, InvalidInput, NotFound, StorageFull

FOLDER_NAME: Final = "artifacts"
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Artifacts(Protocol):
    """Where byte strings are kept under their SHA-256, hexadecimal. Safe for many threads and processes."""

    def put(self, content: bytes) -> str:
        """The content's hash, once it is kept. Raises StorageFull or ConfigurationError."""
        ...

    def get(self, content_hash: str) -> bytes:
        """The content, checked against its hash. Raises NotFound, ArtifactMismatch."""
        ...

    def __contains__(self, content_hash: object) -> bool: ...


def open_artifacts(folder: Path, url: str = "") -> Artifacts:
    """The store at an fsspec URL; without one, or for file://, in a folder. Raises ConfigurationError."""
    if not url:
        return ArtifactStore(folder)
    if get_protocol(url) in {"file", "local"}:
        return ArtifactStore(Path(fsspec.core.strip_protocol(url)))
    return RemoteArtifacts(url)


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


class RemoteArtifacts:
    """Keeps them at an fsspec URL: memory://x, s3://bucket/prefix, gs://..., abfs://...; the driver is fsspec's.

    Object stores write a whole object or none; what is read is checked against its hash all the same.
    """

    def __init__(self, url: str) -> None:
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ConfigurationError(
                f"no store for artifacts at {url!r}: {error}", remedy="see PLUMBLINE_ARTIFACTS_URL; install its driver"
            ) from None
        self._url = url

    def put(self, content: bytes) -> str:
        """See Artifacts.put."""
        content_hash = hashlib.sha256(content).hexdigest()
        try:
            self._files.pipe_file(self._path(content_hash), content)
        except OSError as error:
            raise ConfigurationError(
                f"{self._url} cannot be written: {error}", remedy="see the bucket's rights"
            ) from error
        return content_hash

    def get(self, content_hash: str) -> bytes:
        """See Artifacts.get."""
        path = self._path(content_hash)
        try:
            content = bytes(self._files.cat_file(path))
        except FileNotFoundError:
            raise NotFound(f"no artifact {content_hash}") from None
        actual = hashlib.sha256(content).hexdigest()
        if actual != content_hash:
            raise ArtifactMismatch(f"{self._url} holds {actual} as {content_hash}", remedy="delete it there")
        return content

    def __contains__(self, content_hash: object) -> bool:
        return isinstance(content_hash, str) and bool(self._files.exists(self._path(content_hash)))

    def _path(self, content_hash: str) -> str:
        if not _HASH.fullmatch(content_hash):
            raise InvalidInput(f"{content_hash!r} is not a SHA-256 in lower-case hexadecimal")
        return f"{self._root.rstrip('/')}/{content_hash[:2]}/{content_hash}"


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
