"""Every network in every arm, one after another, each arm in a process with a time limit."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from bench.cases import Case, shipped, shipped_case, stranger_case, strangers, write_case
from bench.records import ARMS, OURS, RESOURCES, SRS_STAGE, TOOK_LONGER, ArmRecord, read_record, write_record
from oracle.errors import OracleError
from oracle.proving.workers.pool import Worker
from oracle.settings import PROJECT_ROOT, Settings

POLL_SECS: Final = 0.2
TAIL: Final = 400

Say = Callable[[str], None]
OnRecord = Callable[[ArmRecord], None]


def compare(
    settings: Settings,
    *,
    onnx_dir: Path | None,
    limit_secs: float,
    say: Say,
    arms: Sequence[str] = ARMS,
    only: Sequence[str] = (),
    known: Sequence[ArmRecord] = (),
    on_record: OnRecord = lambda record: None,
) -> list[ArmRecord]:
    """A record for each network and arm: the networks that ship, then those under `onnx_dir`.

    `known`: records of an earlier run that was ended. They are taken over, those too of networks and arms that are
    not asked for now, so that one file grows by batches.
    """
    records = list(known)
    folders = [*((path, True) for path in shipped(settings.circuits_dir))]
    folders += [(path, False) for path in strangers(onnx_dir)] if onnx_dir else []
    chosen = [one for one in folders if not only or one[0].name in only]
    for place, (folder, ships) in enumerate(chosen, 1):
        had = [one for one in known if (one.network, one.shipped) == (folder.name, ships)]
        with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as scratch:
            for record in _network(
                settings,
                folder,
                Path(scratch),
                ships=ships,
                arms=arms,
                had=had,
                limit=limit_secs,
                say=partial(_say_with, say, f"{place} of {len(chosen)}: "),
            ):
                records.append(record)
                on_record(record)
    return sorted(records, key=lambda one: (not one.shipped, one.network, ARMS.index(one.arm)))


def _say_with(say: Say, place: str, text: str) -> None:
    say(place + text)


def _network(
    settings: Settings,
    folder: Path,
    scratch: Path,
    *,
    ships: bool,
    arms: Sequence[str],
    had: Sequence[ArmRecord],
    limit: float,
    say: Say,
) -> Iterator[ArmRecord]:
    done = {record.arm: record for record in had}
    missing = [arm for arm in arms if arm not in done]
    if not missing:
        return
    try:
        if ships:
            case = shipped_case(folder)
        else:
            with Worker(memory_mb=settings.prove_memory_mb) as worker:
                case = stranger_case(worker, folder, scratch)
    except OracleError as error:
        yield from (ArmRecord(folder.name, arm, ships, failure=f"read: {error}") for arm in missing)
        return
    for arm in sorted(missing, key=ARMS.index):
        record = ArmRecord(case.name, arm, ships)
        theirs = done.get(RESOURCES)
        if arm == OURS and theirs is not None and theirs.proof_bytes is not None:
            record.max_error = theirs.error  # of what proves, whether or not a contract may be as large as its verifier
        say(f"{case.name}: {arm}")
        done[arm] = _run_arm(settings, case, record, scratch / arm.replace(" ", "-"), limit)
        yield done[arm]


def _run_arm(settings: Settings, case: Case, record: ArmRecord, folder: Path, limit: float) -> ArmRecord:
    """The arm's record, with the reason where it did not end well or in time."""
    folder.mkdir()
    write_case(case, folder / "case.json")
    write_record(record, folder / "record.json")
    paths = {name: str(getattr(settings, name)) for name in ("cache_dir", "circuits_dir", "build_dir")}
    environment = os.environ | {f"PLUMBLINE_{name.upper()}": value for name, value in paths.items()}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.arm_process", str(folder)],
            cwd=PROJECT_ROOT,
            env=environment | {"PLUMBLINE_STATE_DIR": str(folder / "state")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        spent, before = 0.0, time.monotonic()
        try:
            while process.poll() is None and spent < limit:
                time.sleep(POLL_SECS)
                now = time.monotonic()
                if read_record(folder / "record.json").stage != SRS_STAGE:
                    spent += now - before
                before = now
        finally:
            code = process.poll()
            if code is None:
                _kill(process)
    found = read_record(folder / "record.json")
    if code is None:
        found.failure = f"{found.stage}: {TOOK_LONGER} {limit:.0f} s"
    elif code != 0:
        tail = (folder / "log").read_bytes()[-TAIL:].decode(errors="replace").strip()
        found.failure = f"{found.stage}: the arm died with code {code}: {tail}"
    return found


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and all that it started, whatever session they are in."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()
