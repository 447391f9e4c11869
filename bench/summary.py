"""Tables and geometric means over the records of all networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from bench.records import ACCURACY, OURS, RESOURCES, ArmRecord

Figure = Callable[[ArmRecord], float | None]


def _tuned(record: ArmRecord) -> float | None:
    """What it takes to come from an ONNX file to a first proof: theirs is calibration, set-up, proof."""
    if record.arm == OURS:
        return record.tune_secs
    return _sum(record.tune_secs, record.setup_secs, record.prove_secs)


def _tuned_cpu(record: ArmRecord) -> float | None:
    """As _tuned, in CPU seconds."""
    if record.arm == OURS:
        return record.tune_cpu_secs
    return _sum(record.tune_cpu_secs, record.setup_cpu_secs, record.prove_cpu_secs)


def _sum(*values: float | None) -> float | None:
    return None if any(value is None for value in values) else sum(value for value in values if value is not None)


RATIOS: Final[tuple[tuple[str, Figure], ...]] = (
    ("prove, CPU seconds", lambda r: r.prove_cpu_secs),
    ("prove, seconds", lambda r: r.prove_secs),
    ("set-up, seconds", lambda r: r.setup_secs),
    ("witness, seconds", lambda r: r.witness_secs),
    ("verify, seconds", lambda r: r.verify_secs),
    ("from ONNX to a first proof, seconds", _tuned),
    ("from ONNX to a first proof, CPU seconds", _tuned_cpu),
    ("peak memory", lambda r: r.peak_memory_mb),
    ("proving key", lambda r: r.proving_key_bytes),
    ("proof", lambda r: r.proof_bytes),
    ("gas", lambda r: r.gas),
    ("code size", lambda r: r.code_bytes),
)


def table(records: Sequence[ArmRecord]) -> Table:
    """A line for each network and arm."""
    columns = ("network", "arm", ">k", ">error", ">tune s", ">set-up s", ">witness s", ">prove s", ">CPU s")
    columns += (">verify s", ">MB", ">pk MB", ">proof B", ">gas", ">code B", "failed")
    made = Table(title="Each network in each arm")
    for name in columns:
        made.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left", no_wrap=name != "failed")
    for record in records:
        made.add_row(*(Text(cell) for cell in _row(record)))
    return made


def _row(r: ArmRecord) -> list[str]:
    worse = " worse" if r.error_no_worse is False else ""
    key = r.proving_key_bytes
    return [
        r.network,
        r.arm,
        _cell(r.logrows, "d"),
        _cell(r.error, ".1e") + worse,
        _cell(r.tune_secs, ".1f"),
        _cell(r.setup_secs, ".2f"),
        _cell(r.witness_secs, ".3f"),
        _cell(r.prove_secs, ".2f"),
        _cell(r.prove_cpu_secs, ".2f"),
        _cell(r.verify_secs, ".3f"),
        _cell(r.peak_memory_mb, "d"),
        _cell(None if key is None else key / 1e6, ".1f"),
        _cell(r.proof_bytes, ",d"),
        _cell(r.gas, ",d"),
        _cell(r.code_bytes, ",d"),
        (r.failure or "")[:90],
    ]


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def means(records: Iterable[ArmRecord]) -> list[dict[str, Any]]:
    """For each figure and group of networks: the geometric mean and the least of theirs / ours, where both finished."""
    by_network: dict[tuple[str, bool], dict[str, ArmRecord]] = {}
    for record in records:
        by_network.setdefault((record.network, record.shipped), {})[record.arm] = record
    rows: list[dict[str, Any]] = []
    for ships in (True, False):
        for arm in (RESOURCES, ACCURACY):
            pairs = [
                (arms[arm], arms[OURS])
                for (_, shipped), arms in by_network.items()
                if shipped is ships and {arm, OURS} <= set(arms) and arms[arm].finished and arms[OURS].finished
            ]
            for name, figure in RATIOS:
                found = [_ratio(figure(theirs), figure(ours)) for theirs, ours in pairs]
                values = [value for value in found if value is not None]
                if values:
                    mean = math.exp(sum(math.log(value) for value in values) / len(values))
                    rows.append(
                        {
                            "networks": "shipped" if ships else "others",
                            "against": arm,
                            "figure": name,
                            "geometric_mean": mean,
                            "least": min(values),
                            "count": len(values),
                        }
                    )
    return rows


def _ratio(theirs: float | None, ours: float | None) -> float | None:
    return theirs / ours if theirs and ours else None


def means_table(rows: Sequence[dict[str, Any]]) -> Table:
    """How many times cheaper ours is: geometric mean, and the least."""
    made = Table("networks", "against", "figure", "times cheaper", "least", "count", title="Geometric means")
    for row in rows:
        cells = (row["networks"], row["against"], row["figure"], f"{row['geometric_mean']:.2f}", f"{row['least']:.2f}")
        made.add_row(*cells, str(row["count"]))
    return made


def outcomes(records: Sequence[ArmRecord]) -> list[str]:
    """How many arms finished; the networks on which the arms' fates differ, and where our error is worse."""
    lines = []
    for arm in dict.fromkeys(record.arm for record in records):
        of_arm = [record for record in records if record.arm == arm]
        lines.append(f"{arm}: {sum(record.finished for record in of_arm)} of {len(of_arm)} networks proven on chain")
    worse = [record.network for record in records if record.error_no_worse is False]
    if worse:
        lines.append(f"our error is worse on: {', '.join(worse)}")
    return lines
