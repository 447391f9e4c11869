"""The perpetual market's twin alone: what must always hold, over many random calls, and its speed's precondition."""

from __future__ import annotations

import copy
import random
from dataclasses import astuple

import pytest

from oracle.domain import perp_book, vamm
from oracle.domain.perp import PerpMarket
from oracle.domain.perp_book import PerpAccount, PerpState
from oracle.domain.perp_types import FeedAnswer, PerpConfig, PerpRefusal
from oracle.units import WAD
from tests.support.perp import DEFAULTS, FOREVER, MAX_UINT, PRICE, RISK

WHO = ("a", "b", "c", "d")


def make(**overrides: int) -> PerpMarket:
    """A market with a fund of a million."""
    values = list({**DEFAULTS, **overrides}.values())
    feeds = [FeedAnswer(answer, 1) for answer in (PRICE, RISK, WAD)]
    market = PerpMarket(PerpConfig(6, True, *values), 1, *feeds)
    market.provide("lp", 10**12, "lp")
    return market


def feed(market: PerpMarket, answer: int) -> None:
    """A new price, everything observed now."""
    market.price.answer = answer
    for one in (market.price, market.risk, market.weight):
        one.observed_at = market.now


def check(market: PerpMarket) -> None:
    """Cash is conserved, and the reserves can pay everybody out."""
    s = market.state
    mine = sum(a.cash for a in market.accounts.values())
    assert s.cash + s.deficit == mine + s.pool_quote + s.funding_escrow + s.fund + s.protocol_fees
    assert s.pool_quote >= vamm.closing_value(s.base_reserve, s.quote_reserve, s.net, round_up=False)
    assert s.longs == sum(a.base for a in market.accounts.values() if a.base > 0)
    assert s.shorts == -sum(a.base for a in market.accounts.values() if a.base < 0)
    assert s.base_reserve + s.net == market.config.base_depth * s.depth_ratio // WAD
    pending = sum(owed(market, a) for a in market.accounts.values())
    assert 0 <= s.funding_escrow + pending <= 10**9
    assert s.deficit == 0 or s.fund == 0


def owed(market: PerpMarket, a: perp_book.PerpAccount) -> int:
    """Funding that an account has not settled."""
    index = market.state.funding_long if a.base > 0 else market.state.funding_short
    return -(-abs(a.base) * (index - a.funding_index) // WAD)


@pytest.mark.parametrize("seed", range(4))
def test_market__random_calls__cash_conserved_and_solvent(seed: int) -> None:
    market, draw, done = make(premiumDecayBpsPerHour=300 + 400 * (seed % 2)), random.Random(seed), 0
    for _ in range(3_000):
        if draw.random() < 0.3:
            market.now += draw.choice([1, 60, 3_600, 30_000])
            moved = market.price.answer * draw.choice([80, 95, 99, 100, 101, 105, 125]) // 100
            feed(market, min(10**13, max(10**10, moved)))
            market.risk.answer = draw.choice([2, 6, 9, 30]) * WAD // 10
        who, other = draw.choice(WHO), draw.choice(WHO)
        side = market.accounts[who].base > 0 if market.accounts[who].base else draw.random() < 0.5
        quote = draw.randint(1, 40_000) * WAD
        call, args = draw.choice(
            [
                (market.deposit, (draw.randint(1, 5 * 10**9), who)),
                (market.withdraw, (draw.randint(1, 5 * 10**9), who)),
                (market.increase, (side, quote, 0 if side else MAX_UINT, FOREVER)),
                (market.increase, (side, quote, 0 if side else MAX_UINT, FOREVER)),
                (market.decrease, (draw.choice([WAD, MAX_UINT]), 0 if side else MAX_UINT, FOREVER)),
                (market.liquidate, (other,)),
            ]
        )
        try:
            call(who, *args)  # type: ignore[operator]
            done += 1
        except PerpRefusal:
            pass
        check(market)
    assert done > 500


@pytest.mark.parametrize("is_long", [True, False])
def test_market__round_trip_in_one_block__never_profits(is_long: bool) -> None:
    draw = random.Random(7)
    market = make(feeBps=0, minPosition=0)
    market.deposit("a", 10**12, "a")
    for _ in range(2_000):
        before = market.accounts["a"].cash
        market.increase(
            "a", is_long, draw.getrandbits(draw.randint(30, 78)) + 10**5, 0 if is_long else MAX_UINT, FOREVER
        )
        market.decrease("a", MAX_UINT, 0 if is_long else MAX_UINT, FOREVER)
        assert market.accounts["a"].cash <= before


def test_market__refused_call__leaves_no_trace() -> None:
    market = make()
    before = repr(market.state)
    market.now += 3_600
    with pytest.raises(PerpRefusal, match="InsufficientMargin"):
        market.increase("a", True, 10**4 * WAD, 0, FOREVER)
    assert repr(market.state) == before


MOST = (2**112 - 1) // 10**12  # base units of 6 decimals
ALL, HELD = 2**112 - 1, 10**24
RESERVE = 44_000_000 * WAD  # quote, at 2,200
REFUSED: dict[str, tuple[str, tuple[object, ...], tuple[object, ...]]] = {
    "deposit": ("AmountTooLarge", (HELD + MOST * 10**12, ALL), (MOST, "a")),
    "withdraw": ("InsufficientBalance", (10**12, 0), (1, "a")),
    "increase": ("DepthExceeded", (RESERVE, RESERVE), (False, RESERVE, MAX_UINT, FOREVER)),
    "decrease": ("NoPosition", ("lp",), (1, 0, FOREVER)),
    "liquidate": ("NoPosition", ("b",), ("b",)),
    "claim_fees": ("ZeroAmount", (), ()),
    "provide": ("AmountTooLarge", (HELD + MOST * 10**12, ALL), (MOST, "a")),
    "redeem": ("ZeroAmount", (), (1, "a")),
    "donate": ("AmountTooLarge", (HELD + MOST * 10**12, ALL), (MOST,)),
}


@pytest.mark.parametrize("function", REFUSED)
def test_market__refused_in_a_new_block__as_it_was(function: str) -> None:
    market = make()
    name, values, args = REFUSED[function]
    market.request_redemption("lp")
    market.now += DEFAULTS["fundCooldown"]
    feed(market, PRICE * 11 // 10)
    before = copy.deepcopy((market.state, market.shares, market.total_shares))
    with pytest.raises(PerpRefusal) as refusal:
        getattr(market, function)("lp", *args)
    assert (refusal.value.name, refusal.value.values) == (name, values)
    assert before == (market.state, market.shares, market.total_shares)
    market.poke("lp")
    assert market.state.index_price == 2_200 * WAD


def test_redeem__half_of_what_was_given__half_of_it_once_the_cooldown_is_over() -> None:
    market = make()
    market.request_redemption("lp")
    given = market.shares[0, "lp"]
    assert given == 10**24 * 10**6
    requested, cooldown = market.now, DEFAULTS["fundCooldown"]
    for market.now in (requested + cooldown - 1, requested + 2 * cooldown + 1):
        with pytest.raises(PerpRefusal) as refusal:
            market.redeem("lp", given // 2, "lp")
        assert refusal.value.values == (requested + cooldown, requested + 2 * cooldown)
    for market.now in (requested + cooldown, requested + 2 * cooldown):
        feed(market, PRICE)
        assert market.redeem("lp", given // 4, "lp") == 10**12 // 4
    assert (market.state.fund, market.state.cash) == (5 * 10**23, 5 * 10**23)
    assert market.shares[0, "lp"] == market.total_shares[0] == given // 2


@pytest.mark.parametrize(("is_long", "price"), [(True, 2_400), (False, 1_600)])
def test_poke__fund_may_not_pay_it_all__followed_in_part(is_long: bool, price: int) -> None:
    market = make(fundUseBps=1)
    market.deposit("a", 20_000 * 10**6, "a")
    market.increase("a", is_long, 100_000 * WAD, 0 if is_long else MAX_UINT, FOREVER)
    market.now += 1
    feed(market, price * 10**8)
    fund = market.state.fund
    market.poke("k")
    assert 0 < fund - market.state.fund <= fund // 10_000
    low, high = sorted((2_000, price))
    assert low * WAD < market.state.mark < high * WAD


def test_records__new__nothing_in_them() -> None:
    assert not any((*astuple(PerpState()), *astuple(PerpAccount())))
    assert FeedAnswer() == FeedAnswer(0, 0, True)


@pytest.mark.parametrize(
    ("now", "answer", "expected"),
    [
        (100, 5, 5),
        (110, 5, 5),  # as old as may be
        (111, 5, 0),
        (99, 5, 0),  # from the future
        (100, 3, 3),
        (100, 2, 0),
        (100, 9, 9),
        (100, 10, 0),
    ],
)
def test_within__ages_and_answers__their_limits_included(now: int, answer: int, expected: int) -> None:
    feed_answer = FeedAnswer(answer, 100)
    assert feed_answer.within(now, 10, 3, 9) == expected
    feed_answer.alive = False
    assert feed_answer.within(now, 10, 3, 9) == 0


def test_market__no_first_price__refused() -> None:
    config = PerpConfig(6, True, *DEFAULTS.values())
    with pytest.raises(PerpRefusal, match="PriceUnavailable"):
        PerpMarket(config, 1, FeedAnswer(0, 1), FeedAnswer(RISK, 1), FeedAnswer(WAD, 1))
