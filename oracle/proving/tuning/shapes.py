"""How many rows and tables a model's circuit takes, asked of ezkl's settings: no execution, no keys."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from oracle.proving.building.keys import CircuitParams
from oracle.proving.workers.pool import ToolError, Worker

# Range checks wider than this are no tables of the circuit that is built
SMALL_CHECK: Final = 1 << 30
# Two decompositions between which rows are interpolated: rows are linear in the legs
FEW_LEGS: Final = 2
MANY_LEGS: Final = 6
_PROBE_BITS: Final = 40
_MOST_BITS: Final = 120
_WIDE_TABLE: Final = (-(1 << 40), 1 << 40)
_PROBE_LOGROWS: Final = 20


class Form(NamedTuple):
    """What, beside the decomposition, decides the number of rows."""

    scale: int
    rebase_multiplier: int
    columns: int
    disable_freivalds: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """A circuit's sizes, in rows: what must fit into 2^logrows."""

    rows: int
    public_values: int
    lookups: int
    einsum: bool
    # widest small range check, dynamic tables and shuffles
    other: int


_Key: TypeAlias = tuple[Form, int]


@dataclass(slots=True)
class Shapes:
    """Sizes of one model's circuits; what was asked once is remembered, whatever the domain."""

    worker: Worker
    model: Path
    folder: Path
    _known: dict[_Key, Shape | None] = field(default_factory=dict)

    def settings(self, params: CircuitParams) -> dict[str, Any]:
        """ezkl's settings for these parameters. Raises ToolError for what ezkl cannot express."""
        document: dict[str, Any] = self.worker.call(
            "settings", model=str(self.model), out=str(self.folder / "settings.json"), run_args=params.run_args()
        )
        return document

    def at(self, form: Form, legs: int) -> Shape | None:
        """The sizes with this many legs; None where ezkl has no such circuit."""
        if (form, legs) not in self._known:
            self._known[form, legs] = self._ask(form, legs)
        return self._known[form, legs]

    def estimate(self, form: Form, legs: int) -> Shape | None:
        """As `at`, with the rows interpolated: two questions serve every number of legs, and a third each further
        number of columns, which share the rows."""
        if (form, legs) in self._known:
            return self._known[form, legs]
        narrow = form._replace(columns=1)
        few, one, many = self.at(form, FEW_LEGS), self.at(narrow, FEW_LEGS), self.at(narrow, MANY_LEGS)
        if few is None or one is None or many is None:
            return self.at(form, legs)
        slope = (many.rows - one.rows) / (MANY_LEGS - FEW_LEGS) / form.columns
        rows = math.ceil(few.rows + slope * (legs - FEW_LEGS))
        return Shape(max(1, rows), few.public_values, few.lookups, few.einsum, few.other)

    def _ask(self, form: Form, legs: int) -> Shape | None:
        bits = min(_PROBE_BITS, _MOST_BITS // legs)
        scale, multiplier = form.scale, form.rebase_multiplier
        params = CircuitParams(
            scale, scale, multiplier, 1 << bits, legs, form.columns, _WIDE_TABLE, _PROBE_LOGROWS, form.disable_freivalds
        )
        try:
            return shape_of(self.settings(params))
        except ToolError:
            return None


def shape_of(settings: dict[str, Any]) -> Shape:
    """The sizes that ezkl's settings speak of, without the tables whose range is chosen apart."""
    decomposition = [0, settings["run_args"]["decomp_base"] - 1]
    checks = [
        high - low
        for low, high in settings["required_range_checks"]
        if [low, high] != decomposition and high - low < SMALL_CHECK
    ]
    return Shape(
        rows=int(settings["num_rows"]),
        public_values=sum(math.prod(dims) for dims in settings["model_instance_shapes"]),
        lookups=len(settings["required_lookups"]),
        einsum=has_einsum(settings),
        other=max([0, settings["total_dynamic_col_size"], settings["total_shuffle_col_size"], *checks]),
    )


def has_einsum(settings: dict[str, Any]) -> bool:
    """Whether matrix products are verified by a random check (freivalds), which costs gas."""
    return bool(settings["einsum_params"]["total_einsum_col_size"])
