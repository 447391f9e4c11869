"""Dupire's local volatility of an SVI smile, with the density factor whose sign tells of butterfly arbitrage.

Dupire (1994), "Pricing with a smile", in the form of Gatheral (2006), "The volatility surface", 1.10; SVI: Gatheral
and Jacquier (2014). Smiles are as in contracts/libraries/Svi.sol:
w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + s^2)), k = ln(K / F).

Inputs, a row of 7, from a signed smile (a, b, rho, m, s) of expiry T, the growth w_T of total variance in a year at k
(from the smile before: (w(k) - w_before(k)) / (T - T_before)), and k; omega = sqrt(w(k)):

    k / omega,  b / omega,  rho,  (k - m) / s,  b / s,  omega,  T w_T / w

Outputs, two: the local volatility over the implied one (so sigma_LV = output * omega / sqrt T), and the density factor
g. With x = (k - m)/s and r = sqrt(1 + x^2), in units of omega:

    slope = b/omega (rho + x / r)      curvature = (b / s) / r^3
    g = (1 - k/omega slope / 2)^2 - slope^2 / 4 (1 + omega^2 / 4) + curvature / 2
    output = sqrt((T w_T / w) / max(g, 0.05))

A reader refuses the first output where g is below the margin: see MIN_DENSITY.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models._errors import ModelError, ParameterOutOfRange
from models._local_volatility_report import evaluate
from models._registry import Array, Family, Fitted, Output, Report, Weights
from models._relu_net import ReluNet, relu_net, train_batches
from models._seeds import train_seeds
from models._svi import Smiles, butterfly_free, density_factor

# The density factor from which on an answer is given
MIN_DENSITY: Final = 0.05
DOMAIN: Final = (
    (-2.5, 2.5),  # k / omega
    (0.0, 1.5),  # b / omega
    (-0.9, 0.9),  # rho
    (-12.0, 12.0),  # (k - m) / s
    (0.0, 4.0),  # b / s
    (0.05, 1.125),  # omega
    (0.0625, 2.0),  # T w_T / w
)
NET: Final = (7, 32, 32, 1)
CORNERS: Final = 90
CORNERS_SEED: Final = 5
TRAINING: Final = (40_000, 1)
VALIDATION: Final = (10_000, 2)
TEST: Final = (20_000, 3)
STEPS: Final = 6_000
MAX_ERROR: Final = 5e-4


class SurfaceArbitrage(ModelError):
    """A smile, or the growth of variance, that allows arbitrage: `row` is the first such."""

    def __init__(self, kind: str, row: int, value: float) -> None:
        super().__init__(f"{kind} arbitrage in row {row}: {value:g}")
        self.kind, self.row, self.value = kind, row, value


class DupireSvi(nn.Module):
    """The formulas of this module's head; one root and one quotient for the smile, one of each for the answer."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Shape (1, 2) for inputs of shape (1, 7)."""
        k, b, rho, x, bend, omega, growth = (inputs[:, column] for column in range(len(DOMAIN)))
        inverse = 1 / torch.sqrt(1 + x * x)
        slope = b * (rho + x * inverse)
        curvature = bend * inverse * inverse * inverse
        lean = 1 - k * slope * 0.5
        half = slope * 0.5
        g = lean * lean - half * half * (1 + omega * omega * 0.25) + curvature * 0.5
        answer = torch.sqrt(growth / (torch.relu(g - MIN_DENSITY) + MIN_DENSITY))
        return torch.stack([answer, g], dim=1)


def formula(inputs: Array) -> Array:
    """The same by numpy, shape (rows, 2)."""
    k, b, rho, x, bend, omega, growth = inputs.T
    root = np.sqrt(1 + x * x)
    slope = b * (rho + x / root)
    g = (1 - k * slope / 2) ** 2 - slope**2 / 4 * (1 + omega**2 / 4) + bend / root**3 / 2
    return np.stack([np.sqrt(growth / np.maximum(g, MIN_DENSITY)), g], axis=1)


def input_rows(smiles: Smiles, k: Array, growth: Array) -> Array:
    """Rows of 7 for smiles, strikes and T w_T / w. Raises SurfaceArbitrage, ParameterOutOfRange; NaN is refused."""
    bad = ~np.asarray(butterfly_free(smiles))
    if bad.any():
        raise SurfaceArbitrage("butterfly", int(np.argmax(bad)), float(smiles.b[bad][0]))
    if not (growth > 0).all():
        row = int(np.argmax(~(growth > 0)))
        raise SurfaceArbitrage("calendar", row, float(growth[row]))
    rows = _rows(smiles, k, growth)
    for column, (low, high) in enumerate(DOMAIN):
        outside = ~((rows[:, column] >= low) & (rows[:, column] <= high))
        if outside.any():
            raise ParameterOutOfRange(COLUMNS[column], float(rows[outside, column][0]), low, high)
    return rows


COLUMNS: Final = ("k / omega", "b / omega", "rho", "(k - m) / s", "b / s", "omega", "T w_T / w")


def _rows(smiles: Smiles, k: Array, growth: Array) -> Array:
    omega = np.sqrt(smiles.at(k)[0])
    x, bend = (k - smiles.m) / smiles.s, smiles.b / smiles.s
    return np.stack([k / omega, smiles.b / omega, smiles.rho, x, bend, omega, growth], axis=1)


def draw(count: int, seed: int) -> Array:
    """Rows of arbitrage-free smiles of expiries from some days to a year, at .3 to 1.1 of volatility."""
    generator = np.random.default_rng(seed)
    kept: list[Array] = []
    while sum(map(len, kept)) < count:
        kept.append(_draw(generator, 4_096))
    return np.concatenate(kept)[:count]


def _draw(generator: np.random.Generator, count: int) -> Array:
    def span(low: float, high: float) -> Array:
        return generator.uniform(low, high, count)

    deviation = span(0.06, 1.05)  # at the money, sigma sqrt T
    b, rho, m, s = (
        deviation * span(0.02, 0.9),
        span(-0.85, 0.6),
        deviation * span(-0.5, 0.5),
        deviation * span(0.15, 2.0),
    )
    a = deviation**2 - b * (-rho * m + np.sqrt(m * m + s * s))
    smiles = Smiles(a, b, rho, m, s)
    k = deviation * span(-2.0, 2.0)
    with np.errstate(all="ignore"):
        w, slope, curvature = smiles.at(k)
        rows = _rows(smiles, k, span(0.3, 1.8))
        inside = butterfly_free(smiles) & (density_factor(k, w, slope, curvature) >= 2 * MIN_DENSITY)
    low, high = (np.array(bound) for bound in zip(*DOMAIN, strict=True))
    return np.asarray(rows[inside & ((rows >= low) & (rows <= high)).all(axis=1)])


def samples(count: int, seed: int) -> Array:
    """`count` rows: corners of the box, any point of it, arbitrage or not, then arbitrage-free smiles."""
    low, high = (np.array(bound) for bound in zip(*DOMAIN, strict=True))
    corners = min(count, CORNERS)
    chosen = np.random.default_rng(CORNERS_SEED).random((corners, len(DOMAIN))) < 0.5
    generator = np.random.default_rng([seed, 7])
    anywhere = (count - corners) // 4
    return np.concatenate(
        [
            np.where(chosen, low, high),
            generator.uniform(low, high, (anywhere, len(DOMAIN))),
            draw(count - corners - anywhere, seed),
        ]
    )


def fit(_: Path) -> Fitted:
    """Five nets that learn the formula; the formula ships unless one of them is the more exact."""
    rows = draw(*TRAINING)
    held = draw(*VALIDATION)
    targets = formula(rows)[:, :1]

    def loss(module: nn.Module) -> float:
        return net_rmse(held, {name: tensor.numpy() for name, tensor in module.state_dict().items()})

    trained = train_seeds(
        lambda: ReluNet(NET),
        lambda module: train_batches(module, rows, targets, units=np.ones(len(rows)), steps=STEPS),
        loss,
    )
    best = trained.weights[trained.best]
    test = draw(*TEST)
    gaps = np.abs(relu_net(test, best)[:, 0] - formula(test)[:, 0]) * UNIT_VOLATILITY
    return Fitted(
        ships="closed form; the net of the same inputs was less exact",
        seed_scores=trained.losses,
        constants={
            "net RMSE, bp": net_rmse(test, best),
            "net 99 %, bp": float(np.quantile(gaps, 0.99)),
            "net largest, bp": float(gaps.max()),
        },
    )


# Errors of a ratio to implied volatility, in basis points at 70 % of volatility
UNIT_VOLATILITY: Final = 0.7e4


def net_rmse(rows: Array, weights: Weights) -> float:
    """RMSE of a net's local volatility in basis points, at an implied volatility of 70 %."""
    gaps = relu_net(rows, weights)[:, 0] - formula(rows)[:, 0]
    return float(np.sqrt(np.mean(gaps**2)) * UNIT_VOLATILITY)


def _scored(fitted: Fitted, data: Path) -> Report:
    rows = draw(*TEST)
    with torch.no_grad():
        got = DupireSvi()(torch.tensor(rows, dtype=torch.float32)).numpy()[:, 0]
    rmse = float(np.sqrt(np.mean((got - formula(rows)[:, 0]) ** 2)) * UNIT_VOLATILITY)
    return evaluate(fitted, data, rmse)


ABOUT: Final = """
**What it computes.** Dupire's local volatility of an SVI smile at one strike, over the implied volatility there, and
the
density factor whose sign tells of butterfly arbitrage. The circuit is the formula itself: its two roots and two
quotients are checked in the circuit as integers, so there is nothing to learn.

**Inputs and their source.** k/omega, b/omega, rho, (k-m)/s, b/s, omega, T w_T/w with omega = sqrt(w(k)): computed on
chain
from a signed smile (a, b, rho, m, s), the smile of the expiry before it, the strike and the times, after the chain has
tried both smiles for arbitrage (`contracts/libraries/Svi.sol`).

**Domain.** |k|/omega <= 2.5, b/omega <= 1.5, |rho| <= .9, |k-m|/s <= 12, b/s <= 4, .05 <= omega <= 1.125,
T w_T/w 1/16 to 2; the density factor at least .05, else the answer is refused. Smiles with arbitrage are refused
before it, by name.
"""

FAMILY: Final = Family(
    name="local_volatility",
    circuit_id="local-vol-svi",
    title="Local volatility of an SVI smile",
    about=ABOUT,
    module=lambda _: DupireSvi(),
    reference=lambda inputs, _: formula(inputs),
    samples=samples,
    domain=DOMAIN,
    outputs=(Output("local over implied volatility", "implied volatility", 1.0), Output("density factor", "1", 1.0)),
    max_error=MAX_ERROR,
    fit=fit,
    evaluate=_scored,
)
