"""Training a small net several times from fixed seeds, the best of them chosen on validation data.

best = train_seeds(lambda: MyNet(), fit_once, validation_loss)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from models._export import weights_of

SEEDS: Final = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Trained:
    """The weights of every seed with their validation losses."""

    weights: dict[int, dict[str, Any]]
    losses: dict[int, float]

    @property
    def best(self) -> int:
        """The seed of the smallest validation loss."""
        return min(self.losses, key=lambda seed: self.losses[seed])


def train_seeds(
    make: Callable[[], nn.Module],
    train: Callable[[nn.Module], None],
    validation_loss: Callable[[nn.Module], float],
    seeds: Sequence[int] = SEEDS,
) -> Trained:
    """`make` and `train` once a seed; torch runs on one thread, so that sums are added in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    weights, losses = {}, {}
    try:
        for seed in seeds:
            torch.manual_seed(seed)
            module = make()
            train(module)
            with torch.no_grad():
                losses[seed] = float(validation_loss(module.eval()))
            weights[seed] = weights_of(module)
    finally:
        torch.set_num_threads(threads)
    return Trained(weights, losses)


def fit_adam(
    module: nn.Module, loss: Callable[[], torch.Tensor], *, steps: int, rate: float, decay: float = 0.0
) -> None:
    """Full-batch Adam with a cosine schedule."""
    optimiser = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        optimiser.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
