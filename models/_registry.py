"""The model families: every module of this package whose name has no leading underscore defines one `FAMILY`.

A new family is one new file and no other change: training, cards, circuits and tests run over `families()`.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

Array = NDArray[np.float64]
Weights = Mapping[str, NDArray[np.float32]]
Draw = Callable[[Any], None]

CLOSED_FORM = "closed form"


@dataclass(frozen=True, slots=True)
class CircuitShape:
    """How a family's circuit is laid out, found by experiment: ezkl's run arguments of these names.

    `decomp_base` to the power `decomp_legs` must exceed every integer of the circuit over the whole domain.
    """

    input_scale: int
    scale_rebase_multiplier: int
    decomp_base: int
    decomp_legs: int
    num_inner_cols: int
    logrows: int
    disable_freivalds: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """One value of a row of outputs. Errors are relative to the larger of the value and `magnitude`.

    `transform` names what a reader applies to it outside the circuit (a logit's "sigmoid"); empty: nothing.
    """

    name: str
    unit: str
    magnitude: float
    transform: str = ""


@dataclass(frozen=True, slots=True)
class DataSource:
    """One file of market data, or a part of it: its rows and span (UTC days), SHA-256 of the whole file."""

    name: str
    rows: int
    first: str
    last: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """What training gave. `ships` names what the weights are: a net, a closed form, or the baseline that beat the net.

    `seed` is the one shipped, chosen on validation data; `seed_scores` holds every seed's validation loss, the smaller
    the better; `constants` whatever else the fit fixed (a test span's first day, a calibration). Weights are float32,
    so that the exported file holds them exactly.
    """

    weights: Weights = field(default_factory=dict)
    ships: str = CLOSED_FORM
    seed: int | None = None
    seed_scores: Mapping[int, float] = field(default_factory=dict)
    sources: tuple[DataSource, ...] = ()
    constants: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise and what was measured: `value` with its 95 % interval where there is one, against `limit`."""

    name: str
    value: float
    limit: float
    sense: Literal["at most", "at least"] = "at most"
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    baseline_name: str = ""

    @property
    def reached(self) -> bool:
        """Whether the measured value keeps the promise; what could not be computed does not."""
        if not math.isfinite(self.value):
            return False
        return self.value <= self.limit if self.sense == "at most" else self.value >= self.limit


@dataclass(frozen=True, slots=True)
class Report:
    """What a family shows on data that its training never saw.

    `scores`: Markdown below the card's heading "Out-of-sample score", tables of the model and of every baseline with
    intervals. `limits`: Markdown list. `figures`: file stem to a function that draws on one matplotlib Axes.
    """

    bars: tuple[Bar, ...]
    scores: str
    limits: str
    sources: tuple[DataSource, ...] = ()
    figures: Mapping[str, Draw] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One model family and the circuit that it becomes.

    The module takes one tensor of shape (rows, columns) and gives one of shape (rows, len(outputs)); everywhere else
    an input, and an output, is that tensor flattened.

    `about`: Markdown of the card's head: what is computed, each input with its source, the domain in words.
    `module`: the torch module with these weights (of `Fitted`; empty for a closed form), ready to export.
    `reference`: the same in float64 and by other means, (inputs of shape (n, input_count), weights) ->
    (n, output_count). For a net numpy's matrix products, for a formula the textbook's.
    `samples`: (count, seed) -> inputs over the whole domain, its edges first, shape (count, input_count).
    `domain`: a closed interval for each column. `max_error`: the budget of the error in the circuit, per output value.
    `shape` pins the circuit; None lets the tuner search by `objective`.
    `fit`: data folder -> Fitted, deterministic; raises DataMissing. `evaluate`: the scores of what was fitted.
    """

    name: str
    circuit_id: str
    title: str
    about: str
    module: Callable[[Weights], nn.Module]
    reference: Callable[[Array, Weights], Array]
    samples: Callable[[int, int], Array]
    domain: Sequence[tuple[float, float]]
    outputs: Sequence[Output]
    max_error: float
    fit: Callable[[Path], Fitted]
    evaluate: Callable[[Fitted, Path], Report]
    rows: int = 1
    shape: CircuitShape | None = None
    objective: Literal["balanced", "seconds", "gas", "memory"] = "balanced"

    @property
    def input_shape(self) -> tuple[int, int]:
        """Shape of the one input tensor."""
        return self.rows, len(self.domain)

    @property
    def input_count(self) -> int:
        """Values in the input tensor."""
        return self.rows * len(self.domain)

    @property
    def output_count(self) -> int:
        """Values in the output tensor."""
        return self.rows * len(self.outputs)

    @property
    def flat_domain(self) -> list[tuple[float, float]]:
        """A closed interval for each input value."""
        return [*self.domain] * self.rows

    @property
    def magnitudes(self) -> Array:
        """What each output value's error is at least relative to, shape (output_count,)."""
        return np.array([output.magnitude for output in self.outputs] * self.rows)

    def errors(self, got: Array, expected: Array) -> Array:
        """|got - expected| / max(|expected|, magnitude) of each output value."""
        return np.asarray(np.abs(got - expected) / np.maximum(np.abs(expected), self.magnitudes))


def closed_form(_: Path) -> Fitted:
    """The `fit` of a family without weights."""
    return Fitted()


def families() -> dict[str, Family]:
    """All families by name, in alphabetical order."""
    package = importlib.import_module("models")
    names = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))
    found = [importlib.import_module(f"models.{name}").FAMILY for name in names]
    return {family.name: family for family in found}


def family(name: str) -> Family:
    """The family of that name. Raises KeyError with the names there are."""
    known = families()
    if name not in known:
        raise KeyError(f"no model family {name!r}; there are {', '.join(known)}")
    return known[name]
