"""make bench: prints the tables; `--json FILE` writes every figure.

.venv/bin/python -m bench                 both parts
.venv/bin/python -m bench proving         our circuit against ezkl's own calibration of the same ONNX file
.venv/bin/python -m bench rounds          one round on chain: seconds from observation to acceptance, gas by purpose
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import report
from oracle.settings import Settings

PARTS = ("proving", "rounds")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bench", description="Speed and gas, against ezkl's own defaults in the same run."
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all when none is named")
    parser.add_argument("--circuit", default="garch-vol-32", help="a circuit that ships")
    parser.add_argument("--proofs", type=int, default=5, help="proofs of each arm; medians are shown")
    parser.add_argument("--samples", type=int, default=64, help="windows over which the in-circuit error is measured")
    parser.add_argument("--rounds", type=int, default=10, help="rounds published on a local Anvil")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown or min(options.proofs, options.samples, options.rounds) < 1:
        parser.error(f"no such part: {', '.join(sorted(unknown))}" if unknown else "counts must be positive")
    chosen = options.parts or list(PARTS)
    console, settings = Console(), Settings()
    result: dict[str, Any] = {"machine": {"cores": os.cpu_count(), "platform": platform.platform()}}
    if "proving" in chosen:
        from bench.proving import compare  # noqa: PLC0415 - ezkl and onnxruntime load only where they are needed

        records = compare(settings, options.circuit, proofs=options.proofs, samples=options.samples, say=_say(console))
        console.print(report.proving_table(records))
        console.print(report.ratios(records))
        result["proving"] = [dataclasses.asdict(record) for record in records]
    if "rounds" in chosen:
        from bench.rounds import publish  # noqa: PLC0415

        rounds = publish(settings, count=options.rounds, say=_say(console))
        console.print(report.rounds_table(rounds))
        result["rounds"] = dataclasses.asdict(rounds)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _say(console: Console) -> Any:
    return lambda text: console.print(f"[dim]{text}[/dim]")


if __name__ == "__main__":
    sys.exit(main())
