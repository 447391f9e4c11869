"""What several workers bring, and what a long queue costs: proofs a minute and memory, beside the bare prover.

.venv/bin/python scripts/scale.py --requests 200 --workers 1,2 --json scale.json
.venv/bin/python scripts/scale.py --requests 10000 --workers 2

Starts PostgreSQL, Anvil, `plumbline serve` (which proves nothing) and workers of one prover each, on loopback; puts all
requests into the queue, and measures until the last has ended. The bare prover makes the same proofs in one process.
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

from oracle.proving.engine import ProvingEngine  # noqa: E402
from oracle.settings import Settings  # noqa: E402
from oracle.store.db import open_engine, requests  # noqa: E402
from tests.support.cluster import Cluster  # noqa: E402
from tests.support.onchain_stack import OnchainStack  # noqa: E402
from tests.support.postgres import WHY_NOT, PostgresServer, binaries  # noqa: E402
from tests.support.service_stack import TINY  # noqa: E402

SAMPLE_SECS = 2.0
BARE_PROOFS = 20


def main() -> int:
    parser = argparse.ArgumentParser(description="Proofs a minute by workers, memory over a long queue.")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--workers", default="1,2", help="counts of workers to measure, by commas")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    if binaries() is None:
        sys.stderr.write(WHY_NOT + "\n")
        return 2
    result: dict[str, Any] = {"cores": os.cpu_count(), "requests": options.requests, "runs": []}
    with tempfile.TemporaryDirectory(prefix="plumbline-scale-", ignore_cleanup_errors=True) as scratch:
        settings = Settings(state_dir=Path(scratch) / "state", rpc_url="", database_url="")
        stack = OnchainStack.deploy(settings)
        postgres = PostgresServer.create()
        try:
            result["bare_proofs_a_minute"] = _bare(settings)
            print(f"bare prover, one process: {result['bare_proofs_a_minute']:.0f} proofs a minute", flush=True)
            for count in (int(text) for text in options.workers.split(",")):
                folder = Path(scratch) / f"of-{count}"
                folder.mkdir()
                run = _drained(Cluster.over(stack, postgres, folder), count, options.requests)
                result["runs"].append(run)
                print(json.dumps(run), flush=True)
        finally:
            postgres.remove()
            stack.close()
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _bare(settings: Settings) -> float:
    engine = ProvingEngine(settings.model_copy(update={"max_workers": 1}))
    try:
        engine.prepare(TINY)
        inputs = engine.quantise(TINY, [[0.5, -1.0, 0.25]])
        engine.prove(TINY, engine.witness(TINY, inputs))  # warms the worker
        began = time.monotonic()
        for _ in range(BARE_PROOFS):
            engine.prove(TINY, engine.witness(TINY, inputs))
        return 60 * BARE_PROOFS / (time.monotonic() - began)
    finally:
        engine.close()


def _drained(cluster: Cluster, workers: int, count: int) -> dict[str, Any]:
    try:
        cluster.serve()
        cluster.wait_ready()
        for index in range(count):
            cluster.prove(index)
        members = [cluster.worker() for _ in range(workers)]
        cluster.wait_ready()
        memory: list[list[float]] = [[] for _ in members]
        left, began = count, time.monotonic()
        first_left = _left(cluster)
        while left:
            time.sleep(SAMPLE_SECS)
            left = _left(cluster)
            for member, samples in zip(members, memory, strict=True):
                assert member.child is not None
                samples.append(psutil.Process(member.child.pid).memory_info().rss / 2**20)
        seconds = time.monotonic() - began
        return {
            "workers": workers,
            "seconds": round(seconds, 1),
            "proofs_a_minute": round(60 * first_left / seconds, 1),
            "rss_mb_first_quarter": [round(max(s[: max(1, len(s) // 4)]), 1) for s in memory],
            "rss_mb_last_quarter": [round(max(s[-max(1, len(s) // 4) :]), 1) for s in memory],
        }
    finally:
        cluster.close()


def _left(cluster: Cluster) -> int:
    engine = open_engine(cluster.database_url)
    try:
        open_ = requests.c.state.in_(("accepted", "running"))
        with engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(requests).where(open_)).scalar_one())
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
