"""European options on a forward: Black (1976), undiscounted; twin of contracts/libraries/Black76.sol, bit for bit.

Everything is an integer: money, volatilities and deviations (sigma sqrt T) at 18 decimals, times in seconds, a year of
365.25 days. The out-of-the-money option is computed and the other follows by put-call parity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from oracle.domain.normal import cdf_wad, pdf_wad
from oracle.domain.transcendental import ln_wad, sqrt_wad
from oracle.errors import InvalidInput
from oracle.units import WAD, div_trunc

YEAR_SECS: Final = 31_557_600
MAX_MONEY: Final = 1 << 120
MIN_VOLATILITY_WAD: Final = WAD // 100
MAX_VOLATILITY_WAD: Final = 10 * WAD
MAX_SECS: Final = 20 * YEAR_SECS
TOLERANCE: Final = 10**6
MAX_STEPS: Final = 128


class OptionRejected(InvalidInput):
    """Base of the refusals below; `fields` are the contract's own arguments."""

    def __init__(self, *fields: int) -> None:
        super().__init__(f"{type(self).__name__}{fields}")
        self.fields = fields


class ForwardOutOfRange(OptionRejected):
    """The forward is not positive, or not below 2^120: (forward, maximum)."""


class StrikeOutOfRange(OptionRejected):
    """The strike is not positive, or not below 2^120: (strike, maximum)."""


class VolatilityOutOfRange(OptionRejected):
    """The volatility is below 1 % or above 1,000 %: (volatility, minimum, maximum)."""


class DeviationNotPositive(OptionRejected):
    """sigma sqrt(T) is not positive: (deviation,)."""


class ExpiryPassed(OptionRejected):
    """The expiry is not after the present: (expiry, timestamp)."""


class ExpiryTooFar(OptionRejected):
    """The expiry is more than 20 years away: (seconds, maximum)."""


class OptionPriceOutOfRange(OptionRejected):
    """No volatility in range gives that time value: (value, minimum, maximum)."""


@dataclass(frozen=True, slots=True)
class Option:
    """Forward and strike at 18 decimals, in one unit."""

    forward: int
    strike: int
    is_call: bool


@dataclass(frozen=True, slots=True)
class Greeks:
    """Delta, gamma (per unit of the forward) and vega (per 100 % of volatility), 18 decimals."""

    delta: int
    gamma: int
    vega: int


def deviation_wad(volatility_wad: int, expiry: int, timestamp: int) -> int:
    """sigma sqrt(T), rounded down. Raises VolatilityOutOfRange, ExpiryPassed, ExpiryTooFar."""
    if not MIN_VOLATILITY_WAD <= volatility_wad <= MAX_VOLATILITY_WAD:
        raise VolatilityOutOfRange(volatility_wad, MIN_VOLATILITY_WAD, MAX_VOLATILITY_WAD)
    return volatility_wad * root_years_wad(expiry, timestamp) // WAD


def root_years_wad(expiry: int, timestamp: int) -> int:
    """sqrt(T), rounded down. Raises ExpiryPassed, ExpiryTooFar."""
    if expiry <= timestamp:
        raise ExpiryPassed(expiry, timestamp)
    secs = expiry - timestamp
    if secs > MAX_SECS:
        raise ExpiryTooFar(secs, MAX_SECS)
    return sqrt_wad(secs * WAD // YEAR_SECS)


def value(option: Option, deviation: int) -> int:
    """The option's value. Raises ForwardOutOfRange, StrikeOutOfRange, DeviationNotPositive."""
    _require(option, deviation)
    time_value = _out_of_the_money(option, _log_moneyness(option), deviation)
    if option.is_call == _is_otm_call(option):
        return time_value
    return time_value + abs(option.forward - option.strike)


def greeks(option: Option, deviation: int, root_years: int) -> Greeks:
    """Delta, gamma, vega. Raises as `value` does."""
    _require(option, deviation)
    d1 = _d1(_log_moneyness(option), deviation)
    density = pdf_wad(d1)
    delta = cdf_wad(d1)
    return Greeks(
        delta=delta if option.is_call else delta - WAD,
        gamma=density * WAD // deviation * WAD // option.forward,
        vega=option.forward * density // WAD * root_years // WAD,
    )


def implied_volatility_wad(option: Option, expiry: int, timestamp: int, price: int) -> int:
    """The volatility at which the option is worth `price`; Newton's steps inside a bisected bracket.

    Raises ForwardOutOfRange, StrikeOutOfRange, ExpiryPassed, ExpiryTooFar, OptionPriceOutOfRange.
    """
    _require_money(option)
    root, k = root_years_wad(expiry, timestamp), _log_moneyness(option)
    intrinsic = 0 if option.is_call == _is_otm_call(option) else abs(option.forward - option.strike)
    target = price - intrinsic
    low, high = MIN_VOLATILITY_WAD * root // WAD, MAX_VOLATILITY_WAD * root // WAD
    least, most = _out_of_the_money(option, k, low), _out_of_the_money(option, k, high)
    if not least <= target <= most:
        raise OptionPriceOutOfRange(target, least, most)
    return _solve(option, k, target, low, high) * WAD // root


def _solve(option: Option, k: int, target: int, low: int, high: int) -> int:
    v = (low + high) // 2 if k == 0 else sqrt_wad(2 * abs(k))
    if v <= low or v >= high:
        v = (low + high) // 2
    for _ in range(MAX_STEPS):
        if high - low <= TOLERANCE:
            break
        gap = _out_of_the_money(option, k, v) - target
        if gap == 0:
            break
        low, high = (v, high) if gap < 0 else (low, v)
        slope = option.forward * pdf_wad(_d1(k, v)) // WAD
        following = low if slope == 0 else v - div_trunc(gap * WAD, slope)
        if following <= low or following >= high:
            following = (low + high) // 2
        step, v = abs(following - v), following
        if step <= TOLERANCE:
            break
    return v


def _out_of_the_money(option: Option, k: int, v: int) -> int:
    d1 = _d1(k, v)
    d2 = d1 - v
    if _is_otm_call(option):
        worth = option.forward * cdf_wad(d1) - option.strike * cdf_wad(d2)
    else:
        worth = option.strike * cdf_wad(-d2) - option.forward * cdf_wad(-d1)
    return max(worth, 0) // WAD


def _d1(k: int, v: int) -> int:
    return v // 2 - div_trunc(k * WAD, v)


def _is_otm_call(option: Option) -> bool:
    return option.strike >= option.forward


def _log_moneyness(option: Option) -> int:
    if _is_otm_call(option):
        return ln_wad(option.strike * WAD // option.forward)
    return -ln_wad(option.forward * WAD // option.strike)


def _require(option: Option, deviation: int) -> None:
    _require_money(option)
    if deviation <= 0:
        raise DeviationNotPositive(deviation)


def _require_money(option: Option) -> None:
    if not 0 < option.forward < MAX_MONEY:
        raise ForwardOutOfRange(option.forward, MAX_MONEY)
    if not 0 < option.strike < MAX_MONEY:
        raise StrikeOutOfRange(option.strike, MAX_MONEY)
