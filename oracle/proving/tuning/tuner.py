"""Finding the cheapest sound circuit for a model without proving.

The error of a circuit depends on its scale and rescaling alone, its rows on the decomposition and the columns alone,
its size on rows and tables: so scales are searched by executing samples, shapes by ezkl's settings, and cost is
predicted. An error halves with each bit of scale, so a few samples at one scale say where to look; what is chosen is
executed on the whole validation set. Tables and decompositions get room for the whole domain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Final

from oracle.proving.building.keys import CircuitParams
from oracle.proving.tuning.cost import RESERVED_ROWS, Cost, Objective, logrows_for, predict
from oracle.proving.tuning.runs import Grid, Runs, ScaleResult
from oracle.proving.tuning.shapes import Form, Shape, Shapes, shape_of
from oracle.proving.validation import Validation, quantised_samples
from oracle.proving.workers.pool import ToolError, Worker, WorkerFailed

MIN_SCALE: Final = 4
MAX_SCALE: Final = 20
MAX_SCALE_LOOKUP: Final = 15
# How many times its own scale a value may reach before it is rescaled, where nothing is looked up
REBASES: Final = (1, 2, 4, 6)
PROBE_SCALE: Final = 12
# The form of which is asked what all have in common
PROBE_FORM: Final = Form(PROBE_SCALE, 1, 1, False)
MAX_LEGS: Final = 12
MIN_LOGROWS: Final = 6
MAX_LOGROWS: Final = 20
TABLE_MARGIN: Final = 1.25
# Room above the largest integer seen, in bits
BITS_MARGIN: Final = 1
# What is written for a circuit without tables
NO_TABLE: Final = (-128, 128)
# A few samples show a smaller error than all of them
PROBE_SHARE: Final = 0.8
MOCK_TIMEOUT_SECS: Final = 60.0
# A shape is not asked for where its best case costs so many times what is already found
WORTH: Final = 1.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A circuit worth building, with its predicted cost."""

    params: CircuitParams
    scale_result: ScaleResult
    cost: Cost
    rows: int
    lookups: int = 0


@dataclass(frozen=True, slots=True)
class _Promise:
    """A fixed point's form and what its cheapest circuit weighs, judged by a few samples."""

    weight: float
    grid: Grid


@dataclass(slots=True)
class Tuner:
    """The search for one model over one domain; `worker` and `folder` are scratch, `shapes` may be shared."""

    worker: Worker
    model: Path
    validation: Validation
    folder: Path
    witness_secs: float = 2.0
    shapes: Shapes = None  # type: ignore[assignment]
    # How the model was rewritten, and how far that took it from the validation's answers
    rewrites: tuple[str, ...] = ()
    model_error: float = 0.0
    _runs: Runs = field(init=False)

    def __post_init__(self) -> None:
        if self.shapes is None:
            self.shapes = Shapes(self.worker, self.model, self.folder)
        self._runs = Runs(self.worker, self.model, self.validation, self.folder, self.shapes, self.witness_secs)

    def settings(self, params: CircuitParams) -> dict[str, Any]:
        """ezkl's settings for these parameters. Raises ToolError for what ezkl cannot express."""
        return self.shapes.settings(params)

    def run(self, grid: Grid, target: float = math.inf) -> ScaleResult | None:
        """What the validation samples show in a fixed point; see Runs.run."""
        return self._runs.run(grid, target)

    def probe(self, grid: Grid) -> ScaleResult | None:
        """What a few of them show."""
        return self._runs.probe(grid)

    def smallest_scale(self, form: Grid, target: float, highest: int) -> int | None:
        """The smallest scale whose error on a few samples is within the target; None when there is none."""
        low, high, best = MIN_SCALE, highest, None
        scale = self._first_guess(form, high, target)
        while low <= high:
            result = self.probe(replace(form, scale=scale))
            step = None
            if result is None:
                high = scale - 1  # too fine to be executed, most likely
            else:
                step = _bits_missing(result.score.error, target)
                if result.score.error <= target:
                    best, high = scale, scale - 1
                    if step == 0:
                        break  # one bit less would be too coarse
                else:
                    low = scale + 1
            scale = (low + high) // 2 if step is None else min(max(scale + step, low), high)
        return best

    def _first_guess(self, form: Grid, high: int, target: float) -> int:
        """Where to look first: the coarsest scale that served another form, else what was probed already."""
        served = [result.grid.scale for result in self._runs.known() if result.score.error <= target]
        own = [
            result.grid.scale
            for result in self._runs.known()
            if result.grid.rebase_multiplier == form.rebase_multiplier
        ]
        return min(min(served, default=max(own, default=PROBE_SCALE)), high)

    def exact_result(self, form: Grid, target: float, highest: int) -> ScaleResult | None:
        """The smallest scale that keeps within the target on the whole validation set; None when there is none."""
        smallest = self.smallest_scale(form, target * PROBE_SHARE, highest)
        if smallest is None:
            return None
        for scale in range(smallest, min(smallest + 3, highest + 1)):
            result = self.run(replace(form, scale=scale), target)
            if result is not None and result.score.error <= target:
                return result
        return None

    def candidates(
        self, target: float, objective: Objective, max_columns: int, *, all_shapes: bool = False
    ) -> list[Candidate]:
        """Circuits within the error target, cheapest first by the objective; none when no scale is exact enough.

        all_shapes: those too that cannot be the cheapest, for a table to choose from.
        """
        probe = self.shapes.at(PROBE_FORM, 2)
        if probe is None:
            return []
        # Rescaled less often, what is looked up would need a table of squares
        forms = [Grid(0)] if probe.lookups else [Grid(0, multiplier) for multiplier in REBASES]
        highest = MAX_SCALE_LOOKUP if probe.lookups else MAX_SCALE
        found: list[Candidate] = []
        for form in self._promising(forms, target, highest, objective, max_columns):
            best = min((one.cost.weight(objective) for one in found), default=math.inf)
            if form.weight > WORTH * best and not all_shapes:
                break
            result = self.exact_result(form.grid, target, highest)
            if result is not None:
                shaped = self._shaped(result, objective, max_columns, found, all_shapes=all_shapes)
                found += shaped if shaped and self._satisfiable(shaped[0]) else []
            if found and not all_shapes:
                break
        return sorted(found, key=lambda one: (one.cost.weight(objective), one.scale_result.score.error))

    def _satisfiable(self, candidate: Candidate) -> bool:
        """Whether a sample satisfies a candidate's constraints: asked of what is rescaled seldom alone.

        There some graphs, as layer normalisation, have circuits that no witness satisfies, whatever their shape.
        """
        if candidate.params.rebase_multiplier == 1:
            return True
        settings = self.settings(candidate.params)
        circuit, path, witness = (str(self.folder / name) for name in ("mock.compiled", "settings.json", "mock.json"))
        rows = quantised_samples(self.validation, settings["model_input_scales"])
        try:
            self.worker.call("compile", model=str(self.model), circuit=circuit, settings_path=path)
            self.worker.call("witness", circuit=circuit, inputs=rows[len(rows) // 2], out=witness)
            self.worker.call("mock", witness_path=witness, circuit=circuit, timeout=MOCK_TIMEOUT_SECS)
        except (ToolError, WorkerFailed):
            return False
        return True

    def _promising(
        self, forms: Sequence[Grid], target: float, highest: int, objective: Objective, max_columns: int
    ) -> list[_Promise]:
        """The forms that a few samples show to be exact enough, the cheapest first."""
        promises: list[_Promise] = []
        for form in forms:
            smallest = self.smallest_scale(form, target * PROBE_SHARE, highest)
            result = None if smallest is None else self.probe(replace(form, scale=smallest))
            if result is None:
                continue
            shaped = self._shaped(result, objective, max_columns, [], all_shapes=False, checked=False)
            if shaped:
                promises.append(_Promise(min(one.cost.weight(objective) for one in shaped), form))
        return sorted(promises, key=lambda one: one.weight)

    def estimate(self, target: float, objective: Objective, max_columns: int) -> Cost | None:
        """What the cheapest circuit within the target costs at the least, judged by one probe."""
        first = self.shapes.at(PROBE_FORM, 2)
        grid = Grid(PROBE_SCALE) if first is None or first.lookups else Grid(PROBE_SCALE, REBASES[-1])
        result = self.probe(grid) or self.probe(Grid(PROBE_SCALE))
        if result is None or not math.isfinite(result.score.error):
            return None
        more = max(MIN_SCALE - PROBE_SCALE, _bits_missing(result.score.error, target) or 0)
        grown = replace(
            result,
            bits=max(MIN_SCALE, result.bits + more),
            lookup_min=math.floor(math.ldexp(result.lookup_min, more)),
            lookup_max=math.ceil(math.ldexp(result.lookup_max, more)),
        )
        found = self._shaped(grown, objective, max_columns, [], all_shapes=False, checked=False)
        return min((one.cost for one in found), key=lambda cost: cost.weight(objective), default=None)

    def _shaped(
        self,
        result: ScaleResult,
        objective: Objective,
        max_columns: int,
        before: Sequence[Candidate],
        *,
        all_shapes: bool,
        checked: bool = True,
    ) -> list[Candidate]:
        """One candidate for each number of columns and kind of matrix product that is worth it."""
        found: list[Candidate] = []
        first = self.shapes.estimate(Form(PROBE_SCALE, result.grid.rebase_multiplier, 1, False), 2)
        kinds = (False, True) if first is not None and first.einsum else (False,)
        for disable_freivalds, columns in product(kinds, range(1, max_columns + 1)):
            form = Form(PROBE_SCALE, result.grid.rebase_multiplier, columns, disable_freivalds)
            best = min((one.cost.weight(objective) for one in (*before, *found)), default=math.inf)
            bound = self._bound(result, form, found)
            if not all_shapes and bound is not None and bound.weight(objective) > WORTH * best:
                continue
            candidate = self._candidate(result, form, checked=checked)
            if candidate is not None:
                found.append(candidate)
        return found

    def _bound(self, result: ScaleResult, form: Form, found: Sequence[Candidate]) -> Cost | None:
        """The least that this form can cost, given what fewer columns took."""
        fewer = [
            one
            for one in found
            if one.params.disable_freivalds == form.disable_freivalds and one.params.columns < form.columns
        ]
        if not fewer:
            return None
        narrowest = min(fewer, key=lambda one: one.params.columns)
        rows = narrowest.rows * narrowest.params.columns // form.columns
        shape = self.shapes.at(Form(PROBE_SCALE, result.grid.rebase_multiplier, 1, form.disable_freivalds), 2)
        if shape is None:
            return None
        # more columns may afford fewer legs' rows, hence half a leg's room
        return _cost(shape, logrows_for(rows // 2, _table_width(result, shape), shape.public_values), form.columns)

    def _candidate(self, result: ScaleResult, form: Form, *, checked: bool) -> Candidate | None:
        """The smallest circuit of this form: for each size, as few legs as its range table allows."""
        bits = result.bits + BITS_MARGIN
        for logrows in range(MIN_LOGROWS, MAX_LOGROWS + 1):
            room = (1 << logrows) - RESERVED_ROWS
            legs = math.ceil(bits / math.log2(room))
            if legs > MAX_LEGS:
                continue
            shape = self.shapes.estimate(form, legs)
            if shape is None:
                continue
            width = _table_width(result, shape)
            if max(shape.rows, width, shape.public_values, shape.other) > room:
                continue
            candidate = self._at(result, form, legs, shape, logrows)
            if not checked:
                return candidate
            exact = self._checked(candidate)
            if exact is not None:
                return exact
        return None

    def _at(self, result: ScaleResult, form: Form, legs: int, shape: Shape, logrows: int) -> Candidate:
        base = 1 << max(2, math.ceil((result.bits + BITS_MARGIN) / legs))
        room = (1 << logrows) - RESERVED_ROWS
        base = min(base, room)
        low, high = _lookups(result)
        table = _fill(low, high, room) if shape.lookups else NO_TABLE
        params = result.grid.params(base=base, legs=legs, columns=form.columns, table=table, logrows=logrows)
        params = replace(params, disable_freivalds=form.disable_freivalds)
        return Candidate(params, result, _cost(shape, logrows, form.columns), shape.rows, shape.lookups)

    def _checked(self, candidate: Candidate) -> Candidate | None:
        """The candidate with the rows that ezkl says for exactly these parameters; None when they do not fit."""
        try:
            shape = shape_of(self.settings(candidate.params))
        except ToolError:
            return None
        if max(shape.rows, shape.other) > (1 << candidate.params.logrows) - RESERVED_ROWS:
            return None
        cost = _cost(shape, candidate.params.logrows, candidate.params.columns)
        return replace(candidate, rows=shape.rows, cost=cost)


def _cost(shape: Shape, logrows: int, columns: int) -> Cost:
    return predict(
        logrows=logrows,
        columns=columns,
        lookups=shape.lookups,
        public_values=shape.public_values,
        einsum=shape.einsum,
    )


def _lookups(result: ScaleResult) -> tuple[int, int]:
    """The range that tables must cover."""
    return math.floor(result.lookup_min * TABLE_MARGIN), math.ceil(result.lookup_max * TABLE_MARGIN)


def _table_width(result: ScaleResult, shape: Shape) -> int:
    low, high = _lookups(result)
    return max(high - low, 2) if shape.lookups else 0


def _bits_missing(error: float, target: float) -> int | None:
    """How many bits of scale bring the error just within the target; negative where there are some to spare.

    None where that cannot be told, as with discrete answers.
    """
    if not (math.isfinite(error) and 0.0 < error < 1.0):
        return None
    return math.ceil(math.log2(error / target))


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
