"""GARCH(1,1) volatility over a window of 32 returns; an asset's parameters are inputs, so one circuit serves all.

Bollerslev (1986), "Generalized autoregressive conditional heteroskedasticity", eq. 1; the average over a horizon is
Baillie and Bollerslev (1992), "Prediction in dynamic models with time-dependent conditional variances".

Inputs, a row of 38: x_1..x_32 (returns in units of sigma_ref, oldest first), h0 (variance in force at x_1), omega,
alpha, beta, a, b. Output: the average variance of a step over the horizon, in units of sigma_ref^2:

    h <- omega + alpha x_t^2 + beta h   for t = 1..32, from h0;   output = a h + b
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models._garch_report import evaluate
from models._registry import Array, CircuitShape, Family, Output, closed_form

WINDOW: Final = 32
INPUTS: Final = WINDOW + 6
MAX_RETURN: Final = 32.0
MAX_VARIANCE: Final = MAX_RETURN**2
MAX_PERSISTENCE: Final = 0.999
MAX_OFFSET: Final = 16.0
SMALLEST_OMEGA: Final = 2.0**-14
ALPHA_RANGE: Final = (0.01, 0.30)
BETA_RANGE: Final = (0.50, 0.97)
DOMAIN: Final = (
    *[(-MAX_RETURN, MAX_RETURN)] * WINDOW,
    (0.0, MAX_VARIANCE),  # h0
    (0.0, 1.0),  # omega
    ALPHA_RANGE,
    BETA_RANGE,
    (0.0, 1.0),  # a
    (0.0, MAX_OFFSET),  # b
)

# Steps that one dot product takes
BLOCK: Final = 4

# Below a quarter of the reference volatility errors count in absolute terms
MAGNITUDE: Final = 0.0625
MAX_ERROR: Final = 5e-4

# The smallest k of one column, the cheapest to verify, and of the scales that fit into it one with room: values reach
# 1040 * 2^36 (the largest output; the weights and remainders are smaller), the decomposition holds 2^50.
SHAPE: Final = CircuitShape(
    input_scale=18, scale_rebase_multiplier=2, decomp_base=1024, decomp_legs=5, num_inner_cols=1, logrows=11
)


class GarchVolatility(nn.Module):
    """The recursion, four steps at a time, each block one dot product:

    h_4 = alpha (x_4^2 + beta x_3^2 + beta^2 x_2^2 + beta^3 x_1^2) + omega (1 + beta)(1 + beta^2) + beta^4 h_0.

    A circuit pays for rescalings (a division and its range checks) and for slices, not for multiplications: this form
    has 13 rescalings where the plain loop has 64. Two habits keep it so: columns are picked by index, which is free,
    where a slice copies the tensor; and `_dot` reverses its operands, without which ezkl's graph optimiser pulls the
    concatenation apart into several dot products, each rescaled for itself.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Output of shape (1, 1) for inputs of shape (1, 38)."""
        h, omega, alpha, beta, a, b = (inputs[:, column] for column in range(WINDOW, INPUTS))
        squares = inputs[:, _descending(WINDOW)].reshape(WINDOW) ** 2  # newest first
        beta_2 = beta * beta
        first, second = alpha, alpha * beta
        weights = torch.cat(
            [first, second, first * beta_2, second * beta_2, (1 + beta) * (1 + beta_2), beta_2 * beta_2]
        )
        for start in range(WINDOW - BLOCK, -1, -BLOCK):
            block = squares[torch.arange(start, start + BLOCK)]
            h = _dot(torch.cat([block, omega, h]), weights)
        return (a * h + b).reshape(1, 1)


def _descending(count: int) -> Tensor:
    return torch.arange(count - 1, -1, -1)


def _dot(left: Tensor, right: Tensor) -> Tensor:
    order = _descending(left.shape[0])
    return torch.matmul(left[order].reshape(1, -1), right[order].reshape(-1, 1)).reshape(1)


def recursion(inputs: Array) -> Array:
    """The definition, step by step, for rows of 38 inputs; shape (rows,)."""
    x, h = inputs[:, :WINDOW], inputs[:, WINDOW]
    omega, alpha, beta, a, b = (inputs[:, column] for column in range(WINDOW + 1, INPUTS))
    for t in range(WINDOW):
        h = omega + alpha * x[:, t] ** 2 + beta * h
    return np.asarray(a * h + b)


def horizon_weights(omega: float, persistence: float, horizon: int) -> tuple[float, float]:
    """(a, b): the average variance over `horizon` steps is a h + b, h the next step's variance."""
    powers = persistence ** np.arange(horizon)
    partial = np.cumsum(powers)[:-1]
    return float(powers.sum() / horizon), float(omega * partial.sum() / horizon)


def input_row(x: Array, omega: float, alpha: float, beta: float, horizon: int) -> Array:
    """One row of inputs for a window of 32 standardised returns, with the window's mean square as h0."""
    clipped = np.clip(x, -MAX_RETURN, MAX_RETURN)
    a, b = horizon_weights(omega, alpha + beta, horizon)
    return np.concatenate([clipped, [np.mean(clipped**2), omega, alpha, beta, a, b]])


def samples(count: int, seed: int) -> Array:
    """`count` rows over the domain: its edges first, then windows of simulated markets, calm, typical and crashing."""
    generator = np.random.default_rng(seed)
    edges = _edges()[:count]
    rows = [_simulated(generator) for _ in range(count - len(edges))]
    return np.array([*edges, *rows])


def _edges() -> list[Array]:
    """Corners of the domain on which the recursion's values are largest and smallest."""
    corners = [(0.03, 0.969), (0.01, 0.97), (0.30, 0.698), (0.30, 0.50), (0.01, 0.50)]
    rows = []
    for x in (MAX_RETURN, -MAX_RETURN, 0.0):
        for h0 in (MAX_VARIANCE, 0.0):
            for alpha, beta in corners:
                for omega, a, b in ((1.0, 1.0, MAX_OFFSET), (SMALLEST_OMEGA, 1.0, 0.0), (0.01, 0.01, 1.0)):
                    rows.append(np.array([*[x] * WINDOW, h0, omega, alpha, beta, a, b]))
    return rows


def _simulated(generator: np.random.Generator) -> Array:
    """A window of a GARCH market with Student-t shocks; one in four with jumps to the clamp, one in four crashing."""
    alpha, beta = _parameters(generator)
    persistence = alpha + beta
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
        variance = omega + alpha * x[t] ** 2 + beta * variance
    if kind == 2:
        length = int(generator.integers(1, WINDOW + 1))
        start = int(generator.integers(0, WINDOW - length + 1))
        x[start : start + length] = generator.choice([-MAX_RETURN, MAX_RETURN], length)
    return input_row(x, omega, alpha, beta, horizon)


def _parameters(generator: np.random.Generator) -> tuple[float, float]:
    while True:
        alpha, beta = float(generator.uniform(*ALPHA_RANGE)), float(generator.uniform(*BETA_RANGE))
        if alpha + beta < MAX_PERSISTENCE:
            return alpha, beta


ABOUT: Final = """
**What it computes.** The average variance of a step over the feed's horizon, in units of sigma_ref^2:
h <- omega + alpha x^2 + beta h over 32 standardised returns from h0, the window's mean square; then a h + b.
The asset's parameters are public inputs that the feed's contract fixes, so the circuit has no trained weights and one
verifier serves every asset. Reference: Bollerslev (1986); `arch` in the tests.

**Inputs and their source.** 32 simple returns in units of sigma_ref, computed on chain from the observation feed's
prices and clamped to +-32; h0 on chain from them; omega, alpha, beta, a, b from the feed's configuration.

**Domain.** |x| <= 32, 0 <= h0 <= 1024, 0 < omega <= 1, .01 <= alpha <= .30, .50 <= beta <= .97, alpha + beta < .999,
0 < a <= 1, 0 <= b <= 16. The decomposition covers every value over all of it, not only over the calibration inputs.
"""

FAMILY: Final = Family(
    name="garch",
    circuit_id="garch-vol-32",
    title="GARCH(1,1) volatility, window 32",
    about=ABOUT,
    module=lambda _: GarchVolatility(),
    reference=lambda inputs, _: recursion(inputs)[:, None],
    samples=samples,
    domain=DOMAIN,
    outputs=(Output("variance", "sigma_ref^2", MAGNITUDE),),
    max_error=MAX_ERROR,
    shape=SHAPE,
    fit=closed_form,
    evaluate=evaluate,
)
