"""The options book's twin on its own: what a settled position pays each side, and an auction's discount by hand."""

from __future__ import annotations

import pytest

from oracle.domain.options_auction import Sale, parts
from oracle.domain.options_margin import OptionsBook
from oracle.domain.options_types import OptionsConfig, OptionsFeeds, Series
from oracle.domain.perp_types import FeedAnswer
from oracle.units import WAD

NOW = 1_700_000_000
DAY = 86_400
PERIOD = 900
EXPIRY = NOW // DAY * DAY + 7 * DAY
CONFIG = OptionsConfig(
    decimals=6,
    has_risk=False,
    has_weight=False,
    has_peg=False,
    has_confidence=False,
    max_price_age=7_200,
    max_risk_age=21_600,
    risk_horizon=0,
    margin_period=DAY,
    ramp_interval=3_600,
    min_shock=15 * WAD // 100,
    max_shock=15 * WAD // 100,
    min_risk=WAD // 100,
    max_risk=10 * WAD,
    min_volatility=WAD // 20,
    max_volatility=5 * WAD,
    rate=0,
    min_tenor=3_600,
    max_tenor=365 * DAY,
    expiry_step=DAY,
    strike_step=10 * WAD,
    max_strike_ratio=5,
    max_positions=4,
    lot_size=WAD // 1_000,
    max_open_interest=100_000 * WAD,
    auction_period=PERIOD,
    start_discount_bps=500,
    penalty_bps=100,
)


@pytest.fixture
def book() -> OptionsBook:
    """2,000 and 60 %; maker and taker have 50,000 each."""
    feeds = OptionsFeeds(FeedAnswer(2_000 * 10**8, NOW), FeedAnswer(), [(30 * DAY, FeedAnswer(6 * WAD // 10, NOW))])
    made = OptionsBook(CONFIG, NOW, feeds)
    for account in ("maker", "taker"):
        made.deposit(account, 50_000 * 10**6, account)
    return made


@pytest.mark.parametrize(("is_call", "strike"), [(True, 1_900), (True, 2_300), (False, 2_300), (False, 1_900)])
@pytest.mark.parametrize("price", [1_800, 2_000, 2_500])
@pytest.mark.parametrize("amount", [3, -3])
def test_settle__each_side__has_what_the_option_is_worth(
    book: OptionsBook, is_call: bool, strike: int, price: int, amount: int
) -> None:
    series = book.list_series("taker", EXPIRY, strike * WAD, is_call)
    book.set_operator("maker", "taker", True)
    premium = 400 * WAD * (1 if amount > 0 else -1)
    book.trade("taker", "maker", "taker", [(series, amount * WAD)], premium)
    book.now = EXPIRY
    book.settle_expiry(EXPIRY, price * WAD)
    book.settle("anyone", "taker")
    worth = amount * max(0, price - strike if is_call else strike - price) * WAD
    assert book.accounts["taker"].cash == 50_000 * WAD - premium + worth
    assert book.state.clearing == -worth
    book.settle("anyone", "maker")
    assert book.accounts["maker"].cash == 50_000 * WAD + premium - worth
    assert (book.state.clearing, book.interest[series]) == (0, (0, 0))


def sale(elapsed: int, equity: int = 100 * WAD, loss: int = 300 * WAD, cash: int = 50 * WAD) -> Sale:
    return Sale(CONFIG, loss, equity, cash, elapsed)


@pytest.mark.parametrize(
    ("elapsed", "discount"),
    [
        (0, 5 * WAD),  # 5 % of the equity
        (450, 52 * WAD + WAD // 2),  # half way from there to all of it
        (PERIOD, 100 * WAD),
        (PERIOD + 1, 100 * WAD + 200 * WAD // PERIOD),  # then to all of L, floored
        (PERIOD + 450, 200 * WAD),
        (2 * PERIOD, 300 * WAD),
        (9 * PERIOD, 300 * WAD),
    ],
)
def test_discount__two_periods__from_the_mark_to_the_loss(elapsed: int, discount: int) -> None:
    found = sale(elapsed).discount()
    assert (found, type(found)) == (discount, int)


def test_discount__equity_below_zero_or_above_the_loss__is_taken_as_those() -> None:
    assert sale(0, equity=-5 * WAD).discount() == 0
    assert sale(PERIOD, equity=900 * WAD).discount() == 300 * WAD


def test_needed_fraction__least_that_heals__by_hand() -> None:
    # 1.25 L = 375: (375 - 100) / (375 - 5)
    assert sale(0).needed_fraction() == -(-275 * WAD // 370)
    # at worst cash decides: 80 / (300 + 80 - 15)
    rich = sale(0, equity=374 * WAD, cash=-80 * WAD)
    assert rich.needed_fraction() == -(-80 * WAD // (374 + 80 - 15))
    assert sale(2 * PERIOD, equity=-10 * WAD).needed_fraction() == WAD
    assert sale(0, equity=375 * WAD).needed_fraction() == 0


def test_penalty__a_hundredth_of_the_part_of_the_loss__at_most_what_is_left() -> None:
    assert sale(0).penalty(WAD // 2, 50 * WAD) == 3 * WAD // 2
    assert sale(0).penalty(WAD // 2, WAD) == WAD
    assert sale(0, equity=WAD).penalty(WAD, 50 * WAD) == WAD - WAD // 20
    assert sale(0).penalty(WAD, -1) == 0


def test_parts__a_fraction__lots_rounded_up_with_their_sign() -> None:
    call, put = Series(EXPIRY, True, 2_000 * WAD), Series(EXPIRY, False, 2_000 * WAD)
    lot = WAD // 1_000
    taken = parts({call: 5 * WAD, put: -WAD}, WAD // 3, lot)
    assert taken == {call: 1_667 * lot, put: -334 * lot}
    assert parts({call: WAD}, WAD, lot) == {call: WAD}


def test_withdraw__a_deficit__everybody_gives_up_the_same_share_of_it(book: OptionsBook) -> None:
    book.state.deficit = 900_000 * WAD  # of a million that is owed, a tenth is there
    assert book.withdraw("taker", 10 * 10**6, "taker") == 10**6
    assert book.state.cash == 99_999 * WAD
    assert (book.state.deficit, book.state.insurance) == (899_991 * WAD, 0)
    assert book.accounts["taker"].cash == 49_990 * WAD
