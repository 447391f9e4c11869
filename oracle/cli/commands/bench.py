"""`plumbline bench`: any network, ours against both of ezkl's own calibrations, in one run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from oracle.cli.context import invocation
from oracle.errors import ToolMissing


def bench(
    ctx: typer.Context,
    *,
    onnx_dir: Annotated[
        Path | None,
        typer.Option("--onnx-dir", help="Each subfolder with network.onnx and input.json is measured too."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="This network alone; repeatable.")] = None,
    arm: Annotated[list[str] | None, typer.Option("--arm", help="This arm alone, as the table names it.")] = None,
    limit_secs: Annotated[
        float, typer.Option("--limit-secs", help="An arm that takes longer is ended and recorded so.", min=1)
    ] = 600.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every figure here, one record a network and arm.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write a picture here.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what the --json file has already.")] = False,
    retry_timed_out: Annotated[
        bool, typer.Option("--retry-timed-out", help="With --resume: again what an earlier --limit-secs ended.")
    ] = False,
) -> None:
    """Measures every shipped circuit, and your networks, against ezkl's calibrate_settings "resources" and "accuracy".

    Examples:

      plumbline bench --onnx-dir my-networks --json bench.json --plot bench.png

      plumbline bench --json bench.json --resume --only garch-vol-32 --arm plumbline --arm "ezkl resources"
    """
    from oracle.settings import PROJECT_ROOT

    call = invocation(ctx)
    if not (PROJECT_ROOT / "bench").is_dir():
        raise ToolMissing("the benchmarks are not installed", remedy="run it in a checkout of the repository")
    command = [sys.executable, "-m", "bench", "networks", "--limit-secs", str(limit_secs)]
    for name, path in (("--onnx-dir", onnx_dir), ("--json", json_file), ("--plot", plot)):
        command += [name, str(path.resolve())] if path is not None else []
    for network in only or ():
        command += ["--only", network]
    for one in arm or ():
        command += ["--arm", one]
    command += ["--resume"] if resume else []
    command += ["--retry-timed-out"] if retry_timed_out else []
    folders = {name: getattr(call.settings, name) for name in ("state_dir", "cache_dir", "circuits_dir", "build_dir")}
    raise typer.Exit(subprocess.call(command, cwd=PROJECT_ROOT, env=_environment(folders)))


def _environment(folders: dict[str, Path]) -> dict[str, str]:
    import os

    return os.environ | {f"PLUMBLINE_{name.upper()}": str(path) for name, path in folders.items()}
