"""The users' lives on the twins: what is the same for every variant, and what differs."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from oracle.domain.replay import lending, options, perp
from oracle.domain.replay.calls import Hour
from oracle.domain.replay.population import (
    BorrowingIntent,
    TradingHabits,
    WritingHabits,
    borrowing_intents,
    health_factor,
    trading_intents,
    writing_intents,
)
from oracle.domain.replay.report import margin_bars, worst
from oracle.domain.replay.runs import VariantRun
from oracle.domain.replay.statics import Statics
from oracle.units import WAD
from tests.support.gas import UPDATE

HOURS, CRASH = 100, 60
LIVES: Final = Path(__file__).with_name("lives.json")
STATICS = Statics(margin=8 * WAD // 100, reference_risk=6 * WAD // 100, hours=5_000)


def market(fall: float, risk_before: int = 8, risk_after: int = 20) -> list[Hour]:
    """A calm market that falls at once at hour 60; its risk is known an hour later."""
    draw, price, found = Random(1), 2_000 * 10**8, []
    for hour in range(HOURS):
        price = round(price * math.exp(draw.gauss(-fall if hour == CRASH else 0.0, 0.003)))
        risk = (risk_after if hour > CRASH else risk_before) * WAD // 100
        found.append(Hour(1_700_000_000 // 3600 * 3600 + 3600 * hour, price, risk, 6 * WAD // 10))
    return found


def rough_market() -> list[Hour]:
    """Large moves, a crash every 70 hours, a risk that wanders and is not told in some hours."""
    draw, price, found = Random(3), 2_000 * 10**8, []
    for hour in range(2 * HOURS):
        price = round(price * math.exp(draw.gauss(-0.12 if hour % 70 == CRASH else 0.0, 0.015)))
        risk = 0 if hour % 50 == 9 else (6 + hour // 7 % 9) * WAD // 100
        volatility = (40 + hour % 60) * WAD // 100
        found.append(Hour(1_700_000_000 // 3600 * 3600 + 3600 * hour, price, risk, volatility))
    return found


def perp_runs(hours: list[Hour]) -> dict[str, VariantRun]:
    intents = trading_intents(1, len(hours), TradingHabits(traders=12))
    configs = perp.variants(STATICS, hours[0].price)
    return {name: perp.run_perp(name, config, hours, STATICS, intents) for name, config in configs.items()}


def option_runs(hours: list[Hour]) -> dict[str, VariantRun]:
    intents = writing_intents(1, len(hours), WritingHabits(writers=3))
    configs = options.variants(STATICS, hours[0].price)
    return {name: options.run_options(name, config, hours, intents) for name, config in configs.items()}


def lending_runs(hours: list[Hour]) -> dict[str, VariantRun]:
    intents = borrowing_intents(1, len(hours))
    return {name: lending.run_lending(name, hours, STATICS, intents) for name in lending.VARIANTS}


Runs = Callable[[list[Hour]], dict[str, VariantRun]]


def life(run: VariantRun) -> dict[str, Any]:
    """A run in figures: its calls by name, all of them in one digest, and what they came to, in micro-units."""
    calls = [(m.time, c.sender, c.function, c.args) for m in run.moments for c in m.calls]
    amounts = {name: round(value * 1e6) for name, value in asdict(run.outcome()).items() if isinstance(value, float)}
    return {
        "calls": dict(sorted(Counter(function for _, _, function, _ in calls).items())),
        "digest": hashlib.sha256(repr(calls).encode()).hexdigest()[:16],
        "refusals": run.refusals,
        **amounts,
    }


@pytest.mark.parametrize(
    ("protocol", "runs"), [("perp", perp_runs), ("lending", lending_runs), ("options", option_runs)]
)
def test_lives__rough_market__every_call_as_recorded(protocol: str, runs: Runs) -> None:
    actual = {name: life(run) for name, run in runs(rough_market()).items()}
    if os.environ.get(UPDATE):
        LIVES.write_text(json.dumps({**json.loads(LIVES.read_text()), protocol: actual}, indent=1) + "\n")
    assert actual == json.loads(LIVES.read_text())[protocol]


def test_perp__sudden_fall__leaves_bad_debt_in_its_hour_alone() -> None:
    runs = perp_runs(market(0.25))
    for run in runs.values():
        assert run.hours[CRASH].bad_debt > 0
        assert sum(h.bad_debt for h in run.hours) == run.hours[CRASH].bad_debt
        assert sum(h.liquidations for h in run.hours[:CRASH]) == 0


def test_perp__fund_below_its_deficit__told_as_less_than_nothing() -> None:
    hours = market(0.0)[:1]
    run = perp._PerpRun(perp.STATIC, perp.perp_config(STATICS, hours[0].price), hours, STATICS, [])
    run.market.state.fund, run.market.state.deficit = 7 * WAD, 9 * WAD
    assert run._record(perp._Counts()).fund == -2.0


def test_perp__margins__static_stands_still_and_dynamic_ramps() -> None:
    runs = perp_runs(market(0.02))
    assert {h.requirement for h in runs[perp.STATIC].hours} == {0.08}
    dynamic = [h.requirement for h in runs[perp.DYNAMIC].hours]
    assert dynamic[CRASH] == 0.08
    assert all(0 <= after - before <= 0.005 / 24 + 1e-12 for before, after in itertools.pairwise(dynamic))
    assert dynamic[-1] > 0.08


def test_perp__last_hour__everybody_has_closed() -> None:
    for run in perp_runs(market(0.05)).values():
        assert (run.hours[-1].exposure, run.hours[-1].collateral) == (0, 0)
        assert run.twin.state.longs == run.twin.state.shorts == 0


def test_options__shocks__static_ones_stand_still() -> None:
    runs = option_runs(market(0.05))
    assert {h.requirement for h in runs[options.STATIC].hours} == {0.08}
    assert {h.requirement for h in runs[options.DERIVE].hours} == {0.15}
    assert len({h.requirement for h in runs[options.DYNAMIC].hours}) > 30


def test_options__larger_shock__more_collateral_for_the_exposure() -> None:
    runs = option_runs(market(0.0))
    ratios = {name: run.outcome().collateral_ratio for name, run in runs.items()}
    assert ratios[options.STATIC] < ratios[options.DERIVE]
    assert ratios[options.DYNAMIC] == pytest.approx(ratios[options.STATIC], rel=0.6)


def test_lending__fall_beyond_the_foreseen__is_told_from_one_within() -> None:
    hours = market(0.5)
    assert lending.unforeseen_fall(hours, CRASH)
    assert not lending.unforeseen_fall(hours, CRASH - 1)
    runs = lending_runs(hours)
    for run in runs.values():
        assert run.outcome().bad_debt > 0
        assert lending.foreseen_bad_debt(hours, run) == 0


def test_lending__mild_fall__liquidates_without_bad_debt() -> None:
    for run in lending_runs(market(0.07)).values():
        outcome = run.outcome()
        assert outcome.liquidations > 0
        assert outcome.bad_debt == 0
        assert outcome.fund_change > 0


@pytest.mark.parametrize(
    ("fall", "after"),
    [
        (4, [(8, "repay"), (8, "withdrawCollateral")]),
        # sold in part, healthy again: it is repaid when no auction is left, an hour late or two
        (5, [(8, "startAuction"), (8, "take"), (9, "repay"), (9, "withdrawCollateral")]),
        (8, [(8, "startAuction"), (8, "take"), (9, "startAuction"), (9, "take"), (10, "repay")]),
        # all of the debt bought: what is left of the collateral is taken out at once
        (10, [(8, "startAuction"), (8, "take"), (8, "withdrawCollateral")]),
        (20, [(8, "startAuction"), (8, "take")]),
    ],
)
def test_lending__fall_in_a_loans_last_hour__ended_by_its_auction_or_repaid_after_it(
    fall: int, after: list[tuple[int, str]]
) -> None:
    hours = [
        Hour(1_700_000_000 // 3600 * 3600 + 3600 * at, 20 * 10**8 * (100 - fall * (at >= 8)), 8 * WAD // 100)
        for at in range(14)
    ]
    intent = BorrowingIntent("borrower", opens=2, closes=8, collateral=200_000, health=1.05, reacts=False)
    run = lending.run_lending(lending.DYNAMIC, hours, STATICS, [intent])
    calls = [(m.hour, c.function) for m in run.moments for c in m.calls if c.function not in {"supply", "sync", "poke"}]
    assert calls[:2] == [(2, "addCollateral"), (2, "borrow")]
    assert calls[2:][: len(after)] == after


def test_lending__loan_that_ends_with_the_last_hour__is_left_open() -> None:
    hours = [Hour(1_700_000_000 // 3600 * 3600 + 3600 * at, 2_000 * 10**8, 8 * WAD // 100) for at in range(5)]
    intent = BorrowingIntent("borrower", opens=2, closes=4, collateral=200_000, health=1.05, reacts=False)
    run = lending.run_lending(lending.DYNAMIC, hours, STATICS, [intent])
    assert run.hours[4].exposure > 0
    assert "repay" not in {c.function for m in run.moments for c in m.calls}


def test_hour__nothing_told__no_risk_and_no_volatility() -> None:
    assert Hour(1, 2) == Hour(1, 2, 0, 0)


def test_health_factor__quantiles__are_aaves() -> None:
    assert [round(math.log(health_factor(share)), 3) for share in (0.05, 0.5, 0.95)] == [0.084, 0.437, 1.168]
    assert health_factor(0.0) == 1.0


def test_runs__same_hours__same_calls() -> None:
    first, again = (perp_runs(market(0.05))[perp.DYNAMIC] for _ in range(2))
    assert [(m.time, m.calls) for m in first.moments] == [(m.time, m.calls) for m in again.moments]


def test_margin_bars__calm_market__no_hits_and_no_excess_bar() -> None:
    hours = market(0.0)
    bars = {bar.name: bar for bar in margin_bars(hours, perp_runs(hours)[perp.DYNAMIC], STATICS)}
    assert bars["Kupiec p, long side, 0 hits in 4 days"].reached
    assert not any(name.startswith("mean excess") for name in bars)
    assert bars["mean margin over the static"].value > 0.99


def test_worst__fall__comes_first() -> None:
    hours = market(0.25)
    runs = list(perp_runs(hours).values())
    first = worst(hours, runs)[0]
    assert first.observed_at == hours[CRASH].observed_at
    assert first.bad_debt == {run.name: run.hours[CRASH].bad_debt for run in runs}
