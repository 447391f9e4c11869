"""Finding the cheapest sound circuit for a model without proving.

The error of a circuit depends on its scale and rescaling alone, its rows on the decomposition and the columns alone, its
size on rows and tables: so scales are searched by executing samples, shapes by ezkl's settings, and cost is predicted.
Tables and decompositions get room for the whole domain, not only for the calibration data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from oracle.proving.circuit import CircuitParams
from oracle.proving.cost import RESERVED_ROWS, Cost, Objective, logrows_for, predict
from oracle.proving.pool import ToolError, Worker, WorkerFailed
from oracle.proving.validation import Score, Validation, quantised_samples, score

MIN_SCALE: Final = 4
MAX_SCALE: Final = 20
MAX_SCALE_LOOKUP: Final = 15
PROBE_SCALE: Final = 12
MAX_LEGS: Final = 10
MAX_BITS: Final = 120
MAX_LOGROWS: Final = 20
TABLE_MARGIN: Final = 1.5
# Room above the largest integer seen, in bits
BITS_MARGIN: Final = 1
SEARCH_LOOKUP: Final = (-(1 << 40), 1 << 40)
SEARCH_LOGROWS: Final = 20
_TOO_LARGE: Final = re.compile(r"integer (-?\d+) is too large")


@dataclass(frozen=True, slots=True)
class ScaleResult:
    """What executing the samples at one scale showed."""

    scale: int
    rebase_multiplier: int
    score: Score
    bits: int
    lookup_min: int
    lookup_max: int
    seconds_per_sample: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A circuit worth building, with its predicted cost."""

    params: CircuitParams
    scale_result: ScaleResult
    cost: Cost
    rows: int


@dataclass(slots=True)
class Tuner:
    """The search for one model over one domain; `worker` and `folder` are scratch."""

    worker: Worker
    model: Path
    validation: Validation
    folder: Path
    witness_secs: float = 8.0
    _shapes: dict[tuple[int, int, int, bool], dict[str, Any]] = field(default_factory=dict)
    _scales: dict[tuple[int, int], ScaleResult | None] = field(default_factory=dict)

    def settings(self, params: CircuitParams) -> dict[str, Any]:
        """ezkl's settings for these parameters. Raises ToolError for what ezkl cannot express."""
        document: dict[str, Any] = self.worker.call(
            "settings", model=str(self.model), out=str(self.folder / "settings.json"), run_args=params.run_args()
        )
        return document

    def run_scale(self, scale: int, multiplier: int, validation: Validation | None = None) -> ScaleResult | None:
        """Executes the validation samples at a scale; None where the circuit cannot be executed there."""
        chosen = validation or self.validation
        key = (scale, multiplier)
        if validation is None and key in self._scales:
            return self._scales[key]
        result = self._execute(scale, multiplier, chosen)
        if validation is None:
            self._scales[key] = result
        return result

    def _execute(self, scale: int, multiplier: int, validation: Validation) -> ScaleResult | None:
        bits = min((r.bits for r in self._scales.values() if r is not None), default=16)
        while bits <= MAX_BITS:
            params = CircuitParams(scale, scale, multiplier, 1 << bits, 1, 1, SEARCH_LOOKUP, SEARCH_LOGROWS)
            try:
                settings = self.settings(params)
                circuit = str(self.folder / "search.compiled")
                self.worker.call(
                    "compile", model=str(self.model), circuit=circuit, settings_path=str(self.folder / "settings.json")
                )
                input_scales = settings["model_input_scales"]
                run = self.worker.call(
                    "witnesses",
                    circuit=circuit,
                    samples=quantised_samples(validation, input_scales),
                    seconds=self.witness_secs,
                    timeout=max(120.0, 10 * self.witness_secs),
                )
            except ToolError as error:
                needed = _bits_needed(error)
                if needed is None:
                    return None
                bits = max(bits + 1, needed)
                continue
            except WorkerFailed:
                return None
            return self._result(scale, multiplier, bits, settings, run, validation)
        return None

    def _result(
        self,
        scale: int,
        multiplier: int,
        bits: int,
        settings: dict[str, Any],
        run: dict[str, Any],
        validation: Validation,
    ) -> ScaleResult:
        count = len(run["outputs"])
        got = score(validation, run["outputs"], settings["model_output_scales"])
        return ScaleResult(
            scale, multiplier, got, bits, run["lookup_min"], run["lookup_max"], run["seconds"] / max(1, count)
        )

    def smallest_scale(self, multiplier: int, target: float, highest: int) -> int | None:
        """The smallest scale whose error is within the target, by bisection; None when there is none."""
        low, high, best = MIN_SCALE, highest, None
        while low <= high:
            middle = (low + high) // 2
            result = self.run_scale(middle, multiplier)
            if result is None:
                # too fine to be executed, most likely
                high = middle - 1
            elif result.score.error <= target:
                best, high = middle, middle - 1
            else:
                low = middle + 1
        return best

    def candidates(self, target: float, objective: Objective, max_columns: int) -> list[Candidate]:
        """Circuits within the error target, cheapest first by the objective. Raises ModelRejected when there is none."""
        probe = self.settings(CircuitParams(PROBE_SCALE, PROBE_SCALE, 1, 1 << 40, 1, 1, SEARCH_LOOKUP, SEARCH_LOGROWS))
        lookups = bool(probe["required_lookups"])
        found: list[Candidate] = []
        for multiplier in (1,) if lookups else (1, 2):
            smallest = self.smallest_scale(multiplier, target, MAX_SCALE_LOOKUP if lookups else MAX_SCALE)
            if smallest is None:
                continue
            for scale in range(smallest, smallest + (1 if lookups else 3)):
                result = self.run_scale(scale, multiplier)
                if result is not None and result.score.error <= target:
                    found += self._shapes_for(result, max_columns, random_check=_has_einsum(probe))
        found = [candidate for candidate in found if candidate.params.logrows <= MAX_LOGROWS]
        return sorted(found, key=lambda one: (one.cost.weight(objective), one.scale_result.score.error))

    def _shapes_for(self, result: ScaleResult, max_columns: int, *, random_check: bool) -> list[Candidate]:
        found = []
        for disable_freivalds in (False, True) if random_check else (False,):
            for columns in range(1, max_columns + 1):
                for legs in range(1, MAX_LEGS + 1):
                    candidate = self._candidate(result, legs, columns, disable_freivalds)
                    if candidate is None:
                        continue
                    found.append(candidate)
                    if logrows_for(candidate.rows) >= candidate.params.logrows:
                        break  # rows decide already: more legs only add rows
        return found

    def _candidate(self, result: ScaleResult, legs: int, columns: int, disable_freivalds: bool) -> Candidate | None:
        base = 1 << max(2, math.ceil((result.bits + BITS_MARGIN) / legs))
        if base > 1 << MAX_LOGROWS:
            return None
        try:
            shape = self._shape(result.rebase_multiplier, legs, columns, disable_freivalds)
        except ToolError:
            return None
        public = sum(math.prod(dims) for dims in shape["model_instance_shapes"])
        low, high = math.floor(result.lookup_min * TABLE_MARGIN), math.ceil(result.lookup_max * TABLE_MARGIN)
        lookups = len(shape["required_lookups"])
        width = max(high - low, 2) if lookups else 0
        checks = [top - bottom for bottom, top in shape["required_range_checks"] if top - bottom < (1 << 30)]
        dynamic = (shape["total_dynamic_col_size"], shape["total_shuffle_col_size"])
        logrows = logrows_for(shape["num_rows"], base, width, public, *checks, *dynamic)
        table = _fill(low, high, (1 << logrows) - RESERVED_ROWS) if lookups else (-128, 128)
        params = CircuitParams(
            result.scale,
            result.scale,
            result.rebase_multiplier,
            base,
            legs,
            columns,
            table,
            logrows,
            disable_freivalds,
        )
        einsum = _has_einsum(shape)
        cost = predict(logrows=logrows, columns=columns, lookups=lookups, public_values=public, einsum=einsum)
        return Candidate(params, result, cost, int(shape["num_rows"]))

    def _shape(self, multiplier: int, legs: int, columns: int, disable_freivalds: bool) -> dict[str, Any]:
        key = (multiplier, legs, columns, disable_freivalds)
        if key not in self._shapes:
            params = CircuitParams(
                PROBE_SCALE, PROBE_SCALE, multiplier, 1 << 40, legs, columns, SEARCH_LOOKUP, SEARCH_LOGROWS
            )
            self._shapes[key] = self.settings(replace(params, disable_freivalds=disable_freivalds))
        return self._shapes[key]


def _has_einsum(settings: dict[str, Any]) -> bool:
    return bool(settings["einsum_params"]["total_einsum_col_size"])


def _bits_needed(error: ToolError) -> int | None:
    """How many bits the integer has that ezkl could not decompose; None when that was not the trouble."""
    found = [_TOO_LARGE.search(line) for line in (error.message, *error.log)]
    sizes = [abs(int(match.group(1))).bit_length() for match in found if match]
    return max(sizes) if sizes else None


def _fill(low: int, high: int, room: int) -> tuple[int, int]:
    """A lookup range widened in proportion until it fills a table of `room` entries, which is free."""
    low, high = min(low, 0), max(high, 0)
    if high - low < 2:
        return -(room // 2), room // 2
    spare = max(0, room - (high - low) - 1)
    return low - spare * -low // (high - low), high + spare * high // (high - low)


def cheapest_first(candidates: Sequence[Candidate], attempts: int) -> Iterator[Candidate]:
    """The first `attempts` candidates of distinct shape: what differs in scale alone is tried once."""
    seen: set[tuple[int, int, bool]] = set()
    for candidate in candidates:
        key = (candidate.params.logrows, candidate.params.columns, candidate.params.disable_freivalds)
        if key not in seen:
            seen.add(key)
            yield candidate
        if len(seen) >= attempts:
            return
