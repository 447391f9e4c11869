"""Worker processes: spawned, bounded in time and memory, killable, and lent out in order of asking."""

from __future__ import annotations

import json
import math
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import psutil

from oracle.domain.json_text import parse_shallow
from oracle.errors import Halt, InputRejected, InvalidInput, ModelRejected, OracleError, Retry, StorageFull
from oracle.proving.files import STORAGE_REMEDY, storage_guard
from oracle.proving.workers.confinement import MAX_FILES, MAX_THREADS, Confinement
from oracle.settings import PROJECT_ROOT

POLL_SECS: Final = 0.1
DEFAULT_TIMEOUT_SECS: Final = 120.0
STDERR_TAIL: Final = 2_000
# Memory that is left to the rest of the machine when another worker is let to work
MEMORY_LEFT_MB: Final = 256
ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
CONFINED_ENVIRONMENT: Final = ("LANG", "LC_ALL", "LD_LIBRARY_PATH")
CGROUP: Final = Path("/sys/fs/cgroup")
# What a worker may say in one answer, and how deep; it may speak for a stranger
MAX_ANSWER_BYTES: Final = 512 << 20
MAX_ANSWER_DEPTH: Final = 64
CHUNK_BYTES: Final = 1 << 20
PIPE_BYTES: Final = 64 << 10
FOLDER_CHECK_SECS: Final = 1.0
# ezkl would download a compiler for an ABI that nobody needs
NOWHERE: Final = "http://127.0.0.1:9"


class WorkerFailed(Retry):
    """A worker process died, or ezkl failed in a way that says nothing about the caller's data."""


class WorkerTimeout(WorkerFailed):
    """A request took longer than its limit; its worker was killed."""


class WorkerOutOfMemory(WorkerFailed):
    """A worker grew beyond its limit and was killed."""


class WorkerOverstepped(WorkerFailed):
    """A confined worker took more of something than it may, or spoke nonsense, and was killed."""


class TookTooLong(InvalidInput):
    """The time for a stranger's model is over."""


class Cancelled(InvalidInput):
    """The caller cancelled the work; its worker was killed."""


class ToolError(Halt):
    """ezkl refused a request; `log` holds what it printed."""

    def __init__(self, message: str, log: list[str]) -> None:
        super().__init__("; ".join([message, *log[:3]]))
        self.message = message
        self.log = log


_KINDS: Final[dict[str, type[OracleError]]] = {
    "storage": StorageFull,
    "input": InputRejected,
    "model": ModelRejected,
}


def free_memory_mb() -> int:
    """Memory that can be taken now: the machine's, within the limit of the control group if there is one."""
    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # no such group, or "max"
        limit, used = ((CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        free = min(free, int(limit) - int(used))
    return max(0, free) >> 20


class Worker:
    """One worker process with a folder of its own for ezkl's cache: a shared one can be poisoned and raced for.

    Not thread-safe: one caller at a time. A process that dies or is killed is replaced at the next call. With a
    `confinement` it can touch nothing but what that says; its own folder is then in the confinement's.
    """

    program: ClassVar[tuple[str, ...]] = ("-m", "oracle.proving.workers.process")

    def __init__(self, *, memory_mb: int, threads: int | None = None, confinement: Confinement | None = None) -> None:
        self._memory_bytes = memory_mb << 20
        self._threads = threads
        self._confinement = confinement
        home = confinement.folder if confinement else Path(tempfile.gettempdir())
        self._process: subprocess.Popen[bytes] | None = None
        with storage_guard(home):
            self.folder = Path(tempfile.mkdtemp(dir=home, prefix="plumbline-worker-"))
        if confinement and confinement.private:
            self._confinement = replace(confinement, folder=self.folder)
        self._next_id = 0
        self.peak_rss = 0

    @property
    def pid(self) -> int | None:
        """The process's id; None while there is none."""
        return self._process.pid if self._process else None

    @property
    def resident_mb(self) -> int:
        """Memory that the process holds now; 0 while there is none."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss) >> 20 if self.pid else 0
        except psutil.NoSuchProcess:
            return 0

    def call(
        self,
        op: str,
        *,
        timeout: float = DEFAULT_TIMEOUT_SECS,
        cancel: threading.Event | None = None,
        **args: Any,
    ) -> Any:
        """The result of one operation of oracle.proving.workers.operations.

        Raises WorkerTimeout, WorkerOutOfMemory, Cancelled, WorkerFailed (all with the process gone), or what the
        operation reports: StorageFull, InputRejected, ModelRejected, ToolError.
        """
        if self._confinement:
            cancel = cancel or self._confinement.cancel
            timeout = min(timeout, self._left(self._confinement, op))
        if cancel is not None and cancel.is_set():
            raise Cancelled(f"{op} was cancelled")
        process = self._start()
        self._next_id += 1
        request = {"id": self._next_id, "op": op, "args": args, "seconds": timeout}
        self._send(process, json.dumps(request).encode() + b"\n", op, timeout)
        answer = self._understood(self._await_line(process, op, timeout, cancel), op)
        if "error" in answer:
            kind = _KINDS.get(answer["kind"])
            if kind is StorageFull:
                raise StorageFull(f"{op}: {answer['error']}", remedy=STORAGE_REMEDY)
            message = str(answer["error"])
            if kind is ModelRejected:
                raise ModelRejected(message.partition(": ")[2], node=str(answer.get("node", "")))
            if kind is not None:
                raise kind(message.partition(": ")[2])
            raise ToolError(message, list(map(str, answer["log"])))
        return answer["result"]

    def _left(self, confinement: Confinement, op: str) -> float:
        """Seconds that are left of the whole job. Raises TookTooLong."""
        left = math.inf if confinement.deadline is None else confinement.deadline - time.monotonic()
        if left <= 0:
            self.kill()
            raise TookTooLong(f"the model took too long, it had come to {op}", remedy="upload a smaller model")
        return left

    def _send(self, process: subprocess.Popen[bytes], line: bytes, op: str, timeout: float) -> None:
        """Writes a request, to a worker that may not read it."""
        assert process.stdin is not None
        handle, deadline = process.stdin.fileno(), time.monotonic() + timeout
        left = memoryview(line)
        while left:
            _, writable, _ = select.select([], [handle], [], POLL_SECS)
            try:
                left = left[os.write(handle, left[:PIPE_BYTES]) :] if writable else left
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._death(op) from error
            if time.monotonic() > deadline:
                raise self._overstepped(f"{op} was not taken within {timeout:.0f} s")

    def kill(self) -> None:
        """Ends the process, if any, at once."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue

    def close(self) -> None:
        """Ends the process and removes its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.kill()
        cache = Path(tempfile.mkdtemp(dir=self.folder, prefix="ezkl-"))
        kept = CONFINED_ENVIRONMENT if self._confinement else ENVIRONMENT
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {"EZKL_REPO_PATH": str(cache), "PYTHONPATH": str(PROJECT_ROOT)}
        environment |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE)
        arguments = []
        if self._confinement:
            environment |= {"HOME": str(self.folder), "TMPDIR": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
            arguments = [self._confinement.argument(self._memory_bytes >> 20)]
        if self._threads:
            environment["RAYON_NUM_THREADS"] = str(self._threads)
        with (self.folder / "stderr").open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, *self.program, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=self.folder,
                env=environment,
                start_new_session=True,
                bufsize=0,
            )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        return self._process

    def _await_line(
        self, process: subprocess.Popen[bytes], op: str, timeout: float, cancel: threading.Event | None
    ) -> bytes:
        assert process.stdout is not None
        deadline = time.monotonic() + timeout
        watched = psutil.Process(process.pid)
        handle, line, folder_checked = process.stdout.fileno(), bytearray(), time.monotonic()
        while True:
            readable, _, _ = select.select([handle], [], [], POLL_SECS)
            if readable:
                chunk = os.read(handle, CHUNK_BYTES)
                if not chunk:
                    raise self._death(op)
                line += chunk
                if chunk.endswith(b"\n"):
                    self._check_threads(watched, op)
                    return bytes(line)
                if len(line) > MAX_ANSWER_BYTES:
                    raise self._overstepped(f"{op} answers with more than {MAX_ANSWER_BYTES >> 20} MB")
            self._check_threads(watched, op)
            self._check_memory(watched, op)
            if self._confinement and time.monotonic() - folder_checked > FOLDER_CHECK_SECS:
                self._check_folder(self._confinement, op)
                folder_checked = time.monotonic()
            if cancel is not None and cancel.is_set():
                self.kill()
                raise Cancelled(f"{op} was cancelled")
            if time.monotonic() > deadline:
                self.kill()
                raise WorkerTimeout(
                    f"{op} took longer than {timeout:.0f} s", remedy="raise PLUMBLINE_PROVE_TIMEOUT_SECS"
                )

    def _understood(self, line: bytes, op: str) -> dict[str, Any]:
        """The answer to the request that was sent. Whatever else a confined worker says is nonsense."""
        try:
            answer = parse_shallow(line, MAX_ANSWER_DEPTH) if self._confinement else json.loads(line)
            if answer["id"] != self._next_id or not ("result" in answer or {"error", "kind", "log"} <= answer.keys()):
                raise ValueError("another request's answer")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._overstepped(f"{op} answers with what is no answer: {error}") from error
        return dict(answer)

    def _overstepped(self, what: str) -> WorkerOverstepped:
        self.kill()
        return WorkerOverstepped(what)

    def _check_folder(self, confinement: Confinement, op: str) -> None:
        """Ends a confined worker that fills the disk; the kernel bounds each file, not all of them."""
        count, size = 0, 0
        for folder, _, files in os.walk(confinement.folder):
            count += 1 + len(files)
            if count > MAX_FILES:
                raise self._overstepped(f"{op} made more than {MAX_FILES} files")
            for name in files:
                with suppress(OSError):
                    size += Path(folder, name).lstat().st_size
        if size > confinement.folder_mb << 20:
            raise self._overstepped(f"{op} filled its folder with {size >> 20} MB of {confinement.folder_mb} MB")

    def _check_threads(self, watched: psutil.Process, op: str) -> None:
        """Ends a confined worker with too many threads; one that answers must not leave them behind either."""
        if not self._confinement:
            return
        with suppress(psutil.NoSuchProcess):
            threads = watched.num_threads()
            if threads > MAX_THREADS:
                raise self._overstepped(f"{op} runs {threads} threads")

    def _check_memory(self, watched: psutil.Process, op: str) -> None:
        try:
            rss = watched.memory_info().rss
        except psutil.NoSuchProcess:
            return
        self.peak_rss = max(self.peak_rss, rss)
        if rss > self._memory_bytes:
            self.kill()
            raise WorkerOutOfMemory(
                f"{op} grew to {rss >> 20} MB of {self._memory_bytes >> 20} MB",
                remedy="raise PLUMBLINE_PROVE_MEMORY_MB",
            )

    def _death(self, op: str) -> WorkerFailed:
        code = self._process.wait() if self._process else None
        self.kill()
        tail = (self.folder / "stderr").read_bytes()[-STDERR_TAIL:].decode(errors="replace").strip()
        return WorkerFailed(f"the worker died in {op} with code {code}" + (f": {tail}" if tail else ""))


class WorkerPool:
    """At most `size` workers at work at once, lent to the least place, and in order of asking among equals.

    One idle, warm worker is kept for each key.

    A worker is lent when the memory that its work is known to take is there beside what those at work have still to
    take; one is always lent when none is at work. `available_mb` says what is free now.
    """

    def __init__(self, *, size: int, memory_mb: int, available_mb: Callable[[], int] = free_memory_mb) -> None:
        self._size = size
        self._memory_mb = memory_mb
        self._available_mb = available_mb
        self._condition = threading.Condition()
        self._queue: list[tuple[int, int]] = []  # place, and number of the caller; the next first
        self._callers = 0
        self._idle: dict[str, Worker] = {}
        self._busy: dict[int, tuple[Worker, int]] = {}
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many callers stand in the queue."""
        return len(self._queue)

    @property
    def at_work(self) -> int:
        """How many workers are lent."""
        return len(self._busy)

    @contextmanager
    def worker(
        self,
        key: str,
        cancel: threading.Event | None = None,
        *,
        need_mb: int = 0,
        confinement: Confinement | None = None,
        place: int = 0,
    ) -> Iterator[Worker]:
        """Lends a worker that served `key` before when there is one; waits its turn. Raises Cancelled.

        `need_mb`: the memory at its peak that the work took when it was measured. `confinement`: the key's, always the
        same one.
        """
        lent = self._take(key, cancel, need_mb, confinement, place)
        try:
            yield lent
        finally:
            self._give_back(key, lent)

    def close(self) -> None:
        """Ends all idle workers; those at work end when they are given back."""
        with self._condition:
            self._closed = True
            idle, self._idle = list(self._idle.values()), {}
            self._condition.notify_all()
        for worker in idle:
            worker.close()

    def _take(
        self, key: str, cancel: threading.Event | None, need_mb: int, confinement: Confinement | None, place: int
    ) -> Worker:
        with self._condition:
            self._callers += 1
            ticket = (place, self._callers)
            insort(self._queue, ticket)
            try:
                while self._queue[0] != ticket or not self._has_room(key, need_mb):
                    self._condition.wait(POLL_SECS)
                    if self._closed or (cancel is not None and cancel.is_set()):
                        raise Cancelled("cancelled while waiting for a worker")
                lent = self._idle.pop(key, None) or Worker(memory_mb=self._memory_mb, confinement=confinement)
                self._busy[id(lent)] = (lent, need_mb)
            finally:
                self._queue.remove(ticket)
                self._condition.notify_all()
        return lent

    def _has_room(self, key: str, need_mb: int) -> bool:
        """Whether a worker may be lent now; ends idle ones whose place or memory it needs."""
        if len(self._busy) >= self._size:
            return False
        others = len(self._busy) + sum(name != key for name in self._idle)
        while others >= self._size or (self._short_of(key, need_mb) and others > len(self._busy)):
            self._idle.pop(next(name for name in self._idle if name != key)).close()
            others -= 1
        return not self._busy or not self._short_of(key, need_mb)

    def _short_of(self, key: str, need_mb: int) -> bool:
        """Whether the work would find less memory than it needs, once those at work have taken theirs."""
        if not need_mb:
            return False
        warm = self._idle.get(key)
        needs = [(warm, need_mb), *self._busy.values()]
        to_come = sum(max(0, need - (worker.resident_mb if worker else 0)) for worker, need in needs)
        return to_come + MEMORY_LEFT_MB > self._available_mb()

    def _give_back(self, key: str, worker: Worker) -> None:
        with self._condition:
            del self._busy[id(worker)]
            keep = not self._closed and worker.pid is not None and key not in self._idle
            if keep:
                self._idle[key] = worker
            self._condition.notify_all()
        if not keep:
            worker.close()
