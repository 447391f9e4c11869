"""Worker processes: whatever happens inside, the caller gets an error in time and goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from oracle.errors import ModelRejected
from oracle.proving.srs.format import MAX_LOGROWS
from oracle.proving.workers.pool import (
    MEMORY_LEFT_MB,
    Cancelled,
    ToolError,
    Worker,
    WorkerFailed,
    WorkerOutOfMemory,
    WorkerPool,
    WorkerTimeout,
    free_memory_mb,
)
from tests.support.waiting import until

LONG = {"cache_dir": ".", "logrows": MAX_LOGROWS}  # minutes of work


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    opened = WorkerPool(size=1, memory_mb=2048)
    yield opened
    opened.close()


def test_call__unknown_file__is_a_tool_error_and_the_worker_lives(worker: Worker) -> None:
    with pytest.raises(ToolError, match="No such file"):
        worker.call("compile", model="absent", circuit="out", settings_path="absent")
    pid = worker.pid
    with pytest.raises(ModelRejected, match="not an ONNX file"):
        worker.call("inspect", path=os.devnull)
    assert worker.pid == pid


def test_call__rust_panic__is_a_tool_error_and_the_worker_lives(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "vk").write_bytes(b"\x00" * 64)
    with pytest.raises(ToolError):
        worker.call("setup", circuit=os.devnull, vk="v", pk="p", srs_path=os.devnull)
    assert worker.pid is not None
    assert psutil.pid_exists(worker.pid)


def test_call__longer_than_its_limit__is_killed_in_time(worker: Worker) -> None:
    with pytest.raises(WorkerTimeout, match="dev_srs took longer than 1 s"):
        worker.call("dev_srs", timeout=1, **LONG)
    assert worker.pid is None


def test_call__after_a_kill__works_in_a_new_process(worker: Worker) -> None:
    with pytest.raises(WorkerTimeout):
        worker.call("dev_srs", timeout=0.5, **LONG)
    with pytest.raises(ModelRejected):
        worker.call("inspect", path=os.devnull)


def test_call__grown_beyond_its_memory__is_killed() -> None:
    with Worker(memory_mb=16) as small, pytest.raises(WorkerOutOfMemory, match="of 16 MB"):
        small.call("dev_srs", timeout=60, **LONG)


def test_call__killed_from_outside__says_so_and_recovers(worker: Worker) -> None:
    def kill() -> None:
        while worker.pid is None:
            time.sleep(0.01)
        time.sleep(0.3)
        os.kill(worker.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(WorkerFailed, match="the worker died in dev_srs with code -9"):
        worker.call("dev_srs", timeout=60, **LONG)
    killer.join()
    with pytest.raises(ModelRejected):
        worker.call("inspect", path=os.devnull)


def test_call__cancelled__ends_the_process(worker: Worker) -> None:
    cancel = threading.Event()
    threading.Timer(0.5, cancel.set).start()
    with pytest.raises(Cancelled, match="dev_srs was cancelled"):
        worker.call("dev_srs", timeout=60, cancel=cancel, **LONG)
    assert worker.pid is None


def test_worker__parent_gone__ends_by_itself(worker: Worker) -> None:
    with pytest.raises(ModelRejected):
        worker.call("inspect", path=os.devnull)
    assert worker.pid is not None
    process = psutil.Process(worker.pid)
    assert worker._process is not None
    assert worker._process.stdin is not None
    worker._process.stdin.close()
    process.wait(timeout=20)


def test_close__always__removes_the_folder() -> None:
    with Worker(memory_mb=512) as started, pytest.raises(ModelRejected):
        started.call("inspect", path=os.devnull)
    assert not started.folder.exists()


def test_worker__each__has_an_ezkl_cache_of_its_own(worker: Worker) -> None:
    with pytest.raises(ModelRejected):
        worker.call("inspect", path=os.devnull)
    assert worker.pid is not None
    environment = psutil.Process(worker.pid).environ()
    assert Path(environment["EZKL_REPO_PATH"]).parent == worker.folder
    assert not any(name.startswith("PLUMBLINE_") for name in environment)


def test_pool__same_key__lends_the_same_process(pool: WorkerPool) -> None:
    pids = []
    for _ in range(2):
        with pool.worker("one") as lent:
            with pytest.raises(ModelRejected):
                lent.call("inspect", path=os.devnull)
            pids.append(lent.pid)
    assert pids[0] == pids[1]


def test_pool__all_at_work__serves_in_order_of_asking(pool: WorkerPool) -> None:
    served: list[int] = []

    def ask(number: int) -> None:
        with pool.worker(f"key-{number}"):
            served.append(number)

    threads = []
    with pool.worker("first"):
        for number in range(3):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            while pool.waiting <= number:
                time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert served == [0, 1, 2]


def test_pool__cancelled_in_the_queue__leaves_it(pool: WorkerPool) -> None:
    cancel = threading.Event()
    cancel.set()
    with pool.worker("busy"), pytest.raises(Cancelled, match="while waiting"), pool.worker("other", cancel):
        pass
    with pool.worker("other"):
        assert pool.waiting == 0


def _served_with(pool: WorkerPool, needs: dict[str, int]) -> tuple[list[str], list[threading.Thread]]:
    """Asks for workers in this order from threads of their own; `served` grows as they are lent and given back."""
    served: list[str] = []

    def ask(key: str, need: int) -> None:
        with pool.worker(key, need_mb=need):
            served.append(key)

    threads = []
    for count, (key, need) in enumerate(needs.items()):
        threads.append(threading.Thread(target=ask, args=(key, need)))
        threads[-1].start()
        until(lambda count=count: pool.waiting > count)
    return served, threads


def test_pool__memory_for_one__makes_the_others_wait_in_order() -> None:
    pool = WorkerPool(size=4, memory_mb=512, available_mb=lambda: MEMORY_LEFT_MB + 500)
    with pool.worker("large", need_mb=400):
        served, threads = _served_with(pool, {"second": 200, "third": 10})
        assert (served, pool.at_work) == ([], 1)
    for thread in threads:
        thread.join()
    assert served == ["second", "third"]
    pool.close()


def test_pool__memory_for_all__lends_at_once() -> None:
    pool = WorkerPool(size=3, memory_mb=512, available_mb=lambda: MEMORY_LEFT_MB + 900)
    with pool.worker("a", need_mb=300), pool.worker("b", need_mb=300), pool.worker("c", need_mb=300):
        assert pool.at_work == 3
    pool.close()


def test_pool__more_needed_than_there_is__works_alone() -> None:
    pool = WorkerPool(size=2, memory_mb=512, available_mb=lambda: 0)
    with pool.worker("huge", need_mb=10_000):
        assert pool.at_work == 1
    pool.close()


def test_pool__idle_workers_hold_the_memory__are_ended_first() -> None:
    free = {"mb": MEMORY_LEFT_MB + 1000}
    pool = WorkerPool(size=3, memory_mb=2048, available_mb=lambda: free["mb"])
    with pool.worker("idle") as idle, pytest.raises(ModelRejected):
        idle.call("inspect", path=os.devnull)
    kept = idle.pid
    assert kept is not None
    free["mb"] = MEMORY_LEFT_MB
    with pool.worker("next", need_mb=100):
        assert not psutil.pid_exists(kept)
    pool.close()


def test_free_memory_mb__of_this_machine__is_positive() -> None:
    assert 0 < free_memory_mb() <= psutil.virtual_memory().total >> 20


def test_worker__several_wait__the_least_place_is_next(pool: WorkerPool) -> None:
    order: list[str] = []

    def ask(name: str, place: int) -> threading.Thread:
        def run() -> None:
            with pool.worker("one", place=place):
                order.append(name)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    with pool.worker("one"):
        waiting = []
        for name, place in (("third", 30), ("first", 10), ("second", 20), ("fourth", 30)):
            waiting.append(ask(name, place))
            until(lambda: pool.waiting == len(waiting))
    for thread in waiting:
        thread.join(30)
    assert order == ["first", "second", "third", "fourth"]
