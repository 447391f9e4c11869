"""The benchmarks' tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from rich.table import Table

if TYPE_CHECKING:
    from bench.arms import Record
    from bench.rounds import Rounds

ROWS: Final[tuple[tuple[str, Callable[[Record], str]], ...]] = (
    ("logrows, rows, columns", lambda r: f"{r.logrows}, {r.rows}, {r.columns}"),
    ("in-circuit error, largest relative", lambda r: f"{r.error:.1e} ({r.samples} windows)"),
    (
        "calibrate, s (CPU s)",
        lambda r: f"{r.calibrate_secs:.2f} ({r.calibrate_cpu_secs:.2f})" if r.calibrate_secs else "-",
    ),
    ("set-up, s", lambda r: f"{r.setup_secs:.2f}"),
    ("witness, s", lambda r: f"{r.witness_secs:.3f}"),
    ("prove, s (CPU s)", lambda r: f"{r.prove_secs:.2f} ({r.prove_cpu_secs:.2f})"),
    ("peak memory, MB", lambda r: f"{r.peak_memory_mb}"),
    ("proving key, MB", lambda r: f"{r.proving_key_bytes / 1e6:.1f}"),
    ("proof, bytes", lambda r: f"{r.proof_bytes}"),
)


def proving_table(records: Sequence[Record]) -> Table:
    """One column an arm."""
    table = Table("", *(record.arm for record in records), title="The same ONNX file, two circuits")
    for name, cell in ROWS:
        table.add_row(name, *(cell(record) for record in records))
    return table


def ratios(records: Sequence[Record]) -> str:
    """How many times cheaper the first arm is than the second."""
    ours, theirs = records
    return (
        f"prove: {theirs.prove_secs / ours.prove_secs:.1f}x less time, "
        f"{theirs.prove_cpu_secs / ours.prove_cpu_secs:.1f}x less CPU; "
        f"in-circuit error: {ours.error:.1e} against {theirs.error:.1e}"
    )


def rounds_table(rounds: Rounds) -> Table:
    """Seconds of each step, medians; and where the gas of a round goes."""
    table = Table("step", "seconds", "gas for", "gas", title=f"{rounds.count} rounds on a local Anvil, medians")
    seconds, gas = list(rounds.seconds.items()), list(rounds.gas.items())
    for index in range(max(len(seconds), len(gas))):
        left = seconds[index] if index < len(seconds) else None
        right = gas[index] if index < len(gas) else None
        table.add_row(
            left[0] if left else "",
            f"{left[1]:.3f}" if left else "",
            right[0] if right else "",
            f"{right[1]:,}" if right else "",
        )
    return table
