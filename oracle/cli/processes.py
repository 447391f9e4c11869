"""Other processes by pid, safe against a pid that was given to somebody else since."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psutil

# psutil reads start times in clock ticks: two readings of one process agree well within this
START_TIME_TOLERANCE_SECS = 1.0


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
        """Ends it, first with SIGTERM and after the timeout with SIGKILL; True when there was something to end."""
        process = self._find()
        if process is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            try:
                process.wait(timeout_secs)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(timeout_secs)
        return True

    def _find(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < START_TIME_TOLERANCE_SECS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None
