"""Liquidation cascades: a shock liquidates positions, selling their collateral moves the price, which liquidates more.

A book is a histogram of debts over distance to liquidation d = ln(HF) (edges below, debt even within a bucket), and
selling value q moves ln price by q / depth. With C(x) the debt within distance x, a shock s ends where

    x = s + (1 + bonus) C(x) / depth,   the least such x from s upwards,

found by repetition. Liquidated: C(x). Lost: a position at d, met only after the share g of what fell beyond it, is
short of max(0, g (x - d) - buffer) of its debt, buffer = -ln(threshold (1 + bonus)); exactly it is 1 - exp of minus
that, which is less. Shocks: the running minimum of a
price with Student-t(4) scale over the horizon, s = sigma |t_4| / sqrt(2) (reflection principle; 1.963 sigma at 95 %).

Liquidations and losses rise with the shock, so their quantiles are their values at its quantiles: `risk` takes those,
`monte_carlo` draws. Gauntlet's and Chaos Labs' terms: LaR95 liquidations at risk, VaR95 and EVaR99 (extreme value at
risk) quantiles of the protocol's loss; amplification is x / s at 95 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import t as student

from models._errors import ParameterOutOfRange
from models._position_errors import BadBook, EmptyBook
from models._registry import Array

EDGES: Final = np.array(
    [0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8], dtype=np.float64
)
BUCKETS: Final = len(EDGES) - 1
BONUS: Final = 0.05
GAP_SHARE: Final = 0.5
FREEDOM: Final = 4
SHOCK_95, SHOCK_99 = (
    float(student.ppf((1 + level) / 2, FREEDOM) / math.sqrt(FREEDOM / (FREEDOM - 2))) for level in (0.95, 0.99)
)
ROUNDS: Final = 1_000
TOLERANCE: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Market:
    """What a book meets: `sigma` of ln price over the horizon, `depth` (value sold per unit of ln price; inf: no
    impact), `buffer` of a position at liquidation, -ln(threshold (1 + bonus)).
    """

    sigma: float
    depth: float
    buffer: float

    def validate(self) -> None:
        """Raises ParameterOutOfRange: sigma and depth must be positive, the buffer not negative, none NaN."""
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise ParameterOutOfRange("sigma", self.sigma, 0.0, math.inf)
        if not self.depth > 0:
            raise ParameterOutOfRange("depth", self.depth, 0.0, math.inf)
        if not (math.isfinite(self.buffer) and self.buffer >= 0):
            raise ParameterOutOfRange("buffer", self.buffer, 0.0, math.inf)


@dataclass(frozen=True, slots=True)
class Risk:
    """Over the horizon, in the debt's unit; `amplification` is a ratio, 1 without impact."""

    lar95: float
    var95: float
    evar99: float
    amplification: float


def checked_book(debts: Array) -> Array:
    """The debts of the 16 buckets. Raises BadBook (their number, a debt negative or not finite), EmptyBook."""
    book = np.asarray(debts, dtype=np.float64)
    if book.shape != (BUCKETS,):
        raise BadBook("the number of buckets", float(book.size), str(BUCKETS))
    for debt in book:
        if not (math.isfinite(debt) and debt >= 0):
            raise BadBook("a bucket's debt", float(debt), "finite and not negative")
    if not book.sum():
        raise EmptyBook
    return book


def histogram(health_factors: Array, debts: Array) -> Array:
    """Debts by bucket of ln(HF). Positions below 1 count into the first, those beyond the last edge do not count.

    Raises BadBook for a health factor or a debt that is negative or not finite.
    """
    for name, values in (("a health factor", health_factors), ("a debt", debts)):
        for value in values[~(np.isfinite(values) & (values >= 0))]:
            raise BadBook(name, float(value), "finite and not negative")
    distances = np.log(np.maximum(health_factors, 1.0))
    return np.asarray(np.histogram(distances, EDGES, weights=debts)[0], dtype=np.float64)


def risk(debts: Array, market: Market) -> Risk:
    """The figures of one book, exact. Raises BadBook, EmptyBook, ParameterOutOfRange."""
    book = checked_book(debts)
    market.validate()
    shocks = market.sigma * np.array([SHOCK_95, SHOCK_99])
    falls = cascade(np.tile(book, (2, 1)), shocks, np.full(2, market.depth))
    lost = losses(np.tile(book, (2, 1)), falls, np.full(2, market.buffer))
    liquidated = float(within(book[None], falls[:1])[0])
    return Risk(liquidated, float(lost[0]), float(lost[1]), float(falls[0] / shocks[0]))


def monte_carlo(debts: Array, market: Market, paths: int, seed: int) -> Risk:
    """The same from drawn shocks. Raises as `risk`."""
    book = checked_book(debts)
    market.validate()
    drawn = np.abs(np.random.default_rng(seed).standard_t(FREEDOM, paths)) / math.sqrt(FREEDOM / (FREEDOM - 2))
    shocks = market.sigma * drawn
    books = np.tile(book, (paths, 1))
    falls = cascade(books, shocks, np.full(paths, market.depth))
    lost = losses(books, falls, np.full(paths, market.buffer))
    liquidated = within(books, falls)
    return Risk(
        float(np.quantile(liquidated, 0.95)),
        float(np.quantile(lost, 0.95)),
        float(np.quantile(lost, 0.99)),
        float(np.quantile(falls, 0.95) / np.quantile(shocks, 0.95)),
    )


def within(books: Array, distance: Array) -> Array:
    """C(x): debt within a distance, shape (n,), of books (n, 16) at distances (n,)."""
    share = np.clip((distance[:, None] - EDGES[:-1]) / np.diff(EDGES), 0.0, 1.0)
    return np.asarray((books * share).sum(axis=1))


def cascade(books: Array, shocks: Array, depth: Array) -> Array:
    """Where the price comes to rest, as a fall of its logarithm, shape (n,)."""
    fall = shocks.copy()
    for _ in range(ROUNDS):
        after = shocks + (1 + BONUS) * within(books, fall) / depth
        moved = float(np.max(after - fall))
        fall = after
        if moved <= TOLERANCE:
            break
    return np.asarray(fall)


def losses(books: Array, falls: Array, buffers: Array) -> Array:
    """Debt that selling the collateral does not cover, shape (n,): the integral over each bucket in closed form."""
    density = books / np.diff(EDGES)
    start = (buffers / GAP_SHARE)[:, None]
    near = np.maximum(falls[:, None] - EDGES[:-1] - start, 0.0)
    far = np.maximum(falls[:, None] - EDGES[1:] - start, 0.0)
    return np.asarray((density * (near**2 - far**2)).sum(axis=1) * GAP_SHARE / 2)
