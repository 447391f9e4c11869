"""What several workers bring, and what a long queue costs: proofs a minute, CPU and memory, beside the bare prover.

.venv/bin/python scripts/scale.py --requests 60 --workers 1,2 --circuit garch-vol-32     three minutes on two cores
.venv/bin/python scripts/scale.py --requests 10000 --workers 2 --json scale.json         the smallest; half an hour

Starts PostgreSQL, Anvil, `plumbline serve` (which proves nothing) and workers of one prover each, on loopback; puts all
requests into the queue, and measures until the last has ended, or `--limit-secs` are over. The bare prover makes the
same proofs in one process.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# The tests' helpers; another package in site-packages has the name `tests`
_tests = types.ModuleType("tests")
_tests.__path__ = [str(ROOT / "tests")]
sys.modules["tests"] = _tests

from bench.cpu import cpu_secs  # noqa: E402
from oracle.api.schemas import MAX_BATCH  # noqa: E402
from oracle.proving.engine import ProvingEngine  # noqa: E402
from oracle.settings import Settings  # noqa: E402
from oracle.store.db import open_engine, requests  # noqa: E402
from tests.support.cluster import Cluster  # noqa: E402
from tests.support.onchain_stack import OnchainStack  # noqa: E402
from tests.support.postgres import WHY_NOT, PostgresServer, binaries  # noqa: E402
from tests.support.service_stack import TINY  # noqa: E402
from tests.support.waiting import until  # noqa: E402

SAMPLE_SECS = 1.0
BARE_PROOFS = 20
BATCH = MAX_BATCH
GARCH = "garch-vol-32"
READY_SECS = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description="Proofs a minute by workers, CPU and memory over a long queue.")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--workers", default="1,2", help="counts of workers to measure, by commas")
    parser.add_argument("--circuit", choices=(TINY, GARCH), default=TINY)
    parser.add_argument("--limit-secs", type=float, default=3_600.0, help="of each run; what was left is told")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    if binaries() is None:
        sys.stderr.write(WHY_NOT + "\n")
        return 2
    result: dict[str, Any] = {
        "cores": os.cpu_count(),
        "circuit": options.circuit,
        "requests": options.requests,
        "runs": [],
    }
    with tempfile.TemporaryDirectory(prefix="plumbline-scale-", ignore_cleanup_errors=True) as scratch:
        settings = Settings(state_dir=Path(scratch) / "state", rpc_url="", database_url="")
        stack = OnchainStack.deploy(settings)
        postgres = PostgresServer.create()
        try:
            bare = _bare(settings, options.circuit)
            result["bare"] = bare
            print(
                f"bare prover, one process: {bare['proofs_a_minute']:.1f} proofs a minute, "
                f"{bare['cpu_secs_a_proof']:.2f} CPU s each",
                flush=True,
            )
            for count in (int(text) for text in options.workers.split(",")):
                folder = Path(scratch) / f"of-{count}"
                folder.mkdir()
                cluster = Cluster.over(stack, postgres, folder)
                run = _drained(cluster, count, options.requests, options.circuit, options.limit_secs)
                result["runs"].append(run)
                _say(run, bare["proofs_a_minute"], result["runs"][0])
        finally:
            postgres.remove()
            stack.close()
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _inputs(circuit: str, index: int) -> list[float]:
    """Inputs within the circuit's domain that differ from request to request."""
    if circuit == TINY:
        return [0.5 + index % 7 / 8, -1.0, 0.25]
    return [*(0.01 * ((index + step) % 50) for step in range(32)), 1.0, 0.05, 0.1, 0.8, 0.5, 1.0]


def _bare(settings: Settings, circuit: str) -> dict[str, float]:
    engine = ProvingEngine(settings.model_copy(update={"max_workers": 1}))
    try:
        engine.prepare(circuit)

        def prove(index: int) -> None:
            inputs = engine.quantise(circuit, [_inputs(circuit, index)])
            engine.verify(circuit, engine.prove(circuit, engine.witness(circuit, inputs)))

        prove(0)  # warms the worker
        began, used = time.monotonic(), cpu_secs([psutil.Process()])
        for index in range(BARE_PROOFS):
            prove(index)
        return {
            "proofs_a_minute": 60 * BARE_PROOFS / (time.monotonic() - began),
            "cpu_secs_a_proof": (cpu_secs([psutil.Process()]) - used) / BARE_PROOFS,
        }
    finally:
        engine.close()


def _drained(cluster: Cluster, workers: int, count: int, circuit: str, limit_secs: float) -> dict[str, Any]:
    try:
        cluster.serve()
        cluster.wait_ready()
        for start in range(0, count, BATCH):
            bodies = [
                {"model": circuit, "inputData": [_inputs(circuit, index)], "submit": False}
                for index in range(start, min(start + BATCH, count))
            ]
            cluster.prove_many(bodies, f"scale-{start}")
        for _ in range(workers):
            cluster.worker()
        cluster.wait_ready()
        # Each worker's first proof makes its key ready
        until(lambda: all(member.says("step done") > 0 for member in cluster.members[1:]), READY_SECS)
        processes = [psutil.Process(member.child.pid) for member in cluster.members if member.child is not None]
        memory: list[list[float]] = [[] for _ in processes]
        first_left, began, used = _left(cluster), time.monotonic(), cpu_secs(processes)
        left = first_left
        while left and time.monotonic() - began < limit_secs:
            time.sleep(SAMPLE_SECS)
            left = _left(cluster)
            for process, samples in zip(processes, memory, strict=True):
                samples.append(process.memory_info().rss / 2**20)
        seconds, done = time.monotonic() - began, first_left - left
        return {
            "workers": workers,
            "measured": done,
            "left": left,
            "failed": _count(cluster, "failed"),
            "seconds": round(seconds, 1),
            "proofs_a_minute": round(60 * done / seconds, 1),
            "cpu_secs_a_proof": round((cpu_secs(processes) - used) / max(1, done), 3),
            "rss_mb_of": ["serve", *(f"worker {number + 1}" for number in range(workers))],
            "rss_mb_second_quarter": [round(max(s[len(s) // 4 : max(1, len(s) // 2)]), 1) for s in memory],
            "rss_mb_last_quarter": [round(max(s[-max(1, len(s) // 4) :]), 1) for s in memory],
        }
    finally:
        cluster.close()


def _say(run: dict[str, Any], bare: float, first: dict[str, Any]) -> None:
    rate = run["proofs_a_minute"]
    print(
        f"{run['workers']} workers: {run['measured']} proofs in {run['seconds']} s ({run['left']} left, "
        f"{run['failed']} failed): {rate} a minute, {100 * rate / bare:.0f} % of one bare prover, "
        f"{rate / first['proofs_a_minute']:.2f} x of {first['workers']}; "
        f"{run['cpu_secs_a_proof']} CPU s a proof, service and prover\n"
        f"  MB of {', '.join(run['rss_mb_of'])}: {run['rss_mb_second_quarter']} in the run's second quarter, "
        f"{run['rss_mb_last_quarter']} in its last",
        flush=True,
    )


def _left(cluster: Cluster) -> int:
    return _count(cluster, "accepted", "running")


def _count(cluster: Cluster, *states: str) -> int:
    engine = open_engine(cluster.database_url)
    try:
        query = sa.select(sa.func.count()).select_from(requests).where(requests.c.state.in_(states))
        with engine.connect() as connection:
            return int(connection.execute(query).scalar_one())
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
