"""The cascade as a circuit: the simulator's own repetition, five rounds of it, in units of the horizon's deviation.

A book enters as A_k = (1 + bonus) C(z_k sigma) / (depth sigma) at 18 distances z_k: by how many sigma selling all that
is liquidated up to there moves the price. z_k = 2010/1024 + (-1.5, -1, -.5, 0, .25, .5, .75, 1, 1.25, 1.5, 1.75, 2,
2.5, 3, 3.5, 4, 4.5, 5.5). With A(y) the line through them (0 at 2010/1024 - 2, flat beyond the last),

    y <- q + A(y) five times from y = q,    q the shock's quantile in sigma: 2010/1024 at 95 %, 3334/1024 at 99 %
    liquidated = A(y),   amplification = y / q,   lost = g sigma / 2 * sum of changes of slope_k relu(y - z_k - beta)^2

beta = buffer / (g sigma). Values in units of depth sigma / (1 + bonus). Each line is a sum of ReLUs weighted by changes
of slope, which are computed once for all rounds.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models._cascade_simulator import (
    BONUS,
    BUCKETS,
    EDGES,
    GAP_SHARE,
    Market,
    checked_book,
    within,
)
from models._errors import ParameterOutOfRange
from models._registry import Array, Output, Weights

# The quantiles to a thousandth, and widths that are powers of two: exact in float32 and in the circuit
SHOCK_95: Final = 2010 / 1024
SHOCK_99: Final = 3334 / 1024
_STEPS: Final = (-1.5, -1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5.5)
LEVELS: Final = SHOCK_95 + np.array(_STEPS)
NOTHING: Final = SHOCK_95 - 2
COUNT: Final = len(LEVELS)
FIRST_95: Final = 3
FIRST_99: Final = 8
REPEATS: Final = 5
MAX_IMPACT: Final = 4.0
# Beyond this rise of A in a level's width the price runs away, and an answer would hang on the last bit of the book
MAX_SLOPE: Final = 3.0
SIGMA_UNIT: Final = 0.1
SIGMA_DOMAIN: Final = (0.1, 3.0)
BETA_DOMAIN: Final = (0.0, 8.0)
DOMAIN: Final = (*[(0.0, MAX_IMPACT)] * COUNT, SIGMA_DOMAIN, BETA_DOMAIN)
INPUTS: Final = len(DOMAIN)
MAGNITUDE: Final = 0.05
_UNIT: Final = "depth * sigma / 1.05"
OUTPUTS: Final = (
    Output("lar95", _UNIT, MAGNITUDE),
    Output("var95", _UNIT, MAGNITUDE),
    Output("evar99", _UNIT, MAGNITUDE),
    Output("amplification", "fall / shock at 95 %", 1.0),
)


def input_row(debts: Array, market: Market) -> Array:
    """The 20 inputs of a book in a market.

    Raises BadBook, EmptyBook, ParameterOutOfRange (sigma outside [.01, .3], impact above 4 sigma within the
    window, or rising by more than 3 a sigma).
    """
    book = checked_book(debts)
    market.validate()
    low, high = (SIGMA_UNIT * side for side in SIGMA_DOMAIN)
    if not low <= market.sigma <= high:
        raise ParameterOutOfRange("sigma", market.sigma, low, high)
    row = input_rows(book[None], np.array([market.sigma]), np.array([market.depth]), np.array([market.buffer]))[0]
    if row[COUNT - 1] > MAX_IMPACT:
        raise ParameterOutOfRange("impact of the book in sigma", float(row[COUNT - 1]), 0.0, MAX_IMPACT)
    steepest = float(_slopes(row[None, :COUNT]).max())
    if steepest > MAX_SLOPE:
        raise ParameterOutOfRange("rise of the book's impact per sigma", steepest, 0.0, MAX_SLOPE)
    return np.asarray(row)


def admitted(rows: Array) -> Array:
    """Which rows `input_row` would not refuse for their impact; shape (n,), 0 or 1."""
    return np.asarray((rows[:, COUNT - 1] <= MAX_IMPACT) & (_slopes(rows[:, :COUNT]).max(axis=1) <= MAX_SLOPE))


def _slopes(impacts: Array) -> Array:
    return np.asarray(np.diff(impacts, axis=1)[:, FIRST_95:] / np.diff(LEVELS)[FIRST_95:])


def input_rows(books: Array, sigma: Array, depth: Array, buffer: Array) -> Array:
    """Rows for many books (n, 16), checked by the caller."""
    impacts = [(1 + BONUS) * within(books, level * sigma) / (depth * sigma) for level in LEVELS]
    beta = np.clip(buffer / (GAP_SHARE * sigma), *BETA_DOMAIN)
    return np.column_stack([*impacts, sigma / SIGMA_UNIT, beta])


def _slope_changes(levels: Array) -> Array:
    """Matrix from values at the levels to changes of slope at them, the line flat after the last: (n, n)."""
    widths = np.diff(levels)
    n = len(levels)
    slopes = np.zeros((n, n + 1))
    for k in range(n - 1):
        slopes[k, k + 1] -= 1 / widths[k]
        slopes[k + 1, k + 1] += 1 / widths[k]
    return np.asarray(np.diff(slopes, axis=1))


class CascadeCircuit(nn.Module):
    """Outputs of shape (1, 4) for inputs of shape (1, 20)."""

    levels: Tensor
    levels_95: Tensor
    levels_99: Tensor
    changes: Tensor
    changes_95: Tensor
    changes_99: Tensor

    def __init__(self) -> None:
        super().__init__()
        whole = np.concatenate([[NOTHING], LEVELS])
        self.register_buffer("levels", _row(whole))
        self.register_buffer("levels_95", _row(LEVELS[FIRST_95:]))
        self.register_buffer("levels_99", _row(LEVELS[FIRST_99:]))
        self.register_buffer("changes", torch.tensor(_slope_changes(whole)[1:]))
        self.register_buffer("changes_95", torch.tensor(_slope_changes(LEVELS[FIRST_95:])))
        self.register_buffer("changes_99", torch.tensor(_slope_changes(LEVELS[FIRST_99:])))
        self.float()

    def forward(self, inputs: Tensor) -> Tensor:
        """The circuit."""
        impacts = inputs[:, torch.arange(COUNT)]
        changes = impacts @ self.changes
        sigma = inputs[:, torch.arange(COUNT, COUNT + 1)]
        beta = inputs[:, torch.arange(COUNT + 1, COUNT + 2)]
        rest_95 = self._rest(inputs, SHOCK_95, FIRST_95)
        rest_99 = self._rest(inputs, SHOCK_99, FIRST_99)
        lost = [self._lost(rest - beta, changes, sigma) for rest in (rest_95, rest_99)]
        liquidated = rest_95 - SHOCK_95
        return torch.cat([liquidated, *lost, rest_95 * (1 / SHOCK_95)], dim=1)

    def _rest(self, inputs: Tensor, shock: float, first: int) -> Tensor:
        """Where the price comes to rest after a shock at or beyond level `first`, in sigma."""
        levels, matrix = (self.levels_95, self.changes_95) if first == FIRST_95 else (self.levels_99, self.changes_99)
        changes = (inputs[:, torch.arange(first, COUNT)] @ matrix).reshape(-1, 1)
        start = shock + inputs[:, torch.arange(first, first + 1)]
        rest = start + torch.relu(shock - levels) @ changes if shock > LEVELS[first] else start
        for _ in range(REPEATS - 1):
            rest = start + torch.relu(rest - levels) @ changes
        return rest

    def _lost(self, rest: Tensor, changes: Tensor, sigma: Tensor) -> Tensor:
        beyond = torch.relu(rest - self.levels)
        area = (beyond * beyond) @ changes.reshape(-1, 1)
        return torch.relu(area * (sigma * (GAP_SHARE * SIGMA_UNIT / 2)))


def _row(values: Array) -> Tensor:
    return torch.tensor(values.reshape(1, -1))


def module(_: Weights) -> nn.Module:
    """The circuit; it has no weights that were trained."""
    return CascadeCircuit().requires_grad_(requires_grad=False).eval()


def reference(inputs: Array, _: Weights | None = None) -> Array:
    """The same in float64 by interpolation and by areas between levels; shape (n, 4)."""
    return np.array([_figures(row) for row in inputs])


def _figures(row: Array) -> Array:
    levels, impacts = np.concatenate([[NOTHING], LEVELS]), np.concatenate([[0.0], row[:COUNT]])
    slope = row[COUNT] * SIGMA_UNIT * GAP_SHARE
    rests = []
    for shock in (SHOCK_95, SHOCK_99):
        rest = shock
        for _ in range(REPEATS):
            rest = shock + float(np.interp(rest, levels, impacts))
        rests.append(rest)
    lost = []
    for rest in rests:
        near = np.maximum(rest - row[COUNT + 1] - levels[:-1], 0.0)
        far = np.maximum(rest - row[COUNT + 1] - levels[1:], 0.0)
        lost.append(float((np.diff(impacts) / np.diff(levels) * (near**2 - far**2)).sum() * slope / 2))
    return np.array([rests[0] - SHOCK_95, *lost, rests[0] / SHOCK_95])


def draw_books(count: int, seed: int) -> tuple[Array, Array, Array, Array]:
    """Random books (n, 16) with sigma, depth, buffer: smooth and ragged, light and heavy against the depth."""
    generator = np.random.default_rng(seed)
    walk = np.cumsum(generator.normal(0, 0.5, (count, BUCKETS)) * generator.uniform(0, 1.6, (count, 1)), axis=1)
    density = np.exp(walk - walk.max(axis=1, keepdims=True))
    density *= generator.random((count, BUCKETS)) >= generator.choice([0.0, 0.2, 0.5], (count, 1))
    books = (density + 1e-9) * np.diff(EDGES)
    sigma = np.exp(generator.uniform(np.log(0.015), np.log(0.2), count))
    buffer = generator.uniform(0.02, 0.4, count)
    impact = np.exp(generator.uniform(np.log(0.02), np.log(MAX_IMPACT), count))
    depth = (1 + BONUS) * within(books, LEVELS[-1] * sigma) / (sigma * impact)
    return books, sigma, depth, buffer


def samples(count: int, seed: int) -> Array:
    """Rows over the domain: no book, books near, far, even, as steep as may be, at its corners; then random books."""
    edges = np.array([[*shape, s, b] for shape in _edge_books() for s in SIGMA_DOMAIN for b in BETA_DOMAIN])[:count]
    rest = count - len(edges)
    if not rest:
        return edges
    rows = input_rows(*draw_books(rest, seed))
    rows[:, :COUNT] = _tamed(rows[:, :COUNT])
    # half of them with little room before losses
    tight = np.random.default_rng(seed + 1).random(rest) < 0.5
    rows[tight, COUNT + 1] *= 0.2
    return np.concatenate([edges, rows])


def _edge_books() -> Array:
    whole = np.full(COUNT, MAX_IMPACT)
    places = np.arange(COUNT)
    last = np.where(places < COUNT - 1, 0.0, 1.0)
    steep = np.where(places <= FIRST_95, 0.0, MAX_SLOPE * (LEVELS - LEVELS[FIRST_95]))
    even = MAX_IMPACT * (LEVELS - NOTHING) / (LEVELS[-1] - NOTHING)
    return np.minimum(np.array([0 * whole, whole, last, steep, even, steep / 2]), MAX_IMPACT)


def _tamed(impacts: Array) -> Array:
    """The same books, no step steeper than may be and no impact larger."""
    rises = np.diff(impacts, axis=1)
    rises[:, FIRST_95:] = np.minimum(rises[:, FIRST_95:], MAX_SLOPE * np.diff(LEVELS)[FIRST_95:])
    tamed = np.concatenate([impacts[:, :1], impacts[:, :1] + np.cumsum(rises, axis=1)], axis=1)
    return np.asarray(np.clip(tamed, 0.0, MAX_IMPACT))
