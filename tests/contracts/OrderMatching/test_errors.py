"""Every error that the order book declares is expected by name in a test of this folder."""

from __future__ import annotations

from pathlib import Path

from oracle.chain import build
from oracle.settings import Settings


def test_errors__declared__each_provoked_by_a_test(settings: Settings, compiled: object) -> None:
    declared = {e["name"] for e in build.load(settings, "IOrderMatching").abi if e["type"] == "error"}
    tests = "".join(p.read_text() for p in Path(__file__).parent.glob("test_*.py") if p != Path(__file__))
    assert declared
    assert {name for name in declared if f'"{name}"' not in tests} == set()
