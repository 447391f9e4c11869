"""Value at Risk 99 % and expected shortfall 97.5 % from GJR-GARCH over a window of 32 returns.

Inputs, a row of 41: the 39 of models/garch_gjr.py in its order (x_1..x_32, h0, omega, alpha, gamma, beta, a, b), then
the squares of the quantile and of the shortfall in units of the volatility, both from the feed's configuration:

    q2 = q^2,  e2 = e^2      Gaussian: q = 2.326348 (99 %), e = 2.337803 (97.5 %), so q2 = 5.411894, e2 = 5.465322

Outputs: VaR99^2 and ES97.5^2 of an average step of the horizon, in units of sigma_ref^2. Outside the circuit, for a
horizon of k steps (daily data: k = 1, a = 1, b = 0):  VaR99 = sigma_ref sqrt(k output_0), ES97.5 = sigma_ref
sqrt(k output_1), fractions of the price.

A learned correction (models/_tail_net.py) is trained and scored with it, and would ship if it passed every test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models._registry import Array, Family, Fitted, Output
from models._tail_net import ES975, Q99, joined, train_multipliers
from models._tail_report import MARKETS, TEST_FROM, VALIDATION_FROM, days_of, evaluate
from models.garch import MAX_ERROR
from models.garch_gjr import DOMAIN as GJR_DOMAIN
from models.garch_gjr import INPUTS as GJR_INPUTS
from models.garch_gjr import GjrVolatility, recursion
from models.garch_gjr import samples as gjr_samples

INPUTS: Final = GJR_INPUTS + 2
MULTIPLE_RANGE: Final = (1.0, 16.0)
DOMAIN: Final = (*GJR_DOMAIN, MULTIPLE_RANGE, MULTIPLE_RANGE)
MAGNITUDE: Final = 0.25
SHIPS: Final = "GJR-GARCH with Gaussian quantiles (the baseline; the net's correction did not pass, see the scores)"


class TailRisk(nn.Module):
    """The GJR recursion, its variance times the two squared multiples."""

    def __init__(self) -> None:
        super().__init__()
        self.volatility = GjrVolatility()

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs of shape (1, 2) for inputs of shape (1, 41)."""
        variance = self.volatility(inputs)
        return torch.cat([variance * inputs[:, [GJR_INPUTS]], variance * inputs[:, [GJR_INPUTS + 1]]], dim=1)


def reference(inputs: Array) -> Array:
    """The definition for rows of 41 inputs, shape (n, 2)."""
    return np.asarray(recursion(inputs[:, :GJR_INPUTS])[:, None] * inputs[:, GJR_INPUTS:])


def samples(count: int, seed: int) -> Array:
    """GJR's samples with multiples: the largest and smallest at its edges, Gaussian and heavier ones elsewhere."""
    rows = gjr_samples(count, seed)
    generator = np.random.default_rng(seed + 1)
    multiples = np.array([Q99**2, ES975**2]) * np.exp(generator.uniform(-0.5, 0.9, (count, 2)))
    multiples[:90:2], multiples[1:90:2] = MULTIPLE_RANGE[1], MULTIPLE_RANGE[0]
    return np.column_stack([rows, np.clip(multiples, *MULTIPLE_RANGE)])


def fit(data: Path) -> Fitted:
    """The correction's net, its seed chosen on validation data; what ships needs no weights. Raises DataMissing."""
    markets = [days_of(data, name) for name in MARKETS]
    train = joined([days.between(None, VALIDATION_FROM) for days in markets])
    held = [days.between(VALIDATION_FROM, TEST_FROM[name]) for name, days in zip(MARKETS, markets, strict=True)]
    trained = train_multipliers(train, joined(held))
    return Fitted(
        weights=trained.weights[trained.best],
        ships=SHIPS,
        seed=trained.best,
        seed_scores=trained.losses,
        sources=tuple(source for name in MARKETS for source in MARKETS[name](data).sources),
    )


ABOUT: Final = """
**What it computes.** VaR at 99 % and expected shortfall at 97.5 % of an average step of the horizon, both squared and
in units of sigma_ref^2: the GJR-GARCH variance after 32 standardised returns, times q^2 and e^2. Multiply by the
horizon's steps, take the root and multiply by sigma_ref outside. Reference: Glosten, Jagannathan and Runkle (1993).

**Inputs and their source.** The 39 of `gjr-vol-32`: 32 returns and h0 on chain from the observation feed's prices,
omega, alpha, gamma, beta, a, b from the feed's configuration; q^2 and e^2 from the configuration too.

**Domain.** That of `gjr-vol-32`, 1 <= q^2 <= 16, 1 <= e^2 <= 16.
"""

FAMILY: Final = Family(
    name="tail_risk",
    circuit_id="tail-risk-32",
    title="VaR 99 % and expected shortfall 97.5 %",
    about=ABOUT,
    module=lambda _: TailRisk(),
    reference=lambda inputs, _: reference(inputs),
    samples=samples,
    domain=DOMAIN,
    outputs=(
        Output("VaR99 squared", "sigma_ref^2", MAGNITUDE, "square root"),
        Output("ES97.5 squared", "sigma_ref^2", MAGNITUDE, "square root"),
    ),
    max_error=MAX_ERROR,
    fit=fit,
    evaluate=evaluate,
)
