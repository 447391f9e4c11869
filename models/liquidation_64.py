"""Probability of liquidation within 7 days for 64 positions of one market in one proof: see `liquidation`."""

from __future__ import annotations

from functools import partial
from typing import Final

from models._export import load_weights
from models._liquidation_net import LiquidationNet, domain, outputs, reference, samples
from models._liquidation_report import evaluate
from models._liquidation_training import fit
from models._registry import CircuitShape, Family
from models.liquidation import ABOUT, MAX_ERROR

POSITIONS: Final = 64
# As `liquidation`'s, in the smallest k of one column: the decomposition holds 2^55
SHAPE: Final = CircuitShape(
    input_scale=12, scale_rebase_multiplier=4, decomp_base=2048, decomp_legs=5, num_inner_cols=1, logrows=13
)

FAMILY: Final = Family(
    name="liquidation_64",
    circuit_id="liquidation-64",
    title="Liquidation probability within 7 days, 64 positions",
    about=ABOUT,
    module=lambda weights: load_weights(LiquidationNet(POSITIONS), weights),
    reference=reference,
    samples=partial(samples, POSITIONS),
    domain=domain(POSITIONS),
    outputs=outputs(POSITIONS),
    max_error=MAX_ERROR,
    fit=fit,
    evaluate=evaluate,
    shape=SHAPE,
)
