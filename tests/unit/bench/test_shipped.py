"""The benchmark of one prover: every circuit that ships, and what it says of one that is not there."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import shipped
from oracle.errors import InvalidInput
from oracle.settings import PROJECT_ROOT, Settings

SMALLEST = "risk-weight"


@pytest.fixture
def one_ships(settings: Settings, tmp_path: Path) -> Settings:
    """Settings under which a single circuit ships."""
    shutil.copytree(PROJECT_ROOT / "circuits" / SMALLEST, tmp_path / "circuits" / SMALLEST)
    return settings.model_copy(update={"circuits_dir": tmp_path / "circuits"})


def test_measure__a_circuit_that_ships__has_every_figure(one_ships: Settings) -> None:
    (found,) = shipped.measure(one_ships, proofs=2, say=print)
    assert (found.circuit, found.proofs, found.refused) == (SMALLEST, 2, 0)
    figures = dataclasses.asdict(found)
    assert all(value > 0 for name, value in figures.items() if name.endswith("_secs") or name == "secs")
    assert found.worst_secs >= found.secs >= found.witness_secs
    assert found.worst_cpu_secs >= found.cpu_secs


def test_measure__a_circuit_that_does_not_ship__is_told(one_ships: Settings) -> None:
    with pytest.raises(InvalidInput, match="does not hold nowhere"):
        shipped.measure(one_ships, proofs=1, say=print, only=["nowhere"])


def test_main__shipped_of_one__writes_its_record(
    one_ships: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "Settings", lambda: one_ships)
    made = tmp_path / "shipped.json"
    monkeypatch.setattr(sys, "argv", ["bench", "shipped", "--only", SMALLEST, "--proofs", "1", "--json", str(made)])
    assert bench.main() == 0
    (record,) = json.loads(made.read_text())["shipped"]
    assert (record["circuit"], record["proofs"]) == (SMALLEST, 1)
    assert SMALLEST in capsys.readouterr().out
