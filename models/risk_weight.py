"""Risk weight: predicted one-day shortfall over the long-run one, clipped, marked up where confidence is low.

w = clip(ES_pred / ES_ref, .5, 3) (1 + .5 (1 - confidence)). The inputs stand in `ABOUT`, the network in
`_risk_weight_net`.
"""

from __future__ import annotations

from typing import Final

from models._export import load_weights
from models._registry import CircuitShape, Family
from models._risk_weight_net import DOMAIN, OUTPUTS, RiskWeightNet, reference, samples
from models._risk_weight_report import evaluate
from models._risk_weight_training import fit

MAX_ERROR: Final = 2e-3
SHAPE: Final = CircuitShape(
    input_scale=13, scale_rebase_multiplier=4, decomp_base=1014, decomp_legs=6, num_inner_cols=1, logrows=10
)

ABOUT: Final = """**What it computes.** w = clip(ES / ES_ref, .5, 3) (1 + .5 (1 - confidence)): a multiplier for
haircuts and margins. ES is the expected shortfall of one day at 97.5 %, predicted from the volatilities of a month, a
week and a day; ES_ref the asset's long-run one. Second output: ES / ES_ref before clipping.

**Inputs and their source.** On chain, from 91 prices of an observation feed at steps of 8 hours, as the liquidation
family: r_t = p_t / p_(t-1) - 1, sums of squares V (90 returns), W (the last 21), D (the last 3), s = sqrt(21 V / 90),

| input | value | domain |
| --- | --- | --- |
| v | s / s_ref, s_ref the asset's long-run deviation of a week, from the feed's configuration | .05 to 8 |
| week | sqrt((W / 21) / (V / 90)) | 0 to 2.5 |
| day | sqrt((D / 3) / (V / 90)) | 0 to 4 |
| trend | (p_90 / p_69 - 1) / s | -4 to 4 |
| confidence | the least confidence of the feeds that the contract reads, or 1 | 0 to 1 |

Each is clipped to its domain. Refused: prices not positive, a flat window, fewer than 91 prices. A single jump of 50 %
is a return like another: it raises v, week and day to their clips.

**Reference.** The formula above in floats; Corsi (2009) for the regression, Patton, Ziegel and Chen (2019) for the
loss. For Bitcoin and Ether s_ref and ES_ref stand in training.json."""

FAMILY: Final = Family(
    name="risk_weight",
    circuit_id="risk-weight",
    title="Risk weight of an asset",
    about=ABOUT,
    module=lambda weights: load_weights(RiskWeightNet(), weights),
    reference=reference,
    samples=samples,
    domain=DOMAIN,
    outputs=OUTPUTS,
    max_error=MAX_ERROR,
    fit=fit,
    evaluate=evaluate,
    shape=SHAPE,
)
