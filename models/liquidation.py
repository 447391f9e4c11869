"""Probability that a position is liquidated within 7 days: a calibrated first passage, one position a proof.

The batch forms, `liquidation_16` and `liquidation_64`, are the same net on 16 and on 64 positions of one market.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from models._export import load_weights
from models._liquidation_net import LiquidationNet, domain, outputs, reference, samples
from models._liquidation_report import evaluate
from models._liquidation_training import fit
from models._registry import CircuitShape, Family

MAX_ERROR: Final = 5e-3
# Values are rescaled to 2^45 where they pass it. The largest logit over the domain is 17.6, 2^49.2 at that scale, the
# decomposition holds 2^49.9. Finer than the batches, which stand at 2^12, rescale nothing, and have no rows to spare.
SHAPE: Final = CircuitShape(
    input_scale=15, scale_rebase_multiplier=3, decomp_base=1014, decomp_legs=5, num_inner_cols=1, logrows=10
)

ABOUT: Final = """**What it computes.** The logit of the probability that the price, looked at hourly, falls within the
next 7 days to where a position's health factor is 1; and a confidence in [0, 1]. A consumer applies 1 / (1 + e^-logit),
or compares logits, which is the same. Whatever the market, the logit falls in the health factor.

**Inputs and their source.** On chain, from 91 prices of an observation feed at steps of 8 hours and the vault's
positions: with r_t = p_t / p_(t-1) - 1 and sums of squares V (90 returns), W (the last 21), D (the last 3),

| input | value | domain |
| --- | --- | --- |
| volatility | 10 s, s = sqrt(21 V / 90), the standard deviation of a week | .1 to 10 |
| week | sqrt((W / 21) / (V / 90)) | 0 to 2.5 |
| day | sqrt((D / 3) / (V / 90)) | 0 to 4 |
| trend | (p_90 / p_69 - 1) / s | -4 to 4 |
| z of each position | ln(HF) / s | 0 to 8 |

Each is clipped to its domain. A place without a position holds z = 8. Refused, by name: a health factor below 1
(liquidatable now), of zero, negative or not finite; a position without debt; prices not positive; a flat window.

**Reference.** First passage of a Brownian motion without drift (Harrison 1985) with the shift of a barrier looked at
hourly (Broadie, Glasserman and Kou 1997)."""

FAMILY: Final = Family(
    name="liquidation",
    circuit_id="liquidation-1",
    title="Liquidation probability within 7 days, one position",
    about=ABOUT,
    module=lambda weights: load_weights(LiquidationNet(1), weights),
    reference=reference,
    samples=partial(samples, 1),
    domain=domain(1),
    outputs=outputs(1),
    max_error=MAX_ERROR,
    fit=fit,
    evaluate=evaluate,
    shape=SHAPE,
)
