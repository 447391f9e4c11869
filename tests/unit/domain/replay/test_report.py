"""What a replay's page says: the first bar by both measures, the proofs in a sentence, refused calls, no hours."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from oracle.domain.options_types import OptionsRefusal
from oracle.domain.replay.calls import Call, Hour, Recorder
from oracle.domain.replay.options import mark_volatility, strike_step
from oracle.domain.replay.report import (
    Bar,
    Proofs,
    Report,
    WorstHour,
    beats_static,
    hour_moves,
    margin_bars,
    worst,
)
from oracle.domain.replay.runs import HourRecord, Outcome, VariantRun
from oracle.domain.replay.statics import Statics
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


def three_days() -> list[Hour]:
    """An hourly price that stands at 5.00, 4.50 from the second day to the third's first hour; risk 4 %."""
    prices = [500_000_000] * 24 + [450_000_000] * 25
    return [Hour(3_600 * at, price, 4 * WAD // 100) for at, price in enumerate(prices)]


def a_run(*requirements: float, debts: tuple[int, float] = (0, 0.0)) -> VariantRun:
    hours = [
        HourRecord(each, 100.0, 10.0, debts[1] * (at == debts[0]), at, 0.0) for at, each in enumerate(requirements)
    ]
    return VariantRun("dynamic", None, hours=hours)


def test_margin_bars__one_hit__each_figure_by_hand() -> None:
    """Losses of the long side 10 % and 0, of the short -10 % and 0, all against 4 %."""
    run = a_run(*[0.05] * 24, *[0.07] * 25)
    bars = margin_bars(three_days(), run, Statics(10 * WAD // 100, 0, 0))
    assert [bar.name for bar in bars] == [
        "Kupiec p, long side, 1 hits in 2 days",
        "Kupiec p, short side, 0 hits in 2 days",
        "mean excess loss of 1 hits, against 0.1000 of a constant with as many",
        "mean margin over the static",
        "largest rise in five days, margin in force",
    ]
    # chi2.sf(2 * (binom.logpmf(h, 2, h / 2) - binom.logpmf(h, 2, 0.01)), 1) of SciPy
    assert [bar.value for bar in bars] == pytest.approx(
        [0.0110463, 0.8410874, 0.06, (24 * 5 + 25 * 7) / 490, 1.4], rel=1e-4
    )
    assert [bar.reached for bar in bars] == [False, True, True, True, True]
    assert [bar.asked for bar in bars] == ["above 0.05", "above 0.05", "below 0.1000", "at most 0.8", "at most 1.5"]


@pytest.mark.parametrize(
    ("low", "high", "mean_reached", "rise_reached"),
    [(0.08, 0.08, True, True), (0.0801, 0.0801, False, True), (0.04, 0.06, True, True), (0.04, 0.0601, True, False)],
)
def test_margin_bars__at_a_bar_and_beyond__reached_or_not(
    low: float, high: float, mean_reached: bool, rise_reached: bool
) -> None:
    bars = margin_bars(three_days(), a_run(low, high), Statics(10 * WAD // 100, 0, 0))
    assert [bar.reached for bar in bars[-2:]] == [mean_reached, rise_reached]


def test_hour_moves__each__into_its_hour() -> None:
    hours = [Hour(at, price) for at, price in enumerate((200, 150, 300))]
    assert hour_moves(hours) == [0.0, -0.25, 1.0]


def test_worst__moves_then_debts__with_every_variants_figures() -> None:
    hours = [Hour(at, price) for at, price in enumerate((100, 101, 100, 100, 90, 91, 91, 92))]
    run = a_run(*[0.1] * 8, debts=(6, 5.0))
    found = worst(hours, [run])
    assert [each.observed_at for each in found] == [4, 5, 7, 1, 2, 6]
    assert found[0] == WorstHour(4, pytest.approx(-0.1), {"dynamic": 0.0}, {"dynamic": 4})
    assert (found[-1].bad_debt, found[-1].liquidations) == ({"dynamic": 5.0}, {"dynamic": 6})


def test_report__its_document__there_and_back() -> None:
    report = Report(
        protocol="perp",
        market="BTC",
        start=1,
        end=2,
        hours=3,
        seed=4,
        statics=Statics(5, 6, 7),
        proofs=Proofs("all", "C", 8, 8),
        variants=(replace(STATIC, variant="dynamic"), STATIC),
        verdict="better",
        verdict_by_requirement="mixed",
        bars=(Bar("one", 0.5, "at most 1", True),),
        worst=(WorstHour(1, 0.1, {"static": 1.0}, {"static": 2}),),
        calls=9,
        figures_equal=10,
        seconds=0.5,
    )
    document = json.loads(json.dumps(report.document()))
    assert document["proofs"]["text"] == "Each of the 8 rounds of C is a proof that the real RiskFeed verified."
    assert Report.of(document) == report
    assert report.variant("static") is report.variants[1]


@pytest.mark.parametrize(("told", "said"), [(0, 500), (499, 500), (500, 500), (40_000, 40_000), (40_001, 40_000)])
def test_mark_volatility__within_what_the_book_takes(told: int, said: int) -> None:
    bps = WAD // 10_000
    assert mark_volatility(Hour(1, 1, volatility=told * bps)) == said * bps
