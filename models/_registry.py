"""The model families: every module of this package whose name has no leading underscore defines one `FAMILY`.

A new family is one new file and no other change: training, tests and cards run over `families()`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

Array = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class Family:
    """One model family and the circuit that it becomes.

    `reference` is the classical computation that the torch module must equal, on rows of flat inputs. `samples` draws
    inputs over the whole domain, its edges first, from a seed. `domain` is a closed interval for each input value.
    Errors are relative to the larger of the output and `magnitude`, and `max_error` is their budget in the circuit.
    `shape` pins the circuit; None lets the tuner search.
    `card` writes the model card's text from what was measured and the folder with market data.
    """

    name: str
    circuit_id: str
    title: str
    module: Callable[[], nn.Module]
    reference: Callable[[Array], Array]
    samples: Callable[[int, int], Array]
    domain: Sequence[tuple[float, float]]
    magnitude: float
    max_error: float
    shape: CircuitShape | None
    card: Callable[[Mapping[str, Any], Path], str]

    @property
    def input_count(self) -> int:
        """Values in the one input tensor, of shape (1, input_count)."""
        return len(self.domain)


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
