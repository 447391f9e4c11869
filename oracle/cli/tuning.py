"""`plumbline model tune`: which model is tuned, where the circuit goes, and the table."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from oracle.cli import render
from oracle.cli.proving import opened_engine
from oracle.cli.service_access import Say
from oracle.errors import InvalidInput, ToolMissing
from oracle.proving.tuning.cost import Objective
from oracle.proving.tuning.study import Source, Tuned, TunedRow, existing_source, parse_domain, tune
from oracle.settings import Settings

COLUMNS = (
    "",
    ">error",
    ">k",
    ">rows",
    ">columns",
    ">scale",
    ">base^legs",
    ">tables",
    ">CPU s",
    ">prove s",
    ">MB",
    ">pk MB",
    ">proof B",
    ">gas",
    ">code B",
    "form",
)


def tune_model(
    settings: Settings,
    name: str,
    *,
    onnx: Path | None,
    calibration: Path | None,
    objective: str,
    max_error: float | None,
    domain: str | None,
    logits: bool,
    out: Path | None,
    say: Say,
) -> dict[str, Any]:
    """Facts of the chosen circuit and the rows of the table; a new circuit is written, one that stands is left alone.

    Raises NotFound, InvalidInput, ModelRejected, InputRejected.
    """
    from oracle.chain.verifier_cache import compiled_verifier

    if (onnx is None) != (calibration is None):
        raise InvalidInput(
            "--onnx and --calibration belong together", remedy="give both, or neither to tune a circuit that stands"
        )
    intervals = None if domain is None else parse_domain(domain)
    with tempfile.TemporaryDirectory(prefix="plumbline-tune-") as scratch:
        if onnx is not None and calibration is not None:
            source = Source(onnx, calibration, intervals, None, max_error)
            folder = settings.state_dir / "circuits" / name
        else:
            with opened_engine(settings) as engine:
                source = existing_source(engine.circuit(name), engine.folder(name), Path(scratch))
            source = source._replace(domain=intervals or source.domain, max_error=max_error or source.max_error)
            folder = settings.state_dir / "tuned" / name
        tuned = tune(
            settings,
            name,
            source,
            (out or folder).resolve(),
            objective=cast("Objective", objective),
            logits=logits,
            code_size=lambda verifier: len(compiled_verifier(settings, verifier).deployed_bytecode),
            gas=lambda verifier, proof: _gas(settings, verifier, proof),
            on_progress=lambda stage, _, detail: say(f"{stage} {detail}"),
        )
    return _facts(tuned, (out or folder).resolve())


def _gas(settings: Settings, verifier: Path, proof: dict[str, Any]) -> int | None:
    """Of verifying a finalist's proof on an Anvil of its own; None where there is no Anvil."""
    from oracle.chain.verification_gas import verification_gas
    from oracle.chain.verifier_cache import compiled_verifier

    try:
        return verification_gas(settings, compiled_verifier(settings, verifier), proof)
    except ToolMissing:
        return None


def _facts(tuned: Tuned, folder: Path) -> dict[str, Any]:
    manifest = tuned.manifest
    return {
        "name": manifest.circuit_id,
        "folder": str(folder),
        "modelHash": manifest.model_hash,
        "sourceModelHash": manifest.source_model_hash,
        "circuitHash": manifest.circuit_hash,
        "vkHash": manifest.vk_hash,
        "maxError": manifest.max_error,
        "rewrites": manifest.rewrites,
        "outputsTransform": manifest.outputs_transform,
        "domain": [interval.model_dump() for interval in manifest.domain],
        "table": [asdict(row) for row in tuned.rows],
    }


def print_tuned(facts: dict[str, Any]) -> None:
    """The table and where the chosen circuit is."""
    rows = [TunedRow(**row) for row in facts["table"]]
    render.print_table(f"{facts['name']}: circuits within {facts['maxError']:g}", COLUMNS, _cells(rows))
    render.stdout().print("* predicted; rows without a mark are predicted throughout", markup=False)
    for key in ("folder", "modelHash", "sourceModelHash", "vkHash", "rewrites", "outputsTransform"):
        render.stdout().print(f"{key}: {facts[key]}", markup=False)


def _cells(rows: Sequence[TunedRow]) -> list[tuple[object, ...]]:
    return [
        (
            "chosen" if row.chosen else "proven" if row.measured else "",
            f"{row.error:.1e}",
            row.logrows,
            row.rows,
            row.columns,
            f"{row.scale} x{row.rebase_multiplier}",
            f"{row.decomp_base}^{row.decomp_legs}",
            row.lookups,
            f"{row.prove_cpu_seconds:.2f}",
            "-" if row.prove_seconds is None else f"{row.prove_seconds:.2f}",
            f"{row.memory_mb:.0f}",
            "-" if row.proving_key_bytes is None else f"{row.proving_key_bytes / 1e6:.1f}",
            row.proof_bytes or "-",
            f"{row.gas:,}" if row.gas_measured else f"{row.gas:,}*",
            row.code_size or "-",
            ", ".join([*row.rewrites, *(["no freivalds"] if row.disable_freivalds else [])]) or "as it came",
        )
        for row in rows
    ]
