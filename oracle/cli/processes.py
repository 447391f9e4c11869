"""Other processes by pid, safe against a pid that was given to somebody else since."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

import psutil

# psutil reads start times in clock ticks: two readings of one process agree well within this
START_TIME_TOLERANCE_SECS = 1.0
POLL_SECS = 0.05
KILL_SECS = 10.0


@dataclass(frozen=True, slots=True)
class ProcessRef:
    """A process: its pid and when it started (unix seconds), which together never name another one."""

    pid: int
    started_at: float

    @classmethod
    def of(cls, pid: int) -> ProcessRef:
        """The process that has this pid now. Raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._find() is not None

    def stop(self, timeout_secs: float = 10.0) -> bool:
        """Ends it, first with SIGTERM and after the timeout with SIGKILL; True when there was something to end.

        A zombie counts as ended: whoever started it may never ask how it went.
        """
        process = self._find()
        if process is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            if not self._ended_within(timeout_secs):
                process.kill()
                self._ended_within(KILL_SECS)
        return True

    def _ended_within(self, timeout_secs: float) -> bool:
        deadline = time.monotonic() + timeout_secs
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECS)
        return True

    def _find(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < START_TIME_TOLERANCE_SECS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None
