"""The card writer: every bar in the table, figures that repeat byte for byte, nothing reached that was not computed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models._card import CircuitFacts, bars_table, draw_figure, number, rewrite_circuit, rewrite_seconds, write_card
from models._registry import Bar, DataSource, Fitted, Report, family

RUN = {
    "rows": 1_000,
    "prove_cpu_seconds": 0.5,
    "prove_seconds": 0.7,
    "witness_seconds": 0.01,
    "code_size": 10_000,
    "proof_bytes": 2_000,
    "proving_key_bytes": 9_000,
}
MANIFEST = {"model_hash": "0xabc", "logrows": 10, "input_scale_bits": [18], "output_scale_bits": [36], "measured": RUN}


@pytest.mark.parametrize(
    ("value", "limit", "sense", "reached"),
    [
        (1.0, 1.0, "at most", True),
        (1.1, 1.0, "at most", False),
        (1.1, 1.0, "at least", True),
        (0.9, 1.0, "at least", False),
        (math.nan, 1.0, "at most", False),
        (math.inf, 1.0, "at least", False),
    ],
)
def test_reached__either_sense__as_it_says(value: float, limit: float, sense: Any, reached: bool) -> None:
    assert Bar("one", value, limit, sense).reached == reached


def test_bars_table__missed_bar__stands_out() -> None:
    table = bars_table([Bar("kept", 0.5, 1.0, low=0.4, high=0.6, baseline=0.7, baseline_name="before"), Bar("m", 2, 1)])
    assert "| kept | 0.5 | 0.4 to 0.6 | at most 1 | 0.7 before | yes |" in table
    assert "| m | 2 |  | at most 1 |  | **no** |" in table


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (1_460, "1,460"), (0.123456, "0.12346"), (2e-7, "2.0e-07"), (math.nan, "nan"), (5e7, "5.0e+07")],
)
def test_number__sizes__few_digits(value: float, shown: str) -> None:
    assert number(value) == shown


def test_draw_figure__twice__same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        draw_figure(lambda axes: axes.plot([1, 2, 3], label="line"), tmp_path / name / "figure.svg")
    assert (tmp_path / "a/figure.svg").read_bytes() == (tmp_path / "b/figure.svg").read_bytes()


def test_write_card__trained_family__everything_in_it(tmp_path: Path) -> None:
    chosen = family("garch")
    source = DataSource("prices.csv", 10, "2020-01-01", "2020-01-10", "f" * 64)
    fitted = Fitted(ships="net", seed=2, seed_scores={1: 0.5, 2: 0.25, 3: 1.0}, sources=(source,))
    report = Report((Bar("a bar", 1.0, 2.0),), "| score |", "- a limit", (source,), {"curve": lambda a: a.plot([1, 2])})
    circuit = CircuitFacts(MANIFEST, np.full((1_000, 1), 1e-5), 400_000)
    write_card(tmp_path, chosen, fitted, report, circuit)
    card = (tmp_path / "CARD.md").read_text()
    for part in ("a bar", "0.25", "seed 2", "prices.csv", "ffffffffffffffff", "- a limit", "400,000", "(curve.svg)"):
        assert part in card
    assert card.count("prices.csv") == 1
    document = json.loads((tmp_path / "report.json").read_text())
    assert [bar["reached"] for bar in document["bars"]] == [True, True]
    assert document["bars"][-1]["limit"] == chosen.max_error
    assert (tmp_path / "curve.svg").is_file()


def test_rewrite_circuit__new_circuit_of_the_model__is_the_card_that_training_writes(tmp_path: Path) -> None:
    chosen, report = (
        family("garch"),
        Report((Bar("a bar", 1.0, 2.0, low=0.123456789, high=2.0),), "| score |", "- a limit"),
    )
    fitted = Fitted(ships="net", seed=2, seed_scores={1: 0.5, 2: 0.25, 3: 1.0})
    finer = MANIFEST | {"logrows": 11, "measured": RUN | {"rows": 2_000, "prove_cpu_seconds": 0.75}}
    before = CircuitFacts(MANIFEST, np.full((1_000, 1), 1e-3), 400_000)
    after = CircuitFacts(finer, np.full((500, 1), 1e-5), 390_000)
    for name, facts in (("rewritten", before), ("trained", after)):
        (tmp_path / name).mkdir()
        write_card(tmp_path / name, chosen, fitted, report, facts)
    bars = rewrite_circuit(tmp_path / "rewritten", chosen, after)
    for name in ("CARD.md", "report.json"):
        assert (tmp_path / "rewritten" / name).read_text() == (tmp_path / "trained" / name).read_text()
    assert [bar.value for bar in bars] == [1.0, 1e-5]
    with pytest.raises(ValueError, match="another model"):
        rewrite_circuit(tmp_path / "trained", chosen, CircuitFacts(MANIFEST | {"model_hash": "0xdef"}, after.errors, 1))


def test_rewrite_seconds__measured_again__nothing_else_changes(tmp_path: Path) -> None:
    chosen, report = family("garch"), Report((Bar("a bar", 1.0, 2.0),), "| score |", "- a limit")
    faster = MANIFEST | {"measured": RUN | {"prove_seconds": 0.125, "witness_seconds": 0.0625}}
    errors = np.full((1_000, 1), 1e-5)
    for name, manifest in (("rewritten", MANIFEST), ("trained", faster)):
        (tmp_path / name).mkdir()
        write_card(tmp_path / name, chosen, Fitted(), report, CircuitFacts(manifest, errors, 400_000))
    rewrite_seconds(tmp_path / "rewritten", faster)
    for name in ("CARD.md", "report.json"):
        assert (tmp_path / "rewritten" / name).read_text() == (tmp_path / "trained" / name).read_text()
    assert "| prove, seconds | 0.125 |" in (tmp_path / "trained/CARD.md").read_text()
    with pytest.raises(ValueError, match="another model"):
        rewrite_seconds(tmp_path / "trained", MANIFEST | {"model_hash": "0xdef"})
