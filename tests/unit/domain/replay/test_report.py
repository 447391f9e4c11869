"""What a replay's page says: the first bar by both measures, the proofs in a sentence, refused calls, no hours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.domain.options_types import OptionsRefusal
from oracle.domain.replay.calls import Call, Recorder
from oracle.domain.replay.options import strike_step
from oracle.domain.replay.report import Proofs, beats_static
from oracle.domain.replay.runs import Outcome, VariantRun
from oracle.units import WAD

STATIC = Outcome("static", 100.0, 3, 0.1, 1e6, 1e5, 0.2, 10.0, 0.0, 0.0, {})


def test_beats_static__each_measure__its_change_and_its_own_verdict() -> None:
    dynamic = replace(STATIC, bad_debt=40.0, collateral_ratio=0.25, mean_requirement=0.09)
    by_collateral, by_requirement = beats_static(dynamic, STATIC)
    assert "collateral put in +25.0%: mixed" in by_collateral.name
    assert "requirement -10.0%: better" in by_requirement.name
    assert (by_collateral.value, by_collateral.reached, by_requirement.reached) == (60.0, False, True)


def test_beats_static__static_without_margin__no_change() -> None:
    bar = beats_static(STATIC, replace(STATIC, collateral_ratio=0.0))[0]
    assert "collateral put in +0.0%: worse" in bar.name


@pytest.mark.parametrize(
    ("mode", "words"),
    [("all", "Each of the 9 rounds of C "), ("sampled", "9 of 70 rounds of C, "), ("none", "Nothing is proven: ")],
)
def test_proofs_text__each_mode__says_how_many(mode: str, words: str) -> None:
    assert Proofs(mode, "C", 70, 9).text.startswith(words)


class _Refusing:
    def start_auction(self, sender: str, account: str) -> str:
        if account == "healthy":
            raise OptionsRefusal("AccountHealthy", account, 1)
        return sender + account


def test_recorder__refused_calls__counted_and_not_kept() -> None:
    call = Recorder("dynamic", _Refusing())
    for _ in range(2):
        with pytest.raises(OptionsRefusal):
            call("keeper", "startAuction", "healthy")
    assert call("keeper", "startAuction", "broke") == "keeperbroke"
    assert call.refusals == {"AccountHealthy": 2}
    assert (call.taken(), call.taken()) == ([Call("dynamic", "keeper", "startAuction", ("broke",))], [])


def test_outcome__no_hours__nothing_at_all() -> None:
    outcome = VariantRun("one", None).outcome()
    figures = (outcome.mean_exposure, outcome.mean_collateral, outcome.mean_requirement, outcome.fund_drawdown)
    assert figures == (0.0, 0.0, 0.0, 0.0)
    assert (outcome.efficiency, outcome.fund_change, outcome.collateral_ratio) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("price", "step"), [(57_000, 500), (2_000, 50), (100_000, 5_000), (7, 0.05)])
def test_strike_step__a_price__a_twentieth_of_its_power_of_ten(price: int, step: float) -> None:
    assert strike_step(price * 10**8) == int(step * 100) * WAD // 100
