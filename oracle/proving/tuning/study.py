"""Choosing a circuit with its reasons: every circuit worth a thought with what it will cost, the finalists measured.

tuned = tune(settings, "credit", onnx, calibration, out_dir, objective="gas", max_error=1e-3)
tuned.manifest      # of the chosen circuit, whose folder is out_dir
tuned.rows          # the Pareto table
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from oracle.errors import InvalidInput, ModelRejected
from oracle.proving.building.build import CodeSize, OnProgress, Site, VerificationGas
from oracle.proving.building.keys import cache_folder
from oracle.proving.building.manifest import NETWORK, CircuitManifest, Domain
from oracle.proving.files import locked
from oracle.proving.intake import budgets_for, opened_job, site_for
from oracle.proving.tuning.cost import Cost, Objective
from oracle.proving.tuning.selection import TARGET_SHARE, Choice, Limits, Selection, near_enough
from oracle.proving.tuning.tuner import Candidate, Tuner, cheapest_first
from oracle.proving.uploaded import refuse_uploaded
from oracle.settings import Settings

FINALISTS: Final = 2
MAX_ROWS: Final = 16
DRAWN_SAMPLES: Final = 128
_SEED: Final = 20_260_601


class Source(NamedTuple):
    """A model to tune: its file, sample inputs, and what is known of it already."""

    onnx: Path
    calibration: Path
    domain: list[Domain] | None = None
    magnitudes: list[float] | None = None
    max_error: float | None = None


@dataclass(frozen=True, slots=True)
class TunedRow:
    """One circuit of the table; figures are predicted unless `measured`, gas unless `gas_measured`.

    Errors in units of the output's magnitude.
    """

    measured: bool
    chosen: bool
    error: float
    logrows: int
    rows: int
    columns: int
    scale: int
    rebase_multiplier: int
    decomp_base: int
    decomp_legs: int
    disable_freivalds: bool
    lookups: int
    rewrites: list[str]
    prove_cpu_seconds: float
    memory_mb: float
    gas: int
    gas_measured: bool = False
    prove_seconds: float | None = None
    proving_key_bytes: int | None = None
    proof_bytes: int | None = None
    code_size: int | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Tuned:
    """The chosen circuit and what it was chosen from, cheapest first."""

    manifest: CircuitManifest
    rows: list[TunedRow]


class _Entry(NamedTuple):
    tuner: Tuner
    candidate: Candidate


def tune(
    settings: Settings,
    name: str,
    source: Source,
    out_dir: Path,
    *,
    objective: Objective = "balanced",
    max_columns: int = 4,
    logits: bool = False,
    finalists: int = FINALISTS,
    code_size: CodeSize | None = None,
    gas: VerificationGas | None = None,
    on_progress: OnProgress,
) -> Tuned:
    """The cheapest sound circuit by the objective, as a circuit folder at `out_dir`, and the table it comes from.

    Over source.domain, if given, with samples drawn from all of it; else over a domain around the calibration's
    samples. Raises ModelRejected with every reason when nothing is sound, InputRejected, InvalidInput.
    """
    limits = Limits(objective, max_columns)
    site = site_for(settings, code_size, on_progress, gas)
    drawn = source.domain is not None
    with opened_job(name, out_dir, limits, site, logits=logits, drawn=drawn) as job:
        model, domains = job.take_in(source.onnx, source.calibration, source.domain, source.magnitudes)
        selection = job.selection(model)
        budget, entries = _searched(domains, budgets_for(source.max_error), selection)
        built = _finalists(selection, budget, entries, finalists, out_dir)
        chosen = _published(built, objective, out_dir, site)
        return Tuned(built[chosen][1], _table(entries, built, chosen, objective))


def _searched(domains: Any, budgets: Sequence[float], selection: Selection) -> tuple[float, list[_Entry]]:
    """All circuits of all forms of the model over the first domain that has any, within the smallest budget."""
    objective = selection.limits.objective
    for tuners in domains:
        for budget in budgets:
            entries: list[_Entry] = []
            for tuner in near_enough(tuners, budget * TARGET_SHARE):
                form = ", ".join(tuner.rewrites) or "as it came"
                selection.site.report("tune", 0.0, f"error budget {budget:g}, {form}")
                found = tuner.candidates(
                    budget * TARGET_SHARE, objective, selection.limits.max_columns, all_shapes=True
                )
                entries += [_Entry(tuner, candidate) for candidate in found]
            if entries:
                return budget, sorted(entries, key=lambda entry: entry.candidate.cost.weight(objective))
    raise ModelRejected(
        f"no circuit is within an error of {max(budgets):g} over the domain",
        remedy="allow a larger error, declare a smaller domain, or simplify the model",
    )


_Built = dict[int, tuple[Path, CircuitManifest]]


def _finalists(selection: Selection, budget: float, entries: Sequence[_Entry], count: int, out_dir: Path) -> _Built:
    """Builds and proves the best, until `count` of them are sound. By position in `entries`."""
    built: _Built = {}
    by_candidate = {id(entry.candidate): index for index, entry in enumerate(entries)}
    for candidate in cheapest_first([entry.candidate for entry in entries], len(entries)):
        index = by_candidate[id(candidate)]
        choice = Choice(entries[index].tuner, budget, [candidate])
        folder = out_dir.with_name(f"{out_dir.name}.finalist-{index}")
        manifest = replace(selection, out_dir=folder).attempt(choice, candidate)
        if manifest is not None:
            built[index] = (folder, manifest)
        if len(built) >= count or (not built and len(selection.failures) >= 2 * FINALISTS + count):
            break
    if not built:
        raise ModelRejected(
            f"no sound circuit was found: {'; '.join(dict.fromkeys(selection.failures))}",
            remedy="allow a larger error, declare a smaller domain, or simplify the model",
        )
    return built


def _published(built: _Built, objective: Objective, out_dir: Path, site: Site) -> int:
    """Moves the best finalist to `out_dir` and removes the others with their keys; its position."""
    best = min(built, key=lambda index: _weight(built[index][1], objective))
    kept = cache_folder(site.cache_dir, built[best][1])
    for index, (folder, manifest) in built.items():
        if index != best:
            shutil.rmtree(folder, ignore_errors=True)
            if cache_folder(site.cache_dir, manifest) != kept:
                shutil.rmtree(cache_folder(site.cache_dir, manifest), ignore_errors=True)
        folder.with_name(f"{folder.name}.lock").unlink(missing_ok=True)
    with locked(out_dir):
        if out_dir.exists():
            shutil.rmtree(out_dir)
        built[best][0].replace(out_dir)
    return best


def _weight(manifest: CircuitManifest, objective: Objective) -> float:
    measured = manifest.measured
    gas = measured.predicted_gas if measured.gas is None else measured.gas
    cost = Cost(manifest.logrows, measured.prove_cpu_seconds, gas, float(measured.peak_memory_mb))
    return cost.weight(objective)


def _table(entries: Sequence[_Entry], built: _Built, chosen: int, objective: Objective) -> list[TunedRow]:
    rows = [_row(entry, built.get(index, (None, None))[1], index == chosen) for index, entry in enumerate(entries)]
    front = [row for row in rows if row.measured or not any(_dominates(other, row) for other in rows)]
    return front[:MAX_ROWS]


def _dominates(one: TunedRow, other: TunedRow) -> bool:
    """Whether one is at least as good in everything that was predicted, and better in something."""
    if one.measured or other.measured:
        return False
    pairs = [
        (one.error, other.error),
        (one.prove_cpu_seconds, other.prove_cpu_seconds),
        (one.gas, other.gas),
        (one.memory_mb, other.memory_mb),
    ]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def _row(entry: _Entry, manifest: CircuitManifest | None, chosen: bool) -> TunedRow:
    params, cost, shown = entry.candidate.params, entry.candidate.cost, manifest.measured if manifest else None
    return TunedRow(
        measured=shown is not None,
        chosen=chosen,
        error=shown.error if shown else entry.candidate.scale_result.score.error,
        logrows=params.logrows,
        rows=entry.candidate.rows,
        columns=params.columns,
        scale=params.input_scale,
        rebase_multiplier=params.rebase_multiplier,
        decomp_base=params.decomp_base,
        decomp_legs=params.decomp_legs,
        disable_freivalds=params.disable_freivalds,
        lookups=entry.candidate.lookups,
        rewrites=list(entry.tuner.rewrites),
        prove_cpu_seconds=shown.prove_cpu_seconds if shown else round(cost.cpu_seconds, 3),
        memory_mb=float(shown.peak_memory_mb) if shown else round(cost.memory_mb, 1),
        gas=cost.gas if shown is None or shown.gas is None else shown.gas,
        gas_measured=shown is not None and shown.gas is not None,
        prove_seconds=shown.prove_seconds if shown else None,
        proving_key_bytes=shown.proving_key_bytes if shown else None,
        proof_bytes=shown.proof_bytes if shown else None,
        code_size=shown.code_size if shown else None,
    )


def parse_domain(text: str) -> list[Domain]:
    """A domain from LOW:HIGH, several of them with commas, or a JSON file [[low, high], ...].

    One interval serves all values; else there must be one for each input tensor or one for each input value. Raises
    InvalidInput.
    """
    path = Path(text)
    try:
        if path.suffix == ".json":
            pairs = [(float(low), float(high)) for low, high in json.loads(path.read_text())]
        else:
            pairs = [(float(low), float(high)) for low, high in (part.split(":") for part in text.split(","))]
    except (OSError, ValueError, TypeError) as error:
        raise InvalidInput(
            f"{text!r} is no domain: {error}", remedy="give LOW:HIGH, LOW:HIGH,LOW:HIGH or a file [[low, high], ...]"
        ) from error
    return check_domain(pairs)


def check_domain(pairs: Sequence[tuple[float, float]]) -> list[Domain]:
    """The intervals. Raises InvalidInput for one that is empty or not finite."""
    for low, high in pairs:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InvalidInput(f"the interval {low:g}:{high:g} is empty or not finite", remedy="give LOW:HIGH")
    return [Domain(low=low, high=high) for low, high in pairs]


def existing_source(manifest: CircuitManifest, folder: Path, scratch: Path) -> Source:
    """A circuit that stands, to be tuned again: its network over its domain, with samples drawn from it.

    Its network is what the circuit computes: rewritten already, where it was. Raises InvalidInput for an uploaded one.
    """
    generator = np.random.default_rng(_SEED)
    refuse_uploaded(folder)
    by_value = len(manifest.domain) == manifest.input_count
    documents, start = [], 0
    for _ in range(DRAWN_SAMPLES):
        tensors, start = [], 0
        for tensor, size in enumerate(manifest.input_sizes):
            intervals = manifest.domain[start : start + size] if by_value else [manifest.domain[tensor]] * size
            tensors.append([float(generator.uniform(one.low, one.high)) for one in intervals])
            start += size
        documents.append({"input_data": tensors})
    path = scratch / "calibration.json"
    path.write_text(json.dumps(documents))
    return Source(folder / NETWORK, path, manifest.domain, manifest.output_magnitudes, manifest.max_error)
