"""A perpetual market lived through by its traders, on the twin: who opens, closes, tops up and is liquidated when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from oracle.domain import margin, perp_book, vamm
from oracle.domain.lending import ceil_div
from oracle.domain.perp import WAD_PER_PRICE, PerpMarket
from oracle.domain.perp_types import FeedAnswer, PerpConfig, PerpRefusal
from oracle.domain.replay.calls import Hour
from oracle.domain.replay.lived import LivedHours, answers
from oracle.domain.replay.population import Intent
from oracle.domain.replay.runs import FOREVER, KEEPER, MAX_UINT, PROVIDER, HourRecord, VariantRun, acts_at, deployed_at
from oracle.domain.replay.statics import Statics
from oracle.units import BPS, SECS_PER_DAY, SECS_PER_HOUR, WAD

DECIMALS: Final = 6
UNIT: Final = 10**DECIMALS
WAD_PER_UNIT: Final = WAD // UNIT
FUND: Final = 5_000_000 * UNIT
# Virtual reserves' value on each side at no skew and the reference risk
DEPTH_QUOTE: Final = 40_000_000
DYNAMIC, FIXED_DEPTH, STATIC = "dynamic", "dynamic margin, fixed depth", "static"
VARIANTS: Final = (DYNAMIC, FIXED_DEPTH, STATIC)


def perp_config(statics: Statics, first_price: int) -> PerpConfig:
    """The market of the replays: 99 % of one day's move, as the proven Value at Risk says it."""
    depth = DEPTH_QUOTE * WAD * WAD // (first_price * WAD_PER_PRICE)
    return PerpConfig(
        decimals=DECIMALS,
        has_weight=False,
        max_price_age=2 * SECS_PER_HOUR,
        max_risk_age=6 * SECS_PER_HOUR,
        risk_horizon=SECS_PER_DAY,
        margin_period=SECS_PER_DAY,
        min_margin=3 * WAD // 100,
        max_margin=WAD // 2,
        ramp_interval=SECS_PER_DAY,  # 50 bp a day: margins of 5 % and more rise by half in five days at most
        min_risk=WAD // 1_000,
        max_risk=WAD,
        fee_bps=10,
        protocol_share_bps=2_000,
        liquidation_fee_bps=100,
        liquidator_share_bps=5_000,
        close_factor_bps=5_000,
        max_divergence_bps=500,
        funding_period=SECS_PER_DAY,
        max_premium_bps=500,
        max_open_interest=depth // 8,
        max_skew_fund_bps=20_000,
        min_position=100 * WAD,
        base_depth=depth,
        reference_risk=statics.reference_risk,
        min_depth_ratio=WAD // 2,
        max_depth_ratio=2 * WAD,
        depth_ramp_bps_per_hour=100,
        premium_decay_bps_per_hour=1_000,
        fund_use_bps=2_500,
        fund_cooldown=SECS_PER_DAY,
    )


def variants(statics: Statics, first_price: int) -> dict[str, PerpConfig]:
    """The configurations side by side; the static one reads a feed that always says `statics.margin`."""
    config = perp_config(statics, first_price)
    fixed = replace(config, depth_ramp_bps_per_hour=0)
    return {DYNAMIC: config, FIXED_DEPTH: fixed, STATIC: fixed}


def run_perp(
    name: str, config: PerpConfig, hours: Sequence[Hour], statics: Statics, intents: Sequence[Intent]
) -> VariantRun:
    """One variant over all hours; in the last everybody closes."""
    return _PerpRun(name, config, hours, statics, intents).run()


@dataclass(slots=True)
class _Counts:
    bad_debt: int = 0
    liquidations: int = 0


class _PerpRun(LivedHours[Intent]):
    def __init__(
        self, name: str, config: PerpConfig, hours: Sequence[Hour], statics: Statics, intents: Sequence[Intent]
    ) -> None:
        self.fixed = statics if name == STATIC else None
        born = deployed_at(hours[0].observed_at, VARIANTS.index(name))
        self.market = PerpMarket(config, born, *answers(hours[0], FeedAnswer(), self.fixed), FeedAnswer())
        super().__init__(name, self.market, hours, intents)
        self.open: dict[str, Intent] = {}
        self.posted: dict[str, int] = defaultdict(int)

    def _hour(self, index: int, hour: Hour) -> None:
        m = self.market
        m.now = acts_at(hour.observed_at)
        m.price, m.risk = answers(hour, m.risk, self.fixed)
        self.call(PROVIDER, "provide", FUND, PROVIDER) if index == 0 else self.call(KEEPER, "poke")
        counts = self._liquidations()
        self._top_up()
        self._close(index)
        for intent in self.due(index):
            self._open(intent)
        self.done.at(m.now, index, self.call.taken())
        self.done.hours.append(self._record(counts))

    def _liquidations(self) -> _Counts:
        """Every account below maintenance, as often as one call leaves it there."""
        counts, m = _Counts(), self.market
        for trader in list(self.open):
            while self._liquidatable(trader):
                owned = m.state.fund - m.state.deficit
                self.call(KEEPER, "liquidate", trader)
                counts.liquidations += 1
                counts.bad_debt += max(0, owned - (m.state.fund - m.state.deficit))
            if m.accounts[trader].base == 0:
                del self.open[trader]
                self._leave(trader)
        return counts

    def _liquidatable(self, trader: str) -> bool:
        a, s = self._settled(trader), self.market.state
        equity, notional = perp_book.value_at_index(a, s.index_price)
        return a.base != 0 and s.price_fresh and equity < self.market.maintenance_margin(a, notional)

    def _settled(self, trader: str) -> perp_book.PerpAccount:
        """The account with its funding, nothing stored."""
        a, s = replace(self.market.accounts[trader]), replace(self.market.state)
        perp_book.settle(s, a)
        return a

    def _top_up(self) -> None:
        for trader, intent in self.open.items():
            if not intent.tops_up:
                continue
            a = self._settled(trader)
            equity, notional = perp_book.value_at_index(a, self.market.state.index_price)
            required = self.market.initial_margin(a, notional)
            if equity < required:
                self._deposit(trader, int(required * (1 + intent.buffer)) - equity)

    def _close(self, index: int) -> None:
        last = index == len(self.hours) - 1
        for trader, intent in list(self.open.items()):
            if index < intent.closes and not last:
                continue
            try:
                self.call(trader, "decrease", MAX_UINT, 0 if intent.is_long else MAX_UINT, FOREVER)
            except PerpRefusal:
                continue
            del self.open[trader]
            self._leave(trader)

    def _leave(self, trader: str) -> None:
        self.posted.pop(trader, None)
        cash = self.market.accounts[trader].cash // WAD_PER_UNIT
        if cash > 0:
            self.call(trader, "withdraw", cash, trader)

    def _open(self, intent: Intent) -> None:
        """Opens with the margin that is asked for now, its own impact and the trader's buffer; or does not."""
        if intent.trader in self.open:
            return
        quote = intent.notional * WAD
        self._deposit(intent.trader, int(self._entry_margin(intent, quote) * (1 + intent.buffer)))
        limit = 0 if intent.is_long else MAX_UINT
        try:
            self.call(intent.trader, "increase", intent.is_long, quote, limit, FOREVER)
        except PerpRefusal:
            self._leave(intent.trader)
            return
        self.open[intent.trader] = intent

    def _entry_margin(self, intent: Intent, quote: int) -> int:
        """Margin, the fee, and what entry and exit lose to the reserves, for a position of `quote`, WAD."""
        s, c = self.market.state, self.market.config
        try:
            base = vamm.base_for_quote(s.base_reserve, s.quote_reserve, quote, intent.is_long)
            impact = vamm.impact(s.base_reserve, base, not intent.is_long)
        except (ZeroDivisionError, ValueError):
            impact = WAD
        ratio = margin.clip(max(s.margin_in_force, s.margin_target) + impact, c.min_margin, c.max_margin)
        worse = abs(s.mark - s.index_price) * WAD // s.index_price
        return ceil_div(quote * (ratio + 2 * impact + worse + c.fee_bps * (WAD // BPS)), WAD)

    def _deposit(self, trader: str, wad: int) -> None:
        amount = ceil_div(wad, WAD_PER_UNIT)
        if amount > 0:
            self.call(trader, "deposit", amount, trader)
            self.posted[trader] += amount * WAD_PER_UNIT

    def _record(self, counts: _Counts) -> HourRecord:
        s = self.market.state
        exposure = sum(perp_book.value_at_index(self.market.accounts[t], s.index_price)[1] for t in self.open)
        return HourRecord(
            requirement=s.margin_in_force / WAD,
            exposure=exposure / WAD,
            collateral=sum(self.posted.values()) / WAD,
            bad_debt=counts.bad_debt / WAD,
            liquidations=counts.liquidations,
            fund=(s.fund - s.deficit) / WAD,
        )
