"""A model of one row as a family of circuits, NAME-b4, NAME-b16, ..., in which one proof covers many rows.

A proof costs nearly the same on chain whatever it proves, so a prediction's share falls with the rows. Circuits of a
family are searched for gas alone: one column, and matrix products without a random check where that is cheaper.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from oracle.errors import Conflict, InvalidInput
from oracle.proving.building.build import CodeSize, OnProgress
from oracle.proving.building.manifest import MANIFEST, NETWORK, CircuitManifest, Domain, check_folder, write_manifest
from oracle.proving.intake import build_circuit
from oracle.proving.quantise import domain_at
from oracle.proving.rewrites.batch import batched
from oracle.proving.uploaded import refuse_uploaded
from oracle.settings import Settings

MAX_ROWS: Final = 256
SAMPLES: Final = 24
SEED: Final = 20_261_122
COLUMNS: Final = 1


def family_name(name: str, rows: int) -> str:
    """The circuit of `rows` rows in a model's family."""
    return f"{name}-b{rows}"


def add_batch(
    settings: Settings,
    folder: Path,
    manifest: CircuitManifest,
    rows: int,
    *,
    code_size: CodeSize | None = None,
    on_progress: OnProgress | None = None,
) -> CircuitManifest:
    """The circuit in which one proof covers `rows` rows of the model, with the model's own domain and error budget.

    Inputs are those of row 0, then row 1, and so on, within each input tensor; outputs likewise. Raises InvalidInput
    for a number of rows that makes no batch, Conflict when the circuit is there, ModelRejected where the model cannot
    take several rows or no sound circuit is found.
    """
    if manifest.rows != 1 or not 1 < rows <= MAX_ROWS:
        raise InvalidInput(f"{rows} rows of {manifest.circuit_id}: a batch has 2 to {MAX_ROWS}, of a model of one row")
    name = family_name(manifest.circuit_id, rows)
    out_dir = settings.state_dir / "circuits" / name
    for taken in (settings.circuits_dir / name, out_dir):
        if (taken / MANIFEST).exists():
            raise Conflict(f"there is a circuit {name!r} already in {taken.parent}")
    check_folder(folder, manifest)
    refuse_uploaded(folder)
    with tempfile.TemporaryDirectory(prefix="plumbline-batch-") as scratch:
        network, samples = Path(scratch) / NETWORK, Path(scratch) / "samples.json"
        batched(folder / NETWORK, rows, network)
        samples.write_text(json.dumps(_samples(manifest, rows)))
        built = build_circuit(
            settings,
            name,
            network,
            samples,
            out_dir,
            max_error=manifest.max_error,
            domain=_domain(manifest, rows),
            magnitudes=manifest.output_magnitudes,
            objective="gas",
            max_columns=COLUMNS,
            code_size=code_size,
            on_progress=on_progress,
        )
    family = built.model_copy(update={"rows": rows})
    write_manifest(out_dir, family)
    return family


def _domain(manifest: CircuitManifest, rows: int) -> Sequence[Domain]:
    """The model's intervals, once for each row where they are given for each value."""
    if len(manifest.domain) == len(manifest.input_shapes):
        return manifest.domain
    repeated: list[Domain] = []
    start = 0
    for size in manifest.input_sizes:
        repeated += manifest.domain[start : start + size] * rows
        start += size
    return repeated


def _samples(manifest: CircuitManifest, rows: int) -> list[dict[str, list[list[float]]]]:
    """Samples of the batch: both ends of the domain in every row, then random rows."""
    generator = np.random.default_rng(SEED)
    lows, highs = _bounds(manifest, "low"), _bounds(manifest, "high")
    samples = []
    for index in range(SAMPLES):
        tensors = []
        for low, high in zip(lows, highs, strict=True):
            shares = np.full((rows, len(low)), float(index)) if index < 2 else generator.random((rows, len(low)))
            tensors.append((low + (high - low) * shares).flatten().tolist())
        samples.append({"input_data": tensors})
    return samples


def _bounds(manifest: CircuitManifest, end: str) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    bounds, position = [], 0
    for tensor, size in enumerate(manifest.input_sizes):
        found = [getattr(domain_at(manifest, tensor, position + i), end) for i in range(size)]
        bounds.append(np.array(found, dtype=np.float64))
        position += size
    return bounds
