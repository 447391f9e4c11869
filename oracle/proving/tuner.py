"""Finding the cheapest sound circuit for a model without proving.

The error of a circuit depends on its scale and rescaling alone, its rows on the decomposition and the columns alone,
its size on rows and tables: so scales are searched by executing samples, shapes by ezkl's settings, and cost is
predicted. Tables and decompositions get room for the whole domain, not only for the calibration data.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Final

from oracle.proving.circuit import CircuitParams
from oracle.proving.cost import RESERVED_ROWS, Cost, Objective, logrows_for, predict
from oracle.proving.pool import ToolError, Worker, WorkerFailed
from oracle.proving.validation import Score, Validation, quantised_samples, score

MIN_SCALE: Final = 4
MAX_SCALE: Final = 20
MAX_SCALE_LOOKUP: Final = 15
# Bits that weights have more than inputs, where values are looked up in tables
FINE_WEIGHTS: Final = 5
PROBE_SCALE: Final = 12
MAX_LEGS: Final = 10
MAX_BITS: Final = 120
MAX_LOGROWS: Final = 20
TABLE_MARGIN: Final = 1.25
# Room above the largest integer seen, in bits
BITS_MARGIN: Final = 1
SEARCH_LOOKUP: Final = (-(1 << 40), 1 << 40)
SEARCH_LOGROWS: Final = 20
# Seconds after which a large model's circuits are searched no further: more columns are tried last
SHAPES_SECS: Final = 12.0
# What is written for a circuit without tables
NO_TABLE: Final = (-128, 128)
# Range checks wider than this are the decomposition's, whose base is chosen apart
SMALL_CHECK: Final = 1 << 30
_TOO_LARGE: Final = re.compile(r"integer (-?\d+) is too large")


@dataclass(frozen=True, slots=True)
class Grid:
    """The fixed point of a circuit: bits of its inputs, bits more of its weights, and how seldom it rescales."""

    scale: int
    rebase_multiplier: int = 1
    finer_weights: int = 0

    def params(self, *, base: int, legs: int, columns: int, table: tuple[int, int], logrows: int) -> CircuitParams:
        """A circuit of this fixed point."""
        fine = self.scale + self.finer_weights
        return CircuitParams(self.scale, fine, self.rebase_multiplier, base, legs, columns, table, logrows)

    def search(self, bits: int) -> CircuitParams:
        """As params, of a circuit that is only executed: any integer below 2^bits fits, and any lookup."""
        return self.params(base=1 << bits, legs=1, columns=1, table=SEARCH_LOOKUP, logrows=SEARCH_LOGROWS)


@dataclass(frozen=True, slots=True)
class ScaleResult:
    """What executing the samples at one scale showed."""

    grid: Grid
    score: Score
    bits: int
    lookup_min: int
    lookup_max: int


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
    witness_secs: float = 4.0
    _shapes: dict[tuple[int, int, int, bool], dict[str, Any]] = field(default_factory=dict)
    _results: dict[Grid, ScaleResult | None] = field(default_factory=dict)

    def settings(self, params: CircuitParams) -> dict[str, Any]:
        """ezkl's settings for these parameters. Raises ToolError for what ezkl cannot express."""
        document: dict[str, Any] = self.worker.call(
            "settings", model=str(self.model), out=str(self.folder / "settings.json"), run_args=params.run_args()
        )
        return document

    def run(self, grid: Grid) -> ScaleResult | None:
        """Executes the validation samples in a fixed point; None where the circuit cannot be executed there."""
        if grid not in self._results:
            self._results[grid] = self._execute(grid)
        return self._results[grid]

    def _execute(self, grid: Grid) -> ScaleResult | None:
        bits = min((result.bits for result in self._results.values() if result is not None), default=16)
        while bits <= MAX_BITS:
            try:
                settings, run = self._witnesses(grid.search(bits))
            except ToolError as error:
                needed = _bits_needed(error)
                if needed is None:
                    return None
                bits = max(bits + 1, needed)
                continue
            except WorkerFailed:
                return None
            got = score(self.validation, run["outputs"], settings["model_output_scales"])
            return ScaleResult(grid, got, bits, run["lookup_min"], run["lookup_max"])
        return None

    def _witnesses(self, params: CircuitParams) -> tuple[dict[str, Any], dict[str, Any]]:
        settings = self.settings(params)
        circuit, path = str(self.folder / "search.compiled"), str(self.folder / "settings.json")
        self.worker.call("compile", model=str(self.model), circuit=circuit, settings_path=path)
        run = self.worker.call(
            "witnesses",
            circuit=circuit,
            samples=quantised_samples(self.validation, settings["model_input_scales"]),
            seconds=self.witness_secs,
            timeout=max(120.0, 10 * self.witness_secs),
        )
        return settings, run

    def smallest_scale(self, form: Grid, target: float, highest: int) -> int | None:
        """The smallest scale whose error is within the target, by bisection; None when there is none."""
        low, high, best = MIN_SCALE, highest, None
        while low <= high:
            middle = (low + high) // 2
            result = self.run(replace(form, scale=middle))
            if result is None:
                # too fine to be executed, most likely
                high = middle - 1
            elif result.score.error <= target:
                best, high = middle, middle - 1
            else:
                low = middle + 1
        return best

    def candidates(self, target: float, objective: Objective, max_columns: int) -> list[Candidate]:
        """Circuits within the error target, cheapest first by the objective; none when no scale is exact enough."""
        probe = self.settings(Grid(PROBE_SCALE).search(40))
        lookups = bool(probe["required_lookups"])
        forms = (Grid(0), Grid(0, finer_weights=FINE_WEIGHTS)) if lookups else (Grid(0, 1), Grid(0, 2))
        found: list[Candidate] = []
        highest = MAX_SCALE_LOOKUP if lookups else MAX_SCALE
        for form in forms:
            smallest = self.smallest_scale(form, target, highest)
            if smallest is None:
                continue
            if lookups:
                highest = smallest - 1  # finer weights are worth it for a smaller table alone
            for scale in range(smallest, smallest + (1 if lookups else 3)):
                result = self.run(replace(form, scale=scale))
                if result is not None and result.score.error <= target:
                    found += self._shapes_for(result, max_columns, random_check=_has_einsum(probe))
        found = [candidate for candidate in found if candidate.params.logrows <= MAX_LOGROWS]
        return sorted(found, key=lambda one: (one.cost.weight(objective), one.scale_result.score.error))

    def _shapes_for(self, result: ScaleResult, max_columns: int, *, random_check: bool) -> list[Candidate]:
        found: list[Candidate] = []
        started = time.monotonic()
        for columns, disable_freivalds in product(
            range(1, max_columns + 1), (False, True) if random_check else (False,)
        ):
            if found and time.monotonic() - started > SHAPES_SECS:
                break
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
            shape = self._shape(result.grid.rebase_multiplier, legs, columns, disable_freivalds)
        except ToolError:
            return None
        public = sum(math.prod(dims) for dims in shape["model_instance_shapes"])
        low, high = math.floor(result.lookup_min * TABLE_MARGIN), math.ceil(result.lookup_max * TABLE_MARGIN)
        lookups = len(shape["required_lookups"])
        width = max(high - low, 2) if lookups else 0
        checks = [top - bottom for bottom, top in shape["required_range_checks"] if top - bottom < SMALL_CHECK]
        dynamic = (shape["total_dynamic_col_size"], shape["total_shuffle_col_size"])
        logrows = logrows_for(shape["num_rows"], base, width, public, *checks, *dynamic)
        table = _fill(low, high, (1 << logrows) - RESERVED_ROWS) if lookups else NO_TABLE
        params = result.grid.params(base=base, legs=legs, columns=columns, table=table, logrows=logrows)
        cost = predict(
            logrows=logrows, columns=columns, lookups=lookups, public_values=public, einsum=_has_einsum(shape)
        )
        rows = int(shape["num_rows"])
        return Candidate(replace(params, disable_freivalds=disable_freivalds), result, cost, rows)

    def _shape(self, multiplier: int, legs: int, columns: int, disable_freivalds: bool) -> dict[str, Any]:
        """ezkl's settings for what decides the number of rows; the scale does not."""
        key = (multiplier, legs, columns, disable_freivalds)
        if key not in self._shapes:
            params = Grid(PROBE_SCALE, multiplier).search(40)
            self._shapes[key] = self.settings(
                replace(params, decomp_legs=legs, columns=columns, disable_freivalds=disable_freivalds)
            )
        return self._shapes[key]


def _has_einsum(settings: dict[str, Any]) -> bool:
    return bool(settings["einsum_params"]["total_einsum_col_size"])


def _bits_needed(error: ToolError) -> int | None:
    """How many bits the integer has that ezkl could not decompose; None when that was not the trouble."""
    found = [_TOO_LARGE.search(line) for line in (error.message, *error.log)]
    sizes = [abs(int(match.group(1))).bit_length() for match in found if match]
    return max(sizes) if sizes else None


def _fill(low: int, high: int, room: int) -> tuple[int, int]:
    """A lookup range widened on both sides until it fills a table of `room` entries, which is free."""
    low, high = min(low, 0), max(high, 0)
    spare = max(0, room - (high - low) - 1)
    return low - spare // 2, high + spare // 2


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
