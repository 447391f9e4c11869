"""The demo on the days before and of the largest fall of September 2008, with real proofs."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from oracle.units import WAD
from tests.support.command import Plumbline

pytestmark = pytest.mark.slow

START, END = "2008-09-12", "2008-09-29"


@pytest.fixture(scope="module")
def outcome(plumbline: Plumbline) -> dict[str, Any]:
    """What one run came to."""
    facts: dict[str, Any] = plumbline("demo", "--start", START, "--end", END, "--json").facts
    return facts


def test_demo__crash__proven_rounds_follow_the_market(outcome: dict[str, Any]) -> None:
    rounds = outcome["rounds"]
    assert [row["round_id"] for row in rounds] == list(range(1, len(rounds) + 1))
    assert 5 <= len(rounds) <= outcome["steps"] == 12
    assert rounds[-1]["proven_vol_wad"] > 2 * rounds[0]["proven_vol_wad"]
    assert all(row["gas"] > 0 and row["seconds"]["prove"] > 0 for row in rounds)


def test_demo__crash__ltv_falls_with_the_proven_risk(outcome: dict[str, Any]) -> None:
    ltvs = [row["liquidation_ltv_wad"] for row in outcome["rounds"]]
    assert ltvs[-1] < ltvs[0]
    assert all(WAD // 2 <= ltv < WAD for ltv in ltvs)


def test_demo__crash__loan_warned_then_liquidated(outcome: dict[str, Any]) -> None:
    kinds = [event["kind"] for event in outcome["loan"]]
    assert kinds[0] == "opened"
    assert kinds.index("warned") < kinds.index("auction") < kinds.index("liquidated")


def test_demo__afterwards__any_round_verifies_from_the_chain_on_disk(
    plumbline: Plumbline, outcome: dict[str, Any]
) -> None:
    _, *arguments = shlex.split(outcome["verifyCommand"])
    arguments[arguments.index("--round") + 1] = "2"
    facts = plumbline(*arguments, "--json").facts
    assert facts["roundId"] == 2
    assert len(facts["checks"]) >= 13


def test_demo__afterwards__nothing_runs(plumbline: Plumbline, outcome: dict[str, Any]) -> None:
    assert plumbline("down", "--json").facts == {"ended": []}
