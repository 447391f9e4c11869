"""An options book, wei exact: twin of contracts/consumers/options/OptionsMargin.sol.

`OptionsBook` takes the contract's calls under its names, with the caller first; a call that the contract refuses raises
OptionsRefusal with the contract's error and changes nothing. Time and feeds are plain attributes, so that years can be
replayed without a chain. Amounts are WAD but for collateral that comes or goes, which is in base units as on chain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from oracle.domain import options_scenarios as scenarios
from oracle.domain.options_auction import Sale, parts
from oracle.domain.options_ledger import MAX_AMOUNT, OptionsLedger
from oracle.domain.options_types import (
    Market,
    OptionsAccount,
    OptionsRefusal,
    Series,
)
from oracle.units import WAD

MAX_LEGS: Final = 8
P = ParamSpec("P")
R = TypeVar("R")


def _atomic(call: Callable[Concatenate[OptionsBook, P], R]) -> Callable[Concatenate[OptionsBook, P], R]:
    """A refused call leaves the book as it was, as a revert does."""

    @wraps(call)
    def wrapped(self: OptionsBook, /, *args: P.args, **kwargs: P.kwargs) -> R:
        state, accounts, interest = copy(self.state), dict(self.accounts), dict(self.interest)
        try:
            return call(self, *args, **kwargs)
        except OptionsRefusal:
            self.state, self.accounts, self.interest = state, accounts, interest
            raise

    return wrapped


class OptionsBook(OptionsLedger):
    """The book and everybody's calls."""

    # Series

    def list_series(self, caller: str, expiry: int, strike: int, is_call: bool) -> int:
        """Lists a series within the bounds; its id."""
        c, spot = self.config, self._price()
        if spot == 0:
            raise OptionsRefusal("MarksUnavailable")
        earliest, latest = self.now + c.min_tenor, self.now + c.max_tenor
        if not earliest <= expiry <= latest or expiry % c.expiry_step:
            raise OptionsRefusal("ExpiryOutOfRange", expiry, earliest, latest)
        lowest, highest = spot // c.max_strike_ratio, spot * c.max_strike_ratio
        if strike == 0 or not lowest <= strike <= highest or strike % c.strike_step:
            raise OptionsRefusal("StrikeNotAllowed", strike, lowest, highest)
        series = Series(expiry, is_call, strike)
        if series.id in self.listed:
            raise OptionsRefusal("SeriesExists", series.id)
        self.listed.add(series.id)
        return series.id

    def settle_expiry(self, expiry: int, price: int) -> None:
        """Fixes an expiry's price, WAD. Which observation that is, the contract checks against the feed's rounds."""
        if expiry in self.settlement_price:
            raise OptionsRefusal("AlreadySettled", expiry)
        self.settlement_price[expiry] = price

    def settle(self, caller: str, account: str) -> None:
        """Pays out expired positions whose settlement price is there."""
        self.accounts[account] = self._open(account)

    # Cash

    @_atomic
    def deposit(self, caller: str, amount: int, account: str) -> None:
        """Adds collateral, base units."""
        wad = self._take_cash(amount)
        a = self.accounts.get(account, OptionsAccount()).copy()
        a.cash += wad
        self.accounts[account] = a

    @_atomic
    def donate(self, caller: str, amount: int) -> None:
        """Gives collateral, base units, to the insurance fund."""
        self._credit(self._take_cash(amount))

    @_atomic
    def withdraw(self, caller: str, amount: int, receiver: str) -> int:
        """Takes collateral, base units, out; what is paid."""
        wad = self._to_wad(amount)
        market = self._sync()
        a = self._open(caller)
        self._require_no_auction(caller, a)
        if a.cash < wad:
            raise OptionsRefusal("InsufficientBalance", wad, a.cash)
        a.cash -= wad
        if a.positions:
            self._require_nothing_pending(caller, a)
            if not market.marks_fresh:
                raise OptionsRefusal("MarksUnavailable")
            left = self.initial_margin(market, a)
            if left < 0:
                raise OptionsRefusal("InsufficientMargin", caller, left)
        self.accounts[caller] = a
        return self._pay(wad)

    # Trades

    def set_operator(self, caller: str, operator: str, allowed: bool) -> None:
        """Allows `operator` to trade for the caller."""
        (self.operators.add if allowed else self.operators.discard)((caller, operator))

    @_atomic
    def trade(self, caller: str, maker: str, taker: str, legs: Sequence[tuple[int, int]], cash: int) -> None:
        """Moves positions, the taker's changes by series id, for cash from taker to maker."""
        if maker == taker:
            raise OptionsRefusal("SelfTrade", maker)
        for account in (maker, taker):
            if account != caller and (account, caller) not in self.operators:
                raise OptionsRefusal("NotOperator", account, caller)
        if not 0 < len(legs) <= MAX_LEGS:
            raise OptionsRefusal("LegsOutOfRange", len(legs), MAX_LEGS)
        if abs(cash) > MAX_AMOUNT:
            raise OptionsRefusal("AmountTooLarge", _magnitude(cash), MAX_AMOUNT)
        market = self._sync()
        made, took = self._side(maker), self._side(taker)
        makers, takers = made.copy(), took.copy()
        made_reducing, took_reducing = self._move_legs(maker, makers, taker, takers, legs)
        makers.cash += cash
        takers.cash -= cash
        self._check_side(market, maker, made, makers, made_reducing)
        self._check_side(market, taker, took, takers, took_reducing)
        self.accounts[maker], self.accounts[taker] = makers, takers

    # Auctions

    @_atomic
    def start_auction(self, caller: str, account: str) -> None:
        """Starts the auction of an account below maintenance, or with negative cash."""
        market = self._sync()
        a = self._open(account)
        self._require_no_auction(account, a)
        margin = self._valued(market, account, a)
        if margin >= 0 and a.cash >= 0:
            raise OptionsRefusal("AccountHealthy", account, margin)
        a.auction_started_at = self.now
        self.accounts[account] = a

    @_atomic
    def end_auction(self, caller: str, account: str) -> None:
        """Ends the auction of an account that has its margin again."""
        market = self._sync()
        a = self._open(account)
        if not a.auction_started_at:
            raise OptionsRefusal("NoAuction", account)
        if a.positions:
            margin = self._valued(market, account, a)
            if margin < 0 or a.cash < 0:
                raise OptionsRefusal("AccountUnhealthy", account, margin)
        a.auction_started_at = 0
        self.accounts[account] = a

    @_atomic
    def bid(self, caller: str, account: str, fraction: int, max_price: int, deadline: int) -> tuple[int, int]:
        """Takes a part of an auctioned account; the fraction taken and the price, WAD."""
        if self.now > deadline:
            raise OptionsRefusal("DeadlinePassed", deadline, self.now)
        if account == caller:
            raise OptionsRefusal("SelfTrade", account)
        if not 0 < fraction <= WAD:
            raise OptionsRefusal("FractionOutOfRange", fraction)
        market = self._sync()
        seller, bidder = self._open(account), self._open(caller)
        if not seller.auction_started_at:
            raise OptionsRefusal("NoAuction", account)
        self._require_no_auction(caller, bidder)
        self._require_nothing_pending(caller, bidder)
        self._require_nothing_pending(account, seller)
        if not seller.positions:
            raise OptionsRefusal("NoAuction", account)
        if not market.marks_fresh:
            raise OptionsRefusal("MarksUnavailable")
        risk = scenarios.risk_of(seller.positions, market, self.state.shock_in_force)
        margin = scenarios.maintenance(risk, seller.cash)
        if margin >= 0 and seller.cash >= 0:
            raise OptionsRefusal("AccountHealthy", account, margin)
        elapsed = self.now - seller.auction_started_at
        sale = Sale(self.config, -risk.loss, risk.value + seller.cash, seller.cash, elapsed)
        taken = min(fraction, sale.needed_fraction())
        moved = parts(seller.positions, taken, self.config.lot_size)
        price = scenarios.value_of(moved, market) - sale.discount() * taken // WAD
        for series, part in moved.items():
            self._move(account, seller, series.id, -part)
            self._move(caller, bidder, series.id, part)
        seller.cash += price
        bidder.cash -= price
        penalty = sale.penalty(taken, seller.cash)
        seller.cash -= penalty
        self._credit(penalty)
        if price > max_price:
            raise OptionsRefusal("LimitExceeded", price, max_price)
        self._close_sale(market, caller, account, seller, bidder)
        return taken, price

    # Parts of them

    def _side(self, account: str) -> OptionsAccount:
        a = self._open(account)
        self._require_no_auction(account, a)
        self._require_nothing_pending(account, a)
        return a

    def _move_legs(
        self, maker: str, makers: OptionsAccount, taker: str, takers: OptionsAccount, legs: Sequence[tuple[int, int]]
    ) -> tuple[bool, bool]:
        c, previous = self.config, 0
        made_reducing = took_reducing = True
        for series_id, amount in legs:
            if series_id <= previous:
                raise OptionsRefusal("LegsNotSorted", previous, series_id)
            previous = series_id
            self._require_tradable(series_id)
            if amount == 0:
                raise OptionsRefusal("ZeroAmount")
            if amount % c.lot_size:
                raise OptionsRefusal("LotMismatch", amount, c.lot_size)
            if abs(amount) > c.max_open_interest:
                raise OptionsRefusal("OpenInterestCapReached", _magnitude(amount), c.max_open_interest)
            took_reducing &= self._move(taker, takers, series_id, amount)
            made_reducing &= self._move(maker, makers, series_id, -amount)
            longs, _ = self.interest[series_id]
            if longs > c.max_open_interest:
                raise OptionsRefusal("OpenInterestCapReached", longs, c.max_open_interest)
        return made_reducing, took_reducing

    def _check_side(
        self, market: Market, account: str, before: OptionsAccount, later: OptionsAccount, reducing: bool
    ) -> None:
        if later.cash < 0 and (later.cash < before.cash or not later.positions):
            raise OptionsRefusal("NegativeCash", account, later.cash)
        if not later.positions:
            return
        if not market.marks_fresh:
            raise OptionsRefusal("MarksUnavailable")
        if not reducing and not market.risk_fresh:
            raise OptionsRefusal("RiskUnavailable")
        if not reducing and self.state.deficit:
            raise OptionsRefusal("DeficitOutstanding", self.state.deficit)
        margin = self.initial_margin(market, later)
        if margin < 0 and (not reducing or margin < self.initial_margin(market, before)):
            raise OptionsRefusal("InsufficientMargin", account, margin)

    def _close_sale(
        self, market: Market, caller: str, account: str, seller: OptionsAccount, bidder: OptionsAccount
    ) -> None:
        margin = self.maintenance_margin(market, seller) if seller.positions else 0
        self._absorb(seller)
        if not seller.positions or (margin >= 0 and seller.cash >= 0):
            seller.auction_started_at = 0
        if bidder.cash < 0:
            raise OptionsRefusal("NegativeCash", caller, bidder.cash)
        left = self.initial_margin(market, bidder)
        if left < 0:
            raise OptionsRefusal("InsufficientMargin", caller, left)
        self.accounts[account], self.accounts[caller] = seller, bidder

    def _valued(self, market: Market, account: str, a: OptionsAccount) -> int:
        self._require_nothing_pending(account, a)
        if not market.marks_fresh:
            raise OptionsRefusal("MarksUnavailable")
        return self.maintenance_margin(market, a)


def _magnitude(value: int) -> int:
    return value if value >= 0 else -(value + 1)
