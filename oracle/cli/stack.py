"""The record of a running stack, state_dir/stack.json: written by `up`, read by every other command."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from oracle.cli.processes import ProcessRef
from oracle.errors import ConfigurationError, Conflict, NotFound
from oracle.settings import Settings

RECORD_NAME: Final = "stack.json"


class ProcessRecord(BaseModel):
    """A process in the record."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    pid: int
    started_at: float

    @classmethod
    def of(cls, pid: int) -> ProcessRecord:
        """The record of a process that runs now."""
        ref = ProcessRef.of(pid)
        return cls(pid=ref.pid, started_at=ref.started_at)

    @property
    def ref(self) -> ProcessRef:
        """The process that this stands for."""
        return ProcessRef(self.pid, self.started_at)


class Stack(BaseModel):
    """Where the stack of one state folder is, and which processes it is made of."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    rpc_url: str
    chain_id: int
    source: str
    symbol: str | None = None
    start: str | None = None
    end: str | None = None
    api_url: str = ""
    embedded: bool = True
    anvil: ProcessRecord | None = None
    supervisor: ProcessRecord | None = None
    service: ProcessRecord | None = None

    def alive(self) -> bool:
        """Whether anything of it still runs."""
        return any(
            process is not None and process.ref.alive() for process in (self.anvil, self.supervisor, self.service)
        )


def record_path(settings: Settings) -> Path:
    """state_dir/stack.json."""
    return settings.state_dir / RECORD_NAME


def find(settings: Settings) -> Stack | None:
    """The recorded stack, or None. Raises ConfigurationError for a record that cannot be read."""
    path = record_path(settings)
    try:
        return Stack.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except (ValidationError, OSError, ValueError) as error:
        detail = str(error).splitlines()[0]
        raise ConfigurationError(
            f"{path} cannot be read: {detail}", remedy=f"delete {path} and run `plumbline up`"
        ) from None


def require(settings: Settings) -> Stack:
    """The recorded stack, which runs. Raises NotFound when there is none."""
    stack = find(settings)
    if stack is None or not stack.alive():
        raise NotFound(f"no stack runs on {settings.state_dir}", remedy="start one with `plumbline up`")
    return stack


def save(settings: Settings, stack: Stack) -> None:
    """Writes the record, all of it or nothing."""
    path = record_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(stack.model_dump(mode="json", by_alias=True), indent=2) + "\n")
    temporary.replace(path)


def forget(settings: Settings) -> None:
    """Removes the record."""
    record_path(settings).unlink(missing_ok=True)


@contextlib.contextmanager
def exclusive(settings: Settings) -> Iterator[None]:
    """Held by the one `up` of a state folder; free again when that process dies. Raises Conflict when taken."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.state_dir / "stack.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise Conflict(
            f"another `plumbline up` runs on {settings.state_dir}",
            remedy="end it with `plumbline down`, or set PLUMBLINE_STATE_DIR to another folder",
        ) from None
    try:
        yield
    finally:
        lock.release()
