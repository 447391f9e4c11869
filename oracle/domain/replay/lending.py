"""A lending vault lived through by its borrowers, on the twin: who borrows, reacts, repays and is auctioned when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from oracle.domain.lending_book import factor_of
from oracle.domain.lending_types import Account, Collateral, CollateralTerms, LendingRefusal, VaultTerms
from oracle.domain.lending_vault import LendingVault
from oracle.domain.perp_types import FeedAnswer
from oracle.domain.replay.calls import Hour
from oracle.domain.replay.lived import LivedHours, answers
from oracle.domain.replay.measures import DAY_HOURS
from oracle.domain.replay.population import BorrowingIntent
from oracle.domain.replay.runs import KEEPER, PROVIDER, HourRecord, VariantRun, acts_at, deployed_at
from oracle.domain.replay.statics import Statics
from oracle.units import BPS, PRICE_UNIT, SECS_PER_DAY, SECS_PER_HOUR, WAD

DEBT_DECIMALS: Final = 6
DEBT_UNIT: Final = 10**DEBT_DECIMALS
COLLATERAL_DECIMALS: Final = 18
ASSET: Final = "collateral"
LIQUIDATOR: Final = "liquidator"
DYNAMIC, STATIC = "dynamic", "static"
VARIANTS: Final = (DYNAMIC, STATIC)
SUPPLIED: Final = 200_000_000 * DEBT_UNIT
# A buyer wants this off the market's price: costs, the price's own slippage, a profit
WANTED_BPS: Final = 200
# Buyers look so often in an hour: an auction's price falls by 17.5 points in it
LOOKS: Final = 6
# Borrowed at most, of what may be: the limit moves while one looks at it
LIMIT_BPS: Final = 9_990


def vault_terms() -> VaultTerms:
    """The vault of the replays: its defaults, sales within eight hours of a breach."""
    return VaultTerms(liquidation_delay=8 * SECS_PER_HOUR, borrow_margin=2 * WAD // 100)


def collateral_terms() -> CollateralTerms:
    """The collateral's: the 99 % move from the proven Value at Risk of one day, gaps of a few hours taken."""
    return CollateralTerms(
        risk_horizon=SECS_PER_DAY,
        max_price_age=6 * SECS_PER_HOUR,
        max_risk_age=6 * SECS_PER_HOUR,
        min_risk=WAD // 1_000,
        max_risk=WAD,
    )


def run_lending(name: str, hours: Sequence[Hour], statics: Statics, intents: Sequence[BorrowingIntent]) -> VariantRun:
    """One variant over all hours; loans that still run in the last are left open."""
    return _LendingRun(name, hours, statics, intents).run()


class _LendingRun(LivedHours[BorrowingIntent]):
    def __init__(self, name: str, hours: Sequence[Hour], statics: Statics, intents: Sequence[BorrowingIntent]) -> None:
        self.fixed = statics if name == STATIC else None
        price, risk = answers(hours[0], FeedAnswer(), self.fixed)
        collateral = Collateral(collateral_terms(), COLLATERAL_DECIMALS, price, risk)
        born = deployed_at(hours[0].observed_at, VARIANTS.index(name))
        self.vault = LendingVault(vault_terms(), DEBT_DECIMALS, {ASSET: collateral}, born)
        super().__init__(name, self.vault, hours, intents)
        self.open: dict[str, BorrowingIntent] = {}
        self.entry: dict[str, int] = {}
        self.bad_debt = self.liquidations = 0

    def _hour(self, index: int, hour: Hour) -> None:
        v = self.vault
        self.bad_debt = self.liquidations = 0
        v.now = acts_at(hour.observed_at)
        collateral = v.collaterals[ASSET]
        collateral.price, collateral.risk = answers(hour, collateral.risk, self.fixed)
        if index == 0:
            self.call(PROVIDER, "supply", SUPPLIED, PROVIDER)
        self.call(KEEPER, "sync", ASSET)
        self._watch()
        self._buy(hour)
        self._close(index)
        for intent in self.due(index):
            self._borrow(intent, hour)
        self.done.at(v.now, index, self.call.taken())
        for look in range(1, LOOKS):
            if v.sales:
                v.now = acts_at(hour.observed_at, look, LOOKS)
                self._buy(hour)
                self.done.at(v.now, index, self.call.taken())
        self.done.hours.append(self._record(hour))

    # Keepers

    def _watch(self) -> None:
        """Pokes whose warning would change, lets some of them react, starts every auction that may be."""
        v = self.vault
        for who, intent in self.open.items():
            account, found = v.accounts[who], v.assess(who)
            if who not in v.sales and found.debt:
                unhealthy = factor_of(min(found.weighted, found.weighted_at_target), found.debt) < WAD
                if unhealthy != (account.warned_at != 0):
                    self.call(KEEPER, "poke", who)
                if unhealthy and intent.reacts:
                    self._react(who, intent)
            if v.liquidatable(who):
                self.call(KEEPER, "startAuction", who)
                self.liquidations += 1

    def _react(self, who: str, intent: BorrowingIntent) -> None:
        """Adds collateral until the health at the stricter LTV is what it was to begin with."""
        found = self.vault.assess(who)
        weighted = min(found.weighted, found.weighted_at_target)
        wanted = round(found.debt * intent.health) * WAD
        amount = self.vault.accounts[who].amounts[ASSET] * max(0, wanted - weighted) // weighted
        if amount > 0:
            self._add(who, amount, self.vault.collaterals[ASSET].price.answer)

    def _buy(self, hour: Hour) -> None:
        """Takes every auction whose price is far enough below the market's."""
        v, market = self.vault, hour.price * (WAD // PRICE_UNIT)
        wanted = market * (BPS - WANTED_BPS) // BPS
        for who in list(v.sales):
            price = v.sale_price(who, ASSET)
            if price == 0 or price > wanted:
                continue
            before = v.totals.bad_debt
            try:
                self.call(LIQUIDATOR, "take", who, ASSET, v.accounts[who].amounts[ASSET], price, LIQUIDATOR)
            except LendingRefusal:
                continue
            self.bad_debt += v.totals.bad_debt - before
            if v.accounts[who].borrow_shares == 0:
                self._leave(who)

    # Borrowers

    def _borrow(self, intent: BorrowingIntent, hour: Hour) -> None:
        """Borrows for the health that the borrower wants, as far as the vault lends; or does not."""
        who, v = intent.borrower, self.vault
        if who in self.open:
            return
        self._add(who, intent.collateral * WAD * PRICE_UNIT // hour.price, hour.price)
        found = v.assess(who)
        wanted = round(found.weighted // WAD / intent.health)
        amount = min(wanted, found.borrowable // WAD * LIMIT_BPS // BPS)
        try:
            self.call(who, "borrow", amount, who)
        except LendingRefusal:
            self._leave(who)
            return
        self.open[who] = intent

    def _close(self, index: int) -> None:
        for who, intent in list(self.open.items()):
            if index >= intent.closes and who not in self.vault.sales and index < len(self.hours) - 1:
                self.call(who, "repay", self.vault.debt(who) * 2, who)
                self._leave(who)

    def _leave(self, who: str) -> None:
        self.open.pop(who, None)
        self.entry.pop(who, None)
        amount = self.vault.accounts.get(who, Account()).amounts.get(ASSET, 0)
        if amount:
            self.call(who, "withdrawCollateral", ASSET, amount, who)

    def _add(self, who: str, amount: int, price: int) -> None:
        held = self.vault.accounts[who].amounts.get(ASSET, 0)
        self.call(who, "addCollateral", ASSET, amount, who)
        self.entry[who] = (held * self.entry.get(who, 0) + amount * price) // (held + amount)

    def _posted(self, who: str) -> float:
        """What the borrower's collateral was worth when it came, whole quote."""
        amount = self.vault.accounts[who].amounts.get(ASSET, 0)
        return amount / 10**COLLATERAL_DECIMALS * self.entry[who] / PRICE_UNIT

    def _record(self, hour: Hour) -> HourRecord:
        v = self.vault
        return HourRecord(
            requirement=1 - v.liquidation_ltv(ASSET) / WAD,
            exposure=sum(v.debt(who) for who in self.open) / DEBT_UNIT,
            collateral=sum(self._posted(who) for who in self.open),
            bad_debt=self.bad_debt / DEBT_UNIT,
            liquidations=self.liquidations,
            fund=(v.totals.supply_assets + v.totals.reserve) / DEBT_UNIT,
        )


def unforeseen_fall(hours: Sequence[Hour], at: int) -> bool:
    """Whether within the liquidation delay before an hour the price fell by more than the 99 % move foreseen there."""
    span = vault_terms().liquidation_delay // SECS_PER_HOUR
    for start in range(max(0, at - span), at):
        fall = 1 - hours[at].price / hours[start].price
        if hours[start].risk and fall > hours[start].risk / WAD * (span / DAY_HOURS) ** 0.5:
            return True
    return False


def foreseen_bad_debt(hours: Sequence[Hour], run: VariantRun) -> float:
    """Bad debt in hours before which the price had fallen by no more than was foreseen, whole quote."""
    return sum(h.bad_debt for at, h in enumerate(run.hours) if h.bad_debt and not unforeseen_fall(hours, at))
