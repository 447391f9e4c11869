"""A perpetual market's bookkeeping, wei exact: twin of contracts/libraries/PerpMath.sol.

All amounts are WAD. Each amount that leaves one member of PerpState enters another, so cash is conserved to the wei.
"""

from __future__ import annotations

from dataclasses import dataclass

from oracle.domain import vamm
from oracle.domain.lending import ceil_div
from oracle.units import BPS, WAD, div_trunc


@dataclass(slots=True)
class PerpState:
    """The whole market: as PerpState in contracts/types/PerpTypes.sol, where the members are explained."""

    base_reserve: int = 0
    quote_reserve: int = 0
    longs: int = 0
    shorts: int = 0
    funding_long: int = 0
    funding_short: int = 0
    pool_quote: int = 0
    funding_escrow: int = 0
    fund: int = 0
    deficit: int = 0
    cash: int = 0
    protocol_fees: int = 0
    index_price: int = 0
    depth_ratio: int = 0
    depth_target: int = 0
    margin_in_force: int = 0
    margin_target: int = 0
    synced_at: int = 0
    price_fresh: bool = False
    risk_fresh: bool = False

    @property
    def net(self) -> int:
        """Longs less shorts, base."""
        return self.longs - self.shorts

    @property
    def mark(self) -> int:
        """Quote for one base at the reserves, WAD."""
        return vamm.mark_price(self.base_reserve, self.quote_reserve)


@dataclass(slots=True)
class PerpAccount:
    """A trader: base (positive: long), cash (less what was paid for the position), funding settled up to."""

    base: int = 0
    cash: int = 0
    funding_index: int = 0


def credit(s: PerpState, amount: int) -> None:
    """Income of the fund; a deficit takes it first."""
    cured = min(s.deficit, amount)
    s.deficit -= cured
    s.fund += amount - cured


def accrue_funding(s: PerpState, elapsed: int, funding_period: int, max_premium_bps: int) -> None:
    """Charges the premium of the last `elapsed` seconds to the side that is ahead."""
    if not s.price_fresh:
        return
    longs_pay = s.mark > s.index_price
    premium = min(abs(s.mark - s.index_price), s.index_price * max_premium_bps // BPS)
    rate = premium * elapsed // funding_period
    payers, receivers = (s.longs, s.shorts) if longs_pay else (s.shorts, s.longs)
    if payers == 0 or rate == 0:
        return
    received = 0 if receivers == 0 else min(rate, rate * payers // receivers)
    if longs_pay:
        s.funding_long += rate
        s.funding_short -= received
    else:
        s.funding_short += rate
        s.funding_long -= received
    surplus = max(0, rate * payers // WAD - ceil_div(received * receivers, WAD))
    s.funding_escrow -= surplus
    credit(s, surplus)


def settle(s: PerpState, a: PerpAccount) -> None:
    """Settles an account's funding, rounded against it."""
    if a.base == 0:
        return
    index = s.funding_long if a.base > 0 else s.funding_short
    owed = ceil_div(abs(a.base) * (index - a.funding_index), WAD)
    a.funding_index = index
    a.cash -= owed
    s.funding_escrow += owed


def open_position(s: PerpState, a: PerpAccount, is_long: bool, quote: int) -> int:
    """Trades `quote` into more base, which is returned."""
    base = vamm.base_for_quote(s.base_reserve, s.quote_reserve, quote, is_long)
    sign = 1 if is_long else -1
    s.base_reserve -= sign * base
    s.quote_reserve += sign * quote
    s.pool_quote += sign * quote
    a.base += sign * base
    a.cash -= sign * quote
    if is_long:
        s.longs += base
        a.funding_index = s.funding_long
    else:
        s.shorts += base
        a.funding_index = s.funding_short
    return base


def close_position(s: PerpState, a: PerpAccount, base: int) -> int:
    """Trades `base` of a position back for the quote that is returned."""
    is_long = a.base > 0
    quote = vamm.quote_for_base(s.base_reserve, s.quote_reserve, base, is_long)
    sign = 1 if is_long else -1
    s.base_reserve += sign * base
    s.quote_reserve -= sign * quote
    s.pool_quote -= sign * quote
    a.base -= sign * base
    a.cash += sign * quote
    if is_long:
        s.longs -= base
    else:
        s.shorts -= base
    return quote


def charge_fee(s: PerpState, a: PerpAccount, quote: int, fee_bps: int, protocol_share_bps: int) -> int:
    """Charges a trade's fee: the protocol's share, rounded down, and the fund's."""
    fee = ceil_div(quote * fee_bps, BPS)
    a.cash -= fee
    share = fee * protocol_share_bps // BPS
    s.protocol_fees += share
    credit(s, fee - share)
    return fee


def absorb(s: PerpState, a: PerpAccount) -> tuple[int, int]:
    """The fund pays what a closed account owes, the rest becomes the deficit; the loss and the fund's part."""
    loss = -a.cash
    paid = min(loss, s.fund)
    s.fund -= paid
    s.deficit += loss - paid
    a.cash = 0
    return loss, paid


def value_at_index(a: PerpAccount, index_price: int) -> tuple[int, int]:
    """Equity at the index, rounded down, and the position's value there, rounded up."""
    size = abs(a.base)
    notional = ceil_div(size * index_price, WAD)
    return a.cash + (size * index_price // WAD if a.base > 0 else -notional), notional


def value_at_reserves(s: PerpState, a: PerpAccount) -> tuple[int, int]:
    """Equity when the position is closed on the reserves now, before fees; and the quote that this moves."""
    if a.base == 0:
        return a.cash, 0
    quote = vamm.quote_for_base(s.base_reserve, s.quote_reserve, abs(a.base), a.base > 0)
    return a.cash + (quote if a.base > 0 else -quote), quote


def cost_of_move(s: PerpState, b: int, q: int) -> int:
    """What changing the reserves to (b, q) at the same net position costs, rounded against the fund."""
    after = vamm.closing_value(b, q, s.net, round_up=True)
    return after - vamm.closing_value(s.base_reserve, s.quote_reserve, s.net, round_up=False)


def move(s: PerpState, b: int, q: int, cost: int) -> None:
    """Changes the reserves at `cost` of the fund, at most all of it."""
    s.base_reserve, s.quote_reserve = b, q
    s.pool_quote += cost
    if cost > 0:
        s.fund -= cost
    else:
        credit(s, -cost)


def repegged(s: PerpState, b: int, new_index: int, left: int) -> int:
    """The quote reserve that leaves `b` at the new index with the share `left` (WAD) of the premium over the last.

    A mark below half of the index or above twice is drawn back to that.
    """
    fair = s.index_price * s.base_reserve // WAD
    premium = div_trunc((s.quote_reserve - fair) * WAD, fair)
    premium = max(-WAD // 2, min(WAD, premium))
    new_fair = new_index * b // WAD
    return new_fair + div_trunc(new_fair * div_trunc(premium * left, WAD), WAD)
