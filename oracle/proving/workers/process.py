"""Main of a worker process: one JSON request a line on stdin, one JSON answer a line on stdout.

Everything that touches ezkl, onnx or onnxruntime runs here and nowhere else, because ezkl's `prove` can run for ever
with the interpreter's lock held, its panics are no Exception, it may die at exit, and an ONNX file is a stranger's.

Request {"id", "op", "args", "seconds"}; answer {"id", "result"} or {"id", "error", "kind", "log"}. The worker ends by
itself when stdin closes, and by the kernel's alarm when a request outlives its seconds, even if its parent is gone.
An argument, where there is one, says how it is confined before it reads anything (oracle.proving.workers.confinement).
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
from typing import IO, Any, Final

from oracle.proving.workers.confinement import confine

ALARM_SLACK_SECS: Final = 5.0
# A proof takes every core for a second; what answers users, and the chain, comes first
NICENESS: Final = 5
LOG_LINES: Final = 50

# How the parent sorts what went wrong
KIND_STORAGE: Final = "storage"
KIND_INPUT: Final = "input"
KIND_MODEL: Final = "model"
KIND_TOOL: Final = "tool"
STORAGE_MARKS: Final = ("os error 28", "os error 27", "os error 122", "No space left", "File too large")


class _Recorder(logging.Handler):
    """Keeps what ezkl says while a request runs: its exceptions alone say little."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.lines) < LOG_LINES:
            self.lines.append(record.getMessage())


def _kind(error: BaseException) -> str:
    text = str(error)
    if any(mark in text for mark in STORAGE_MARKS):
        return KIND_STORAGE
    return str(getattr(error, "kind", KIND_TOOL))


def _answer(request: dict[str, Any], recorder: _Recorder) -> dict[str, Any]:
    from oracle.proving.workers.operations import OPERATIONS  # noqa: PLC0415 - after the streams are moved out of the way

    recorder.lines.clear()
    signal.setitimer(signal.ITIMER_REAL, request["seconds"] + ALARM_SLACK_SECS)
    try:
        result = OPERATIONS[request["op"]](**request["args"])
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - a Rust panic is a BaseException
        text = f"{type(error).__name__}: {error}"
        said = {"error": text, "kind": _kind(error), "log": list(recorder.lines)}
        return {"id": request["id"], "node": str(getattr(error, "node", "")), **said}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return {"id": request["id"], "result": result, "log": list(recorder.lines)}


def _claim_streams() -> tuple[IO[str], IO[str]]:
    """The protocol's own two streams; file descriptors 0 and 1 then lead nowhere, since native code prints."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, answers


def main() -> None:
    """Serves requests until stdin closes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    recorder = _Recorder()
    logging.basicConfig(level=logging.WARNING, handlers=[recorder], force=True)
    requests, answers = _claim_streams()
    if len(sys.argv) > 1:
        confine(sys.argv[1])
    for line in requests:
        answers.write(json.dumps(_answer(json.loads(line), recorder)) + "\n")
        answers.flush()
    sys.stdout.flush()
    os._exit(0)  # ezkl's threads may abort in an orderly exit


if __name__ == "__main__":
    main()
