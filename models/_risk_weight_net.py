"""The risk weight as a circuit: expected shortfall from the market, clipped and marked up for want of confidence.

    es = v (a + b week + c day + n . relu(N m + d)),   m = (v, week, day, trend),   es at least 0
    w  = clip(es, .5, 3) (1 + lambda (1 - confidence)),   lambda = .5

es is in units of the asset's long-run shortfall. A heterogeneous autoregression (Corsi 2009) of the volatilities of a
month, a week and a day, with the net's terms beside it; where those do not help they are zero.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models._liquidation_features import MARKET_DOMAIN
from models._registry import Array, Output, Weights

LOWEST: Final = 0.5
HIGHEST: Final = 3.0
LAMBDA: Final = 0.5
# Stale or unproven: the highest weight, not a revert
FALLBACK: Final = HIGHEST
HIDDEN: Final = 6
MARKET: Final = 4
# v, week, day, trend, confidence
DOMAIN: Final = ((0.05, 8.0), *MARKET_DOMAIN[1:], (0.0, 1.0))
OUTPUTS: Final = (
    Output("weight", "multiplier; basis points rounded up on chain", 1.0),
    Output("shortfall", "predicted one-day ES97.5 / the asset's long-run one", 1.0),
)


class RiskWeightNet(nn.Module):
    """Weight and shortfall ratio, shape (1, 2), for (1, 5)."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 1)
        self.hidden = nn.Linear(MARKET, HIDDEN)
        self.correction = nn.Linear(HIDDEN, 1, bias=False)
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor([[0.3, 0.1]]))
            self.linear.bias.copy_(torch.tensor([0.6]))
            self.correction.weight.mul_(0.1)

    def forward(self, inputs: Tensor) -> Tensor:
        """The circuit."""
        shortfall = self.shortfall(inputs[:, torch.arange(MARKET)])
        clipped = LOWEST + torch.relu(shortfall - LOWEST) - torch.relu(shortfall - HIGHEST)
        doubt = 1 - inputs[:, torch.arange(MARKET, MARKET + 1)]
        return torch.cat([clipped * (1 + LAMBDA * doubt), shortfall], dim=1)

    def shortfall(self, market: Tensor) -> Tensor:
        """Shape (n, 1) for markets of shape (n, 4)."""
        level = self.linear(market[:, torch.arange(1, 3)]) + self.correction(torch.relu(self.hidden(market)))
        return torch.relu(market[:, torch.arange(1)] * level)


def weight(shortfall: Array, confidence: Array) -> Array:
    """clip(es, .5, 3) (1 + lambda (1 - confidence)), elementwise: rises in es, falls in confidence."""
    return np.asarray(np.clip(shortfall, LOWEST, HIGHEST) * (1 + LAMBDA * (1 - confidence)))


def shortfalls(market: Array, weights: Weights) -> Array:
    """The shortfall ratio in numpy's float64, shape (n,), for markets of shape (n, 4)."""
    w = {name: np.asarray(value, dtype=np.float64) for name, value in weights.items()}
    hidden = np.maximum(market @ w["hidden.weight"].T + w["hidden.bias"], 0)
    level = market[:, 1:3] @ w["linear.weight"].T + w["linear.bias"] + hidden @ w["correction.weight"].T
    return np.asarray(np.maximum(market[:, 0] * level[:, 0], 0.0))


def reference(inputs: Array, weights: Weights) -> Array:
    """Weight and shortfall, shape (n, 2)."""
    found = shortfalls(inputs[:, :MARKET], weights)
    return np.stack([weight(found, inputs[:, MARKET]), found], axis=1)


def samples(count: int, seed: int) -> Array:
    """Rows over the domain: its corners, then half typical markets, half anywhere."""
    generator = np.random.default_rng(seed)
    low, high = (np.array(side) for side in zip(*DOMAIN, strict=True))
    corners = np.array(np.meshgrid(*DOMAIN)).reshape(len(DOMAIN), -1).T[:count]
    rest = count - len(corners)
    anywhere = generator.uniform(low, high, (rest, len(DOMAIN)))
    typical = np.stack(
        [
            np.exp(generator.normal(0.0, 0.5, rest)),
            np.exp(generator.normal(-0.1, 0.4, rest)),
            np.exp(generator.normal(-0.4, 0.6, rest)),
            generator.normal(0.0, 1.0, rest),
            generator.beta(4.0, 2.0, rest),
        ],
        axis=1,
    )
    rows = np.clip(np.where(generator.random((rest, 1)) < 0.5, typical, anywhere), low, high)
    return np.concatenate([corners, rows])
