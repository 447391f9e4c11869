"""The model card: CARD.md, report.json and the figures in a circuit's folder, from what was fitted and measured."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models._registry import Array, Bar, DataSource, Draw, Family, Fitted, Report

CARD: Final = "CARD.md"
REPORT: Final = "report.json"
_SHOWN_DIGITS: Final = 16
_FIGURE_INCHES: Final = (7.0, 3.6)


@dataclass(frozen=True, slots=True)
class CircuitFacts:
    """What the finished circuit did. `errors` over held-out inputs, shape (inputs, outputs); `gas` of a transaction."""

    manifest: Mapping[str, Any]
    errors: Array
    gas: int


def write_card(folder: Path, family: Family, fitted: Fitted, report: Report, circuit: CircuitFacts) -> None:
    """Writes CARD.md, report.json and one SVG a figure into the circuit's folder."""
    for name, draw in report.figures.items():
        draw_figure(draw, folder / f"{name}.svg")
    (folder / CARD).write_text(card_text(family, fitted, report, circuit))
    (folder / REPORT).write_text(json.dumps(report_document(family, fitted, report, circuit), indent=1) + "\n")


def rewrite_circuit(folder: Path, family: Family, circuit: CircuitFacts) -> tuple[Bar, ...]:
    """Writes what a new circuit of the same model does into the card that stands; its bars.

    Scores are the model's, not the circuit's, and stay. Raises ValueError for a card of another model.
    """
    document = json.loads((folder / REPORT).read_text())
    if document["model_hash"] != circuit.manifest["model_hash"]:
        raise ValueError(f"the card of {family.circuit_id} is of another model: train it, do not only rebuild it")
    bars = [*map(bar_from, document["bars"][:-1]), circuit_bar(family, circuit)]
    head, _, rest = (folder / CARD).read_text().partition(_CIRCUIT)
    _, heading, scored = rest.partition(_SCORES)
    kept = head.rstrip().splitlines()[:-1]  # all but the circuit's own bar
    head = "\n".join([*kept, bars_table(bars).splitlines()[-1]])
    middle = [head, _CIRCUIT + _circuit_table(circuit), _errors_text(family, circuit)]
    (folder / CARD).write_text("\n\n".join(middle) + "\n\n" + heading + scored)
    document |= _of_circuit(circuit) | {"bars": [bar_document(bar) for bar in bars]}
    (folder / REPORT).write_text(json.dumps(document, indent=1) + "\n")
    return tuple(bars)


def rewrite_seconds(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Writes the seconds that the manifest says into the card that stands; all else stays.

    Raises ValueError for a card of another model.
    """
    document = json.loads((folder / REPORT).read_text())
    if document["model_hash"] != manifest["model_hash"]:
        raise ValueError(f"the card in {folder} is of another model than its manifest")
    measured = manifest["measured"]
    for name in ("prove_seconds", "prove_cpu_seconds"):
        document[name] = measured[name]
    head, _, rest = (folder / CARD).read_text().partition(_CIRCUIT)
    _, errors, scored = rest.partition(_ERRORS)
    facts = CircuitFacts(manifest, np.empty((0, 0)), document["gas"])
    (folder / CARD).write_text(head + _CIRCUIT + _circuit_table(facts) + "\n\n" + errors + scored)
    (folder / REPORT).write_text(json.dumps(document, indent=1) + "\n")


def card_text(family: Family, fitted: Fitted, report: Report, circuit: CircuitFacts) -> str:
    """The card in Markdown."""
    parts = [
        f"# Model card: {family.title} (`{family.circuit_id}`)",
        f"Written by `plumbline model train {family.name}`; do not edit.",
        family.about.strip(),
        f"Model hash `{circuit.manifest['model_hash']}`. What ships: **{fitted.ships}**.",
        "## Bars\n\n" + bars_table([*report.bars, circuit_bar(family, circuit)]),
        _CIRCUIT + _circuit_table(circuit),
        _errors_text(family, circuit),
        _SCORES + report.scores.strip(),
        *_training_text(fitted),
        "## Data\n\n" + sources_table(_merged(fitted.sources, report.sources)),
        *_figures_text(report),
        "## Known limits\n\n" + report.limits.strip() + "\n" + _ROUNDING,
    ]
    return "\n\n".join(parts) + "\n"


_SECONDS: Final = """Seconds: of one warm proof with its local verification, by `python -m bench shipped` on two
idle cores, where that has run since the circuit was built; CPU seconds: of one proof, all threads together."""

_CIRCUIT: Final = "## Circuit\n\n"
_ERRORS: Final = "**In-circuit error**"
_SCORES: Final = "## Out-of-sample score\n\n"
_ROUNDING: Final = """- Rounding: each rescaling in the circuit may go either way by one unit, so a prover can choose
  among answers that differ by about that much, below the budget above."""


def circuit_bar(family: Family, circuit: CircuitFacts) -> Bar:
    """The bar of the in-circuit error."""
    return Bar(f"in-circuit error, largest of {len(circuit.errors):,}", float(circuit.errors.max()), family.max_error)


def bars_table(bars: list[Bar]) -> str:
    """Every bar, reached or not."""
    lines = ["| bar | measured | 95 % interval | asked | baseline | reached |", "| --- | --- | --- | --- | --- | --- |"]
    for bar in bars:
        interval = "" if bar.low is None or bar.high is None else f"{number(bar.low)} to {number(bar.high)}"
        baseline = "" if bar.baseline is None else f"{number(bar.baseline)} {bar.baseline_name}".strip()
        lines.append(
            f"| {bar.name} | {number(bar.value)} | {interval} | {bar.sense} {number(bar.limit)} | {baseline} "
            f"| {'yes' if bar.reached else '**no**'} |"
        )
    return "\n".join(lines)


def number(value: float) -> str:
    """A figure in few digits."""
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.5g}" if abs(value) < 1e3 else f"{value:,.0f}"
    return f"{value:.1e}"


def sources_table(sources: tuple[DataSource, ...]) -> str:
    """Files, spans and hashes."""
    if not sources:
        return "None: nothing was fitted to, or scored on, market data."
    lines = ["| data | rows | span | SHA-256 of the file |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {one.name} | {one.rows:,} | {one.first} to {one.last} | `{one.sha256[:_SHOWN_DIGITS]}` |" for one in sources
    ]
    return "\n".join(lines)


def _merged(*groups: tuple[DataSource, ...]) -> tuple[DataSource, ...]:
    return tuple(dict.fromkeys(one for group in groups for one in group))


def _circuit_table(circuit: CircuitFacts) -> str:
    manifest, run = circuit.manifest, circuit.manifest["measured"]
    rows = (
        ("rows, k", f"{run['rows']:,}, {manifest['logrows']}"),
        ("inputs at", f"2^{manifest['input_scale_bits'][0]}"),
        ("outputs at", f"2^{manifest['output_scale_bits'][0]}"),
        ("prove, CPU seconds", run["prove_cpu_seconds"]),
        ("prove, seconds", run["prove_seconds"]),
        ("witness, seconds", run["witness_seconds"]),
        ("gas of a transaction that verifies", f"{circuit.gas:,}"),
        ("verifier's code, bytes", f"{run['code_size']:,}"),
        ("proof, bytes", f"{run['proof_bytes']:,}"),
        ("proving key, bytes", f"{run['proving_key_bytes']:,}"),
    )
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows), "", _SECONDS])


def _errors_text(family: Family, circuit: CircuitFacts) -> str:
    outputs = len(family.outputs)
    by_output = circuit.errors.reshape(-1, outputs)
    lines = [
        f"{_ERRORS}, {len(circuit.errors):,} held-out inputs over the domain: |circuit - float| over the",
        "larger of |float| and magnitude. The float sees the inputs before they are rounded to the circuit's scale:",
        "",
        "| output | unit | magnitude | median | 90 % | 99 % | largest | budget |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for column, output in enumerate(family.outputs):
        errors = by_output[:, column]
        unit = f"{output.unit} (read through {output.transform})" if output.transform else output.unit
        quantiles = " | ".join(f"{np.quantile(errors, q):.1e}" for q in (0.5, 0.9, 0.99))
        lines.append(
            f"| {output.name} | {unit} | {number(output.magnitude)} | {quantiles} | {errors.max():.1e} "
            f"| {family.max_error:.0e} |"
        )
    return "\n".join(lines)


def _training_text(fitted: Fitted) -> list[str]:
    if not fitted.seed_scores:
        return []
    scores = np.array(list(fitted.seed_scores.values()))
    cells = " | ".join(str(seed) for seed in fitted.seed_scores)
    values = " | ".join(f"{score:.6g}" for score in scores)
    rule = " | ".join(["---"] * (len(scores) + 1))
    chosen = "no net ships" if fitted.seed is None else f"the smallest is chosen: seed {fitted.seed}"
    spread = f"from {scores.min():.6g} to {scores.max():.6g}, standard deviation {scores.std(ddof=1):.2g}"
    return [
        "## Seeds\n\nThe net's loss on validation data, which neither training nor the scores above saw; "
        f"{chosen}.\n\n| seed | {cells} |\n| {rule} |\n| loss | {values} |\n\nSpread: {spread}."
    ]


def _figures_text(report: Report) -> list[str]:
    if not report.figures:
        return []
    return ["## Figures\n\n" + "\n\n".join(f"![{name}]({name}.svg)" for name in report.figures)]


def draw_figure(draw: Draw, path: Path) -> None:
    """Writes one figure as SVG, the same bytes each time."""
    import matplotlib as mpl  # noqa: PLC0415  (takes a second to import)

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    with mpl.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "none", "path.simplify_threshold": 1.0}):
        figure, axes = plt.subplots(figsize=_FIGURE_INCHES, layout="constrained")
        draw(axes)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def report_document(family: Family, fitted: Fitted, report: Report, circuit: CircuitFacts) -> dict[str, Any]:
    """report.json: every bar and what it rests on, for machines."""
    bars = [*report.bars, circuit_bar(family, circuit)]
    return {
        "family": family.name,
        "circuit_id": family.circuit_id,
        "model_hash": circuit.manifest["model_hash"],
        "ships": fitted.ships,
        "seed": fitted.seed,
        "seed_scores": {str(seed): score for seed, score in fitted.seed_scores.items()},
        "bars": [bar_document(bar) for bar in bars],
        "outputs": [
            {"name": one.name, "unit": one.unit, "magnitude": one.magnitude, "transform": one.transform}
            for one in family.outputs
        ],
        **_of_circuit(circuit),
        "data": [
            {"name": one.name, "rows": one.rows, "first": one.first, "last": one.last, "sha256": one.sha256}
            for one in _merged(fitted.sources, report.sources)
        ],
    }


def _of_circuit(circuit: CircuitFacts) -> dict[str, Any]:
    return {
        "held_out_inputs": len(circuit.errors),
        "prove_cpu_seconds": circuit.manifest["measured"]["prove_cpu_seconds"],
        "prove_seconds": circuit.manifest["measured"]["prove_seconds"],
        "gas": circuit.gas,
    }


def bar_from(document: dict[str, Any]) -> Bar:
    """A bar that bar_document wrote."""
    return Bar(**{name: value for name, value in document.items() if name != "reached"})


def bar_document(bar: Bar) -> dict[str, Any]:
    """One bar as JSON, figures in six digits."""
    rounded = {
        key: None if (value := getattr(bar, key)) is None else float(f"{value:.6g}")
        for key in ("value", "limit", "low", "high", "baseline")
    }
    return {"name": bar.name, "sense": bar.sense, **rounded, "baseline_name": bar.baseline_name, "reached": bar.reached}
