"""Model families from market data to their committed folders: ONNX, circuit, keys, verifier, manifest, model card.

    python scripts/train_model.py garch [--data FOLDER] [--out circuits/garch-vol-32]
    python scripts/train_model.py --all             # every family: trains, scores, rebuilds what changed
    python scripts/train_model.py garch --circuit-only    # its circuit anew, by the family's shape; scores stay
    python scripts/train_model.py --all --seconds FILE    # what `python -m bench shipped --json FILE` has measured
    python scripts/train_model.py --all --check     # the same without writing; fails where scores left their spread

Everything is drawn from fixed seeds: the same machine writes the same network.onnx, settings.json and vk.key again. A
circuit is built anew only where the exported model's hash is not the committed one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from family_circuits import build_family, measure

from models._card import REPORT, bars_table, circuit_bar, number, rewrite_circuit, rewrite_seconds, write_card
from models._errors import DataMissing
from models._export import NETWORK, committed_hash, model_hash, read_training, write_training
from models._registry import Bar, Family, Fitted, families
from oracle.proving.building.manifest import read_manifest, write_manifest
from oracle.settings import PROJECT_ROOT, Settings

DEFAULT_DATA = PROJECT_ROOT.parent / "shared" / "data"
# Room beyond the seeds' own spread, for machines that add in another order
SPREAD_SHARE = 0.01


@dataclass(frozen=True)
class Outcome:
    """One family's run: what is printed of it, and whether it is as it should be."""

    family: str
    verdict: str
    bars: tuple[Bar, ...] = ()
    sound: bool = True


def main() -> int:
    """Trains, or checks, what was named; prints every bar. 1 where a model could not be reproduced."""
    arguments = _arguments()
    chosen = list(families().values()) if arguments.all else [families()[arguments.name]]
    settings = Settings()
    outcomes = []
    for family in chosen:
        folder = (arguments.out or settings.circuits_dir / family.circuit_id).resolve()
        started = time.monotonic()
        print(f"== {family.name}: {family.title}", flush=True)
        try:
            outcome = _check(family, arguments.data, folder) if arguments.check else _train(arguments, family, folder)
        except DataMissing as error:
            outcome = Outcome(family.name, f"skipped: {error}", sound=arguments.all)
        outcomes.append(outcome)
        print(f"{outcome.verdict} ({time.monotonic() - started:.0f} s)", flush=True)
        if outcome.bars:
            print(bars_table(list(outcome.bars)), flush=True)
    _print_summary(outcomes)
    return 0 if all(outcome.sound for outcome in outcomes) else 1


def _train(arguments: argparse.Namespace, family: Family, folder: Path) -> Outcome:
    """Fits, rebuilds the circuit where the model changed, writes the record and the card."""
    settings = Settings()
    if arguments.circuit_only:
        return _circuit_only(family, folder, settings)
    if arguments.seconds:
        return _seconds(family, folder, arguments.seconds)
    before = read_training(folder)
    fitted = before if arguments.card_only else family.fit(arguments.data)
    same = model_hash(family, fitted) == committed_hash(folder)
    if not same or arguments.rebuild:
        build_family(family, fitted, settings, folder)
    if fitted != Fitted():
        write_training(fitted, folder)
    report = family.evaluate(fitted, arguments.data)
    circuit = measure(family, fitted, settings, folder)
    write_card(folder, family, fitted, report, circuit)
    bars = (*report.bars, circuit_bar(family, circuit))
    verdict = "the committed model again, bit for bit" if same else f"a new model, {folder / NETWORK}"
    return Outcome(family.name, f"{verdict}; k {circuit.manifest['logrows']}, gas {circuit.gas:,}", bars, _inside(bars))


def _circuit_only(family: Family, folder: Path, settings: Settings) -> Outcome:
    """The committed model in a new circuit, by the family's shape of today."""
    fitted = read_training(folder)
    if model_hash(family, fitted) != committed_hash(folder):
        raise SystemExit(f"{folder} holds another model than {family.name} is: train it")
    with tempfile.TemporaryDirectory(prefix="plumbline-circuit-") as scratch:
        built = Path(scratch) / folder.name
        build_family(family, fitted, settings, built)
        circuit = measure(family, fitted, settings, built)
        shutil.copytree(built, folder, dirs_exist_ok=True)
    bars = rewrite_circuit(folder, family, circuit)
    verdict = f"a new circuit of the committed model; k {circuit.manifest['logrows']}, gas {circuit.gas:,}"
    return Outcome(family.name, verdict, bars, _inside(bars))


def _seconds(family: Family, folder: Path, measured: Path) -> Outcome:
    """The seconds of a warm proof into the manifest and the card of a circuit that stays as it is."""
    found = {one["circuit"]: one for one in json.loads(measured.read_text())["shipped"]}
    if family.circuit_id not in found:
        raise SystemExit(f"{measured} has nothing of {family.circuit_id}: python -m bench shipped --json {measured}")
    seconds, manifest = found[family.circuit_id], read_manifest(folder)
    update = {
        name: round(seconds[of], 3)
        for name, of in (("prove_seconds", "prove_secs"), ("witness_seconds", "witness_secs"))
    }
    manifest = manifest.model_copy(update={"measured": manifest.measured.model_copy(update=update)})
    write_manifest(folder, manifest)
    rewrite_seconds(folder, manifest.model_dump())
    return Outcome(family.name, f"a warm proof takes {update['prove_seconds']} s")


def _inside(bars: tuple[Bar, ...]) -> bool:
    """Whether the circuit keeps its budget, the one bar without which nothing ships."""
    return bars[-1].reached


def _check(family: Family, data: Path, folder: Path) -> Outcome:
    """Fits again, compares the model's hash; where it differs, the seed's score with the committed seeds' spread."""
    committed, fitted = read_training(folder), family.fit(data)
    report = family.evaluate(fitted, data)
    recorded = {_promise(bar["name"]): bar for bar in json.loads((folder / REPORT).read_text())["bars"]}
    if model_hash(family, fitted) == committed_hash(folder):
        verdict, sound = "the committed model again, bit for bit", True
    elif fitted.seed is None:
        verdict, sound = _compare_scores(committed, fitted, report.bars, recorded)
    else:
        verdict, sound = _compare(committed, fitted)
    moved = [
        bar.name
        for bar in report.bars
        if recorded.get(_promise(bar.name), {"reached": not bar.reached})["reached"] != bar.reached
    ]
    if moved:
        verdict, sound = f"{verdict}; other than on the card: {', '.join(moved)}", False
    return Outcome(family.name, verdict, report.bars, sound)


def _promise(name: str) -> str:
    """A bar's name without what was measured along with it, in brackets."""
    return name.partition(" (")[0]


def _compare_scores(
    committed: Fitted, fitted: Fitted, bars: tuple[Bar, ...], recorded: Mapping[str, Mapping[str, Any]]
) -> tuple[str, bool]:
    """For what was fitted without a seed: every score within its interval on the card, or near the card's figure."""
    if fitted.ships != committed.ships:
        return f"ships {fitted.ships}, the card says {committed.ships}", False
    outside = [bar.name for bar in bars if not _near(bar.value, recorded.get(_promise(bar.name)))]
    if outside:
        return f"other bits; outside the card's spread: {', '.join(outside)}", False
    return f"other bits; all {len(bars)} scores within the card's spread", True


def _near(value: float, recorded: Mapping[str, Any] | None) -> bool:
    if recorded is None:
        return False
    room = SPREAD_SHARE * abs(recorded["value"])
    low, high = (recorded["value"] if recorded[end] is None else recorded[end] for end in ("low", "high"))
    return bool(low - room <= value <= high + room)


def _compare(committed: Fitted, fitted: Fitted) -> tuple[str, bool]:
    if not committed.seed_scores:
        return "another model than the committed one", False
    scores = committed.seed_scores.values()
    room = SPREAD_SHARE * max(abs(score) for score in scores)
    low, high, got = min(scores) - room, max(scores) + room, fitted.seed_scores[fitted.seed]
    inside = low <= got <= high and fitted.ships == committed.ships
    place = "within" if inside else "outside"
    return f"other bits; validation loss {number(got)}, {place} {number(low)} to {number(high)}", inside


def _print_summary(outcomes: list[Outcome]) -> None:
    print("\n| family | bars reached | not reached | |\n| --- | --- | --- | --- |")
    for outcome in outcomes:
        missed = [bar.name for bar in outcome.bars if not bar.reached]
        reached = f"{len(outcome.bars) - len(missed)} of {len(outcome.bars)}" if outcome.bars else "not asked"
        print(f"| {outcome.family} | {reached} | {'; '.join(missed) or '-'} | {outcome.verdict} |")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=sorted(families()))
    parser.add_argument("--all", action="store_true", help="every family")
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    parser.add_argument("--out", type=Path, help="folder to write; default circuits/<circuit id>")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PLUMBLINE_DATA", DEFAULT_DATA)))
    parser.add_argument("--card-only", action="store_true", help="keep the committed weights and circuit")
    parser.add_argument("--circuit-only", action="store_true", help="a new circuit of the committed model; scores stay")
    parser.add_argument(
        "--seconds", type=Path, metavar="FILE", help="what `python -m bench shipped --json FILE` measured"
    )
    parser.add_argument("--rebuild", action="store_true", help="build the circuit even where the model is the same")
    arguments = parser.parse_args()
    if bool(arguments.name) == arguments.all:
        parser.error("name one family, or --all")
    if arguments.out and arguments.all:
        parser.error("--out is for one family")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
