"""The learned correction of a GARCH tail, and the naive quantile net that is kept as a negative control.

The correction: a net 6-16-2 gives two multipliers within [.7, 1.6], of VaR99 and of ES97.5, trained on the FZ0 loss
with a penalty on leaving 1. Features of a day, from daily closes before it and from the calendar (s: GJR forecast of
the day's volatility, r: returns):

    0  rms(r_-5..r_-1)/s    1  rms(r_-32..r_-1)/s    2  r_-1/s    3  sum(r_-5..r_-1)/(s sqrt 5)    each cut at +-4
    4  1 if the day is a Saturday or Sunday (UTC)    5  max|r_-32..r_-1|/s, cut at 8, halved
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models._registry import Array, Weights
from models._seeds import Trained, train_seeds

FEATURES: Final = 6
HIDDEN: Final = 16
LOW, HIGH = 0.7, 1.6
WINDOW: Final = 32
SHORT: Final = 5
# Quantile and mean loss beyond it of a standard normal variable, at 1 % and at 2.5 %
Q99, ES99 = 2.3263478740, 2.6652142203
Q975, ES975 = 1.9599639845, 2.3378027922
_CUT: Final = 4.0
_STEPS: Final = 400
_LOOK_EVERY: Final = 20
_RATE: Final = 3e-3
_DECAY: Final = 0.1
_PENALTY: Final = 3.0
_MONDAY_OFFSET: Final = 3  # 1970-01-01 was a Thursday
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class TailDays:
    """Days with what was known before each: features, GJR volatility, the last 32 returns; and the day's return."""

    day: NDArray[np.datetime64]
    features: Array
    sigma: Array
    returns: Array
    recent: Array

    def between(self, first: np.datetime64 | None, last: np.datetime64 | None) -> TailDays:
        """Those in [first, last)."""
        keep = np.ones(len(self.day), dtype=bool)
        if first is not None:
            keep &= self.day >= first
        if last is not None:
            keep &= self.day < last
        return TailDays(self.day[keep], self.features[keep], self.sigma[keep], self.returns[keep], self.recent[keep])


def joined(parts: list[TailDays]) -> TailDays:
    """Several markets' days as one."""
    columns = zip(*((one.day, one.features, one.sigma, one.returns, one.recent) for one in parts), strict=True)
    day, features, sigma, returns, recent = (np.concatenate(column) for column in columns)
    return TailDays(day, features, sigma, returns, recent)


def day_features(returns: Array, sigma: Array, days: NDArray[np.datetime64]) -> Array:
    """Features of each day, from the returns before it; NaN in the first 32. `sigma[t]`: forecast for day t."""
    rows = np.full((len(returns), FEATURES), np.nan)
    weekday = (days.astype("datetime64[D]").astype(np.int64) + _MONDAY_OFFSET) % 7
    for t in range(WINDOW, len(returns)):
        long, short, s = returns[t - WINDOW : t], returns[t - SHORT : t], sigma[t]
        rows[t] = (
            min(np.sqrt(np.mean(short**2)) / s, _CUT),
            min(np.sqrt(np.mean(long**2)) / s, _CUT),
            np.clip(returns[t - 1] / s, -_CUT, _CUT),
            np.clip(np.sum(short) / s / np.sqrt(SHORT), -_CUT, _CUT),
            float(weekday[t] >= _SATURDAY),
            min(np.max(np.abs(long)) / s, 2 * _CUT) / 2,
        )
    return rows


class MultiplierNet(nn.Module):
    """Multipliers of VaR99 and ES97.5, within [.7, 1.6]."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.out = nn.Linear(FEATURES, HIDDEN), nn.Linear(HIDDEN, 2)
        nn.init.zeros_(self.out.weight)
        nn.init.ones_(self.out.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (rows, 2) for features of shape (rows, 6)."""
        raw = self.out(torch.relu(self.first(features)))
        bounded: Tensor = LOW + torch.relu(raw - LOW) - torch.relu(raw - HIGH)
        return bounded


def multipliers(features: Array, weights: Weights) -> Array:
    """The same by numpy."""
    hidden = np.maximum(features @ weights["first.weight"].T.astype(np.float64) + weights["first.bias"], 0.0)
    return np.asarray(np.clip(hidden @ weights["out.weight"].T.astype(np.float64) + weights["out.bias"], LOW, HIGH))


def train_multipliers(train: TailDays, validation: TailDays) -> Trained:
    """The net of every seed, each at its best validation loss."""

    def loss(net: nn.Module, days: TailDays) -> tuple[Tensor, Tensor]:
        factors = net(torch.tensor(days.features, dtype=torch.float32))
        z = torch.tensor(days.returns / days.sigma, dtype=torch.float32)
        far = _fz0(z, Q99 * factors[:, 0], ES99 * factors[:, 0], 0.01)
        near = _fz0(z, Q975 * factors[:, 1], ES975 * factors[:, 1], 0.025)
        return torch.mean(far + near), torch.mean((factors - 1) ** 2)

    def train_one(net: nn.Module) -> None:
        def step_loss() -> Tensor:
            score, distance = loss(net, train)
            return score + _PENALTY * distance

        _fit_best(net, step_loss, lambda: float(loss(net, validation)[0]))

    return train_seeds(MultiplierNet, train_one, lambda net: float(loss(net, validation)[0]))


def _fz0(z: Tensor, var: Tensor, shortfall: Tensor, level: float) -> Tensor:
    return torch.relu(-var - z) / (level * shortfall) + var / shortfall + torch.log(shortfall) - 1


def _fit_best(net: nn.Module, step_loss: Callable[[], Tensor], validation_loss: Callable[[], float]) -> None:
    """Adam; of the weights looked at every 20 steps those of the smallest validation loss stay."""
    optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=_DECAY)
    best, kept = float("inf"), net.state_dict()
    for step in range(1, _STEPS + 1):
        optimiser.zero_grad()
        step_loss().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step % _LOOK_EVERY == 0:
            with torch.no_grad():
                reached = validation_loss()
            if reached < best:
                best, kept = reached, {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(kept)


def naive_quantile(train: TailDays, validation: TailDays, test: TailDays) -> Array:
    """VaR99 of each test day by a quantile net on the last 32 raw returns, that knows no GARCH: the negative control.

    One seed; its loss is the quantile's.
    """

    def inputs(days: TailDays) -> Tensor:
        return torch.tensor(100 * days.recent, dtype=torch.float32)

    def loss(net: nn.Module, days: TailDays) -> Tensor:
        gap = torch.tensor(days.returns * 100, dtype=torch.float32) + net(inputs(days)).squeeze(1)
        return torch.mean(torch.maximum(0.01 * gap, -0.99 * gap))

    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(WINDOW, WINDOW), nn.ReLU(), nn.Linear(WINDOW, 1), nn.Softplus())
    _fit_best(net, lambda: loss(net, train), lambda: float(loss(net, validation)))
    with torch.no_grad():
        return np.asarray(net(inputs(test)).squeeze(1).numpy(), dtype=np.float64) / 100
