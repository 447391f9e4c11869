"""An options book's accounts, series, shocks and cash, wei exact: twin of OptionsBook.sol and OptionsCash.sol.

What everybody's calls work on; the calls themselves are in options_margin.py. Amounts are WAD but for collateral that
comes or goes, which is in base units as on chain.
"""

from __future__ import annotations

from copy import copy
from typing import Final

from oracle.domain import margin as risk_engine
from oracle.domain import options_scenarios as scenarios
from oracle.domain.lending import ceil_div
from oracle.domain.options_types import (
    Market,
    OptionsAccount,
    OptionsConfig,
    OptionsFeeds,
    OptionsRefusal,
    OptionsState,
    Series,
)
from oracle.units import WAD

MAX_AMOUNT: Final = 2**112 - 1
MAX_PRICE: Final = 2**53
WAD_PER_PRICE: Final = 10**10


class OptionsLedger:
    """State, feeds and the steps that every call is made of."""

    def __init__(self, config: OptionsConfig, now: int, feeds: OptionsFeeds) -> None:
        self.config, self.now, self.feeds = config, now, feeds
        self.accounts: dict[str, OptionsAccount] = {}
        self.interest: dict[int, tuple[int, int]] = {}
        self.listed: set[int] = set()
        self.settlement_price: dict[int, int] = {}
        self.operators: set[tuple[str, str]] = set()
        self.unit_wad = int(10 ** (18 - config.decimals))
        self._risk_scale = risk_engine.quantile_scale(config.margin_period, config.risk_horizon)
        target, _ = self._shock()
        self.state = OptionsState(shock_in_force=target, shock_target=target, synced_at=now)

    # Reads

    def market(self) -> Market:
        """What the feeds say now."""
        c = self.config
        spot = self._price()
        pillars = tuple(
            (tenor, feed.within(self.now, c.max_risk_age, c.min_volatility, c.max_volatility))
            for tenor, feed in self.feeds.volatilities
        )
        return Market(
            timestamp=self.now,
            spot=spot,
            rate=c.rate,
            peg=self.feeds.peg.within(self.now, c.max_price_age, 1, MAX_PRICE) * WAD_PER_PRICE if c.has_peg else WAD,
            confidence=self.feeds.confidence.within(self.now, c.max_risk_age, 1, WAD) if c.has_confidence else WAD,
            risk_fresh=self._shock()[1],
            marks_fresh=spot != 0 and all(v for _, v in pillars),
            pillars=pillars,
        )

    def synced(self) -> OptionsState:
        """The state with its shock moved to now; nothing is stored."""
        s, c = copy(self.state), self.config
        elapsed = self.now - s.synced_at
        s.shock_in_force = risk_engine.ramped(
            s.shock_in_force, s.shock_target, elapsed, risk_engine.RAMP_STEP_WAD, c.ramp_interval
        )
        s.shock_target, s.synced_at = self._shock()[0], self.now
        return s

    def initial_margin(self, market: Market, a: OptionsAccount) -> int:
        """What is left above the initial requirement, at the larger of both shocks."""
        shock = max(self.state.shock_in_force, self.state.shock_target)
        return scenarios.initial(scenarios.risk_of(a.positions, market, shock), a.cash, market)

    def maintenance_margin(self, market: Market, a: OptionsAccount) -> int:
        """What is left above the maintenance requirement, at the shock in force."""
        return scenarios.maintenance(scenarios.risk_of(a.positions, market, self.state.shock_in_force), a.cash)

    def mark_of(self, series_id: int) -> int:
        """A series' mark, WAD."""
        self._require_tradable(series_id)
        market = self.market()
        if not market.marks_fresh:
            raise OptionsRefusal("MarksUnavailable")
        return scenarios.value_of({Series.of(series_id): WAD}, market)

    # Parts of them

    def _sync(self) -> Market:
        self.state = self.synced()
        return self.market()

    def _price(self) -> int:
        return self.feeds.price.within(self.now, self.config.max_price_age, 1, MAX_PRICE) * WAD_PER_PRICE

    def _shock(self) -> tuple[int, bool]:
        c = self.config
        if not c.has_risk:
            return c.min_shock, True
        risk = self.feeds.risk.within(self.now, c.max_risk_age, c.min_risk, c.max_risk)
        if risk == 0:
            return c.max_shock, False
        weight = WAD
        if c.has_weight:
            least, most = risk_engine.MIN_WEIGHT_WAD, risk_engine.MAX_WEIGHT_WAD
            weight = self.feeds.weight.within(self.now, c.max_risk_age, least, most) or most
        quantile = risk_engine.quantile(risk, self._risk_scale)
        return risk_engine.initial_margin(quantile, weight, 0, c.min_shock, c.max_shock), True

    def _open(self, account: str) -> OptionsAccount:
        a = self.accounts.get(account, OptionsAccount()).copy()
        for series, amount in list(a.positions.items()):
            price = self.settlement_price.get(series.expiry, 0) if series.expiry <= self.now else 0
            if price:
                unit = max(0, price - series.strike if series.is_call else series.strike - price)
                paid = amount * unit // WAD
                a.cash += paid
                self.state.clearing -= paid
                self._change_interest(series.id, amount, 0)
                del a.positions[series]
        self._absorb(a)
        return a

    def _absorb(self, a: OptionsAccount) -> None:
        if a.positions or a.cash >= 0:
            return
        s, loss = self.state, -a.cash
        paid = min(loss, s.insurance)
        s.insurance -= paid
        s.deficit += loss - paid
        a.cash = 0

    def _change_interest(self, series_id: int, before: int, later: int) -> None:
        longs, shorts = self.interest.get(series_id, (0, 0))
        longs += max(later, 0) - max(before, 0)
        self.interest[series_id] = longs, shorts + max(-later, 0) - max(-before, 0)

    def _move(self, account: str, a: OptionsAccount, series_id: int, amount: int) -> bool:
        series = Series.of(series_id)
        before = a.positions.get(series, 0)
        later = before + amount
        self._change_interest(series_id, before, later)
        if later == 0:
            del a.positions[series]
        elif before == 0 and len(a.positions) == self.config.max_positions:
            raise OptionsRefusal("TooManyPositions", account, self.config.max_positions)
        else:
            a.positions[series] = later
        return (before > 0) != (amount > 0) and abs(amount) <= abs(before)

    def _require_tradable(self, series_id: int) -> None:
        if series_id not in self.listed:
            raise OptionsRefusal("SeriesNotListed", series_id)
        if series_id >> 104 <= self.now:
            raise OptionsRefusal("SeriesExpired", series_id, self.now)

    def _require_no_auction(self, account: str, a: OptionsAccount) -> None:
        if a.auction_started_at:
            raise OptionsRefusal("AuctionInProgress", account, a.auction_started_at)

    def _require_nothing_pending(self, account: str, a: OptionsAccount) -> None:
        for series in a.positions:
            if series.expiry <= self.now:
                raise OptionsRefusal("SettlementPending", account, series.expiry)

    def _to_wad(self, amount: int) -> int:
        most = MAX_AMOUNT // self.unit_wad
        if amount == 0:
            raise OptionsRefusal("ZeroAmount")
        if amount > most:
            raise OptionsRefusal("AmountTooLarge", amount, most)
        return amount * self.unit_wad

    def _take_cash(self, amount: int) -> int:
        wad = self._to_wad(amount)
        held = self.state.cash + wad
        if held > MAX_AMOUNT:
            raise OptionsRefusal("AmountTooLarge", held, MAX_AMOUNT)
        self.state.cash = held
        return wad

    def _credit(self, wad: int) -> None:
        repaid = min(wad, self.state.deficit)
        self.state.deficit -= repaid
        self.state.insurance += wad - repaid

    def _pay(self, wad: int) -> int:
        s = self.state
        haircut = min(wad, ceil_div(wad * s.deficit, s.cash + s.deficit)) if s.deficit else 0
        amount = (wad - haircut) // self.unit_wad
        if amount == 0:
            raise OptionsRefusal("ZeroAmount")
        paid = amount * self.unit_wad
        if paid > s.cash:
            raise OptionsRefusal("InsufficientLiquidity", paid, s.cash)
        s.cash -= paid
        self._credit(wad - paid)
        return amount
