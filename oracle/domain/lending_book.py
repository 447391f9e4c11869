"""What a lending vault stores, and everything that only reads it: see lending_vault.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from copy import copy
from typing import Any

from oracle.domain import lending, margin
from oracle.domain.lending import PositionState, Units, ceil_div
from oracle.domain.lending_types import (
    MAX_PRICE,
    Account,
    Assessment,
    Collateral,
    LendingRefusal,
    Reading,
    Sale,
    Totals,
    VaultTerms,
)
from oracle.units import BPS, SECS_PER_HOUR, WAD


class LendingBook:
    """The vault, its lenders and its borrowers. `probabilities`: what the board would answer by account, WAD.

    A call may put a copy in the place of a collateral: change feeds by `vault.collaterals[asset].price = ...`.
    """

    def __init__(self, terms: VaultTerms, debt_decimals: int, collaterals: Mapping[str, Collateral], now: int) -> None:
        self.terms, self.now = terms, now
        self.debt_decimals = debt_decimals
        self.collaterals: dict[str, Collateral] = dict(collaterals)
        self.totals = Totals(accrued_at=now)
        self.shares: dict[str, int] = defaultdict(int)
        self.accounts: dict[str, Account] = defaultdict(Account)
        self.sales: dict[str, Sale] = {}
        self.probabilities: dict[str, int] = {}
        self._touched: dict[tuple[int, str], tuple[dict[str, Any], str, Any]] = {}
        self._units = {a: Units(c.decimals, debt_decimals) for a, c in self.collaterals.items()}
        self._scales = {
            a: margin.quantile_scale(terms.liquidation_delay, c.terms.risk_horizon) for a, c in self.collaterals.items()
        }
        for asset, c in self.collaterals.items():
            c.ltv_target, _ = self.target(asset)
            c.ltv_in_force, c.synced_at = c.ltv_target, now
            c.last_price = self.price(asset)

    # Reads

    def price(self, asset: str) -> int:
        """The collateral's price, 8 decimals; 0 when RiskPolicy takes it as absent."""
        c = self.collaterals[asset]
        return c.price.within(self.now, c.terms.max_price_age, 1, MAX_PRICE)

    def risk(self, asset: str) -> tuple[int, int]:
        """The collateral's risk, 0 when it is absent, and its weight, both WAD."""
        c, t = self.collaterals[asset], self.collaterals[asset].terms
        risk = c.risk.within(self.now, t.max_risk_age, t.min_risk, t.max_risk)
        if c.weight is None or risk == 0:
            return risk, WAD if risk else margin.MAX_WEIGHT_WAD
        weight = c.weight.within(self.now, t.max_risk_age, margin.MIN_WEIGHT_WAD, margin.MAX_WEIGHT_WAD)
        return risk, weight or margin.MAX_WEIGHT_WAD

    def target(self, asset: str) -> tuple[int, bool]:
        """The LTV that the feeds ask for, the floor without a risk; and whether there is one."""
        t, (risk, weight) = self.collaterals[asset].terms, self.risk(asset)
        if risk == 0:
            return t.floor_ltv, False
        quantile = ceil_div(margin.quantile(risk, self._scales[asset]) * weight, WAD)
        return margin.collateral_factor(quantile, t.liquidation_bonus + t.slippage, t.floor_ltv, t.cap_ltv), True

    def liquidation_ltv(self, asset: str) -> int:
        """The LTV in force, of no size."""
        c, t = self.collaterals[asset], self.terms
        falling = c.ltv_target < c.ltv_in_force
        bps = t.ramp_down_bps_per_hour if falling else t.ramp_up_bps_per_hour
        return margin.ramped(c.ltv_in_force, c.ltv_target, self.now - c.synced_at, bps * (WAD // BPS), SECS_PER_HOUR)

    def reading(self, asset: str) -> Reading:
        """The collateral as of now."""
        price = self.price(asset)
        target, risk_fresh = self.target(asset)
        last = price or self.collaterals[asset].last_price
        return Reading(price, last, self.liquidation_ltv(asset), target, risk_fresh)

    def assess(self, who: str) -> Assessment:
        """The account as of now, with interest."""
        found = Assessment(debt=self.debt(who))
        for asset in self.held(who):
            self._add(found, asset, self.accounts[who].amounts[asset], self.reading(asset))
        return found

    def health_factor(self, who: str) -> int:
        """At the LTVs in force, WAD. Refuses without a fresh price for each collateral."""
        found = self.assess(who)
        if found.unpriced:
            raise LendingRefusal("PriceUnavailable", found.unpriced)
        return factor_of(found.weighted, found.debt)

    def liquidatable(self, who: str) -> bool:
        """Whether an auction would start now."""
        found, sale = self.assess(who), self.sales.get(who)
        running = sale is not None and self.now <= sale.started_at + self.terms.auction_tail
        if found.debt == 0 or running or factor_of(found.weighted, found.debt) >= WAD:
            return False
        return self._grace_ends_at(self.accounts[who], found) <= self.now and self._sellable(who)

    def state(self, who: str) -> PositionState:
        """State of a position."""
        a, sale = self.accounts[who], self.sales.get(who)
        return lending.position_state(
            opened_at=a.opened_at,
            borrow_shares=a.borrow_shares,
            warned_at=a.warned_at,
            alarmed_at=a.alarmed_at,
            auction_started_at=sale.started_at if sale else 0,
            bad_debt=a.bad_debt,
        )

    def pending_interest(self) -> tuple[int, int]:
        """Interest since the last call, and what of it is the reserve's."""
        s, t = self.totals, self.terms
        if self.now == s.accrued_at or s.borrow_assets == 0:
            return 0, 0
        used = lending.utilisation(s.borrow_assets, s.supply_assets + s.reserve)
        rate = lending.borrow_rate(used, t.base_rate, t.kink_utilisation, t.slope_below_kink, t.slope_above_kink)
        added = lending.interest(s.borrow_assets, rate, self.now - s.accrued_at)
        return added, added * t.reserve_bps // BPS

    def assets_of(self, shares: int) -> int:
        """Debt behind borrow shares."""
        borrowed = self.totals.borrow_assets + self.pending_interest()[0]
        return lending.to_assets_up(shares, borrowed, self.totals.borrow_shares)

    def debt(self, who: str) -> int:
        """Debt of an account, with interest."""
        shares = self.accounts[who].borrow_shares
        return self.assets_of(shares) if shares else 0

    def sale_price(self, who: str, asset: str) -> int:
        """Price of a collateral in the account's auction, WAD; 0 when it is not for sale or the auction expired."""
        sale = self.sales.get(who)
        start = sale.start_prices.get(asset, 0) if sale else 0
        if sale is None or start == 0 or self.now > sale.started_at + self.terms.auction_tail:
            return 0
        return lending.auction_price(start, self.terms.auction_tau, self.now - sale.started_at)

    # Parts of the calls

    def held(self, who: str) -> list[str]:
        """The account's collaterals, in the vault's order."""
        return [asset for asset in self.collaterals if asset in self.accounts[who].amounts]

    def value(self, asset: str, amount: int, price: int) -> int:
        """Of an amount of a collateral, base units of the debt asset."""
        return lending.collateral_value(amount, price, self._units[asset])

    def max_borrow(self, who: str) -> int:
        """What may still be borrowed; 0 during an auction or an alarm."""
        if who in self.sales or self.is_alarmed(self.accounts[who]):
            return 0
        found = self.assess(who)
        return min(max(0, found.borrowable // WAD - found.debt - 1), self.totals.idle)

    def is_alarmed(self, a: Account) -> bool:
        """Whether an alarm restricts the account."""
        return a.alarmed_at != 0 and self.now <= a.alarmed_at + self.terms.alarm_period

    def _collateral(self, asset: str) -> Collateral:
        if asset not in self.collaterals:
            raise LendingRefusal("UnknownCollateral", asset)
        self._keep(self.collaterals, asset)
        return self.collaterals[asset]

    def _account(self, who: str) -> Account:
        if self._keep(self.accounts, who):
            self.accounts[who].amounts = dict(self.accounts[who].amounts)
        return self.accounts[who]

    def _sale(self, who: str) -> Sale | None:
        if who in self.sales:
            self._keep(self.sales, who)
        return self.sales.get(who)

    def _restore(self) -> None:
        for table, key, before in self._touched.values():
            if before is None:
                table.pop(key, None)
            else:
                table[key] = before

    def _keep(self, table: dict[str, Any], key: str) -> bool:
        """Notes what a table holds before the call changes it, and puts a copy there; whether it did so now."""
        place = (id(table), key)
        if place in self._touched:
            return False
        before = table.get(key)
        self._touched[place] = (table, key, before)
        if before is not None:
            table[key] = copy(before)
        return True

    def _add(self, found: Assessment, asset: str, amount: int, r: Reading) -> None:
        depth = self.collaterals[asset].terms.depth
        value = self.value(asset, amount, r.last_price)
        weighted = value * lending.sized_ltv(r.ltv_in_force, amount, depth)
        found.value += value
        found.weighted += weighted
        found.weighted_at_target += value * lending.sized_ltv(r.ltv_target, amount, depth)
        if r.price == 0:
            found.unpriced = asset
            return
        allowed = min(r.ltv_in_force, r.ltv_target) - self.terms.borrow_margin
        limit = value * lending.sized_ltv(allowed, amount, depth)
        found.priced += weighted
        found.withdrawable += limit
        if r.risk_fresh:
            found.borrowable += limit
        else:
            found.unrated = asset

    def _grace_ends_at(self, a: Account, found: Assessment) -> int:
        """When a position may be sold: at once when it is unhealthy at the LTV that its owner agreed to as well."""
        if found.value * a.agreed_ltv // found.debt < WAD:
            return 0
        return (a.warned_at or self.now) + self.terms.grace_period

    def _sellable(self, who: str) -> bool:
        return any(self.price(asset) for asset in self.held(who))

    def _start_price(self, asset: str) -> int:
        return lending.auction_start_price(self.price(asset), self.terms.auction_start_bps)


def factor_of(weighted: int, debt: int) -> int:
    """Health factor, WAD, from a weighted value times WAD; 2^256 - 1 without debt."""
    return lending.MAX_UINT256 if debt == 0 else weighted // debt
