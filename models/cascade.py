"""Protocol risk: liquidations at risk, losses at risk and amplification of a lending book, by a proven cascade.

The simulator is `_cascade_simulator`, its circuit `_cascade_circuit`; both heads hold their equations.
"""

from __future__ import annotations

from typing import Final

from models._cascade_circuit import DOMAIN, OUTPUTS, module, reference, samples
from models._cascade_report import evaluate
from models._registry import CircuitShape, Family, closed_form

MAX_ERROR: Final = 1e-2
# Values stand at 2^36 between roundings; the largest, a sum of changes of slope times a fall, is below 2^7
SHAPE: Final = CircuitShape(
    input_scale=18, scale_rebase_multiplier=2, decomp_base=2048, decomp_legs=4, num_inner_cols=1, logrows=13
)

ABOUT: Final = """**What it computes.** What a fall of the collateral's price does to a lending book over a horizon:
LaR95 (liquidations, 95 % quantile), VaR95 and EVaR99 (debt that the collateral does not cover, 95 % and 99 %) and
amplification (the fall with forced sales over the fall without, at 95 %). Forced sales move the price, which forces
more; the circuit runs five rounds of the simulator.

**Inputs and their source.** From the vault's positions (or a signed histogram of them), a proven volatility feed and a
signed or configured depth:

| input | value | domain |
| --- | --- | --- |
| A_1..A_18 | 1.05 C(z_k sigma) / (depth sigma) | 0 to 4, rising, at most 3 a sigma from z_4 on |
| volatility | 10 sigma | .1 to 3 |
| beta | min(8, buffer / (.5 sigma)) | 0 to 8 |

C(x): debt of the positions with ln(HF) < x, from a histogram over the edges 0, .02, .04, .06, .08, .1, .125, .15, .175,
.2, .25, .3, .35, .4, .5, .6, .8, even within a bucket. z_k = 2010/1024 + (-1.5, -1, -.5, 0, .25, .5, .75, 1, 1.25, 1.5,
1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5.5). sigma: deviation of ln price over the horizon. depth: value sold that moves ln price
by 1. buffer: -ln(liquidation threshold * 1.05). LaR95, VaR95 and EVaR99 are in units of depth sigma / 1.05.

**Reference.** The simulator, run to rest on the whole histogram; Student-t(4) shocks."""

FAMILY: Final = Family(
    name="cascade",
    circuit_id="cascade-risk",
    title="Protocol risk of a lending book: liquidation cascades",
    about=ABOUT,
    module=module,
    reference=reference,
    samples=samples,
    domain=DOMAIN,
    outputs=OUTPUTS,
    max_error=MAX_ERROR,
    fit=closed_form,
    evaluate=evaluate,
    shape=SHAPE,
)
