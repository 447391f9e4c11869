"""An options book lived through by its writers, on the twin: who sells what, tops up, and is auctioned when.

Each writer has a buyer of its own, who pays in full, and each auction a bidder of its own: an account holds only so
many positions. Marks come from the volatility of past prices, the same for every variant; only shocks differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from math import floor, log10
from typing import Final

from oracle.domain import options_scenarios as scenarios
from oracle.domain.lending import ceil_div
from oracle.domain.options_auction import Sale
from oracle.domain.options_margin import OptionsBook
from oracle.domain.options_types import (
    Market,
    OptionsAccount,
    OptionsConfig,
    OptionsFeeds,
    OptionsRefusal,
    Series,
)
from oracle.domain.perp_types import FeedAnswer
from oracle.domain.replay.calls import Hour
from oracle.domain.replay.lived import LivedHours
from oracle.domain.replay.population import WritingIntent
from oracle.domain.replay.runs import FOREVER, KEEPER, PROVIDER, HourRecord, VariantRun, acts_at, deployed_at
from oracle.domain.replay.statics import Statics
from oracle.units import BPS, PRICE_UNIT, SECS_PER_DAY, SECS_PER_HOUR, WAD

DECIMALS: Final = 6
UNIT: Final = 10**DECIMALS
WAD_PER_UNIT: Final = WAD // UNIT
DYNAMIC, STATIC, DERIVE = "dynamic", "static", "static, Derive's 15 %"
VARIANTS: Final = (DYNAMIC, STATIC, DERIVE)
DERIVE_SHOCK: Final = 15 * WAD // 100
INSURANCE: Final = 1_000_000 * UNIT
BUYERS_CASH: Final = 20_000_000 * UNIT
MARK_TENOR: Final = 7 * SECS_PER_DAY
# Expiries at 0, 8 and 16 h; 8 h is when they are listed for
EXPIRY_STEP: Final = 8 * SECS_PER_HOUR
# Bidders look four times an hour and take what is cheaper than their cost of hedging it, of the notional taken
LOOKS: Final = 4
HEDGING_BPS: Final = 25
MAX_PRICE: Final = 2**255 - 1


def options_config(first_price: int) -> OptionsConfig:
    """The book of the replays: shocks from the proven Value at Risk of one day."""
    return OptionsConfig(
        decimals=DECIMALS,
        has_risk=True,
        has_weight=False,
        has_peg=False,
        has_confidence=False,
        max_price_age=6 * SECS_PER_HOUR,
        max_risk_age=6 * SECS_PER_HOUR,
        risk_horizon=SECS_PER_DAY,
        margin_period=SECS_PER_DAY,
        ramp_interval=SECS_PER_DAY,
        min_shock=3 * WAD // 100,
        max_shock=WAD // 2,
        min_risk=WAD // 1_000,
        max_risk=WAD,
        min_volatility=5 * WAD // 100,
        max_volatility=4 * WAD,
        rate=0,
        min_tenor=SECS_PER_HOUR,
        max_tenor=60 * SECS_PER_DAY,
        expiry_step=EXPIRY_STEP,
        strike_step=strike_step(first_price),
        max_strike_ratio=5,
        max_positions=16,
        lot_size=WAD // 1_000,
        max_open_interest=1_000_000 * WAD,
        auction_period=SECS_PER_HOUR,
        start_discount_bps=500,
        penalty_bps=100,
    )


def strike_step(price: int) -> int:
    """A twentieth of the price's power of ten, WAD: 500 at 57,000."""
    return int(10 ** floor(log10(price / PRICE_UNIT))) * WAD // 20


def variants(statics: Statics, first_price: int) -> dict[str, OptionsConfig]:
    """The configurations side by side; the static ones are the contract's mode of fixed shocks."""
    config = options_config(first_price)
    shocks = {STATIC: min(statics.margin, config.max_shock), DERIVE: DERIVE_SHOCK}
    fixed = {name: replace(config, has_risk=False, min_shock=shock) for name, shock in shocks.items()}
    return {DYNAMIC: config, **fixed}


def mark_volatility(hour: Hour) -> int:
    """What the volatility feed says, WAD, within what the book takes."""
    return max(5 * WAD // 100, min(hour.volatility, 4 * WAD))


def run_options(
    name: str, config: OptionsConfig, hours: Sequence[Hour], intents: Sequence[WritingIntent]
) -> VariantRun:
    """One variant over all hours; what has not expired by then stays open."""
    return _OptionsRun(name, config, hours, intents).run()


class _OptionsRun(LivedHours[WritingIntent]):
    def __init__(
        self, name: str, config: OptionsConfig, hours: Sequence[Hour], intents: Sequence[WritingIntent]
    ) -> None:
        first = hours[0]
        feeds = OptionsFeeds(FeedAnswer(), FeedAnswer(), [(MARK_TENOR, FeedAnswer())])
        _listen(feeds, first)
        self.book = OptionsBook(config, deployed_at(first.observed_at, VARIANTS.index(name)), feeds)
        super().__init__(name, self.book, hours, intents)
        self.writers: dict[str, WritingIntent] = {}
        self.posted: dict[str, int] = defaultdict(int)
        self.expiries: set[int] = set()
        self.risks: dict[tuple[str, int], scenarios.PortfolioRisk] = {}
        self.bad_debt = self.liquidations = 0
        self.known = sorted({intent.writer for intent in intents})

    def _hour(self, index: int, hour: Hour) -> None:
        self.bad_debt = self.liquidations = 0
        self.book.now = acts_at(hour.observed_at)
        _listen(self.book.feeds, hour)
        if index == 0:
            self._begin()
        self._poke()
        self._settle(index, hour)
        self._top_up()
        self._auctions()
        for intent in self.due(index):
            self._sell(intent, hour)
        self.done.at(self.book.now, index, self.call.taken())
        for look in range(1, LOOKS):
            if any(self._account(w).auction_started_at for w in self.writers):
                self.book.now = acts_at(hour.observed_at, look, LOOKS)
                self._poke()
                self._auctions()
                self.done.at(self.book.now, index, self.call.taken())
        self.done.hours.append(self._record())

    def _begin(self) -> None:
        self.call(PROVIDER, "donate", INSURANCE)
        self.call(KEEPER, "deposit", UNIT, KEEPER)
        for writer in self.known:
            self.call(_buyer(writer), "deposit", BUYERS_CASH, _buyer(writer))
            self.call(_bidder(writer), "deposit", BUYERS_CASH, _bidder(writer))
            self.call(_buyer(writer), "setOperator", writer, True)

    def _poke(self) -> None:
        """The least call that brings the book to now: its ramp moves by actions."""
        self.call(KEEPER, "withdraw", 1, KEEPER)

    def _account(self, name: str) -> OptionsAccount:
        return self.book.accounts.get(name, OptionsAccount())

    def _watched(self, sender: str, function: str, *args: object) -> None:
        """A call that may leave bad debt behind: what insurance and deficit lose is counted."""
        s = self.book.state
        owned = s.insurance - s.deficit
        self.call(sender, function, *args)
        s = self.book.state
        self.bad_debt += max(0, owned - (s.insurance - s.deficit))

    # Expiry

    def _settle(self, index: int, hour: Hour) -> None:
        due = sorted(expiry for expiry in self.expiries if expiry <= hour.observed_at)
        for expiry in due:
            self.book.settle_expiry(expiry, hour.price * (WAD // PRICE_UNIT))
            self.call.note(KEEPER, "settleExpiry", expiry, index)
            self.expiries.discard(expiry)
        if not due:
            return
        for writer in self.known:
            for name in (writer, _buyer(writer), _bidder(writer)):
                if any(series.expiry in due for series in self._account(name).positions):
                    self._watched(KEEPER, "settle", name)
        for writer in list(self.writers):
            if not self._account(writer).positions:
                self._leave(writer)

    def _leave(self, writer: str) -> None:
        """Takes out what is left, unless an auction has to be ended first."""
        if self._account(writer).auction_started_at:
            self.call(KEEPER, "endAuction", writer)
        self.writers.pop(writer, None)
        self.posted.pop(writer, None)
        cash = self._account(writer).cash // WAD_PER_UNIT
        if cash > 0:
            self.call(writer, "withdraw", cash, writer)

    # Margin

    def _top_up(self) -> None:
        """Writers who watch their account restore its margin before anybody can call it."""
        market = self.book.market()
        for writer, intent in self.writers.items():
            account = self._account(writer)
            if not intent.tops_up or account.auction_started_at or not account.positions:
                continue
            missing = -scenarios.initial(self._risk(writer, market), account.cash, market)
            if missing > 0:
                self._deposit(writer, int(missing * (1 + intent.buffer)))

    def _risk(self, writer: str, market: Market) -> scenarios.PortfolioRisk:
        """Of the account at the larger of both shocks; what watchers and keepers look at first."""
        key = (writer, self.book.now)
        if key not in self.risks:
            self.risks = {k: v for k, v in self.risks.items() if k[1] == self.book.now}
            shock = max(self.book.state.shock_in_force, self.book.state.shock_target)
            self.risks[key] = scenarios.risk_of(self._account(writer).positions, market, shock)
        return self.risks[key]

    def _auctions(self) -> None:
        market = self.book.market()
        for writer in list(self.writers):
            account = self._account(writer)
            if not account.positions:
                continue
            suspect = account.cash < 0 or scenarios.maintenance(self._risk(writer, market), account.cash) < 0
            unhealthy = suspect and (account.cash < 0 or self.book.maintenance_margin(market, account) < 0)
            if unhealthy and not account.auction_started_at:
                self.call(KEEPER, "startAuction", writer)
                self.liquidations += 1
            elif not unhealthy and account.auction_started_at:
                self.call(KEEPER, "endAuction", writer)
            if unhealthy and self._worth_it(writer):
                self._bid(writer)

    def _worth_it(self, writer: str) -> bool:
        """Whether the discount pays for hedging what the bid would take."""
        account, market = self._account(writer), self.book.market()
        risk = scenarios.risk_of(account.positions, market, self.book.state.shock_in_force)
        elapsed = self.book.now - account.auction_started_at
        sale = Sale(self.book.config, -risk.loss, risk.value + account.cash, account.cash, elapsed)
        taken = sale.needed_fraction()
        cost = ceil_div(risk.gross * market.spot // WAD * HEDGING_BPS, BPS)
        return sale.discount() >= cost and taken > 0

    def _bid(self, writer: str) -> None:
        try:
            self._watched(_bidder(writer), "bid", writer, WAD, MAX_PRICE, FOREVER)
        except OptionsRefusal:
            return
        if not self._account(writer).positions:
            self._leave(writer)

    # Sales

    def _sell(self, intent: WritingIntent, hour: Hour) -> None:
        """Sells at the marks with the margin that is asked for now and the writer's buffer; or does not."""
        if intent.writer in self.writers:
            return
        legs = self._legs(intent, hour)
        market = self.book.market()
        shorts = {Series.of(series): -amount for series, amount in legs}
        premium = -scenarios.value_of(shorts, market)
        shock = max(self.book.state.shock_in_force, self.book.state.shock_target)
        required = -scenarios.initial(scenarios.risk_of(shorts, market, shock), premium, market)
        self._deposit(intent.writer, max(WAD, int(required * (1 + intent.buffer))))
        try:
            self.call(intent.writer, "trade", intent.writer, _buyer(intent.writer), legs, premium)
        except OptionsRefusal:
            self._leave(intent.writer)
            return
        self.writers[intent.writer] = intent

    def _legs(self, intent: WritingIntent, hour: Hour) -> list[tuple[int, int]]:
        """Series, listed where they are not, and the buyer's amounts, by id."""
        step, lot = self.book.config.strike_step, self.book.config.lot_size
        day = (self.book.now // SECS_PER_DAY + intent.days) * SECS_PER_DAY
        expiry, spot = day + EXPIRY_STEP, hour.price * (WAD // PRICE_UNIT)
        amount = max(lot, intent.notional * WAD * WAD // spot // lot * lot)
        found = []
        for is_call, distance in ((True, intent.call_distance), (False, -intent.put_distance)):
            if distance:
                strike = max(step, round(spot * (1 + distance)) // step * step)
                series = Series(expiry, is_call, strike)
                if series.id not in self.book.listed:
                    self.book.list_series(KEEPER, expiry, strike, is_call)
                    self.call.note(KEEPER, "list", expiry, strike, is_call)
                self.expiries.add(expiry)
                found.append((series.id, amount))
        return sorted(found)

    def _deposit(self, writer: str, wad: int) -> None:
        amount = ceil_div(wad, WAD_PER_UNIT)
        if amount > 0:
            self.call(writer, "deposit", amount, writer)
            self.posted[writer] += amount * WAD_PER_UNIT

    def _record(self) -> HourRecord:
        s, spot = self.book.state, self.hours[len(self.done.hours)].price / PRICE_UNIT
        sizes = sum(abs(amount) for w in self.writers for amount in self._account(w).positions.values())
        return HourRecord(
            requirement=s.shock_in_force / WAD,
            exposure=sizes / WAD * spot,
            collateral=sum(self.posted.values()) / WAD,
            bad_debt=self.bad_debt / WAD,
            liquidations=self.liquidations,
            fund=(s.insurance - s.deficit) / WAD,
        )


def _listen(feeds: OptionsFeeds, hour: Hour) -> None:
    feeds.price = FeedAnswer(hour.price, hour.observed_at)
    if hour.risk:
        feeds.risk = FeedAnswer(hour.risk, hour.observed_at)
    feeds.volatilities = [(MARK_TENOR, FeedAnswer(mark_volatility(hour), hour.observed_at))]


def _buyer(writer: str) -> str:
    return f"buyer of {writer}"


def _bidder(writer: str) -> str:
    return f"bidder for {writer}"
