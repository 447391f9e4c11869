"""The liquidation net: one small net reads the market, and each position's logit is a piecewise line in its distance.

    h = relu(M m + b);  c = C h + d;  g = relu(c[1:])
    logit_i = c_0 - (g_0 + .02) z_i + g_1 relu(.3 - z_i) + g_2 relu(1.2 - z_i)
    confidence = clip(e . relu(S m + t) + u, 0, 1)

It falls in z whatever the weights, so a healthier position is never given a higher probability. What the market decides
is computed once for all positions of a proof: a further position costs two ReLUs and three products, no rescaling.
The sigmoid stays outside of the circuit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models._liquidation_features import MARKET_DOMAIN, MAX_DISTANCE
from models._registry import Array, Output, Weights

MARKET: Final = len(MARKET_DOMAIN)
HIDDEN: Final = 8
SPREAD_HIDDEN: Final = 4
KNOTS: Final = (0.3, 1.2)
TERMS: Final = 2 + len(KNOTS)
LEAST_SLOPE: Final = 0.02
# Logit at a market that tells nothing: about the first passage of a Brownian motion
START: Final = (0.3, 1.3, 2.5, 0.8)


class LiquidationNet(nn.Module):
    """Logits of `positions` positions and one confidence, shape (1, positions + 1), for (1, 4 + positions)."""

    def __init__(self, positions: int) -> None:
        super().__init__()
        self.positions = positions
        self.market = nn.Linear(MARKET, HIDDEN)
        self.terms = nn.Linear(HIDDEN, TERMS)
        self.spread = nn.Linear(MARKET, SPREAD_HIDDEN)
        self.confidence = nn.Linear(SPREAD_HIDDEN, 1)
        with torch.no_grad():
            self.terms.weight.mul_(0.1)
            self.terms.bias.copy_(torch.tensor(START))

    def forward(self, inputs: Tensor) -> Tensor:
        """The circuit: columns are picked by index, which is free, where a slice copies them."""
        market = inputs[:, torch.arange(MARKET)]
        distances = inputs[:, torch.arange(MARKET, MARKET + self.positions)]
        return torch.cat([self.logits(market, distances), self.certainty(market)], dim=1)

    def logits(self, market: Tensor, distances: Tensor) -> Tensor:
        """Logits of shape (n, positions) for markets (n, 4) and distances (n, positions)."""
        terms: Tensor = self.terms(torch.relu(self.market(market)))
        weights = torch.relu(terms)
        logits: Tensor = terms[:, torch.arange(1)] - distances * (weights[:, torch.arange(1, 2)] + LEAST_SLOPE)
        for place, knot in enumerate(KNOTS, start=2):
            logits = logits + torch.relu(knot - distances) * weights[:, torch.arange(place, place + 1)]
        return logits

    def certainty(self, market: Tensor) -> Tensor:
        """Confidence in [0, 1], shape (n, 1)."""
        raw = self.confidence(torch.relu(self.spread(market)))
        certain: Tensor = torch.relu(raw) - torch.relu(raw - 1)
        return certain


def reference(inputs: Array, weights: Weights) -> Array:
    """The same in numpy's float64, shape (n, positions + 1)."""
    w = {name: np.asarray(value, dtype=np.float64) for name, value in weights.items()}
    market, z = inputs[:, :MARKET], inputs[:, MARKET:]
    hidden = np.maximum(market @ w["market.weight"].T + w["market.bias"], 0)
    terms = hidden @ w["terms.weight"].T + w["terms.bias"]
    slopes = np.maximum(terms, 0)
    logits = terms[:, :1] - z * (slopes[:, 1:2] + LEAST_SLOPE)
    for place, knot in enumerate(KNOTS, start=2):
        logits += np.maximum(knot - z, 0) * slopes[:, place : place + 1]
    spread = np.maximum(market @ w["spread.weight"].T + w["spread.bias"], 0)
    confidence = np.clip(spread @ w["confidence.weight"].T + w["confidence.bias"], 0, 1)
    return np.concatenate([logits, confidence], axis=1)


def domain(positions: int) -> tuple[tuple[float, float], ...]:
    """An interval for each input: the market's four, then the distances."""
    return (*MARKET_DOMAIN, *[(0.0, MAX_DISTANCE)] * positions)


def outputs(positions: int) -> tuple[Output, ...]:
    """A logit a position, then the confidence."""
    names = ["logit"] if positions == 1 else [f"logit_{i}" for i in range(1, positions + 1)]
    logits = [Output(name, "log odds of liquidation within 7 days", 1.0, "sigmoid") for name in names]
    return (*logits, Output("confidence", "1 - width of the 90 % band of probabilities / .2", 1.0))


def samples(positions: int, count: int, seed: int) -> Array:
    """Rows over the domain: corners of the market with distances near, far and spread, then markets as they occur."""
    generator = np.random.default_rng(seed)
    edges = _edges(positions)[:count]
    rest = count - len(edges)
    low, high = (np.array(side) for side in zip(*MARKET_DOMAIN, strict=True))
    anywhere = generator.uniform(low, high, (rest, MARKET))
    typical = np.stack(
        [
            np.exp(generator.normal(np.log(0.7), 0.5, rest)),
            np.exp(generator.normal(-0.1, 0.4, rest)),
            np.exp(generator.normal(-0.4, 0.6, rest)),
            generator.normal(0.0, 1.0, rest),
        ],
        axis=1,
    )
    market = np.clip(np.where(generator.random((rest, 1)) < 0.5, typical, anywhere), low, high)
    z = MAX_DISTANCE * generator.random((rest, positions)) ** generator.choice([1.0, 3.0], (rest, 1))
    return np.concatenate([edges, np.concatenate([market, z], axis=1)])


def _edges(positions: int) -> Array:
    corners = np.array(np.meshgrid(*MARKET_DOMAIN)).reshape(MARKET, -1).T
    ramp = np.linspace(0.0, MAX_DISTANCE, positions) if positions > 1 else np.array([KNOTS[0]])
    shapes = [np.zeros(positions), np.full(positions, MAX_DISTANCE), ramp]
    return np.array([np.concatenate([corner, z]) for z in shapes for corner in corners])
