"""A model's card: what it computes, how well, what its circuit costs, and who stands behind it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from oracle.errors import ArtifactMismatch
from oracle.proving.building.manifest import CircuitManifest
from oracle.proving.uploaded import upload_of

CARD: Final = "CARD.md"
REPORT: Final = "report.json"


@dataclass(frozen=True, slots=True)
class Card:
    """A card as Markdown, and the report of its training where the model was trained here; else None."""

    name: str
    text: str
    report: dict[str, Any] | None


def card_of(folder: Path, manifest: CircuitManifest) -> Card:
    """The card that a circuit came with, else what its manifest says. Raises ArtifactMismatch for a broken report."""
    if (folder / CARD).is_file() and (folder / REPORT).is_file():
        try:
            return Card(manifest.circuit_id, (folder / CARD).read_text(), json.loads((folder / REPORT).read_text()))
        except ValueError as error:
            raise ArtifactMismatch(f"{folder / REPORT} is no report: {error}") from None
    return Card(manifest.circuit_id, _written(folder, manifest), None)


def _written(folder: Path, manifest: CircuitManifest) -> str:
    measured, upload = manifest.measured, upload_of(folder)
    if upload is None:
        origin = "Added on the machine that serves it."
    else:
        origin = (
            f"Uploaded by request {upload.request_id} (ONNX {upload.onnx_hash}), read in a sandbox alone. What it is "
            "for, and whether it is right, its owner alone says: a proof says that this network gave this answer."
        )
    shapes = ", ".join(
        f"{name} {shape}" for name, shape in zip(manifest.input_names, manifest.input_shapes, strict=True)
    )
    rows = {
        "inputs": shapes,
        "outputs": ", ".join(map(str, manifest.output_shapes)),
        "domain": ", ".join(f"[{one.low:g}, {one.high:g}]" for one in manifest.domain[:8]),
        "largest error promised": f"{manifest.max_error:g} of the output's magnitude",
        "largest error measured": f"{measured.error:.3g} on {measured.validation_samples} samples",
        "rewritten": ", ".join(manifest.rewrites) or "no",
        "size": f"2^{manifest.logrows} rows, {measured.rows} used",
        "set-up": manifest.srs_kind,
        "proof": f"{measured.proof_bytes} bytes, {measured.prove_cpu_seconds:g} CPU s, {measured.peak_memory_mb} MB",
        "gas, predicted": f"{measured.predicted_gas:,}",
        "model": manifest.model_hash,
        "circuit": manifest.circuit_hash,
        "verifying key": manifest.vk_hash,
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"# {manifest.circuit_id}\n\n{origin}\n\n| | |\n| --- | --- |\n{table}\n"
