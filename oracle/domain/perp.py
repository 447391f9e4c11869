"""A perpetual market on virtual reserves, wei exact: twin of contracts/consumers/perp/PerpMarket.sol.

`PerpMarket` holds the state and takes the contract's calls under its names; a call that the contract refuses raises
PerpRefusal with the contract's error, and changes nothing. Time and feeds are plain attributes, so that years of hourly
data can be replayed without a chain: set `now` and the feeds' answers, then call. Amounts are WAD but for collateral
that comes or goes, which is in base units as on chain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from oracle.domain import margin, perp_book, vamm
from oracle.domain.lending import VIRTUAL_ASSETS, VIRTUAL_SHARES, ceil_div
from oracle.domain.perp_book import PerpAccount, PerpState
from oracle.domain.perp_types import FeedAnswer, PerpConfig, PerpRefusal
from oracle.units import BPS, SECS_PER_HOUR, WAD

MAX_AMOUNT: Final = 2**112 - 1
FUND_DUST: Final = 10**12
MAX_PRICE: Final = 2**53
WAD_PER_PRICE: Final = 10**10
WAD_PER_BPS: Final = WAD // BPS
P = ParamSpec("P")
R = TypeVar("R")


def _atomic(
    call: Callable[Concatenate[PerpMarket, P], R],
) -> Callable[Concatenate[PerpMarket, P], R]:
    """A refused call leaves the market as it was, as a revert does."""

    @wraps(call)
    def wrapped(self: PerpMarket, /, *args: P.args, **kwargs: P.kwargs) -> R:
        before, epoch = self.state, self.epoch
        self.state = copy(before)
        try:
            return call(self, *args, **kwargs)
        except PerpRefusal:
            self.state, self.epoch = before, epoch
            raise

    return wrapped


class PerpMarket:
    """The market, its traders and its liquidity providers. Raises PriceUnavailable without a first price."""

    def __init__(self, config: PerpConfig, now: int, price: FeedAnswer, risk: FeedAnswer, weight: FeedAnswer) -> None:
        self.config = c = config
        self.now, self.price, self.risk, self.weight = now, price, risk, weight
        self.accounts: dict[str, PerpAccount] = defaultdict(PerpAccount)
        self.epoch = 0
        self.shares: dict[tuple[int, str], int] = defaultdict(int)
        self.total_shares: dict[int, int] = defaultdict(int)
        self.requested_at: dict[str, int] = {}
        self.unit_wad = int(10 ** (18 - c.decimals))
        self.risk_scale = margin.quantile_scale(c.margin_period, c.risk_horizon)
        self.state = s = PerpState(index_price=self._price(), price_fresh=True, synced_at=now)
        if s.index_price == 0:
            raise PerpRefusal("PriceUnavailable")
        s.depth_ratio = margin.clip(WAD, c.min_depth_ratio, c.max_depth_ratio)
        self._read_risk(s)
        s.depth_ratio, s.margin_in_force = s.depth_target, s.margin_target
        s.base_reserve = c.base_depth * s.depth_ratio // WAD
        s.quote_reserve = s.base_reserve * s.index_price // WAD

    # Traders

    @_atomic
    def deposit(self, sender: str, amount: int, account: str) -> None:
        """Adds collateral, base units."""
        _check_amount(amount)
        a = copy(self.accounts[account])
        a.cash += self._take_cash(amount)
        self.accounts[account] = a

    @_atomic
    def withdraw(self, sender: str, amount: int, receiver: str) -> int:
        """Takes collateral out, less its share of a deficit; what was paid, base units."""
        _check_amount(amount)
        if amount > MAX_AMOUNT // self.unit_wad:
            raise PerpRefusal("AmountTooLarge", amount, MAX_AMOUNT // self.unit_wad)
        s, a = self._opened(sender)
        wad = amount * self.unit_wad
        if a.base == 0 and a.cash < wad:
            raise PerpRefusal("InsufficientBalance", wad, a.cash)
        a.cash -= wad
        if a.base != 0:
            if not s.price_fresh:
                raise PerpRefusal("PriceUnavailable")
            self._check_initial_margin(a)
        paid = self._pay_trader(wad)
        self.accounts[sender] = a
        return paid

    @_atomic
    def increase(self, sender: str, is_long: bool, quote: int, base_limit: int, deadline: int) -> int:
        """Opens or adds to the sender's position for `quote`; the base that this gives."""
        self._check_deadline(deadline)
        _check_amount(quote)
        if quote > MAX_AMOUNT:
            raise PerpRefusal("AmountTooLarge", quote, MAX_AMOUNT)
        s, a = self._opened(sender)
        self._check_may_increase(a, is_long, quote)
        skew_before, gap_before = s.net, abs(s.mark - s.index_price)
        base = perp_book.open_position(s, a, is_long, quote)
        _check_amount(base)
        if base < base_limit if is_long else base > base_limit:
            raise PerpRefusal("LimitExceeded", base, base_limit)
        perp_book.charge_fee(s, a, quote, self.config.fee_bps, self.config.protocol_share_bps)
        self._check_exposure(is_long, skew_before, gap_before)
        self._check_min_position(self._check_initial_margin(a))
        self.accounts[sender] = a
        return base

    @_atomic
    def decrease(self, sender: str, max_base: int, quote_limit: int, deadline: int) -> tuple[int, int]:
        """Closes up to `max_base` of the sender's position; base closed and quote moved."""
        self._check_deadline(deadline)
        _check_amount(max_base)
        s, a = self._opened(sender)
        if a.base == 0:
            raise PerpRefusal("NoPosition", sender)
        is_long = a.base > 0
        base = min(max_base, abs(a.base))
        quote = perp_book.close_position(s, a, base)
        if quote < quote_limit if is_long else quote > quote_limit:
            raise PerpRefusal("LimitExceeded", quote, quote_limit)
        perp_book.charge_fee(s, a, quote, self.config.fee_bps, self.config.protocol_share_bps)
        self._check_rest(a)
        self.accounts[sender] = a
        return base, quote

    # Keepers

    @_atomic
    def liquidate(self, sender: str, account: str) -> tuple[int, int]:
        """Closes some or all of an account's position; base closed and the sender's reward."""
        if account == sender:
            raise PerpRefusal("SelfLiquidation", account)
        s, a = self._opened(account)
        base = self._base_to_liquidate(a, account)
        quote = perp_book.close_position(s, a, base)
        equity, _ = perp_book.value_at_index(a, s.index_price)
        penalty = min(ceil_div(quote * self.config.liquidation_fee_bps, BPS), max(equity, 0))
        reward = penalty * self.config.liquidator_share_bps // BPS
        a.cash -= penalty
        perp_book.credit(s, penalty - reward)
        if a.base == 0 and a.cash < 0:
            perp_book.absorb(s, a)
            self._end_used_up(s.fund)
        self.accounts[account] = a
        self.accounts[sender].cash += reward
        return base, reward

    @_atomic
    def poke(self, sender: str) -> None:
        """Reads the feeds, accrues funding and moves the reserves."""
        self.sync()

    @_atomic
    def claim_fees(self, sender: str) -> int:
        """Pays the protocol's fees; base units."""
        s = self.sync()
        amount, paid_wad = self._give_cash(s.protocol_fees, 0)
        s.protocol_fees -= paid_wad
        return amount

    # Liquidity providers

    @_atomic
    def provide(self, sender: str, amount: int, receiver: str) -> int:
        """Adds collateral, base units, to the fund; the shares for it."""
        _check_amount(amount)
        s = self.sync()
        if s.deficit != 0:
            raise PerpRefusal("DeficitOutstanding", s.deficit)
        self._end_used_up(s.fund)
        total = self.total_shares[self.epoch]
        if total >> 128 > s.fund:
            raise PerpRefusal("FundDiluted", total, s.fund)
        wad = self._take_cash(amount)
        shares = wad * (total + VIRTUAL_SHARES) // (s.fund + VIRTUAL_ASSETS)
        _check_amount(shares)
        s.fund += wad
        self.total_shares[self.epoch] += shares
        self.shares[self.epoch, receiver] += shares
        return shares

    def _end_used_up(self, fund: int) -> None:
        """Shares of a fund that was used up are void: they begin anew."""
        if fund < FUND_DUST and self.total_shares[self.epoch] != 0:
            self.epoch += 1

    def request_redemption(self, sender: str) -> None:
        """Announces that the sender will redeem."""
        self.requested_at[sender] = self.now

    @_atomic
    def redeem(self, sender: str, shares: int, receiver: str) -> int:
        """Takes what shares are worth out of the fund; base units."""
        _check_amount(shares)
        requested, cooldown = self.requested_at.get(sender, 0), self.config.fund_cooldown
        opens_at, closes_at = (requested + cooldown, requested + 2 * cooldown) if requested else (0, 0)
        if not opens_at <= self.now <= closes_at:
            raise PerpRefusal("RedemptionNotOpen", opens_at, closes_at)
        owned = self.shares[self.epoch, sender]
        if shares > owned:
            raise PerpRefusal("InsufficientShares", shares, owned)
        s = self.sync()
        wad = shares * (s.fund + VIRTUAL_ASSETS) // (self.total_shares[self.epoch] + VIRTUAL_SHARES)
        amount, paid_wad = self._give_cash(wad, s.protocol_fees)
        s.fund -= paid_wad
        self.shares[self.epoch, sender] -= shares
        self.total_shares[self.epoch] -= shares
        return amount

    @_atomic
    def donate(self, sender: str, amount: int) -> None:
        """Gives collateral, base units, to the fund, or to the deficit first."""
        _check_amount(amount)
        perp_book.credit(self.sync(), self._take_cash(amount))

    # A new block

    def sync(self) -> PerpState:
        """Brings the state to `now` as the first action of a block does; nothing when that was done."""
        s, c = self.state, self.config
        elapsed = self.now - s.synced_at
        if elapsed == 0:
            return s
        perp_book.accrue_funding(s, min(elapsed, c.max_price_age), c.funding_period, c.max_premium_bps)
        s.margin_in_force = margin.ramped(
            s.margin_in_force, s.margin_target, elapsed, margin.RAMP_STEP_WAD, c.ramp_interval
        )
        price = self._price()
        s.price_fresh = price != 0
        if price:
            self._move_reserves(s, price, elapsed)
        self._read_risk(s)
        s.synced_at = self.now
        return s

    def initial_margin(self, a: PerpAccount, notional: int) -> int:
        """Quote that a position needs to be opened, added to or withdrawn from."""
        return self._margin(a, max(self.state.margin_in_force, self.state.margin_target), notional)

    def maintenance_margin(self, a: PerpAccount, notional: int) -> int:
        """Quote below which a position is liquidated."""
        return margin.maintenance_margin(self._margin(a, self.state.margin_in_force, notional))

    def _margin(self, a: PerpAccount, ratio: int, notional: int) -> int:
        if a.base == 0:
            return 0
        impact = vamm.impact(self.state.base_reserve, abs(a.base), a.base > 0)
        return ceil_div(margin.clip(ratio + impact, self.config.min_margin, self.config.max_margin) * notional, WAD)

    def _price(self) -> int:
        return self.price.within(self.now, self.config.max_price_age, 1, MAX_PRICE) * WAD_PER_PRICE

    def _read_risk(self, s: PerpState) -> None:
        c = self.config
        risk = self.risk.within(self.now, c.max_risk_age, c.min_risk, c.max_risk)
        s.risk_fresh = risk != 0
        s.depth_target = s.depth_target or s.depth_ratio
        if not risk:
            s.margin_target = c.max_margin
            return
        weight = WAD
        if c.has_weight:
            lo, hi = margin.MIN_WEIGHT_WAD, margin.MAX_WEIGHT_WAD
            weight = self.weight.within(self.now, c.max_risk_age, lo, hi) or hi
        quantile = margin.quantile(risk, self.risk_scale)
        s.margin_target = margin.initial_margin(quantile, weight, 0, c.min_margin, c.max_margin)
        if c.depth_ramp_bps_per_hour:
            s.depth_target = margin.clip(c.reference_risk * WAD // risk, c.min_depth_ratio, c.max_depth_ratio)

    def _move_reserves(self, s: PerpState, price: int, elapsed: int) -> None:
        c = self.config
        budget = s.fund * c.fund_use_bps // BPS
        left = WAD - min(WAD, c.premium_decay_bps_per_hour * elapsed * WAD_PER_BPS // SECS_PER_HOUR)
        step = c.depth_ramp_bps_per_hour * WAD_PER_BPS
        ratio = margin.ramped(s.depth_ratio, s.depth_target, elapsed, step, SECS_PER_HOUR)
        b = c.base_depth * ratio // WAD - s.net
        q = perp_book.repegged(s, b, price, left)
        cost = perp_book.cost_of_move(s, b, q)
        if cost > budget:
            ratio, b = s.depth_ratio, s.base_reserve
            q = perp_book.repegged(s, b, price, left)
            cost = perp_book.cost_of_move(s, b, q)
        if cost > budget:
            share = budget * WAD // cost
            step_q = abs(q - s.quote_reserve) * share // WAD
            q = s.quote_reserve + (step_q if q > s.quote_reserve else -step_q)
            cost = perp_book.cost_of_move(s, b, q)
        s.index_price = price
        if cost > s.fund:
            return
        s.depth_ratio = ratio
        perp_book.move(s, b, q, cost)

    # Parts of the calls

    def _opened(self, account: str) -> tuple[PerpState, PerpAccount]:
        s, a = self.sync(), copy(self.accounts[account])
        perp_book.settle(s, a)
        return s, a

    def _take_cash(self, amount: int) -> int:
        if amount > MAX_AMOUNT // self.unit_wad:
            raise PerpRefusal("AmountTooLarge", amount, MAX_AMOUNT // self.unit_wad)
        wad = amount * self.unit_wad
        self.state.cash += wad
        if self.state.cash > MAX_AMOUNT:
            raise PerpRefusal("AmountTooLarge", self.state.cash, MAX_AMOUNT)
        return wad

    def _give_cash(self, wad: int, reserved: int) -> tuple[int, int]:
        amount = wad // self.unit_wad
        _check_amount(amount)
        available = max(0, self.state.cash - reserved)
        if amount * self.unit_wad > available:
            raise PerpRefusal("InsufficientLiquidity", amount * self.unit_wad, available)
        self.state.cash -= amount * self.unit_wad
        return amount, amount * self.unit_wad

    def _pay_trader(self, wad: int) -> int:
        s, haircut = self.state, 0
        if s.deficit:
            claims = max(0, s.cash + s.deficit - s.fund - s.protocol_fees)
            haircut = wad if claims <= s.deficit else ceil_div(wad * s.deficit, claims)
        amount, paid_wad = self._give_cash(wad - haircut, s.protocol_fees)
        perp_book.credit(s, wad - paid_wad)
        return amount

    def _check_may_increase(self, a: PerpAccount, is_long: bool, quote: int) -> None:
        s = self.state
        if not s.price_fresh:
            raise PerpRefusal("PriceUnavailable")
        if not s.risk_fresh:
            raise PerpRefusal("RiskUnavailable")
        if s.deficit:
            raise PerpRefusal("DeficitOutstanding", s.deficit)
        if a.base != 0 and (a.base > 0) != is_long:
            raise PerpRefusal("OppositePosition", a.base)
        if not is_long and quote >= s.quote_reserve:
            raise PerpRefusal("DepthExceeded", quote, s.quote_reserve)

    def _check_exposure(self, is_long: bool, skew_before: int, gap_before: int) -> None:
        s, c = self.state, self.config
        interest = s.longs if is_long else s.shorts
        if interest > c.max_open_interest:
            raise PerpRefusal("OpenInterestCapReached", interest, c.max_open_interest)
        if abs(s.net) > abs(skew_before):
            value, cap = ceil_div(abs(s.net) * s.index_price, WAD), s.fund * c.max_skew_fund_bps // BPS
            if value > cap:
                raise PerpRefusal("SkewCapReached", value, cap)
        gap = abs(s.mark - s.index_price)
        if gap > gap_before and gap * BPS > s.index_price * c.max_divergence_bps:
            raise PerpRefusal("MarkDiverged", s.mark, s.index_price)

    def _check_initial_margin(self, a: PerpAccount) -> int:
        equity, notional = perp_book.value_at_index(a, self.state.index_price)
        closing, _ = perp_book.value_at_reserves(self.state, a)
        required = self.initial_margin(a, notional)
        if min(equity, closing) < required:
            raise PerpRefusal("InsufficientMargin", min(equity, closing), required)
        return notional

    def _check_rest(self, a: PerpAccount) -> None:
        s = self.state
        if a.base == 0:
            if a.cash < 0:
                raise PerpRefusal("InsufficientMargin", a.cash, 0)
            return
        if s.price_fresh:
            equity, notional = perp_book.value_at_index(a, s.index_price)
            required = self.maintenance_margin(a, notional)
        else:
            equity, notional = perp_book.value_at_reserves(s, a)
            required = ceil_div(margin.maintenance_margin(self.config.max_margin) * notional, WAD)
        if equity < required:
            raise PerpRefusal("InsufficientMargin", equity, required)
        self._check_min_position(notional)

    def _base_to_liquidate(self, a: PerpAccount, account: str) -> int:
        s, c = self.state, self.config
        if a.base == 0:
            raise PerpRefusal("NoPosition", account)
        if not s.price_fresh:
            raise PerpRefusal("PriceUnavailable")
        equity, notional = perp_book.value_at_index(a, s.index_price)
        required = self.maintenance_margin(a, notional)
        if equity >= required:
            raise PerpRefusal("AccountHealthy", equity, required)
        size = abs(a.base)
        base = ceil_div(size * c.close_factor_bps, BPS)
        too_little = (size - base) * s.index_price // WAD < c.min_position
        return size if equity * 2 < required or too_little else base

    def _check_min_position(self, notional: int) -> None:
        if notional < self.config.min_position:
            raise PerpRefusal("PositionBelowMinimum", notional, self.config.min_position)

    def _check_deadline(self, deadline: int) -> None:
        if self.now > deadline:
            raise PerpRefusal("DeadlinePassed", deadline, self.now)


def _check_amount(amount: int) -> None:
    if amount == 0:
        raise PerpRefusal("ZeroAmount")
