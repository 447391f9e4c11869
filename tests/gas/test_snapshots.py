"""The gas snapshots' own mechanism, and the form of what is committed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from oracle.settings import PROJECT_ROOT
from tests.support.gas import SNAPSHOTS, UPDATE, check_gas


def test_check_gas__recorded_figure__passes_and_only_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UPDATE, "1")
    check_gas("Vault.borrow", 100, tmp_path)
    check_gas("Vault.another", 200, tmp_path)
    monkeypatch.delenv(UPDATE)
    check_gas("Vault.borrow", 100, tmp_path)
    with pytest.raises(AssertionError, match=r"Vault\.borrow: 101, snapshot 100 \(\+1\)"):
        check_gas("Vault.borrow", 101, tmp_path)
    assert json.loads((tmp_path / "Vault.json").read_text()) == {"Vault.another": 200, "Vault.borrow": 100}


def test_check_gas__never_recorded__fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(UPDATE, raising=False)
    with pytest.raises(AssertionError, match="no gas snapshot"):
        check_gas("Vault.borrow", 100, tmp_path)


def test_snapshots__committed_files__sorted_and_named_by_contract() -> None:
    files = sorted(SNAPSHOTS.glob("*.json"))
    assert files
    for file in files:
        content = json.loads(file.read_text())
        assert list(content) == sorted(content)
        assert {name.partition(".")[0] for name in content} == {file.stem}


def test_gas_page__figures_of_the_protocols__as_committed() -> None:
    page = (PROJECT_ROOT / "docs" / "gas.md").read_text()
    rows = re.findall(r"^\| `(\w+)(\.[^`]+)` \| ([\d,]+) \|$", page, re.M)
    known = {stem: json.loads((SNAPSHOTS / f"{stem}.json").read_text()) for stem, _, _ in rows}
    assert set(known) >= {"LendingVault", "PerpMarket", "OptionsMargin", "RfqSettlement", "OrderMatching"}
    assert {stem + name: int(gas.replace(",", "")) for stem, name, gas in rows} == {
        stem + name: known[stem][stem + name] for stem, name, _ in rows
    }
