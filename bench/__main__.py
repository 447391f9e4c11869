"""make bench: prints the tables; `--json FILE` writes every figure.

.venv/bin/python -m bench                 all parts
.venv/bin/python -m bench networks        every circuit that ships, and those under --onnx-dir, in three arms
.venv/bin/python -m bench shipped         every circuit that ships: seconds of a warm witness and its verified proof
.venv/bin/python -m bench proving         the GARCH circuit against ezkl's own calibration, over windows of the S&P 500
.venv/bin/python -m bench gas              every circuit that ships and a batch family: verification against its floor
.venv/bin/python -m bench groth16          ezkl and Groth16 side by side, for each circuit that both can prove
.venv/bin/python -m bench latency          from a request on chain to its answer on chain, for the GARCH model
.venv/bin/python -m bench load            reads of the API a second while it proves: milliseconds by percentile
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
from bench.records import ARMS, ArmRecord
from oracle.errors import InvalidInput
from oracle.settings import Settings

PARTS = ("networks", "shipped", "proving", "rounds", "gas", "groth16", "latency", "load")
WIDTH = 220


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown or min(options.proofs, options.samples, options.rounds, options.limit_secs) < 1:
        parser.error(f"no such part: {', '.join(sorted(unknown))}" if unknown else "counts must be positive")
    chosen = options.parts or list(PARTS)
    console, settings = Console(), Settings()
    console.width = max(console.width, WIDTH)
    result: dict[str, Any] = {"machine": {"cores": os.cpu_count(), "platform": platform.platform()}}
    try:
        if "networks" in chosen:
            _networks(options, settings, console, result)
        if "shipped" in chosen:
            _shipped(options, settings, console, result)
    except InvalidInput as error:
        parser.error(f"{error}; {error.remedy}")
    if "proving" in chosen:
        _proving(options, settings, console, result)
    if "rounds" in chosen:
        from bench.rounds import publish  # noqa: PLC0415

        rounds = publish(settings, count=options.rounds, say=_say(console))
        console.print(report.rounds_table(rounds))
        result["rounds"] = dataclasses.asdict(rounds)
    if "gas" in chosen:
        from bench import evm  # noqa: PLC0415

        verified = evm.measure(settings, [int(count) for count in options.rows.split(",")], _say(console))
        console.print(evm.table(verified))
        result["gas"] = [dataclasses.asdict(one) for one in verified]
    if "groth16" in chosen:
        from bench import groth16  # noqa: PLC0415

        pairs = groth16.measure(settings, options.proofs, _say(console))
        console.print(groth16.table(pairs))
        result["groth16"] = [dataclasses.asdict(one) for one in pairs]
    if "latency" in chosen:
        from bench import latency  # noqa: PLC0415

        measured, burst = latency.measure(
            settings, count=options.requests, block_secs=options.block_secs, burst=options.burst, say=_say(console)
        )
        console.print(latency.table(measured))
        console.print("\n".join(latency.burst_lines(burst)))
        result["burst"] = dataclasses.asdict(burst)
        result["latency"] = [{**dataclasses.asdict(one), "p50": one.p50, "p95": one.p95} for one in measured]
    if "load" in chosen:
        from bench import load  # noqa: PLC0415

        found = load.measure(settings, per_sec=options.per_sec, seconds=options.load_secs, say=_say(console))
        console.print("\n".join(load.lines(found)))
        result["load"] = dataclasses.asdict(found)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description="Speed and gas, against ezkl's own defaults in the same run."
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all when none is named")
    parser.add_argument("--onnx-dir", type=Path, help="networks: each subfolder with network.onnx and input.json too")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="networks, shipped: this one; repeated"
    )
    parser.add_argument("--arm", action="append", default=[], choices=ARMS, help="networks: this arm; repeatable")
    parser.add_argument("--limit-secs", type=float, default=600.0, help="networks: an arm that takes longer is ended")
    parser.add_argument("--resume", action="store_true", help="networks: keep what the --json file has already")
    parser.add_argument(
        "--retry-timed-out",
        action="store_true",
        help="networks: with --resume, measure again what an earlier, shorter --limit-secs ended",
    )
    parser.add_argument("--plot", type=Path, help="networks: write a picture to this file")
    parser.add_argument("--circuit", default="garch-vol-32", help="proving: a circuit of GARCH's inputs")
    parser.add_argument(
        "--proofs",
        type=int,
        default=5,
        help="proving, groth16: proofs of each arm; shipped: warm ones of each circuit; medians are shown",
    )
    parser.add_argument("--samples", type=int, default=64, help="proving: windows for the in-circuit error")
    parser.add_argument("--rows", default="1,4,16", help="gas: rows of the batch family; 64 take minutes and 4 GB")
    parser.add_argument("--rounds", type=int, default=10, help="rounds: how many are published on a local Anvil")
    parser.add_argument("--requests", type=int, default=30, help="latency: how many are asked each way")
    parser.add_argument("--block-secs", type=int, default=1, help="latency: seconds from block to block")
    parser.add_argument("--burst", type=int, default=8, help="latency: how many are asked at once, for batches")
    parser.add_argument("--per-sec", type=float, default=250.0, help="load: reads that are sent in a second")
    parser.add_argument("--load-secs", type=float, default=30.0, help="load: how long")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    return parser


def _networks(options: argparse.Namespace, settings: Settings, console: Console, result: dict[str, Any]) -> None:
    from bench import summary  # noqa: PLC0415
    from bench.networks import compare  # noqa: PLC0415

    known = _known(options.json) if options.resume else []
    if options.retry_timed_out:
        known = [record for record in known if not record.timed_out]
    collected = list(known)

    def on_record(record: ArmRecord) -> None:
        collected.append(record)
        result["networks"] = [dataclasses.asdict(one) for one in collected]
        if options.json:  # a long run that is ended leaves what it has
            options.json.write_text(json.dumps(result, indent=2) + "\n")

    records = compare(
        settings,
        onnx_dir=options.onnx_dir,
        limit_secs=options.limit_secs,
        arms=options.arm or ARMS,
        only=options.only,
        known=known,
        say=_say(console),
        on_record=on_record,
    )
    means = summary.means(records)
    result["geometric_means"] = means
    console.print(summary.table(records))
    console.print(summary.means_table(means))
    for line in summary.outcomes(records):
        console.print(line)
    if options.plot:
        from bench.plot import draw  # noqa: PLC0415

        draw(records, options.plot)


def _shipped(options: argparse.Namespace, settings: Settings, console: Console, result: dict[str, Any]) -> None:
    from bench import shipped  # noqa: PLC0415

    provers = shipped.measure(settings, proofs=options.proofs, say=_say(console), only=options.only)
    console.print(shipped.table(provers))
    result["shipped"] = [dataclasses.asdict(one) for one in provers]


def _proving(options: argparse.Namespace, settings: Settings, console: Console, result: dict[str, Any]) -> None:
    from bench.proving import compare  # noqa: PLC0415 - ezkl and onnxruntime load only where they are needed

    records = compare(settings, options.circuit, proofs=options.proofs, samples=options.samples, say=_say(console))
    console.print(report.proving_table(records))
    console.print(report.ratios(records))
    result["proving"] = [dataclasses.asdict(record) for record in records]


def _known(path: Path | None) -> list[ArmRecord]:
    if path is None or not path.exists():
        return []
    return [ArmRecord(**record) for record in json.loads(path.read_text()).get("networks", ())]


def _say(console: Console) -> Any:
    return lambda text: console.print(f"[dim]{text}[/dim]")


if __name__ == "__main__":
    sys.exit(main())
