"""The lending vault as a plain Python object: what each call must do, or the error that it must give."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from oracle.domain import lending
from oracle.domain.lending import PositionState, Units

WAD = 10**18
BPS = 10_000
MAX_AMOUNT = 2**112 - 1


class ModelRevert(Exception):
    """The call must revert with this error."""


@dataclass
class Feed:
    """What a feed answers; `alive` False: it reverts."""

    answer: int = 0
    observed_at: int = 0
    alive: bool = True


@dataclass
class AccountModel:
    collateral: int = 0
    opened_at: int = 0
    warned_at: int = 0
    borrow_shares: int = 0
    bad_debt: int = 0


@dataclass
class SaleModel:
    started_at: int
    start_price: int
    debt_shares: int


@dataclass
class VaultModel:
    """State as the contract stores it; `now` is the block's time and is set by the caller before each call."""

    config: dict[str, Any]
    units: Units
    price: Feed
    volatility: Feed
    now: int
    in_force: int
    target: int
    ltv_at: int
    accrued_at: int
    supply_assets: int = 0
    supply_shares: int = 0
    borrow_assets: int = 0
    borrow_shares: int = 0
    bad_debt: int = 0
    debt_balance: int = 0
    shares: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    accounts: dict[str, AccountModel] = field(default_factory=lambda: defaultdict(AccountModel))
    sales: dict[str, SaleModel] = field(default_factory=dict)

    # Reads

    def ltv(self) -> int:
        """The LTV in force."""
        down, up = self.config["rampDownBpsPerHour"], self.config["rampUpBpsPerHour"]
        return lending.ramped_ltv(self.in_force, self.target, self.now - self.ltv_at, down, up)

    def target_now(self) -> tuple[int, bool]:
        """The target that the feed asks for, and whether the feed is fresh."""
        feed, c = self.volatility, self.config
        if not feed.alive or self.now - feed.observed_at > c["maxVolatilityAge"] or feed.answer <= 0:
            return c["floorLtv"], False
        haircut = c["liquidationBonus"] + c["slippage"]
        delay = lending.sqrt_years(c["liquidationDelay"])
        return lending.target_ltv(feed.answer, delay, haircut, c["floorLtv"], c["capLtv"]), True

    def price_now(self) -> tuple[int, bool]:
        """The price, 0 when unavailable, and whether it is fresh."""
        if not self.price.alive or not 0 < self.price.answer < 2**64:
            return 0, False
        return self.price.answer, self.now - self.price.observed_at <= self.config["maxPriceAge"]

    def totals(self) -> tuple[int, int]:
        """Supplied and borrowed assets with interest."""
        c, used = self.config, lending.utilisation(self.borrow_assets, self.supply_assets)
        rate = lending.borrow_rate(used, c["baseRate"], c["kinkUtilisation"], c["slopeBelowKink"], c["slopeAboveKink"])
        added = lending.interest(self.borrow_assets, rate, self.now - self.accrued_at)
        return self.supply_assets + added, self.borrow_assets + added

    def assets_of(self, shares: int) -> int:
        """Debt behind borrow shares."""
        return lending.to_assets_up(shares, self.totals()[1], self.borrow_shares)

    def debt(self, who: str) -> int:
        """Debt of an account."""
        shares = self.accounts[who].borrow_shares
        return self.assets_of(shares) if shares else 0

    def factor(self, who: str, price: int, ltv: int) -> int:
        """Health factor at a price and an LTV."""
        value = lending.collateral_value(self.accounts[who].collateral, price, self.units)
        return lending.health_factor(value, ltv, self.debt(who))

    def state(self, who: str) -> PositionState:
        """State of a position."""
        a, price = self.accounts[who], self.price_now()[0]
        return lending.state_of(
            opened_at=a.opened_at,
            borrow_shares=a.borrow_shares,
            auction_started_at=self.sales[who].started_at if who in self.sales else 0,
            bad_debt=a.bad_debt,
            health_factor=self.factor(who, price, self.ltv()),
            health_factor_at_target=self.factor(who, price, self.target_now()[0]),
        )

    def sale_price(self, sale: SaleModel) -> int:
        """Price of a sale, 0 when expired."""
        elapsed = self.now - sale.started_at
        expired = elapsed > self.config["auctionTail"]
        return 0 if expired else lending.auction_price(sale.start_price, self.config["auctionTau"], elapsed)

    # Calls; `who` sends them

    def supply(self, who: str, assets: int, receiver: str) -> None:
        self._accrue()
        require(self.supply_assets + assets <= MAX_AMOUNT, "AmountTooLarge")
        shares = lending.to_shares_down(assets, self.supply_assets, self.supply_shares)
        require(shares > 0, "ZeroAmount")
        self.supply_assets += assets
        self.supply_shares += shares
        self.shares[receiver] += shares
        self.debt_balance += assets

    def withdraw(self, who: str, assets: int, receiver: str) -> None:
        self._accrue()
        shares = lending.to_shares_up(assets, self.supply_assets, self.supply_shares)
        self._withdraw(who, assets, shares)

    def redeem(self, who: str, shares: int, receiver: str) -> None:
        self._accrue()
        self._withdraw(who, lending.to_assets_down(shares, self.supply_assets, self.supply_shares), shares)

    def addCollateral(self, who: str, amount: int, account: str) -> None:
        self._accrue()
        require(self.accounts[account].collateral + amount <= MAX_AMOUNT, "AmountTooLarge")
        self.accounts[account].collateral += amount
        self._end_if_cured(account)

    def withdrawCollateral(self, who: str, amount: int, receiver: str) -> None:
        self._accrue()
        a = self.accounts[who]
        require(amount <= a.collateral, "InsufficientCollateral")
        a.collateral -= amount
        if a.borrow_shares:
            self._sync()
            self._check_limit(who)

    def borrow(self, who: str, assets: int, receiver: str) -> None:
        self._accrue()
        require(self._sync(), "VolatilityUnavailable")
        require(assets <= self.supply_assets - self.borrow_assets, "InsufficientLiquidity")
        shares = lending.to_shares_up(assets, self.borrow_assets, self.borrow_shares)
        self.borrow_assets += assets
        self.borrow_shares += shares
        a = self.accounts[who]
        if not a.borrow_shares:
            a.opened_at, a.bad_debt = self.now, 0
        a.borrow_shares += shares
        self._check_limit(who)
        require(self.debt(who) >= self.config["minDebt"], "DebtBelowMinimum")
        self.debt_balance -= assets

    def repay(self, who: str, assets: int, account: str) -> None:
        self._accrue()
        a = self.accounts[account]
        require(a.borrow_shares > 0, "NoDebt")
        debt = self.debt(account)
        paid = min(assets, debt)
        shares = lending.to_shares_down(paid, self.borrow_assets, self.borrow_shares)
        shares = a.borrow_shares if paid == debt else shares
        self._burn(a, shares, paid)
        self.debt_balance += paid
        if account in self.sales:
            sale = self.sales[account]
            sale.debt_shares = max(0, sale.debt_shares - shares)
            if sale.debt_shares == 0:
                del self.sales[account]
        self._end_if_cured(account)

    def poke(self, who: str, account: str) -> None:
        self._accrue()
        self._sync()
        price, fresh = self.price_now()
        if self.accounts[account].borrow_shares and account not in self.sales and fresh:
            self._warn(account, price)

    def startAuction(self, who: str, account: str) -> None:
        self._accrue()
        self._sync()
        a, c = self.accounts[account], self.config
        require(a.borrow_shares > 0, "NoDebt")
        running = account in self.sales and self.now <= self.sales[account].started_at + c["auctionTail"]
        require(not running, "AuctionInProgress")
        price = self._fresh_price()
        factor = self.factor(account, price, self.ltv())
        require(factor < WAD, "PositionHealthy")
        self._warn(account, price)
        shares = a.borrow_shares
        if factor > c["fullCloseHealthFactor"]:
            part = lending.ceil_div(shares * c["closeFactorBps"], BPS)
            shares = part if self.assets_of(shares - part) >= c["minDebt"] else shares
        start = lending.auction_start_price(price, c["auctionStartBps"])
        self.sales[account] = SaleModel(self.now, start, shares)

    def cancelAuction(self, who: str, account: str) -> None:
        self._accrue()
        require(account in self.sales, "NoAuction")
        require(self.factor(account, self._fresh_price(), self.ltv()) >= WAD, "PositionUnhealthy")
        del self.sales[account]

    def take(self, who: str, account: str, most: int, limit: int, recipient: str) -> None:
        self._accrue()
        require(account in self.sales, "NoAuction")
        sale, a = self.sales[account], self.accounts[account]
        price = self.sale_price(sale)
        require(price > 0, "AuctionExpired")
        require(price <= limit, "PriceAboveLimit")
        owed, lot = self.assets_of(sale.debt_shares), min(most, a.collateral)
        paid, shares = lending.cost_of(lot, price, self.units), sale.debt_shares
        if paid >= owed:
            paid, lot = owed, min(lot, lending.collateral_for(owed, price, self.units))
            require(lot > 0, "ZeroAmount")
        else:
            shares = lending.to_shares_down(paid, self.borrow_assets, self.borrow_shares)
        a.collateral -= lot
        sale.debt_shares -= shares
        self._burn(a, shares, paid)
        self.debt_balance += paid
        self._settle(account, a, sale)

    # Parts of them

    def _settle(self, account: str, a: AccountModel, sale: SaleModel) -> None:
        if a.collateral == 0 and a.borrow_shares:
            loss = min(self.debt(account), self.borrow_assets)
            self._burn(a, a.borrow_shares, loss)
            self.supply_assets -= loss
            self.bad_debt += loss
            a.bad_debt = loss
            del self.sales[account]
        elif sale.debt_shares == 0:
            del self.sales[account]
        else:
            require(self.assets_of(sale.debt_shares) >= self.config["minDebt"], "DebtBelowMinimum")

    def _accrue(self) -> None:
        self.supply_assets, self.borrow_assets = self.totals()
        self.accrued_at = self.now

    def _sync(self) -> bool:
        self.in_force = self.ltv()
        self.target, fresh = self.target_now()
        self.ltv_at = self.now
        return fresh

    def _withdraw(self, who: str, assets: int, shares: int) -> None:
        require(shares <= self.shares[who], "InsufficientShares")
        require(assets <= self.supply_assets - self.borrow_assets, "InsufficientLiquidity")
        self.shares[who] -= shares
        self.supply_shares -= shares
        self.supply_assets -= assets
        self.debt_balance -= assets

    def _burn(self, a: AccountModel, shares: int, assets: int) -> None:
        a.borrow_shares -= shares
        a.warned_at = a.warned_at if a.borrow_shares else 0
        self.borrow_shares -= shares
        self.borrow_assets = max(0, self.borrow_assets - assets)

    def _warn(self, account: str, price: int) -> None:
        a = self.accounts[account]
        worst = min(self.factor(account, price, self.ltv()), self.factor(account, price, self.target))
        if worst >= WAD:
            a.warned_at = 0
        elif not a.warned_at:
            a.warned_at = self.now

    def _end_if_cured(self, account: str) -> None:
        price, fresh = self.price_now()
        if account in self.sales and fresh and self.factor(account, price, self.ltv()) >= WAD:
            del self.sales[account]

    def _check_limit(self, who: str) -> None:
        require(who not in self.sales, "AuctionInProgress")
        value = lending.collateral_value(self.accounts[who].collateral, self._fresh_price(), self.units)
        limit = value * (min(self.ltv(), self.target) - self.config["borrowMargin"]) // WAD
        require(self.debt(who) <= limit, "BorrowLimitExceeded")

    def _fresh_price(self) -> int:
        price, fresh = self.price_now()
        require(price > 0, "PriceUnavailable")
        require(fresh, "PriceStale")
        return price


def require(condition: bool, error: str) -> None:
    """Raises ModelRevert unless the condition holds."""
    if not condition:
        raise ModelRevert(error)
