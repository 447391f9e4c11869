"""Executing a circuit, and everything that must hold before anyone spends a proof on the result.

ezkl's `prove` runs for ever when a value falls outside a lookup table, `gen_witness` says nothing of it, and some
graphs are silently wrong in a circuit: so tables are checked against the settings and outputs against onnxruntime,
always.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from oracle.constants import MAX_INSTANCE_MAGNITUDE
from oracle.domain.proofs import Witness
from oracle.errors import ArtifactMismatch, InputRejected
from oracle.proving.building.keys import Built
from oracle.proving.building.manifest import NETWORK, CircuitManifest
from oracle.proving.files import storage_guard
from oracle.proving.quantise import check_quantised, real_outputs, real_rows, split_rows
from oracle.proving.workers.pool import ToolError, Worker

# Up to this size every witness is checked against all constraints before anyone proves it
MOCK_LOGROWS: Final = 14
OUTSIDE_REMEDY = (
    "keep inputs closer to what the circuit was calibrated on, or build it again with a wider calibration file"
)


def make_witness(
    worker: Worker,
    manifest: CircuitManifest,
    values: Sequence[int],
    *,
    circuit_folder: Path,
    built: Built,
    timeout: float,
) -> Witness:
    """A checked witness of exactly these signed integers.

    Raises InputRejected for a wrong count, values outside the domain or outside what the circuit's tables hold,
    constraints that do not hold, or outputs that are further from onnxruntime's than the circuit's error budget.
    """
    check_quantised(manifest, values)
    with storage_guard(worker.folder), tempfile.NamedTemporaryFile(dir=worker.folder, suffix=".witness") as file:
        try:
            summary = worker.call(
                "witness",
                circuit=str(built.compiled),
                inputs=split_rows(manifest, values),
                out=file.name,
                timeout=timeout,
            )
        except ToolError as error:
            raise InputRejected(f"the circuit cannot take these inputs: {error}", remedy=OUTSIDE_REMEDY) from error
        _check_tables(manifest, summary["lookup_min"], summary["lookup_max"])
        if manifest.logrows <= MOCK_LOGROWS:
            _check_constraints(worker, built, file.name, timeout)
        document = Path(file.name).read_text()
    if list(summary["inputs"]) != list(values):
        raise ArtifactMismatch("ezkl put other inputs into the witness than it was given")
    outputs = [int(value) for value in summary["outputs"]]
    if any(abs(value) >= MAX_INSTANCE_MAGNITUDE for value in outputs):
        raise InputRejected("an output reaches 2^63 in the circuit's fixed point", remedy=OUTSIDE_REMEDY)
    expected = worker.call(
        "reference",
        path=str(circuit_folder / NETWORK),
        samples=[real_rows(manifest, values)],
        shapes=manifest.input_shapes,
        timeout=timeout,
    )["outputs"][0]
    check_outputs(manifest, outputs, expected)
    return Witness(manifest.circuit_id, tuple(values), tuple(outputs), document)


def _check_constraints(worker: Worker, built: Built, witness: str, timeout: float) -> None:
    """Raises InputRejected unless every constraint holds, which takes a few hundredths of a proof's time."""
    try:
        worker.call("mock", witness_path=witness, circuit=str(built.compiled), timeout=timeout)
    except ToolError as error:
        raise InputRejected(f"the circuit's constraints do not hold: {error}", remedy=OUTSIDE_REMEDY) from error


def _check_tables(manifest: CircuitManifest, low: int, high: int) -> None:
    table_low, table_high = manifest.lookup_range
    if low < table_low or high > table_high:
        raise InputRejected(
            f"these inputs need lookups in [{low}, {high}], the circuit's tables hold [{table_low}, {table_high}]",
            remedy=OUTSIDE_REMEDY,
        )


def check_outputs(manifest: CircuitManifest, outputs: Sequence[int], expected: Sequence[Sequence[float]]) -> None:
    """Raises InputRejected unless each output is as near to the reference as the error budget says."""
    reals, position = real_outputs(manifest, outputs), 0
    if len(reals) != sum(len(row) for row in expected):
        raise ArtifactMismatch(f"the circuit has {len(reals)} outputs, the model {sum(len(row) for row in expected)}")
    for tensor, row in enumerate(expected):
        magnitude = manifest.output_magnitudes[tensor]
        for reference in row:
            tolerance = manifest.max_error * max(magnitude, abs(reference))
            if not math.isfinite(reference) or abs(reals[position] - reference) > tolerance:
                raise InputRejected(
                    f"output {position} is {reals[position]:g} in the circuit and {reference:g} in the model, "
                    f"more than {tolerance:g} apart",
                    remedy=OUTSIDE_REMEDY,
                )
            position += 1
