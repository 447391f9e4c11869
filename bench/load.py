"""Reads of a running service under load while it proves: so many a second, sent by the clock, not by the answers.

The service is the real `plumbline up` in a folder of its own, its proofs are the GARCH circuit's. Requests are due at
fixed times; what is measured is from then, so that a service that stalls is charged for everyone who waits. Loopback
only, bounded in count.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil

from bench.cpu import own_cpu_secs
from oracle.constants import LOCAL_CHAIN_IDS
from oracle.settings import PROJECT_ROOT, Settings

MAX_REQUESTS: Final = 60_000
START_TIMEOUT_SECS: Final = 300.0
CONNECTIONS: Final = 64
PROOFS_UNDER_WAY: Final = 4
MODEL: Final = "garch-vol-32"


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it; times in milliseconds, by percentile, over all reads."""

    wanted_per_sec: float
    seconds: float
    reads: int
    failed: int
    answered_per_sec: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    slowest_path: str
    proofs: int
    proofs_per_minute: float
    proofs_per_minute_alone: float
    load_average: float
    cpu_percent: float
    service_cpu_ms_per_read: float


def measure(settings: Settings, *, per_sec: float, seconds: float, say: Callable[[str], None]) -> Load:
    """Starts a stack, has it prove without reads and then with them, and ends it. Raises RuntimeError without one."""
    if per_sec * seconds > MAX_REQUESTS or settings.chain_id not in LOCAL_CHAIN_IDS:
        raise ValueError(f"more than {MAX_REQUESTS} reads, or no local chain")
    with tempfile.TemporaryDirectory(prefix="plumbline-load-") as scratch:
        environment = {**os.environ, "PLUMBLINE_STATE_DIR": scratch}
        environment.pop("PLUMBLINE_RPC_URL", None)
        command = [sys.executable, "-m", "oracle.cli"]
        say("starting a stack")
        with (Path(scratch) / "up.log").open("wb") as log:
            stack = subprocess.Popen(
                [*command, "up"], cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            url, pid = _ready(command, environment, stack)
            return asyncio.run(_measure(url, psutil.Process(pid), per_sec, seconds, say))
        finally:
            subprocess.run([*command, "down"], cwd=PROJECT_ROOT, env=environment, check=False, capture_output=True)
            stack.wait(60)


def _ready(command: list[str], environment: dict[str, str], stack: subprocess.Popen[bytes]) -> tuple[str, int]:
    deadline = time.monotonic() + START_TIMEOUT_SECS
    while time.monotonic() < deadline and stack.poll() is None:
        found = subprocess.run(
            [*command, "status", "--json"], cwd=PROJECT_ROOT, env=environment, check=False, capture_output=True
        )
        if found.returncode == 0:
            facts = json.loads(found.stdout)
            if facts["service"]["ready"]:
                return str(facts["apiUrl"]), int(facts["service"]["pid"])
        time.sleep(1.0)
    raise RuntimeError(f"no stack was ready within {START_TIMEOUT_SECS:.0f} s; exit code {stack.poll()}")


async def _measure(
    url: str, service: psutil.Process, per_sec: float, seconds: float, say: Callable[[str], None]
) -> Load:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector, trust_env=False) as session:
        paths = await _paths(session)
        say("proving without reads")
        alone, alone_secs = await _proving(session, seconds)
        say(f"proving with {per_sec:.0f} reads a second")
        psutil.cpu_percent()
        used = own_cpu_secs(service)  # API, workflows and feeders, without the provers
        proving = asyncio.create_task(_proving(session, seconds))
        began = time.perf_counter()
        answers = await _reads(session, paths, per_sec, seconds)
        took = time.perf_counter() - began
        cpu, used = psutil.cpu_percent(), own_cpu_secs(service) - used
        proofs, proving_secs = await proving
    times = sorted(milliseconds for _, milliseconds, _ in answers)
    return Load(
        wanted_per_sec=per_sec,
        seconds=took,
        reads=len(answers),
        failed=sum(not good for _, _, good in answers),
        answered_per_sec=sum(good for _, _, good in answers) / took,
        p50_ms=_percentile(times, 0.50),
        p99_ms=_percentile(times, 0.99),
        max_ms=times[-1],
        slowest_path=max(answers, key=lambda answer: answer[1])[0],
        proofs=proofs,
        proofs_per_minute=60 * proofs / proving_secs,
        proofs_per_minute_alone=60 * alone / alone_secs,
        load_average=os.getloadavg()[0],
        cpu_percent=cpu,
        service_cpu_ms_per_read=1000 * used / len(answers),
    )


async def _paths(session: aiohttp.ClientSession) -> list[str]:
    """What readers ask for: lists, single feeds, rounds, models."""
    async with session.get("/v1/feeds") as response:
        feeds = (await response.json())["feeds"]
    paths = ["/v1/feeds", f"/v1/models/{MODEL}"]
    for feed in feeds:
        paths += [f"/v1/feeds/{feed['name']}"] * 3
        if feed["roundId"]:
            paths += [f"/v1/feeds/{feed['name']}/rounds/{feed['roundId']}", f"/v1/feeds/{feed['name']}/rounds?limit=5"]
    return paths


async def _reads(
    session: aiohttp.ClientSession, paths: list[str], per_sec: float, seconds: float
) -> list[tuple[str, float, bool]]:
    """Path, milliseconds since it was due, and whether it was answered with 200, of every read."""
    chosen = random.Random(1)
    answers: list[tuple[str, float, bool]] = []
    gate = asyncio.Semaphore(CONNECTIONS)
    start = time.perf_counter()

    async def read(path: str, due: float) -> None:
        async with gate:
            try:
                async with session.get(path, timeout=aiohttp.ClientTimeout(30)) as response:
                    await response.read()
                    good = response.status == 200
            except (aiohttp.ClientError, TimeoutError):
                good = False
        answers.append((path, 1000 * (time.perf_counter() - due), good))

    async with asyncio.TaskGroup() as group:
        for index in range(int(per_sec * seconds)):
            due = start + index / per_sec
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(read(chosen.choice(paths), due))
    return answers


async def _proving(session: aiohttp.ClientSession, seconds: float) -> tuple[int, float]:
    """Proofs that ended within the time, with the queue never empty, and the seconds until the last of them."""
    start = time.perf_counter()
    ended: list[float] = []

    async def prove() -> None:
        while time.perf_counter() - start < seconds:
            body: dict[str, Any] = {"model": MODEL, "inputData": [_inputs(len(ended))]}
            async with session.post("/v1/proof-requests", json=body) as response:
                document = await response.json()
                if response.status != 202:
                    raise RuntimeError(f"a proof request was refused: {document}")
            while document["finishedAt"] is None:
                async with session.get(f"/v1/requests/{document['id']}?waitSecs=20") as response:
                    document = await response.json()
            if document["state"] != "fulfilled":
                raise RuntimeError(f"a proof failed: {document['cause']}")
            ended.append(time.perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        for _ in range(PROOFS_UNDER_WAY):
            group.create_task(prove())
    return len(ended), max(ended)


def _inputs(number: int) -> list[float]:
    """Values within the domain that differ from proof to proof: returns, the variance before them, and parameters."""
    return [*(0.01 * ((number + index) % 50) for index in range(32)), 1.0, 0.05, 0.1, 0.8, 0.5, 1.0]


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def lines(load: Load) -> list[str]:
    """The figures for people."""
    return [
        f"reads: {load.reads} in {load.seconds:.1f} s, {load.answered_per_sec:.0f}/s answered of "
        f"{load.wanted_per_sec:.0f}/s sent, {load.failed} failed",
        f"milliseconds from due time: p50 {load.p50_ms:.1f}, p99 {load.p99_ms:.1f}, max {load.max_ms:.1f} "
        f"({load.slowest_path})",
        f"the service's own process: {load.service_cpu_ms_per_read:.2f} ms of CPU a read, with all else that it did",
        f"proofs meanwhile: {load.proofs}, {load.proofs_per_minute:.1f} a minute; without reads "
        f"{load.proofs_per_minute_alone:.1f}",
        f"machine: load average {load.load_average:.1f} on {os.cpu_count()} cores, CPU {load.cpu_percent:.0f} %",
    ]
