"""Every circuit that ships, as a service holds it: seconds of a warm witness, proof and local verification.

One prover, one worker process, one circuit after another. The first proof of each loads its keys and is shown apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import psutil
from rich.table import Table

from bench.cases import Rows, shipped, shipped_case
from bench.cpu import cpu_secs
from oracle.errors import InputRejected, InvalidInput
from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings

COLUMNS: Final = ("circuit", "k", "witness s", "prove s", "both, s", "worst s", "CPU s", "worst CPU s", "first s")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Prover:
    """One circuit. Wall seconds, but for those of CPU, which are of this process and its worker.

    `prove_secs` are with the verification that every proof gets before it is handed out; `secs` from quantised inputs
    to a proof; `first_secs` the same for the first, whose worker starts. `refused`: samples without a witness.
    """

    circuit: str
    logrows: int
    proofs: int
    witness_secs: float
    prove_secs: float
    secs: float
    worst_secs: float
    cpu_secs: float
    worst_cpu_secs: float
    first_secs: float
    refused: int


@dataclass(frozen=True, slots=True)
class _Timed:
    witness_secs: float
    prove_secs: float
    cpu_secs: float

    @property
    def secs(self) -> float:
        return self.witness_secs + self.prove_secs


def measure(settings: Settings, *, proofs: int, say: Say, only: Sequence[str] = ()) -> list[Prover]:
    """Each circuit, over samples drawn from its domain. Raises InvalidInput when none is there, or of that name."""
    folders = [folder for folder in shipped(settings.circuits_dir) if not only or folder.name in only]
    if not folders or len(folders) < len(set(only)):
        wanted = ", ".join(only) or "any circuit"
        raise InvalidInput(f"{settings.circuits_dir} does not hold {wanted}", remedy="name circuits that ship")
    found = []
    for place, folder in enumerate(folders, 1):
        say(f"{place} of {len(folders)}: {folder.name}")
        engine = ProvingEngine(settings.model_copy(update={"max_workers": 1}))
        try:
            found.append(_circuit(engine, folder, proofs))
        finally:
            engine.close()
    return found


def _circuit(engine: ProvingEngine, folder: Path, proofs: int) -> Prover:
    """One circuit's figures; a sample that the circuit refuses is counted, and the next is taken."""
    manifest, samples = engine.prepare(folder.name), shipped_case(folder).test
    timed: list[_Timed] = []
    refused = 0
    while len(timed) <= proofs:
        try:
            timed.append(_timed(engine, folder.name, samples[(len(timed) + refused) % len(samples)]))
        except InputRejected:
            refused += 1
            if refused >= len(samples):
                raise
    first, *warm = timed
    return Prover(
        folder.name,
        manifest.logrows,
        len(warm),
        median(one.witness_secs for one in warm),
        median(one.prove_secs for one in warm),
        median(one.secs for one in warm),
        max(one.secs for one in warm),
        median(one.cpu_secs for one in warm),
        max(one.cpu_secs for one in warm),
        first.secs,
        refused,
    )


def _timed(engine: ProvingEngine, circuit: str, sample: Rows) -> _Timed:
    quantised = engine.quantise(circuit, sample)
    here = [psutil.Process()]  # and the warm worker, its child
    began, cpu = time.monotonic(), cpu_secs(here)
    witness = engine.witness(circuit, quantised)
    between = time.monotonic()
    engine.prove(circuit, witness)
    return _Timed(between - began, time.monotonic() - between, cpu_secs(here) - cpu)


def table(records: Sequence[Prover]) -> Table:
    """A line for each circuit; medians, and the worst."""
    made = Table(title="One prover: a warm witness and proof, verified locally")
    for name in COLUMNS:
        made.add_column(name, justify="left" if name == "circuit" else "right", no_wrap=True)
    for one in records:
        seconds = (one.witness_secs, one.prove_secs, one.secs, one.worst_secs, one.cpu_secs, one.worst_cpu_secs)
        made.add_row(one.circuit, str(one.logrows), *(f"{value:.2f}" for value in (*seconds, one.first_secs)))
    return made
