"""The options book's twin at its limits and one beside: listing, cash, trades and auctions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace

import pytest

from oracle.domain.options_margin import OptionsBook
from oracle.domain.options_scenarios import volatility_at
from oracle.domain.options_types import Market, OptionsFeeds, OptionsRefusal, OptionsState, Series
from oracle.domain.perp_types import FeedAnswer
from oracle.units import WAD
from tests.unit.domain.test_options_book import CONFIG, DAY, EXPIRY, NOW, PERIOD, sale

LOT = CONFIG.lot_size
CAP = CONFIG.max_open_interest
MAX_AMOUNT = 2**112 - 1


@pytest.fixture
def book() -> OptionsBook:
    """2,000 and 60 %; maker, taker and keeper have a million each; the maker's operator is the taker."""
    feeds = OptionsFeeds(FeedAnswer(2_000 * 10**8, NOW), FeedAnswer(), [(30 * DAY, FeedAnswer(6 * WAD // 10, NOW))])
    made = OptionsBook(CONFIG, NOW, feeds)
    for account in ("maker", "taker", "keeper"):
        made.deposit(account, 10**12, account)
    made.set_operator("maker", "taker", True)
    return made


def refused(call: Callable[[], object], name: str, *values: object) -> None:
    """The call is refused with exactly this."""
    with pytest.raises(OptionsRefusal) as caught:
        call()
    assert (caught.value.name, caught.value.values) == (name, values)


def call_of(book: OptionsBook, strike: int = 2_000) -> int:
    return book.list_series("taker", EXPIRY, strike * WAD, True)


def test_state__new__is_zero_as_storage_is() -> None:
    assert astuple(OptionsState()) == (0,) * 7


def test_list_series__expiry_at_its_limits__taken_and_a_step_beyond_refused(book: OptionsBook) -> None:
    book.now = EXPIRY - CONFIG.min_tenor
    latest = book.now + CONFIG.max_tenor
    book.feeds.price = FeedAnswer(2_000 * 10**8, book.now)
    assert book.list_series("taker", EXPIRY, 2_000 * WAD, True) == Series(EXPIRY, True, 2_000 * WAD).id
    for expiry in (EXPIRY - DAY, EXPIRY + 3_600, EXPIRY + 365 * DAY):
        refused(
            lambda expiry=expiry: book.list_series("taker", expiry, 2_000 * WAD, True),
            "ExpiryOutOfRange",
            expiry,
            EXPIRY,
            latest,
        )
    book.now = EXPIRY - CONFIG.min_tenor + 1
    refused(
        lambda: book.list_series("taker", EXPIRY, 2_100 * WAD, True), "ExpiryOutOfRange", EXPIRY, EXPIRY + 1, latest + 1
    )
    book.now = EXPIRY
    book.feeds.price = FeedAnswer(2_000 * 10**8, book.now)
    book.list_series("taker", EXPIRY + 365 * DAY, 2_000 * WAD, False)


def test_list_series__strike_at_its_limits__taken_and_a_step_beyond_refused(book: OptionsBook) -> None:
    for strike in (400, 10_000):
        book.list_series("taker", EXPIRY, strike * WAD, False)
    for strike in (0, 390 * WAD, 10_010 * WAD, 2_005 * WAD, 2_000 * WAD + 1):
        refused(
            lambda strike=strike: book.list_series("taker", EXPIRY, strike, False),
            "StrikeNotAllowed",
            strike,
            400 * WAD,
            10_000 * WAD,
        )
    refused(
        lambda: book.list_series("taker", EXPIRY, 400 * WAD, False), "SeriesExists", Series(EXPIRY, False, 400 * WAD).id
    )


def test_withdraw__down_to_the_initial_margin__and_no_wei_more(book: OptionsBook) -> None:
    book.trade("taker", "maker", "taker", [(call_of(book), WAD)], 0)
    account = book.accounts["maker"]
    account.cash -= book.initial_margin(book.market(), account) - 10 * WAD
    account.cash -= 1
    refused(lambda: book.withdraw("maker", 10 * 10**6, "maker"), "InsufficientMargin", "maker", -1)
    account.cash += 1
    assert book.withdraw("maker", 10 * 10**6, "maker") == 10 * 10**6
    assert book.initial_margin(book.market(), book.accounts["maker"]) == 0


def test_withdraw__all_of_the_cash__and_no_unit_more(book: OptionsBook) -> None:
    refused(lambda: book.withdraw("taker", 10**12 + 1, "taker"), "InsufficientBalance", 10**24 + 10**12, 10**24)
    refused(lambda: book.withdraw("taker", 0, "taker"), "ZeroAmount")
    assert book.withdraw("taker", 10**12, "taker") == 10**12


def test_deposit__more_than_can_be_held__refused(book: OptionsBook) -> None:
    most = MAX_AMOUNT // 10**12
    refused(lambda: book.deposit("taker", most + 1, "taker"), "AmountTooLarge", most + 1, most)
    held = (3 * 10**12 + most) * 10**12
    refused(lambda: book.deposit("taker", most, "taker"), "AmountTooLarge", held, MAX_AMOUNT)
    refused(lambda: book.donate("taker", 0), "ZeroAmount")
    before = book.state.cash
    book.deposit("taker", most - 3 * 10**12, "taker")
    assert book.state.cash == before + (most - 3 * 10**12) * 10**12 == most * 10**12


def test_trade__cash_at_its_limit__and_beyond_refused(book: OptionsBook) -> None:
    series = call_of(book)
    for cash, magnitude in ((MAX_AMOUNT + 1, MAX_AMOUNT + 1), (-MAX_AMOUNT - 1, MAX_AMOUNT)):
        refused(
            lambda cash=cash: book.trade("taker", "maker", "taker", [(series, LOT)], cash),
            "AmountTooLarge",
            magnitude,
            MAX_AMOUNT,
        )
    refused(
        lambda: book.trade("taker", "maker", "taker", [(series, LOT)], MAX_AMOUNT),
        "NegativeCash",
        "taker",
        10**24 - MAX_AMOUNT,
    )


def test_trade__amount_at_the_cap__taken_and_a_lot_more_refused(book: OptionsBook) -> None:
    series = call_of(book)
    book.config = replace(CONFIG, max_open_interest=50 * WAD)
    book.trade("taker", "maker", "taker", [(series, 50 * WAD)], 0)
    for amount, said in ((50 * WAD + LOT, 50 * WAD + LOT), (-50 * WAD - LOT, 50 * WAD + LOT - 1)):
        refused(
            lambda amount=amount: book.trade("taker", "maker", "taker", [(series, amount)], 0),
            "OpenInterestCapReached",
            said,
            50 * WAD,
        )
    refused(
        lambda: book.trade("taker", "maker", "taker", [(series, LOT)], 0),
        "OpenInterestCapReached",
        50 * WAD + LOT,
        50 * WAD,
    )
    assert book.interest[series] == (50 * WAD, 50 * WAD)
    book.trade("taker", "maker", "taker", [(series, -50 * WAD)], 0)
    assert book.interest[series] == (0, 0)


def test_trade__cash_to_the_last_wei__taken_and_one_more_refused(book: OptionsBook) -> None:
    series = call_of(book)
    refused(lambda: book.trade("taker", "maker", "taker", [(series, WAD)], 10**24 + 1), "NegativeCash", "taker", -1)
    book.trade("taker", "maker", "taker", [(series, WAD)], 0)
    # closing everything must leave no debt, however small
    refused(lambda: book.trade("taker", "maker", "taker", [(series, -WAD)], 10**24 + 1), "NegativeCash", "taker", -1)
    book.trade("taker", "maker", "taker", [(series, -WAD)], 10**24)
    assert (book.accounts["taker"].cash, book.accounts["maker"].cash) == (0, 2 * 10**24)


def test_trade__below_the_initial_margin__reduces_only_and_not_for_the_worse(book: OptionsBook) -> None:
    series = call_of(book)
    book.trade("taker", "maker", "taker", [(series, 10 * WAD)], 0)
    account = book.accounts["maker"]
    account.cash -= book.initial_margin(book.market(), account) + WAD
    before = book.initial_margin(book.market(), account)
    assert before == -WAD
    mark = book.mark_of(series)
    # one call bought back at its mark frees margin
    book.trade("taker", "maker", "taker", [(series, -WAD)], -mark)
    better = book.initial_margin(book.market(), book.accounts["maker"])
    assert better > before
    book.accounts["maker"].cash -= better + WAD
    # bought back for so much that the margin is the very same, and for a wei more
    later = book.accounts["maker"].copy()
    later.positions[Series.of(series)] += WAD
    even = -WAD - book.initial_margin(book.market(), later)
    refused(
        lambda: book.trade("taker", "maker", "taker", [(series, -WAD)], even - 1),
        "InsufficientMargin",
        "maker",
        -WAD - 1,
    )
    refused(
        lambda: book.trade("taker", "maker", "taker", [(series, WAD)], 10 * WAD),
        "InsufficientMargin",
        "maker",
        initial_after(book, series, WAD, 10 * WAD),
    )
    book.trade("taker", "maker", "taker", [(series, -WAD)], even)
    assert book.initial_margin(book.market(), book.accounts["maker"]) == -WAD


def initial_after(book: OptionsBook, series: int, sold: int, cash: int) -> int:
    """The maker's margin after such a trade."""
    later = book.accounts["maker"].copy()
    later.positions[Series.of(series)] -= sold
    later.cash += cash
    return book.initial_margin(book.market(), later)


def test_trade__a_deficit__reduces_only(book: OptionsBook) -> None:
    series = call_of(book)
    book.trade("taker", "maker", "taker", [(series, 10 * WAD)], 0)
    book.state.deficit = 1
    refused(lambda: book.trade("taker", "maker", "taker", [(series, WAD)], 0), "DeficitOutstanding", 1)
    book.trade("taker", "maker", "taker", [(series, -WAD)], 0)


@pytest.fixture
def fallen(book: OptionsBook) -> tuple[OptionsBook, int]:
    """The maker is short of 150 calls and a wei below maintenance."""
    series = call_of(book)
    book.trade("taker", "maker", "taker", [(series, 150 * WAD)], 0)
    account = book.accounts["maker"]
    account.cash -= book.maintenance_margin(book.market(), account)
    refused(lambda: book.start_auction("keeper", "maker"), "AccountHealthy", "maker", 0)
    book.accounts["maker"].cash -= 1
    book.start_auction("keeper", "maker")
    return book, series


def test_bid__a_part_that_does_not_heal__the_auction_goes_on(fallen: tuple[OptionsBook, int]) -> None:
    book, series = fallen
    book.accounts["maker"].cash -= 5_000 * WAD
    taken, _ = book.bid("keeper", "maker", WAD // 1_000, 10**30, NOW)
    assert taken == WAD // 1_000
    assert book.accounts["maker"].auction_started_at == NOW
    assert book.maintenance_margin(book.market(), book.accounts["maker"]) < 0
    refused(
        lambda: book.end_auction("keeper", "maker"),
        "AccountUnhealthy",
        "maker",
        book.maintenance_margin(book.market(), book.accounts["maker"]),
    )
    # 15 hundredths of a call of 150, lots rounded up
    assert book.accounts["keeper"].positions == {Series.of(series): -15 * WAD // 100}
    book.bid("keeper", "maker", WAD, 10**30, NOW)
    assert book.accounts["maker"].auction_started_at == 0


def test_bid__price_at_its_limit__taken_and_a_wei_less_refused(fallen: tuple[OptionsBook, int]) -> None:
    book, _ = fallen
    accounts, state = {name: account.copy() for name, account in book.accounts.items()}, replace(book.state)
    _, price = book.bid("keeper", "maker", WAD, 10**30, NOW)
    book.accounts, book.state = accounts, state
    refused(lambda: book.bid("keeper", "maker", WAD, price - 1, NOW), "LimitExceeded", price, price - 1)
    refused(lambda: book.bid("keeper", "maker", WAD, price, NOW - 1), "DeadlinePassed", NOW - 1, NOW)
    refused(lambda: book.bid("keeper", "maker", WAD + 1, price, NOW), "FractionOutOfRange", WAD + 1)
    refused(lambda: book.bid("keeper", "maker", 0, price, NOW), "FractionOutOfRange", 0)
    refused(lambda: book.bid("maker", "maker", WAD, price, NOW), "SelfTrade", "maker")
    assert book.bid("keeper", "maker", WAD, price, NOW)[1] == price


def test_end_auction__margin_of_nothing__ends_it(fallen: tuple[OptionsBook, int]) -> None:
    book, _ = fallen
    refused(lambda: book.end_auction("keeper", "maker"), "AccountUnhealthy", "maker", -1)
    refused(lambda: book.end_auction("keeper", "taker"), "NoAuction", "taker")
    book.accounts["maker"].cash += 1
    refused(lambda: book.bid("keeper", "maker", WAD, 10**30, NOW), "AccountHealthy", "maker", 0)
    book.end_auction("keeper", "maker")
    assert book.accounts["maker"].auction_started_at == 0


def test_needed_fraction__a_wei_short_of_the_aim__is_a_wei() -> None:
    # 1.25 L is 375
    assert sale(0, equity=375 * WAD - 1).needed_fraction() == 1
    assert sale(0, equity=374 * WAD, cash=-1).needed_fraction() == -(-WAD * WAD // (360 * WAD))
    assert sale(2 * PERIOD, equity=299 * WAD, cash=-1).needed_fraction() == WAD
    assert sale(2 * PERIOD, equity=300 * WAD, cash=-1).needed_fraction() == WAD


def test_volatility_at__pillars__their_own_at_their_tenors_and_variance_between() -> None:
    pillars = ((7 * DAY, 9 * WAD // 10), (30 * DAY, 7 * WAD // 10), (180 * DAY, 5 * WAD // 10))
    market = Market(NOW, 0, 0, WAD, WAD, True, True, pillars)
    for days, percent in ((1, 90), (7, 90), (30, 70), (180, 50), (400, 50)):
        assert volatility_at(market, days * DAY) == percent * WAD // 100
    # day 60: .49 * 30 + (.25 * 180 - .49 * 30) / 5 = 20.76 over 60 days
    assert volatility_at(market, 60 * DAY) / WAD == pytest.approx((20.76 / 60) ** 0.5, rel=1e-12)
    # a second on either side moves it by little
    assert volatility_at(market, 30 * DAY - 1) / WAD == pytest.approx(0.7, abs=1e-6)
    assert volatility_at(market, 30 * DAY + 1) / WAD == pytest.approx(0.7, abs=1e-6)
