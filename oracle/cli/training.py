"""`plumbline model train` and `card`: the training runs in a process of its own, since the oracle imports no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from oracle.cli.proving import opened_engine
from oracle.errors import InputRejected, NotFound
from oracle.proving.cards import REPORT, card_of
from oracle.settings import PROJECT_ROOT, Settings

TRAINER: Final = PROJECT_ROOT / "scripts" / "train_model.py"
ALL: Final = "all"


def train_family(name: str, data: Path | None, *, check: bool) -> int:
    """The trainer's exit status; its output goes to the terminal. Raises NotFound outside a source tree."""
    if not TRAINER.is_file():
        raise NotFound(f"there is no {TRAINER}", remedy="Train in a clone of the project.")
    arguments = ["--all"] if name == ALL else [name]
    if data is not None:
        arguments += ["--data", str(data.resolve())]
    if check:
        arguments.append("--check")
    return subprocess.run([sys.executable, str(TRAINER), *arguments], cwd=PROJECT_ROOT, check=False).returncode


def read_card(settings: Settings, name: str) -> tuple[str, dict[str, Any]]:
    """A circuit's card and the report of its training, where it was trained here. Raises NotFound."""
    with opened_engine(settings) as engine:
        card = card_of(engine.folder(name), engine.circuit(name))
    return card.text, card.report or {"circuit_id": name, "report": None}


def read_bars(settings: Settings) -> list[dict[str, Any]]:
    """Of every circuit with a card: what ships, what a proof of it costs, and each bar, reached or not.

    Raises NotFound without any card, InputRejected for a report that is none.
    """
    paths = sorted(settings.circuits_dir.glob(f"*/{REPORT}"))
    if not paths:
        raise NotFound(f"there is no card under {settings.circuits_dir}", remedy="plumbline model train NAME")
    return [_bars_of(path) for path in paths]


def _bars_of(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text())
        bars = [dict(bar) for bar in report["bars"]]
        return {
            "model": report["circuit_id"],
            "family": report["family"],
            "ships": report["ships"],
            "proveCpuSeconds": report["prove_cpu_seconds"],
            "gas": report["gas"],
            "reached": sum(bool(bar["reached"]) for bar in bars),
            "bars": bars,
        }
    except (ValueError, KeyError, TypeError) as error:
        raise InputRejected(f"{path} is no report of a model: {error}") from None
