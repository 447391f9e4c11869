"""Training of the liquidation net: log loss over a grid of health factors, then its confidence from refits.

A fold of year Y learns from what was over before year Y - 1, chooses its seed on year Y - 1 and is scored on year Y.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from models._data import hourly_candles
from models._liquidation_data import COINS, Windows, coin_windows
from models._liquidation_features import MARKET_DOMAIN
from models._liquidation_net import LiquidationNet
from models._registry import Array, Fitted
from models._seeds import SEEDS, Trained, fit_adam, train_seeds

EVERY_HOURS: Final = 48
TRAINED_ON: Final = np.array([1.01, 1.02, 1.035, 1.05, 1.075, 1.1, 1.15, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5])
STEPS: Final = 120
RATE: Final = 0.03
# On what the market moves alone: without it the net learns one market's years by heart
SHRINKAGE: Final = 3e-3
TEST_YEAR: Final = 2025
REFITS: Final = 16
REFIT_STEPS: Final = 60
BLOCK_DAYS: Final = 28
BAND: Final = (0.05, 0.95)
# Width of the band of probabilities at which confidence is zero
WIDEST: Final = 0.2
BAND_DISTANCES: Final = np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0])
CONFIDENCE_STEPS: Final = 400
CONFIDENCE_RATE: Final = 0.01


def fit(data: Path) -> Fitted:
    """The fold of 2025 with its confidence. Raises DataMissing."""
    return _fit(data.resolve())


@lru_cache
def _fit(data: Path) -> Fitted:
    coins = coin_windows(data, EVERY_HOURS)
    trained = train_fold(coins, TEST_YEAR)
    net = _loaded(trained)
    _fit_confidence(net, [one.before(f"{TEST_YEAR - 1}-01-01") for one in coins])
    sources = tuple(source for symbol in COINS for source in hourly_candles(data, symbol, early=True).sources)
    weights = {name: tensor.detach().numpy().astype(np.float32) for name, tensor in net.state_dict().items()}
    constants = {"test_year": float(TEST_YEAR)}
    return Fitted(weights, "net", trained.best, trained.losses, sources, constants)


def train_fold(coins: Sequence[Windows], year: int, *, blind: bool = False, seeds: Sequence[int] = SEEDS) -> Trained:
    """The nets of every seed for test year `year`. blind: without the market's inputs, a calibrated line in z alone."""
    past = [one.before(f"{year - 1}-01-01") for one in coins]
    last = [one.between(f"{year - 1}-01-01", f"{year}-01-01").before(f"{year}-01-01") for one in coins]
    learn, check = _tensors(past, blind=blind), _tensors(last, blind=blind)
    return train_seeds(
        lambda: LiquidationNet(len(TRAINED_ON)),
        lambda net: fit_adam(net, lambda: _loss(net, *learn, shrinkage=SHRINKAGE), steps=STEPS, rate=RATE),
        lambda net: float(_loss(net, *check, shrinkage=0.0)),
        seeds,
    )


def probabilities(weights: Any, windows: Windows, health_factors: Array, *, blind: bool = False) -> Array:
    """P of each health factor at each window, shape (n, len(health_factors))."""
    net = LiquidationNet(len(health_factors))
    net.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    market = windows.market * (not blind)
    with torch.no_grad():
        logits = net.logits(_float32(market), _float32(windows.distances(health_factors)))
    return np.asarray(torch.sigmoid(logits.double()).numpy())


def confidences(weights: Any, windows: Windows) -> Array:
    """The net's confidence at each window."""
    net = LiquidationNet(1)
    net.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    with torch.no_grad():
        return np.asarray(net.certainty(_float32(windows.market)).numpy()[:, 0].astype(np.float64))


def _tensors(coins: Sequence[Windows], *, blind: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    market = np.concatenate([one.market for one in coins]) * (not blind)
    distances = np.concatenate([one.distances(TRAINED_ON) for one in coins])
    liquidated = np.concatenate([one.liquidated(TRAINED_ON) for one in coins])
    return _float32(market), _float32(distances), _float32(liquidated)


def _loss(
    net: Any,
    market: torch.Tensor,
    distances: torch.Tensor,
    liquidated: torch.Tensor,
    *,
    shrinkage: float,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    logits = net.logits(market, distances)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, liquidated, weight=weights)
    total: torch.Tensor = loss + shrinkage * (net.terms.weight.square().sum() + 0.1 * net.market.weight.square().sum())
    return total


def _loaded(trained: Trained) -> LiquidationNet:
    net = LiquidationNet(len(TRAINED_ON))
    net.load_state_dict({name: torch.tensor(value) for name, value in trained.weights[trained.best].items()})
    return net


def _fit_confidence(net: LiquidationNet, coins: Sequence[Windows]) -> None:
    """Teaches the head 1 - width / .2 of the band that nets refitted on resampled months leave, market by market."""
    torch.manual_seed(SEEDS[0])
    learn = _tensors(coins, blind=False)
    market = torch.cat([learn[0], _strange_markets(learn[0])])
    target = 1 - _band_widths(coins, learn, market) / WIDEST
    head = [*net.spread.parameters(), *net.confidence.parameters()]
    with torch.no_grad():
        net.confidence.bias.fill_(0.5)
    optimiser = torch.optim.Adam(head, lr=CONFIDENCE_RATE)
    for _ in range(CONFIDENCE_STEPS):
        optimiser.zero_grad()
        raw = net.confidence(torch.relu(net.spread(market)))
        nn.functional.mse_loss(raw[:, 0], target).backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _strange_markets(seen: torch.Tensor) -> torch.Tensor:
    """As many markets as a twentieth of those seen, anywhere in the domain: there the refits disagree."""
    low, high = (torch.tensor(side) for side in zip(*MARKET_DOMAIN, strict=True))
    return low + (high - low) * torch.rand(len(seen) // 20, len(MARKET_DOMAIN))


def _band_widths(coins: Sequence[Windows], learn: Any, market: torch.Tensor) -> torch.Tensor:
    generator = np.random.default_rng(SEEDS[0])
    at = np.concatenate([one.at for one in coins])
    blocks = (at - at.min()).astype("timedelta64[D]").astype(int) // BLOCK_DAYS
    distances = _float32(np.tile(BAND_DISTANCES, (len(market), 1)))
    found = []
    for _ in range(REFITS):
        times = np.bincount(generator.integers(0, blocks.max() + 1, blocks.max() + 1), minlength=blocks.max() + 1)
        weights = _float32(times[blocks][:, None])
        refit = LiquidationNet(len(TRAINED_ON))
        fit_adam(
            refit,
            lambda net=refit, w=weights: _loss(net, *learn, shrinkage=SHRINKAGE, weights=w),  # type: ignore[misc]
            steps=REFIT_STEPS,
            rate=RATE,
        )
        with torch.no_grad():
            found.append(torch.sigmoid(refit.logits(market, distances)).numpy())
    low, high = np.quantile(np.stack(found), BAND, axis=0)
    return _float32((high - low).mean(axis=1))


def _float32(values: Any) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)
