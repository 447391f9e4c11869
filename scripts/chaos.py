"""Kills, restarts, reorganises and lies to a running service under load, then reads the accounts.

.venv/bin/python scripts/chaos.py --kills 200 --limit-secs 800 --seed 1 --json chaos.json

Starts PostgreSQL, Anvil, `plumbline serve` and two `plumbline worker` of its own, on loopback, in a temporary folder.
Ends with 1 when anything does not add up.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# The tests' helpers; another package in site-packages has the name `tests`
_tests = types.ModuleType("tests")
_tests.__path__ = [str(ROOT / "tests")]
sys.modules["tests"] = _tests

from oracle.settings import Settings  # noqa: E402
from tests.support.chaos import Chaos  # noqa: E402
from tests.support.cluster import Cluster  # noqa: E402
from tests.support.onchain_stack import OnchainStack  # noqa: E402
from tests.support.postgres import WHY_NOT, PostgresServer, binaries  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description="Chaos under load, and the accounts afterwards.")
    parser.add_argument("--kills", type=int, default=200, help="kill -9 of API, listener, workers and senders")
    parser.add_argument("--limit-secs", type=float, default=800.0, help="no disturbance after so many seconds")
    parser.add_argument("--pause-secs", type=float, default=1.5, help="mean pause between disturbances")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--keep", type=Path, help="keep the processes' logs in this folder")
    options = parser.parse_args()
    if binaries() is None:
        sys.stderr.write(WHY_NOT + "\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="plumbline-chaos-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        settings = Settings(state_dir=folder / "state", rpc_url="", database_url="")
        postgres = PostgresServer.create()
        stack = OnchainStack.deploy(settings, block_time=1, state_file=settings.state_dir / "chain.json")
        cluster = Cluster.over(stack, postgres, folder)
        try:
            cluster.serve()
            for _ in range(options.workers):
                cluster.worker()
            cluster.wait_ready()
            chaos = Chaos(cluster, options.seed, lambda text: print(text, flush=True))
            report = chaos.run(kills=options.kills, limit_secs=options.limit_secs, pause_secs=options.pause_secs)
        finally:
            cluster.close()
            stack.close()
            postgres.remove()
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                for log in folder.glob("*.log"):
                    shutil.copy(log, options.keep)
    print(json.dumps(report.as_json(), indent=2))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
