"""CPU seconds of processes."""

from __future__ import annotations

from collections.abc import Sequence

import psutil


def own_cpu_secs(process: psutil.Process) -> float:
    """Of one process, all its threads together."""
    times = process.cpu_times()
    return float(times.user + times.system)


def cpu_secs(processes: Sequence[psutil.Process]) -> float:
    """Of processes and of what they have started and still have."""
    return sum(own_cpu_secs(one) for process in processes for one in (process, *process.children(recursive=True)))
