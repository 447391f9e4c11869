"""Trades: what moves, what both must have after, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from oracle.domain import options_scenarios
from oracle.domain.options_types import Series
from tests.support.local_chain import LocalChain
from tests.support.options import DAY, FEEDS, HOUR, MAX_INT, NOBODY, WAD, OptionsWorld, deploy_options

Reverts = Callable[..., AbstractContextManager[None]]


def test_trade__call_for_cash__moves_both_sides(world: OptionsWorld) -> None:
    call = world.list(2_000)
    world.trade([(call, 10 * WAD)], 1_400 * WAD)
    maker, taker = world.account(world.maker), world.account(world.taker)
    assert (maker["cash"], taker["cash"]) == (101_400 * WAD, 98_600 * WAD)
    assert [p[3] for p in maker["positions"]] == [-10 * WAD]
    assert [p[3] for p in taker["positions"]] == [10 * WAD]
    assert world.read("openInterest", call) == [10 * WAD, 10 * WAD]
    assert maker["value"] + taker["value"] in (0, -1)
    assert maker["initialMargin"] < maker["maintenanceMargin"] < maker["cash"] + maker["value"]


def test_trade__margins__as_the_reference(world: OptionsWorld) -> None:
    legs = sorted([(world.list(2_000), 10 * WAD), (world.list(2_200), -20 * WAD)])
    put = world.list(1_800, 90, is_call=False)
    world.trade(legs, 0)
    world.trade([(put, -5 * WAD)], 0)
    model = world.model()
    seen = world.account()
    held = {model_series(p): p[3] for p in seen["positions"]}
    risk = options_scenarios.risk_of(held, model.market(), world.read("state")["shockInForce"])
    assert seen["value"] == risk.value
    assert seen["maintenanceMargin"] == risk.value + risk.loss + seen["cash"]
    assert seen["initialMargin"] == options_scenarios.initial(risk, seen["cash"], model.market())


def test_trade__fixed_shock__derives_moves(chain: LocalChain) -> None:
    moves = options_scenarios.scenario_moves(15 * WAD // 100)
    assert [m * 100 // WAD for m in moves[::3]] == [85, 90, 95, 100, 105, 110, 115, 80]
    assert moves[22] == 120 * WAD // 100
    world = deploy_options(chain, feeds=("priceFeed",), minShock=15 * WAD // 100, maxShock=15 * WAD // 100)
    assert world.read("state")["shockTarget"] == 15 * WAD // 100


def test_trade__more_than_margin__refused(world: OptionsWorld, reverts_any: Reverts, reverts: Reverts) -> None:
    call = world.list(2_000)
    with reverts_any("InsufficientMargin"):
        world.trade([(call, 1_000 * WAD)], 0)
    with reverts("NegativeCash", world.taker, -1):
        world.trade([(call, 10 * WAD)], 100_000 * WAD + 1)


def test_trade__malformed__refused(world: OptionsWorld, reverts: Reverts) -> None:
    low, high = sorted((world.list(2_000), world.list(2_100)))
    unlisted = world.series(1_990).id
    cases = [
        ([], 0, ("LegsOutOfRange", 0, 8)),
        ([(low, WAD)] * 9, 0, ("LegsOutOfRange", 9, 8)),
        ([(high, WAD), (low, WAD)], 0, ("LegsNotSorted", high, low)),
        ([(low, WAD), (low, WAD)], 0, ("LegsNotSorted", low, low)),
        ([(unlisted, WAD)], 0, ("SeriesNotListed", unlisted)),
        ([(low, 0)], 0, ("ZeroAmount",)),
        ([(low, WAD + 1)], 0, ("LotMismatch", WAD + 1, WAD // 1_000)),
        ([(low, 200_000 * WAD)], 0, ("OpenInterestCapReached", 200_000 * WAD, 100_000 * WAD)),
        ([(low, WAD)], MAX_INT, ("AmountTooLarge", MAX_INT, 2**112 - 1)),
    ]
    for legs, cash, error in cases:
        with reverts(*error):
            world.trade(legs, cash)
    with reverts("SelfTrade", world.taker):
        world.call("trade", world.taker, world.taker, [(low, WAD)], 0)
    with reverts("NotOperator", world.maker, world.keeper):
        world.trade([(low, WAD)], 0, sender=world.keeper)
    with reverts("ZeroAddress"):
        world.call("setOperator", NOBODY, True)


def test_trade__too_many_positions__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_options(chain, maxPositions=2)
    for account in (world.maker, world.taker):
        world.deposit(100_000, account)
    legs = sorted((world.list(k), WAD) for k in (1_900, 2_000, 2_100))
    with reverts("TooManyPositions", world.taker, 2):
        world.trade(legs, 0)
    world.trade(legs[:2], 0)


def test_trade__expired_series_or_pending_settlement__refused(world: OptionsWorld, reverts: Reverts) -> None:
    call = world.list(2_000, 1)
    world.trade([(call, WAD)], 0)
    expiry = call >> 104
    world.chain.mine(expiry)
    world.refresh()
    later = world.list(2_000, 2)
    for account, sender in ((world.maker, world.taker),):
        with reverts("SettlementPending", account, expiry):
            world.trade([(later, WAD)], 0, sender=sender)
    with reverts("SettlementPending", world.taker, expiry):
        world.call("withdraw", 1, world.taker)
    world.settle_expiry(expiry, 2_000)
    with reverts("SeriesExpired", call, world.chain.now()):
        world.trade([(call, -WAD)], 0)


@pytest.mark.parametrize("absent", ["price", "volatility"])
def test_trade__marks_absent__only_what_closes_everything(world: OptionsWorld, reverts: Reverts, absent: str) -> None:
    call = world.list(2_000)
    world.trade([(call, 10 * WAD)], 1_000 * WAD)
    feed = world.feeds["priceFeed"] if absent == "price" else world.volatilities[1]
    world.chain.send(feed.functions.setMode(1))
    with reverts("MarksUnavailable"):
        world.trade([(call, WAD)], 0)
    with reverts("MarksUnavailable"):
        world.trade([(call, -WAD)], 0)
    with reverts("MarksUnavailable"):
        world.call("withdraw", 1, world.taker)
    with reverts("MarksUnavailable"):
        world.call("startAuction", world.maker)
    if absent == "price":
        with reverts("MarksUnavailable"):
            world.list(2_500)
    assert not world.account()["valued"]
    world.trade([(call, -10 * WAD)], -900 * WAD)
    assert world.account()["cash"] == 99_900 * WAD
    world.call("withdraw", 99_900 * world.unit, world.taker)


def test_trade__risk_absent__nothing_opens_and_the_shock_ramps(world: OptionsWorld, reverts: Reverts) -> None:
    call = world.list(2_000)
    world.trade([(call, 10 * WAD)], 0)
    before = world.read("state")["shockInForce"]
    world.chain.send(world.feeds["riskFeed"].functions.setMode(1))
    world.call("deposit", 1, world.taker)
    with reverts("RiskUnavailable"):
        world.trade([(call, WAD)], 0)
    world.trade([(call, -WAD)], 0)
    state = world.read("state")
    assert (state["shockInForce"], state["shockTarget"]) == (before, WAD // 2)
    world.pass_time(4 * HOUR)
    world.chain.send(world.feeds["riskFeed"].functions.setMode(1))
    assert before + 4 * WAD // 200 <= world.read("state")["shockInForce"] < before + 5 * WAD // 200


def test_trade__all_feeds__confidence_and_peg_cost_margin(world: OptionsWorld) -> None:
    assert set(world.feeds) == set(FEEDS)
    world.trade([(world.list(2_000), 10 * WAD)], 0)
    before = world.account(world.maker)
    world.set_feed(world.feeds["confidenceFeed"], 4 * WAD // 10)
    doubted = world.account(world.maker)
    assert before["initialMargin"] - doubted["initialMargin"] == pytest.approx(0.6 * 10 * 2_000 * WAD, rel=0.01)
    world.set_feed(world.feeds["confidenceFeed"], WAD)
    world.set_feed(world.feeds["pegFeed"], 9 * 10**7)
    depegged = world.account(world.maker)
    assert depegged["maintenanceMargin"] == pytest.approx(before["maintenanceMargin"], rel=1e-6)
    assert depegged["initialMargin"] < before["initialMargin"]


def test_trade__underwater_account__may_reduce_but_not_worsen(world: OptionsWorld, reverts_any: Reverts) -> None:
    call = world.list(2_000)
    world.trade([(call, 150 * WAD)], 15_000 * WAD)
    world.set_price(2_600)
    assert world.account(world.maker)["initialMargin"] < 0
    with reverts_any("InsufficientMargin"):
        world.trade([(call, WAD)], 600 * WAD)
    with reverts_any("InsufficientMargin"):
        world.trade([(call, -WAD)], -1_500 * WAD)
    world.trade([(call, -WAD)], -620 * WAD)


def model_series(position: tuple[int, bool, int, int]) -> Series:
    """A position's series, as the reference has it."""
    return Series(position[0], position[1], position[2])


def test_market__pillars__as_the_reference(world: OptionsWorld) -> None:
    for feed, volatility in zip(world.volatilities, (9, 7, 5), strict=True):
        world.set_feed(feed, volatility * WAD // 10)
    model = world.model()
    for days in (1, 7, 8, 29, 30, 60, 180, 200):
        series = world.series(2_000, days)
        world.list(2_000, days)
        model.listed.add(series.id)
        model.now = world.chain.now()
        assert world.read("markOf", series.id) == model.mark_of(series.id)
    assert DAY == 86_400
