"""GARCH(1,1) volatility of four assets in one proof: models/garch.py four times.

Inputs, four rows of 38 one after another: each asset's row as models/garch.py defines it (x_1..x_32, h0, omega, alpha,
beta, a, b). Outputs: four average variances, each in units of its own asset's sigma_ref^2, in the rows' order. An asset
that is not wanted may stand there a second time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models._registry import Array
from models.garch import FAMILY as SINGLE
from models.garch import INPUTS, GarchVolatility, recursion
from models.garch import samples as single_samples

ASSETS: Final = 4


class GarchBatch(nn.Module):
    """One recursion a row."""

    def __init__(self) -> None:
        super().__init__()
        self.single = GarchVolatility()

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs of shape (4, 1) for inputs of shape (4, 38)."""
        return torch.cat([self.single(inputs[torch.tensor([row])]) for row in range(ASSETS)])


def recursions(inputs: Array) -> Array:
    """The definition for each asset; shape (n, 4) for inputs of shape (n, 152)."""
    return recursion(inputs.reshape(-1, INPUTS)).reshape(-1, ASSETS)


def samples(count: int, seed: int) -> Array:
    """Batches of four rows of the single model: its edges first, four alike, then mixed."""
    edges = [np.tile(row, ASSETS) for row in single_samples(min(count, _EDGES), seed)]
    rows = single_samples(_EDGES + ASSETS * (count - len(edges)), seed)[_EDGES:]
    return np.array([*edges, *rows.reshape(-1, ASSETS * INPUTS)])


_EDGES: Final = 90

ABOUT: Final = """
**What it computes.** For each of four assets what `garch-vol-32` computes for one: the average variance of a step over
the feed's horizon, in units of that asset's sigma_ref^2. One proof and one verification serve four feeds.

**Inputs and their source.** Four rows of 38, each as `garch-vol-32` takes it, from four observation feeds and their
configurations.

**Domain.** In each row that of `garch-vol-32`: |x| <= 32, 0 <= h0 <= 1024, 0 < omega <= 1, .01 <= alpha <= .30,
.50 <= beta <= .97, alpha + beta < .999, 0 < a <= 1, 0 <= b <= 16.
"""

FAMILY: Final = replace(
    SINGLE,
    name="garch_batch",
    circuit_id="garch-vol-32x4",
    title="GARCH(1,1) volatility of four assets, window 32",
    about=ABOUT,
    module=lambda _: GarchBatch(),
    reference=lambda inputs, _: recursions(inputs),
    samples=samples,
    rows=ASSETS,
    shape=None,
)
