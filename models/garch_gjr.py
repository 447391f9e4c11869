"""GJR-GARCH volatility over a window of 32 returns: a fall raises the forecast more than a rise of its size.

Glosten, Jagannathan and Runkle (1993), "On the relation between the expected value and the volatility of the nominal
excess return on stocks"; the average over a horizon as in models/garch.py, with persistence alpha + gamma/2 + beta.

Inputs, a row of 39: x_1..x_32 (simple returns in units of sigma_ref, oldest first, clamped to +-32), h0 (variance in
force at x_1: the window's mean square), omega, alpha, gamma, beta, a, b. All but gamma are as in models/garch.py, and
computed in the same way. Output: the average variance of a step over the horizon of k steps, in units of sigma_ref^2:

    h <- omega + (alpha + gamma [x_t < 0]) x_t^2 + beta h   for t = 1..32, from h0;   output = a h + b
    phi = alpha + gamma/2 + beta;   a = (1/k) sum_{j<k} phi^j;   b = (omega/k) sum_{j=1..k-1} (k-j) phi^(j-1)
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models._errors import ParameterOutOfRange
from models._garch_report import evaluate
from models._registry import Array, Family, Output, closed_form
from models.garch import (
    ALPHA_RANGE,
    BETA_RANGE,
    BLOCK,
    MAGNITUDE,
    MAX_ERROR,
    MAX_OFFSET,
    MAX_PERSISTENCE,
    MAX_RETURN,
    MAX_VARIANCE,
    SMALLEST_OMEGA,
    WINDOW,
    horizon_weights,
)

INPUTS: Final = WINDOW + 7
GAMMA_RANGE: Final = (0.0, 0.40)
DOMAIN: Final = (
    *[(-MAX_RETURN, MAX_RETURN)] * WINDOW,
    (0.0, MAX_VARIANCE),  # h0
    (0.0, 1.0),  # omega
    ALPHA_RANGE,
    GAMMA_RANGE,
    BETA_RANGE,
    (0.0, 1.0),  # a
    (0.0, MAX_OFFSET),  # b
)


class GjrVolatility(nn.Module):
    """As GarchVolatility, four steps to a dot product, with the squares of the falls beside those of all returns."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Output of shape (1, 1) for inputs of shape (1, 39)."""
        h, omega, alpha, gamma, beta, a, b = (inputs[:, column] for column in range(WINDOW, INPUTS))
        x = inputs[:, _descending(WINDOW)].reshape(WINDOW)  # newest first
        squares, falls = x * x, torch.relu(-x) ** 2
        beta_2 = beta * beta
        powers = [torch.ones_like(beta), beta, beta_2, beta * beta_2]
        constant, carry = (1 + beta) * (1 + beta_2), beta_2 * beta_2
        weights = torch.cat(
            [*(alpha * power for power in powers), *(gamma * power for power in powers), constant, carry]
        )
        for start in range(WINDOW - BLOCK, -1, -BLOCK):
            block = torch.arange(start, start + BLOCK)
            h = _dot(torch.cat([squares[block], falls[block], omega, h]), weights)
        return (a * h + b).reshape(1, 1)


def _descending(count: int) -> Tensor:
    return torch.arange(count - 1, -1, -1)


def _dot(left: Tensor, right: Tensor) -> Tensor:
    order = _descending(left.shape[0])
    return torch.matmul(left[order].reshape(1, -1), right[order].reshape(-1, 1)).reshape(1)


def recursion(inputs: Array) -> Array:
    """The definition, step by step, for rows of 39 inputs; shape (rows,)."""
    x, h = inputs[:, :WINDOW], inputs[:, WINDOW]
    omega, alpha, gamma, beta, a, b = (inputs[:, column] for column in range(WINDOW + 1, INPUTS))
    for t in range(WINDOW):
        h = omega + (alpha + gamma * (x[:, t] < 0)) * x[:, t] ** 2 + beta * h
    return np.asarray(a * h + b)


def input_row(x: Array, omega: float, alpha: float, gamma: float, beta: float, *, horizon: int) -> Array:
    """One row of inputs for a window of 32 standardised returns. Raises ParameterOutOfRange."""
    values = {"omega": omega, "alpha": alpha, "gamma": gamma, "beta": beta}
    ranges = {"omega": (0.0, 1.0), "alpha": ALPHA_RANGE, "gamma": GAMMA_RANGE, "beta": BETA_RANGE}
    persistence = alpha + gamma / 2 + beta
    values["alpha + gamma/2 + beta"], ranges["alpha + gamma/2 + beta"] = persistence, (0.0, MAX_PERSISTENCE)
    for name, value in values.items():
        low, high = ranges[name]
        if not low <= value <= high:
            raise ParameterOutOfRange(name, value, low, high)
    clipped = np.clip(x, -MAX_RETURN, MAX_RETURN)
    a, b = horizon_weights(omega, persistence, horizon)
    return np.concatenate([clipped, [np.mean(clipped**2), omega, alpha, gamma, beta, a, b]])


def samples(count: int, seed: int) -> Array:
    """`count` rows over the domain: its edges first, then windows of simulated markets, calm, typical and crashing."""
    generator = np.random.default_rng(seed)
    edges = _edges()[:count]
    rows = [_simulated(generator) for _ in range(count - len(edges))]
    return np.array([*edges, *rows])


def _edges() -> list[Array]:
    """Corners of the domain on which the recursion's values are largest and smallest."""
    corners = [(0.01, 0.03, 0.97), (0.01, 0.0, 0.97), (0.29, 0.40, 0.505), (0.01, 0.40, 0.785), (0.30, 0.0, 0.50)]
    rows = []
    for x in (MAX_RETURN, -MAX_RETURN, 0.0):
        for h0 in (MAX_VARIANCE, 0.0):
            for alpha, gamma, beta in corners:
                for omega, a, b in ((1.0, 1.0, MAX_OFFSET), (SMALLEST_OMEGA, 1.0, 0.0), (0.01, 0.01, 1.0)):
                    rows.append(np.array([*[x] * WINDOW, h0, omega, alpha, gamma, beta, a, b]))
    return rows


def _simulated(generator: np.random.Generator) -> Array:
    """A window of a GJR market with Student-t shocks; one in four with jumps to the clamp, one in four crashing."""
    alpha, gamma, beta = _parameters(generator)
    persistence = alpha + gamma / 2 + beta
    omega = min(1.0, (1.0 - persistence) * float(np.exp(generator.uniform(-1.0, 1.0))))
    horizon = int(generator.choice([1, 5, 24, 30, 168, 365]))
    kind = int(generator.integers(4))
    variance = omega / (1.0 - persistence) * float(np.exp(generator.normal(0.0, 0.7)))
    x = np.zeros(WINDOW)
    for t in range(WINDOW):
        shock = float(generator.standard_t(4)) * np.sqrt(0.5)
        jumps = kind == 1 and generator.random() < 0.1
        x[t] = generator.choice([-MAX_RETURN, MAX_RETURN]) if jumps else np.sqrt(variance) * shock
        x[t] = np.clip(x[t], -MAX_RETURN, MAX_RETURN)
        variance = omega + (alpha + gamma * (x[t] < 0)) * x[t] ** 2 + beta * variance
    if kind == 2:
        length = int(generator.integers(1, WINDOW + 1))
        start = int(generator.integers(0, WINDOW - length + 1))
        x[start : start + length] = generator.choice([-MAX_RETURN, MAX_RETURN], length)
    return input_row(x, omega, alpha, gamma, beta, horizon=horizon)


def _parameters(generator: np.random.Generator) -> tuple[float, float, float]:
    while True:
        alpha, gamma, beta = (float(generator.uniform(*bounds)) for bounds in (ALPHA_RANGE, GAMMA_RANGE, BETA_RANGE))
        if alpha + gamma / 2 + beta < MAX_PERSISTENCE:
            return alpha, gamma, beta


ABOUT: Final = """
**What it computes.** The average variance of a step over the feed's horizon, in units of sigma_ref^2:
h <- omega + (alpha + gamma [x < 0]) x^2 + beta h over 32 standardised returns from h0, the window's mean square; then
a h + b. The asset's parameters are public inputs that the feed's contract fixes, so the circuit has no trained weights
and one verifier serves every asset. Reference: Glosten, Jagannathan and Runkle (1993); `arch` in the tests.

**Inputs and their source.** 32 simple returns in units of sigma_ref, computed on chain from the observation feed's
prices and clamped to +-32; h0 on chain from them; omega, alpha, gamma, beta, a, b from the feed's configuration.

**Domain.** |x| <= 32, 0 <= h0 <= 1024, 0 < omega <= 1, .01 <= alpha <= .30, 0 <= gamma <= .40, .50 <= beta <= .97,
alpha + gamma/2 + beta < .999, 0 < a <= 1, 0 <= b <= 16.
"""

FAMILY: Final = Family(
    name="garch_gjr",
    circuit_id="gjr-vol-32",
    title="GJR-GARCH(1,1) volatility, window 32",
    about=ABOUT,
    module=lambda _: GjrVolatility(),
    reference=lambda inputs, _: recursion(inputs)[:, None],
    samples=samples,
    domain=DOMAIN,
    outputs=(Output("variance", "sigma_ref^2", MAGNITUDE),),
    max_error=MAX_ERROR,
    fit=closed_form,
    evaluate=partial(evaluate, leverage=True),
)
