"""A lending vault of several collaterals, wei exact: twin of contracts/consumers/lending/LendingVault.sol.

`LendingVault` holds the state and takes the contract's calls under its names; a call that the contract refuses raises
LendingRefusal with the contract's error, and changes nothing. Time and feeds are plain attributes, so that years of
data can be replayed without a chain: set `now` and the feeds' answers, then call. Amounts are base units.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from oracle.domain import lending
from oracle.domain.lending import ceil_div
from oracle.domain.lending_book import LendingBook, factor_of
from oracle.domain.lending_types import MAX_AMOUNT, Account, Assessment, Collateral, LendingRefusal, Sale
from oracle.units import BPS, WAD

P = ParamSpec("P")
R = TypeVar("R")


def _atomic(call: Callable[Concatenate[LendingVault, P], R]) -> Callable[Concatenate[LendingVault, P], R]:
    """Interest first; then the call, and when it is refused everything as it was, as a revert does."""

    @wraps(call)
    def wrapped(self: LendingVault, /, *args: P.args, **kwargs: P.kwargs) -> R:
        totals, self.totals = self.totals, copy(self.totals)
        self._touched = {}
        self._accrue()
        try:
            return call(self, *args, **kwargs)
        except LendingRefusal:
            self.totals = totals
            self._restore()
            raise

    return wrapped


class LendingVault(LendingBook):
    """The calls. Each adds the interest first."""

    # Lenders

    @_atomic
    def supply(self, sender: str, assets: int, receiver: str) -> int:
        """Lends; the shares."""
        s = self.totals
        _check_amount(assets)
        if assets > MAX_AMOUNT:
            raise LendingRefusal("AmountTooLarge", assets, MAX_AMOUNT)
        if s.supply_assets + s.reserve + assets > MAX_AMOUNT:
            raise LendingRefusal("AmountTooLarge", s.supply_assets + s.reserve + assets, MAX_AMOUNT)
        if s.supply_shares >> 128 > s.supply_assets:
            raise LendingRefusal("SupplyDiluted", s.supply_shares, s.supply_assets)
        shares = lending.to_shares_down(assets, s.supply_assets, s.supply_shares)
        _check_amount(shares)
        s.supply_assets += assets
        s.supply_shares += shares
        self._keep(self.shares, receiver)
        self.shares[receiver] += shares
        return shares

    @_atomic
    def withdraw(self, sender: str, assets: int, receiver: str) -> int:
        """Takes assets back; the shares that this costs."""
        _check_amount(assets)
        self._check_liquidity(assets)
        shares = lending.to_shares_up(assets, self.totals.supply_assets, self.totals.supply_shares)
        self._check_shares(sender, shares)
        self._withdraw(sender, assets, shares)
        return shares

    @_atomic
    def redeem(self, sender: str, shares: int, receiver: str) -> int:
        """Takes back what shares are worth."""
        _check_amount(shares)
        self._check_shares(sender, shares)
        assets = lending.to_assets_down(shares, self.totals.supply_assets, self.totals.supply_shares)
        _check_amount(assets)
        self._check_liquidity(assets)
        self._withdraw(sender, assets, shares)
        return assets

    # Borrowers

    @_atomic
    def addCollateral(self, sender: str, asset: str, amount: int, account: str) -> None:  # noqa: N802
        """Adds collateral to an account, as far as its cap allows."""
        _check_amount(amount)
        c = self._collateral(asset)
        if amount > c.terms.supply_cap:
            raise LendingRefusal("SupplyCapExceeded", asset, amount, c.terms.supply_cap)
        if c.total + amount > c.terms.supply_cap:
            raise LendingRefusal("SupplyCapExceeded", asset, c.total + amount, c.terms.supply_cap)
        c.total += amount
        a = self._account(account)
        a.amounts[asset] = a.amounts.get(asset, 0) + amount
        self._end_if_cured(account)

    @_atomic
    def withdrawCollateral(self, sender: str, asset: str, amount: int, receiver: str) -> None:  # noqa: N802
        """Takes the sender's collateral out, as far as their debt allows."""
        _check_amount(amount)
        c, a = self._collateral(asset), self._account(sender)
        if amount > a.amounts.get(asset, 0):
            raise LendingRefusal("InsufficientCollateral", amount, a.amounts.get(asset, 0))
        self._take_out(a, c, asset, amount)
        if a.borrow_shares:
            self._check_unrestricted(sender)
            found = self._synced(sender)
            self._check_limit(found, found.withdrawable, "")
            _agree(a, found)

    @_atomic
    def borrow(self, sender: str, assets: int, receiver: str) -> int:
        """Borrows against the sender's collateral; the shares of debt."""
        _check_amount(assets)
        self._check_liquidity(assets)
        self._check_unrestricted(sender)
        s, a = self.totals, self._account(sender)
        shares = lending.to_shares_up(assets, s.borrow_assets, s.borrow_shares)
        s.borrow_assets += assets
        s.borrow_shares += shares
        if a.borrow_shares == 0:
            a.opened_at, a.bad_debt = self.now, 0
        a.borrow_shares += shares
        found = self._synced(sender)
        self._check_limit(found, found.borrowable, found.unrated)
        if found.debt < self.terms.min_debt:
            raise LendingRefusal("DebtBelowMinimum", found.debt, self.terms.min_debt)
        _agree(a, found)
        return shares

    @_atomic
    def repay(self, sender: str, assets: int, account: str) -> int:
        """Repays up to `assets`; what was paid."""
        _check_amount(assets)
        a = self._account(account)
        self._check_debt(a, account)
        debt = self.debt(account)
        paid = min(assets, debt)
        shares = lending.to_shares_down(paid, self.totals.borrow_assets, self.totals.borrow_shares)
        shares = a.borrow_shares if paid == debt else shares
        self._burn(a, shares, paid)
        sale = self._sale(account)
        if sale is not None:
            sale.debt_shares = max(0, sale.debt_shares - shares)
            if sale.debt_shares == 0:
                del self.sales[account]
            else:
                self._end_if_cured(account)
        return paid

    # Keepers

    @_atomic
    def poke(self, sender: str, account: str) -> None:
        """Moves the LTVs of the account's collaterals, warns it or clears its warnings."""
        a, found = self._account(account), self._synced(account)
        if a.borrow_shares == 0 or account in self.sales:
            return
        if not self.is_alarmed(a):
            a.alarmed_at = 0
        self._update_warning(a, found)

    @_atomic
    def sync(self, sender: str, asset: str) -> None:
        """Moves the LTV of a collateral to now and takes its target of now."""
        self._collateral(asset)
        self._sync(asset)

    @_atomic
    def warn(self, sender: str, account: str) -> None:
        """Takes the proven probability: at the threshold or above an alarm, below it the end of one."""
        a = self._account(account)
        self._check_debt(a, account)
        if account not in self.probabilities:
            raise LendingRefusal("NotAssessed", account)
        a.alarmed_at = self.now if self.probabilities[account] >= self.terms.alarm_probability else 0

    @_atomic
    def startAuction(self, sender: str, account: str) -> None:  # noqa: N802
        """Puts an unhealthy position's collaterals up for sale, or does so anew after the tail."""
        t, a = self.terms, self._account(account)
        self._check_debt(a, account)
        running = self._sale(account)
        if running is not None and self.now <= running.started_at + t.auction_tail:
            raise LendingRefusal("AuctionInProgress", account, running.started_at + t.auction_tail)
        found = self._synced(account)
        factor = factor_of(found.weighted, found.debt)
        if factor >= WAD:
            raise LendingRefusal("PositionHealthy", factor)
        ends_at = self._grace_ends_at(a, found)
        if self.now < ends_at:
            raise LendingRefusal("GraceNotOver", account, ends_at)
        self._update_warning(a, found)
        prices = {asset: self._start_price(asset) for asset in self.held(account) if self.price(asset)}
        if not prices:
            raise LendingRefusal("PriceUnavailable", found.unpriced)
        shares = a.borrow_shares
        if factor > t.full_close_health_factor:
            part = ceil_div(shares * t.close_factor_bps, BPS)
            shares = part if self.assets_of(shares - part) >= t.min_debt else shares
        self._keep(self.sales, account)
        self.sales[account] = Sale(self.now, shares, prices)

    @_atomic
    def cancelAuction(self, sender: str, account: str) -> None:  # noqa: N802
        """Ends the auction of a position that is healthy by what has a price."""
        if self._sale(account) is None:
            raise LendingRefusal("NoAuction", account)
        found = self.assess(account)
        factor = factor_of(found.priced, found.debt)
        if factor < WAD:
            raise LendingRefusal("PositionUnhealthy", factor)
        self._end_cured(account, found)

    @_atomic
    def take(  # noqa: PLR0917
        self, sender: str, account: str, asset: str, most: int, limit: int, recipient: str
    ) -> tuple[int, int]:
        """Buys up to `most` of a collateral at its auction's price; the amount, and what was paid."""
        _check_amount(most)
        c = self._collateral(asset)
        price = self._price_to_take(account, asset, limit)
        sale, a, units = self._sale(account), self._account(account), self._units[asset]
        assert sale is not None
        owed, lot = self.assets_of(sale.debt_shares), min(most, a.amounts.get(asset, 0))
        paid, shares = lending.cost_of(lot, price, units), sale.debt_shares
        if paid >= owed:
            paid, lot = owed, min(lot, lending.collateral_for(owed, price, units))
        else:
            shares = lending.to_shares_down(paid, self.totals.borrow_assets, self.totals.borrow_shares)
        _check_amount(lot)
        self._take_out(a, c, asset, lot)
        sale.debt_shares -= shares
        self._burn(a, shares, paid)
        self._settle(account, a, sale)
        return lot, paid

    # Parts of them

    def _accrue(self) -> None:
        added, kept = self.pending_interest()
        s = self.totals
        s.borrow_assets += added
        s.reserve += kept
        s.supply_assets += added - kept
        s.accrued_at = self.now

    def _synced(self, who: str) -> Assessment:
        """The account, once the LTVs of its collaterals have moved to now and taken their targets of now."""
        found = self.assess(who)
        for asset in self.held(who):
            self._sync(asset)
        return found

    def _sync(self, asset: str) -> None:
        c, r = self._collateral(asset), self.reading(asset)
        c.ltv_in_force, c.ltv_target, c.last_price = r.ltv_in_force, r.ltv_target, r.last_price
        c.synced_at = self.now

    def _check_shares(self, who: str, shares: int) -> None:
        if shares > self.shares[who]:
            raise LendingRefusal("InsufficientShares", shares, self.shares[who])

    def _check_liquidity(self, assets: int) -> None:
        if assets > self.totals.idle:
            raise LendingRefusal("InsufficientLiquidity", assets, self.totals.idle)

    def _withdraw(self, who: str, assets: int, shares: int) -> None:
        s = self.totals
        self._keep(self.shares, who)
        self.shares[who] -= shares
        s.supply_shares -= shares
        s.supply_assets -= assets

    def _take_out(self, a: Account, c: Collateral, asset: str, amount: int) -> None:
        a.amounts[asset] -= amount
        if a.amounts[asset] == 0:
            del a.amounts[asset]
        c.total -= amount

    def _burn(self, a: Account, shares: int, assets: int) -> None:
        a.borrow_shares -= shares
        if a.borrow_shares == 0:
            a.warned_at = a.alarmed_at = a.agreed_ltv = 0
        self.totals.borrow_shares -= shares
        self.totals.borrow_assets = max(0, self.totals.borrow_assets - assets)

    def _update_warning(self, a: Account, found: Assessment) -> None:
        unhealthy = min(found.weighted, found.weighted_at_target) // found.debt < WAD
        if unhealthy != (a.warned_at != 0):
            a.warned_at = self.now if unhealthy else 0

    def _price_to_take(self, account: str, asset: str, limit: int) -> int:
        sale = self.sales.get(account)
        if sale is None:
            raise LendingRefusal("NoAuction", account)
        if sale.start_prices.get(asset, 0) == 0:
            raise LendingRefusal("NotForSale", asset)
        price = self.sale_price(account, asset)
        if price == 0:
            raise LendingRefusal("AuctionExpired", sale.started_at + self.terms.auction_tail)
        if price > limit:
            raise LendingRefusal("PriceAboveLimit", price, limit)
        return price

    def _settle(self, account: str, a: Account, sale: Sale) -> None:
        """Ends a sale that raised its debt or has nothing left; writes off a debt that nothing is left for."""
        if sale.debt_shares == 0:
            del self.sales[account]
        elif any(asset in sale.start_prices for asset in a.amounts):
            left = self.assets_of(sale.debt_shares)
            if left < self.terms.min_debt:
                raise LendingRefusal("DebtBelowMinimum", left, self.terms.min_debt)
            return
        else:
            del self.sales[account]
        if a.borrow_shares:
            found = self.assess(account)
            if found.value * BPS < found.debt:
                self._write_off(account, a)
            else:
                self._update_warning(a, found)

    def _write_off(self, account: str, a: Account) -> None:
        """The reserve bears it first, then every lender by share."""
        s = self.totals
        loss = min(self.debt(account), s.borrow_assets)
        self._burn(a, a.borrow_shares, loss)
        from_reserve = min(loss, s.reserve)
        s.reserve -= from_reserve
        s.supply_assets -= loss - from_reserve
        s.bad_debt += loss
        a.bad_debt = loss

    def _end_if_cured(self, account: str) -> None:
        if self._sale(account) is None:
            return
        found = self.assess(account)
        if factor_of(found.priced, found.debt) >= WAD:
            self._end_cured(account, found)

    def _end_cured(self, account: str, found: Assessment) -> None:
        del self.sales[account]
        self._update_warning(self._account(account), found)

    def _check_unrestricted(self, who: str) -> None:
        """No new debt and no withdrawal during an auction or an alarm."""
        a, sale, t = self.accounts[who], self.sales.get(who), self.terms
        if sale is not None:
            raise LendingRefusal("AuctionInProgress", who, sale.started_at + t.auction_tail)
        if self.is_alarmed(a):
            raise LendingRefusal("PositionAlarmed", who, a.alarmed_at + t.alarm_period)

    def _check_limit(self, found: Assessment, weighted: int, unrated: str) -> None:
        if found.debt <= weighted // WAD:
            return
        if found.unpriced:
            raise LendingRefusal("PriceUnavailable", found.unpriced)
        if unrated:
            raise LendingRefusal("RiskUnavailable", unrated)
        raise LendingRefusal("BorrowLimitExceeded", found.debt, weighted // WAD)

    def _check_debt(self, a: Account, who: str) -> None:
        if a.borrow_shares == 0:
            raise LendingRefusal("NoDebt", who)


def _agree(a: Account, found: Assessment) -> None:
    """Their owner takes the LTVs in force as they are; within the limit a position is healthy at both."""
    a.warned_at = 0
    a.agreed_ltv = found.weighted // found.value if found.value else 0


def _check_amount(amount: int) -> None:
    if amount == 0:
        raise LendingRefusal("ZeroAmount")
