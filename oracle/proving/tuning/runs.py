"""What a circuit answers in one fixed point, found by executing samples without constraints or keys."""

from __future__ import annotations

import copy
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from oracle.proving.building.keys import CircuitParams
from oracle.proving.tuning.shapes import Shapes
from oracle.proving.validation import Score, Validation, quantised_samples, score
from oracle.proving.workers.pool import ToolError, Worker, WorkerFailed

# ezkl's run_args take no base from 2^63 on
MAX_BITS: Final = 62
SEARCH_LOOKUP: Final = (-(1 << 40), 1 << 40)
SEARCH_LOGROWS: Final = 20
PROBE_SAMPLES: Final = 12
PROBE_SECS: Final = 0.5
# So many samples at once where the first that is too far off ends the rest
CHUNK: Final = 8
_TOO_LARGE: Final = re.compile(r"integer (-?\d+) is too large")


@dataclass(frozen=True, slots=True)
class Grid:
    """The fixed point of a circuit: bits of its values, and how many times that many they may reach unrescaled."""

    scale: int
    rebase_multiplier: int = 1

    def params(self, *, base: int, legs: int, columns: int, table: tuple[int, int], logrows: int) -> CircuitParams:
        """A circuit of this fixed point."""
        return CircuitParams(self.scale, self.scale, self.rebase_multiplier, base, legs, columns, table, logrows)

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


@dataclass(slots=True)
class Runs:
    """Executions of one model over its validation samples, for `seconds` of CPU each; what was shown is remembered."""

    worker: Worker
    model: Path
    validation: Validation
    folder: Path
    shapes: Shapes
    seconds: float
    _probes: dict[Grid, ScaleResult | None] = field(default_factory=dict)
    _results: dict[Grid, ScaleResult | None] = field(default_factory=dict)
    _searches: dict[Grid, dict[str, Any]] = field(default_factory=dict)
    # Where the samples stand that ended a run last: they come first in the next
    _hardest: int = 0

    def run(self, grid: Grid, target: float = math.inf) -> ScaleResult | None:
        """Executes the validation samples in a fixed point; None where the circuit cannot be executed there.

        Ends at the first samples whose error is above the target: such a result tells of them alone.
        """
        if grid in self._results:
            return self._results[grid]
        validation = self.validation if math.isinf(target) else self.validation.turned(self._hardest)
        result = self._execute(grid, validation, self.seconds, target)
        if result is not None and result.score.error > target:
            self._hardest = (self._hardest + max(0, result.score.samples - CHUNK)) % len(self.validation.samples)
        else:
            self._results[grid] = result
        return result

    def probe(self, grid: Grid) -> ScaleResult | None:
        """As `run`, on a few samples from all over the set."""
        if grid in self._results:
            return self._results[grid]
        if grid not in self._probes:
            self._probes[grid] = self._execute(grid, self.validation.spread(PROBE_SAMPLES), PROBE_SECS)
        return self._probes[grid]

    def _execute(
        self, grid: Grid, validation: Validation, seconds: float, target: float = math.inf
    ) -> ScaleResult | None:
        bits = self._bits_before(grid)
        while bits <= MAX_BITS:
            try:
                return self._executed(grid, bits, validation, seconds, target)
            except ToolError as error:
                needed = bits_needed(error)
                if needed is None:
                    return None
                bits = max(bits + 1, needed)
            except WorkerFailed:
                return None
        return None

    def _bits_before(self, grid: Grid) -> int:
        """Bits that are not more than needed, from what other scales needed: integers grow with each bit of scale."""
        known = [one for one in self.known() if one.grid.rebase_multiplier <= grid.rebase_multiplier]
        if not known:
            return grid.scale
        nearest = min(known, key=lambda one: (-one.grid.rebase_multiplier, abs(one.grid.scale - grid.scale)))
        more = grid.scale - nearest.grid.scale
        return max(grid.scale, nearest.bits + (more if more > 0 else (1 + grid.rebase_multiplier) * more))

    def _executed(self, grid: Grid, bits: int, validation: Validation, seconds: float, target: float) -> ScaleResult:
        """What samples show, executed for so long with room for so many bits. Raises ToolError, WorkerFailed."""
        settings, path = self._search_settings(grid, bits)
        circuit, scales = str(self.folder / "search.compiled"), settings["model_output_scales"]
        self.worker.call("compile", model=str(self.model), circuit=circuit, settings_path=path)
        rows = quantised_samples(validation, settings["model_input_scales"])
        # A share of discrete answers that may be wrong is told by all of them alone
        endable = math.isfinite(target) and all(one.startswith("float") for one in validation.form.output_dtypes)
        step = CHUNK if endable else len(rows)
        outputs: list[list[int]] = []
        got, low, high, left = score(validation, outputs, scales), 0, 0, seconds
        while len(outputs) < len(rows) and left > 0 and got.error <= target:
            run = self.worker.call(
                "witnesses",
                circuit=circuit,
                samples=rows[len(outputs) : len(outputs) + step],
                seconds=left,
                timeout=max(120.0, 10 * seconds),
            )
            outputs += run["outputs"]
            low, high, left = min(low, run["lookup_min"]), max(high, run["lookup_max"]), left - run["cpu_seconds"]
            got = score(validation, outputs, scales)
        return ScaleResult(grid, got, bits, low, high)

    def _search_settings(self, grid: Grid, bits: int) -> tuple[dict[str, Any], str]:
        """Settings of a circuit that is only executed, and their file. ezkl is asked once for each fixed point: room
        for other integers changes the decomposition's base and its range check alone."""
        path = self.folder / "settings.json"
        if grid not in self._searches:
            self._searches[grid] = self.shapes.settings(grid.search(bits))
            return self._searches[grid], str(path)
        settings = copy.deepcopy(self._searches[grid])
        before = [0, settings["run_args"]["decomp_base"] - 1]
        settings["run_args"]["decomp_base"] = 1 << bits
        settings["required_range_checks"] = [
            [0, (1 << bits) - 1] if check == before else check for check in settings["required_range_checks"]
        ]
        path.write_text(json.dumps(settings))
        return settings, str(path)

    def known(self) -> list[ScaleResult]:
        """What was shown so far."""
        return [result for result in (*self._probes.values(), *self._results.values()) if result is not None]


def bits_needed(error: ToolError) -> int | None:
    """How many bits the integer has that ezkl could not decompose; None when that was not the trouble."""
    found = [_TOO_LARGE.search(line) for line in (error.message, *error.log)]
    sizes = [abs(int(match.group(1))).bit_length() for match in found if match]
    return max(sizes) if sizes else None
