"""What a circuit will cost, predicted without proving. Constants: measured on two cores with ezkl 23.0.5."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Objective: TypeAlias = Literal["balanced", "seconds", "gas", "memory"]

# Rows that halo2 keeps for blinding, and a little more
RESERVED_ROWS: Final = 10
MIN_LOGROWS: Final = 6
# Gas of a verification by the rewritten verifier (docs/gas.md) with 9 public values, by inner columns, without a lookup
# table and with one
_GAS_BY_COLUMNS: Final = (368_000, 480_000, 593_000, 700_000)
_GAS_BY_COLUMNS_LOOKUP: Final = (404_000, 537_000, 668_000, 795_000)
_GAS_FURTHER_LOOKUP: Final = 62_000
_GAS_PUBLIC_VALUE: Final = 480
_GAS_EINSUM: Final = 165_000
_CPU_SECS_PER_ROW: Final = 0.7e-4
_CPU_SECS_PER_ROW_COLUMN: Final = 0.6e-4
_CPU_SECS_PER_ROW_LOOKUP: Final = 0.2e-4
_CPU_SECS_FIXED: Final = 0.02
_MEMORY_MB_PER_ROW_COLUMN: Final = 0.0085
# What one CPU second and one unit of gas weigh in "balanced": a proof of 400k gas is worth a second
_BALANCED_GAS_PER_SECOND: Final = 400_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Predicted cost of one proof and its verification."""

    logrows: int
    cpu_seconds: float
    gas: int
    memory_mb: float

    def weight(self, objective: Objective) -> float:
        """One number to compare candidates by; smaller is better."""
        if objective == "seconds":
            return self.cpu_seconds + self.gas * 1e-9
        if objective == "gas":
            return self.gas + self.cpu_seconds * 1e3
        if objective == "memory":
            return self.memory_mb + self.cpu_seconds * 1e-3
        return self.cpu_seconds + self.gas / _BALANCED_GAS_PER_SECOND


def logrows_for(*sizes: int) -> int:
    """log2 of the rows that a circuit needs whose rows, tables and instances have these sizes."""
    return max(MIN_LOGROWS, math.ceil(math.log2(max(sizes) + RESERVED_ROWS)))


def predict(*, logrows: int, columns: int, lookups: int, public_values: int, einsum: bool) -> Cost:
    """The cost of a circuit of this shape; `einsum`: whether its matrix products use a random check (freivalds)."""
    rows = 1 << logrows
    per_row = _CPU_SECS_PER_ROW + _CPU_SECS_PER_ROW_COLUMN * columns + _CPU_SECS_PER_ROW_LOOKUP * lookups
    table = _GAS_BY_COLUMNS_LOOKUP if lookups else _GAS_BY_COLUMNS
    last = len(table) - 1
    gas = table[min(columns - 1, last)] + max(0, columns - 1 - last) * (table[-1] - table[-2])
    gas += max(0, lookups - 1) * _GAS_FURTHER_LOOKUP + (public_values - 9) * _GAS_PUBLIC_VALUE
    gas += _GAS_EINSUM if einsum else 0
    memory = rows * _MEMORY_MB_PER_ROW_COLUMN * (columns + lookups + int(einsum))
    return Cost(logrows, rows * per_row * (1.5 if einsum else 1.0) + _CPU_SECS_FIXED, gas, memory)
