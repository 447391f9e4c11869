"""The model card of the GARCH family: what it was scored on, how it did, what its circuit costs and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from models._data import DailySeries, daily_series
from models._scores import Comparison, diebold_mariano, ewma, qlike, walk_forward

FIRST_DAY: Final = 1_000
FIRST_DAY_SHORT: Final = 730
SHORT_SERIES: Final = 2_000
REFIT_EVERY: Final = 63
WINDOW: Final = 32


def write_card(measured: Mapping[str, Any], data: Path) -> str:
    """The card in Markdown. `measured`: the manifest, with `errors` (relative, held out) and `gas`."""
    return "\n".join([_head(measured), _circuit(measured), _scores(daily_series(data)), _limits()])


def _head(measured: Mapping[str, Any]) -> str:
    return f"""# Model card: GARCH(1,1) volatility, window 32 (`{measured["circuit_id"]}`)

Written by `python scripts/train_model.py garch`; do not edit.

**What it computes.** The average variance of a step over the feed's horizon, in units of sigma_ref^2:
h <- omega + alpha x^2 + beta h over 32 standardised returns from h0, the window's mean square; then a h + b.
The asset's parameters are public inputs that the feed's contract fixes, so the circuit has no trained weights and one
verifier serves every asset. Reference: Bollerslev (1986); `arch` in the tests.

**Inputs and their source.** 32 simple returns in units of sigma_ref, computed on chain from the observation feed's
prices and clamped to +-32; h0 on chain from them; omega, alpha, beta, a, b from the feed's configuration.
Model hash `{measured["model_hash"]}`.

**Domain.** |x| <= 32, 0 <= h0 <= 1024, 0 < omega <= 1, .01 <= alpha <= .30, .50 <= beta <= .97, alpha + beta < .999,
0 < a <= 1, 0 <= b <= 16. The decomposition covers every value over all of it, not only over the calibration inputs.
"""


def _circuit(measured: Mapping[str, Any]) -> str:
    errors = np.asarray(measured["errors"])
    run = measured["measured"]
    lines = [
        "## Circuit",
        "",
        "| | |",
        "| --- | --- |",
        f"| rows, k | {run['rows']:,}, {measured['logrows']} |",
        f"| inputs at | 2^{measured['input_scale_bits'][0]} |",
        f"| output at | 2^{measured['output_scale_bits'][0]} |",
        f"| prove, CPU seconds | {run['prove_cpu_seconds']} |",
        f"| prove, seconds on the building machine | {run['prove_seconds']} |",
        f"| witness, seconds | {run['witness_seconds']} |",
        f"| gas of a transaction that verifies | {measured['gas']:,} |",
        f"| verifier's code, bytes | {run['code_size']:,} |",
        f"| proof, bytes | {run['proof_bytes']:,} |",
        f"| proving key, bytes | {run['proving_key_bytes']:,} |",
        "",
        f"**In-circuit error**, {len(errors):,} held-out inputs over the domain, |circuit - float| / max(float, 1/16);",
        "the float sees the inputs before they are rounded to the circuit's scale, so rounding is in the figure:",
        "",
        "| median | 90 % | 99 % | largest | budget |",
        "| --- | --- | --- | --- | --- |",
        f"| {np.median(errors):.1e} | {np.quantile(errors, 0.9):.1e} | {np.quantile(errors, 0.99):.1e} "
        f"| {errors.max():.1e} | {measured['max_error']:.0e} |",
        "",
        "Below 1/16 (a quarter of the reference volatility) the error is absolute, in units of 1/16.",
        "",
    ]
    return "\n".join(lines)


def _scores(series: list[DailySeries]) -> str:
    lines = [
        "## Out-of-sample score",
        "",
        "Next day's variance against its squared return, QLIKE = log h + r^2/h in percent (smaller is better).",
        f"GARCH is refitted every {REFIT_EVERY} days on all earlier days and sees the last {WINDOW} returns, as the",
        "circuit does; nothing sees the day it forecasts. In brackets the difference to EWMA(.94) and its 95 %",
        "interval (Diebold-Mariano, Newey-West); p is that test's.",
        "",
        "| market | days scored | GARCH, 32 returns | EWMA(.94) | GARCH, full history | p against EWMA |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_score_row(one) for one in series]
    lines += ["", "| market | data | days | span | SHA-256 of the closes |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {one.name} | {one.source} | {len(one.closes):,} | {one.first} to {one.last} | `{one.digest}` |"
        for one in series
    ]
    return "\n".join([*lines, ""])


def _score_row(series: DailySeries) -> str:
    returns = series.returns
    first = FIRST_DAY if len(returns) > SHORT_SERIES else FIRST_DAY_SHORT
    realised = returns[first:]
    windowed, full = walk_forward(returns, first, REFIT_EVERY, WINDOW)
    losses = [qlike(forecast, realised) for forecast in (windowed, ewma(returns, first), full)]
    compared = diebold_mariano(losses[0], losses[1])
    means = [f"{float(np.mean(loss)):.4f}" for loss in losses]
    return (
        f"| {series.name} | {len(realised):,} | {means[0]} ({_interval(compared)}) | {means[1]} | {means[2]} "
        f"| {compared.p_value:.3f} |"
    )


def _interval(compared: Comparison) -> str:
    return f"{compared.difference:+.4f}, {compared.low:+.4f} to {compared.high:+.4f}"


def _limits() -> str:
    return """## Known limits

- Symmetric: a fall and a rise of one size raise the forecast alike (GJR does not).
- The window is 32 steps: with persistence .99 about a fifth of the weight lies on h0, the window's own mean square.
- Gaussian quasi-likelihood. Parameters are fitted before the feed starts and stay until its owner changes them.
- Returns beyond 32 sigma_ref are cut at 32.
- A gap longer than the feed's limit starts a new segment: no answer until 33 observations are in it. Shorter gaps count
  as one step.
- Refused: flat series, series whose variance is one jump, prices not positive, fewer than 250 prices to fit on,
  alpha + beta >= 1. A fit outside the domain is moved to its edge, its long-run variance set to the sample's.
- Rounding: each rescaling in the circuit may go either way by one unit of 2^-(output scale), so a prover can choose
  among answers that differ by about that much, far below the budget above.
"""
