"""Training of the risk weight's shortfall: FZ0 loss on the seven one-day losses after each window.

Patton, Ziegel and Chen (2019), "Dynamic semiparametric models for expected shortfall (and value-at-risk)", eq. 6. Folds
as the liquidation net's: learns from what was over before year Y - 1, chooses on Y - 1, is scored on Y.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from models._data import hourly_candles
from models._liquidation_data import COINS
from models._registry import Array, Fitted, Weights
from models._risk_weight_data import TAIL, LossWindows, coin_losses, unconditional
from models._risk_weight_net import DOMAIN, MARKET, RiskWeightNet
from models._seeds import SEEDS, fit_adam, train_seeds

EVERY_HOURS: Final = 24
STEPS: Final = 200
RATE: Final = 0.02
SHRINKAGE: Final = 1e-2
TEST_YEAR: Final = 2025
LINEAR: Final = "linear regression of volatilities: the net did not beat it on the validation year"


@dataclass(frozen=True, slots=True)
class Unit:
    """An asset's long run, from its past: the week's standard deviation and the day's shortfall."""

    sigma: float
    shortfall: float


@dataclass(frozen=True, slots=True)
class Fold:
    """What a year is scored with: the weights that won on the year before, their losses there, the assets' units."""

    weights: Weights
    seed: int | None
    losses: dict[int, float]
    linear_loss: float
    every: Mapping[int, Weights]
    linear: Weights
    units: dict[str, Unit]

    @property
    def ships(self) -> str:
        """What won."""
        return "net" if self.seed is not None else LINEAR


class _Scored(nn.Module):
    """The net with the ratio of quantile to shortfall, which the loss needs and the model does not."""

    def __init__(self, *, linear: bool) -> None:
        super().__init__()
        self.net = RiskWeightNet()
        self.ratio = nn.Parameter(torch.tensor(1.0))
        if linear:
            with torch.no_grad():
                self.net.correction.weight.zero_()
            for parameter in (*self.net.hidden.parameters(), *self.net.correction.parameters()):
                parameter.requires_grad = False

    def loss(self, market: torch.Tensor, losses: torch.Tensor) -> torch.Tensor:
        """FZ0, mean over windows and days."""
        shortfall = self.net.shortfall(market) + 1e-3
        quantile = shortfall * torch.sigmoid(self.ratio)
        beyond = torch.relu(losses - quantile)
        return (beyond / (TAIL * shortfall) + quantile / shortfall + torch.log(shortfall)).mean() - 1

    def penalty(self) -> torch.Tensor:
        """Keeps what the net adds small."""
        return SHRINKAGE * (self.net.correction.weight.square().sum() + 0.1 * self.net.hidden.weight.square().sum())


def fit(data: Path) -> Fitted:
    """The fold of 2025. Raises DataMissing."""
    return _fit(data.resolve())


@lru_cache
def _fit(data: Path) -> Fitted:
    fold = train_fold(coin_losses(data, EVERY_HOURS), TEST_YEAR)
    sources = tuple(source for symbol in COINS for source in hourly_candles(data, symbol, early=True).sources)
    constants = {f"sigma of a week, {coin}": unit.sigma for coin, unit in fold.units.items()}
    constants |= {f"shortfall of a day, {coin}": unit.shortfall for coin, unit in fold.units.items()}
    constants["validation loss, linear"] = fold.linear_loss
    return Fitted(fold.weights, fold.ships, fold.seed, fold.losses, sources, constants)


def train_fold(coins: Sequence[LossWindows], year: int) -> Fold:
    """Nets of every seed and the linear form for test year `year`; the linear form ships unless a net beats it."""
    past = [one.before(f"{year - 1}-01-01") for one in coins]
    last = [one.between(f"{year - 1}-01-01", f"{year}-01-01").before(f"{year}-01-01") for one in coins]
    units = {one.windows.coin: unit_of(one) for one in past}
    learn, check = _tensors(past, units), _tensors(last, units)

    def train(*, linear: bool, seeds: Sequence[int]) -> Any:
        return train_seeds(
            lambda: _Scored(linear=linear),
            lambda one: fit_adam(one, lambda: one.loss(*learn) + one.penalty(), steps=STEPS, rate=RATE),  # type: ignore[operator]
            lambda one: float(one.loss(*check)),  # type: ignore[operator]
            seeds,
        )

    nets, line = train(linear=False, seeds=SEEDS), train(linear=True, seeds=SEEDS[:1])
    every = {seed: _net_weights(found) for seed, found in nets.weights.items()}
    linear, linear_loss = _net_weights(line.weights[SEEDS[0]]), line.losses[SEEDS[0]]
    # one seed's luck is no win: the median of the seeds must beat the linear form
    wins = float(np.median(list(nets.losses.values()))) < linear_loss
    seed = nets.best if wins else None
    weights = every[nets.best] if wins else linear
    return Fold(weights, seed, nets.losses, linear_loss, every, linear, units)


def unit_of(past: LossWindows) -> Unit:
    """The long run of an asset: root mean square of s, mean of the worst 2.5 % of one-day losses."""
    return Unit(float(np.sqrt(np.mean(past.windows.sigma**2))), unconditional(past.days))


def market_of(one: LossWindows, unit: Unit) -> Array:
    """v = s / s_ref beside week, day and trend, clipped to the domain; shape (n, 4)."""
    market = np.column_stack([one.windows.sigma / unit.sigma, one.windows.market[:, 1:]])
    low, high = (np.array(side) for side in zip(*DOMAIN[:MARKET], strict=True))
    return np.asarray(np.clip(market, low, high))


def _tensors(coins: Sequence[LossWindows], units: dict[str, Unit]) -> tuple[torch.Tensor, torch.Tensor]:
    market = np.concatenate([market_of(one, units[one.windows.coin]) for one in coins])
    losses = np.concatenate([one.days / units[one.windows.coin].shortfall for one in coins])
    return torch.tensor(market, dtype=torch.float32), torch.tensor(losses, dtype=torch.float32)


def _net_weights(found: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("net."): value for name, value in found.items() if name.startswith("net.")}
