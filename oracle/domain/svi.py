"""Gatheral's SVI smile, its local volatility, and the tests for arbitrage: twin of contracts/libraries/Svi.sol.

w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + s^2)), k = ln(K / F): Gatheral and Jacquier (2014), "Arbitrage-free SVI
volatility surfaces". All values are integers at 18 decimals; the same operations in the same order as on chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from typing import Final

from oracle.domain.transcendental import sqrt_wad
from oracle.errors import InvalidInput
from oracle.units import WAD, div_trunc

MAX_A: Final = 10 * WAD
MAX_B: Final = 10 * WAD
MAX_M: Final = 10 * WAD
MIN_S: Final = WAD // 10_000
MAX_S: Final = 10 * WAD
MAX_K: Final = 20 * WAD
MIN_VARIANCE: Final = 10**11
DENSITY_MARGIN: Final = 5 * WAD // 1_000
MAX_WING_SLOPE: Final = 199 * WAD // 100
KNOTS: Final = 161
SINH_STEP: Final = 62540698052191821
COSH_STEP: Final = 1_001953760865667607
SINH_START: Final = -74_203210577788758977
COSH_START: Final = 74_209948524787844444
RIGHT_WING: Final = 2**255 - 1
LEFT_WING: Final = -(2**255)


class SurfaceRejected(InvalidInput):
    """Base of the refusals below; `fields` are the contract's own arguments."""

    def __init__(self, *fields: int | str) -> None:
        super().__init__(f"{type(self).__name__}{fields}")
        self.fields = fields


class SviParameterOutOfRange(SurfaceRejected):
    """(name, value, minimum, maximum)."""


class VarianceTooSmall(SurfaceRejected):
    """The smile's least total variance is too small or negative: (variance, minimum)."""


class WingTooSteep(SurfaceRejected):
    """A wing is steeper than prices can be: (slope, maximum)."""


class ButterflyArbitrage(SurfaceRejected):
    """The implied density is negative, or too near to it: (k, density factor, minimum)."""


class CalendarArbitrage(SurfaceRejected):
    """A later expiry's total variance may be the smaller one: (k, earlier, later)."""


class VarianceRateNotPositive(SurfaceRejected):
    """The total variance does not grow with time: (rate,)."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One expiry's smile."""

    a: int
    b: int
    rho: int
    m: int
    s: int


@dataclass(frozen=True, slots=True)
class Point:
    """Total variance with its first and second derivatives in k."""

    variance: int
    slope: int
    curvature: int


def point_at(p: Slice, k: int) -> Point:
    """Total variance, slope and curvature at `k`.

    Raises what `require_parameters` does, and SviParameterOutOfRange beyond |k| = 20.
    """
    require_parameters(p)
    _require_range("k", k, -MAX_K, MAX_K)
    return _point(p, k - p.m, _root(p, k - p.m))


def density_factor(p: Point, k: int) -> int:
    """(1 - k w'/(2w))^2 - w'^2/4 (1/w + 1/4) + w''/2: the implied density over a positive function."""
    lean = WAD - div_trunc(k * p.slope, 2 * p.variance)
    square = p.slope * p.slope
    return lean * lean // WAD - square // (4 * p.variance) - square // (16 * WAD) + p.curvature // 2


def local_volatility(p: Slice, k: int, variance_rate: int) -> int:
    """sqrt(w_T / density factor): Dupire's local volatility (Gatheral 2006, "The volatility surface", 1.10).

    Raises VarianceRateNotPositive, what `point_at` does, ButterflyArbitrage.
    """
    if variance_rate <= 0:
        raise VarianceRateNotPositive(variance_rate)
    factor = density_factor(point_at(p, k), k)
    if factor < DENSITY_MARGIN:
        raise ButterflyArbitrage(k, factor, DENSITY_MARGIN)
    return sqrt_wad(variance_rate * WAD // factor)


def require_butterfly_free(p: Slice) -> None:
    """Refuses a smile whose prices allow a riskless butterfly, or are too near to it.

    Raises SviParameterOutOfRange, VarianceTooSmall, WingTooSteep, ButterflyArbitrage.
    """
    require_parameters(p)
    for sinh, cosh in _knots():
        y = div_trunc(p.s * sinh, WAD)
        factor = density_factor(_point(p, y, p.s * cosh // WAD), p.m + y)
        if factor < DENSITY_MARGIN:
            raise ButterflyArbitrage(p.m + y, factor, DENSITY_MARGIN)


def require_parameters(p: Slice) -> None:
    """Refuses parameters out of range, a negative variance, and wings too steep."""
    _require_range("a", p.a, -MAX_A, MAX_A)
    _require_range("b", p.b, 0, MAX_B)
    _require_range("rho", p.rho, -WAD, WAD)
    _require_range("m", p.m, -MAX_M, MAX_M)
    _require_range("s", p.s, MIN_S, MAX_S)
    least = p.a + p.b * p.s // WAD * isqrt(WAD * WAD - p.rho * p.rho) // WAD
    if least < MIN_VARIANCE:
        raise VarianceTooSmall(least, MIN_VARIANCE)
    wing = p.b * (WAD + abs(p.rho)) // WAD
    if wing > MAX_WING_SLOPE:
        raise WingTooSteep(wing, MAX_WING_SLOPE)


def require_calendar_free(earlier: Slice, later: Slice) -> None:
    """Refuses two smiles of which the later may have the smaller total variance anywhere.

    Total variance is convex in k: between two knots the earlier one lies below its chord and the later one above its
    tangents, so a crossing between knots is refused too. Beyond the last knots the wings' slopes decide. Both have
    passed `require_parameters`. Raises CalendarArbitrage.
    """
    _require_wings(earlier, later)
    left: tuple[int, int, Point] | None = None
    for sinh, cosh in _knots():
        y = div_trunc(earlier.s * sinh, WAD)
        variance = _variance(earlier, y, earlier.s * cosh // WAD)
        k = earlier.m + y
        right = _point(later, k - later.m, _root(later, k - later.m))
        if right.variance < variance:
            raise CalendarArbitrage(k, variance, right.variance)
        if left is not None:
            _require_above(left, (k, variance, right))
        left = (k, variance, right)


def _require_above(left: tuple[int, int, Point], right: tuple[int, int, Point]) -> None:
    """At the kink where the later smile's two tangents meet, they must not be below the earlier one's chord."""
    (left_k, left_variance, lower), (right_k, right_variance, upper) = left, right
    width, bend = right_k - left_k, upper.slope - lower.slope
    if bend <= 0 or width <= 0:
        return
    rise = div_trunc(upper.slope * width, WAD)
    distance = min(max(div_trunc((lower.variance - upper.variance + rise) * WAD, bend), 0), width)
    tangent = lower.variance + div_trunc(lower.slope * distance, WAD)
    chord = left_variance + div_trunc((right_variance - left_variance) * distance, width)
    if tangent < chord:
        raise CalendarArbitrage(left_k + distance, chord, tangent)


def _require_wings(earlier: Slice, later: Slice) -> None:
    for sign, wing in ((1, RIGHT_WING), (-1, LEFT_WING)):
        earlier_slope = earlier.b * (WAD + sign * earlier.rho) // WAD
        later_slope = later.b * (WAD + sign * later.rho) // WAD
        if later_slope < earlier_slope:
            raise CalendarArbitrage(wing, earlier_slope, later_slope)


def _knots() -> Iterator[tuple[int, int]]:
    """sinh and cosh of t from -5 in steps of 1/16."""
    sinh, cosh = SINH_START, COSH_START
    for _ in range(KNOTS):
        yield sinh, cosh
        sinh, cosh = (
            div_trunc(sinh * COSH_STEP + cosh * SINH_STEP, WAD),
            (cosh * COSH_STEP + sinh * SINH_STEP) // WAD,
        )


def _point(p: Slice, y: int, root: int) -> Point:
    """`y` is k - m, `root` is sqrt(y^2 + s^2)."""
    share = p.s * WAD // root
    slope = div_trunc(p.b * (p.rho + div_trunc(y * WAD, root)), WAD)
    return Point(_variance(p, y, root), slope, p.b * share // WAD * share // root)


def _variance(p: Slice, y: int, root: int) -> int:
    return p.a + div_trunc(p.b * (div_trunc(p.rho * y, WAD) + root), WAD)


def _root(p: Slice, y: int) -> int:
    return isqrt(y * y + p.s * p.s)


def _require_range(name: str, value: int, minimum: int, maximum: int) -> None:
    if not minimum <= value <= maximum:
        raise SviParameterOutOfRange(name, value, minimum, maximum)
