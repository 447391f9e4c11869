"""Small nets of linear layers and ReLUs: the form that costs a circuit least, with no lookup table.

net = ReluNet((8, 32, 32, 1)); train_batches(net, inputs, targets, steps=...); outputs = relu_net(inputs, weights)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models._registry import Array, Weights

BATCH: Final = 1_024


class ReluNet(nn.Module):
    """Linear layers of these widths with a ReLU between any two."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))

    def forward(self, inputs: Tensor) -> Tensor:
        """Shape (rows, last width)."""
        for layer in list(self.layers)[:-1]:
            inputs = torch.relu(layer(inputs))
        result: Tensor = self.layers[-1](inputs)
        return result


def relu_net(inputs: Array, weights: Weights) -> Array:
    """The same by numpy in float64, for rows of inputs."""
    count = len(weights) // 2
    values = inputs
    for i in range(count):
        weight = np.asarray(weights[f"layers.{i}.weight"], dtype=np.float64)
        values = values @ weight.T + np.asarray(weights[f"layers.{i}.bias"], dtype=np.float64)
        values = np.maximum(values, 0.0) if i < count - 1 else values
    return values


def products(rows: Array) -> Array:
    """1, the inputs and every product of two of them, a row each: what a net has to beat by least squares."""
    first, second = np.triu_indices(rows.shape[1])
    return np.concatenate([np.ones((len(rows), 1)), rows, rows[:, first] * rows[:, second]], axis=1)


def train_batches(
    module: nn.Module,
    inputs: Array,
    targets: Array,
    *,
    units: Array,
    steps: int,
    rate: float = 2e-2,
) -> None:
    """Adam on random batches with a cosine schedule, in standardised inputs, which the first layer then takes over.

    `units`: what an error of each row counts in; the loss is their mean square.
    """
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0)
    x = torch.tensor((inputs - mean) / deviation, dtype=torch.float32)
    y = torch.tensor(targets, dtype=torch.float32)
    unit = torch.tensor(units, dtype=torch.float32)[:, None]
    optimiser = torch.optim.Adam(module.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    order, at = torch.randperm(len(x)), 0
    for _ in range(steps):
        if at + BATCH > len(order):
            order, at = torch.randperm(len(x)), 0
        rows = order[at : at + BATCH]
        at += BATCH
        squares = ((module(x[rows]) - y[rows]) * unit[rows]) ** 2
        loss = squares.mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    if not isinstance(module, ReluNet):
        raise TypeError(f"{type(module).__name__} has no first layer to take the scaling over")
    _take_over(module, mean, deviation)


def _take_over(module: ReluNet, mean: Array, deviation: Array) -> None:
    first = module.layers[0]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():
        weight = first.weight.double() / torch.tensor(deviation)
        first.bias.copy_(first.bias.double() - weight @ torch.tensor(mean))
        first.weight.copy_(weight)
