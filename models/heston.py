"""Implied volatility of an option in Heston's model, by a net that has learnt the integral.

Heston (1993); the net's inputs are the expansion's own numbers, in which the smile is nearly linear: after Lewis
(2000), "Option valuation under stochastic volatility", ch. 3, and Horvath, Muguruza and Tomas (2021), "Deep learning
volatility". The integral is models._heston_price, checked against QuantLib.

Inputs, a row of 8, from a strike K, a forward F, T years, and a signed surface v0, kappa, theta, xi, rho
(dv = kappa (theta - v) dt + xi sqrt(v) dW):

    e   = exp(-kappa T)              phi = (1 - e) / kappa
    w   = theta T + (v0 - theta) phi           the expected total variance; s = sqrt(w / T)
    V   = (theta (T - 2 phi + phi (1 + e) / 2) + (v0 - theta) (phi (1 + e) - 2 T e)) / kappa^2
    nu  = xi sqrt(V) / w                       deviation of the total variance over its mean
    z   = ln(K / F) / sqrt(w)
    row = z, sqrt(w), sqrt(v0) / s, rho, nu, rho nu z, nu z^2, e

Output: the implied volatility over s. Everything is a quotient of order 1: on chain exp, ln and sqrt at 18 decimals,
then one rounding to the circuit's input scale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from torch import nn

from models._errors import ParameterOutOfRange
from models._export import load_weights
from models._heston_price import HestonRows, heston_volatility, mean_variance
from models._heston_report import evaluate
from models._registry import Array, Family, Fitted, Output, Report, Weights
from models._relu_net import ReluNet, products, relu_net, train_batches
from models._seeds import train_seeds

WIDTHS: Final = (8, 32, 32, 1)
# Of T in years, of the two volatilities sqrt(v0) and sqrt(theta), and of the other parameters
RANGES: Final = {
    "T": (1 / 12, 1.0),
    "sqrt v0": (0.3, 1.1),
    "sqrt theta": (0.3, 1.1),
    "kappa": (1.0, 6.0),
    "xi": (0.3, 2.5),
    "rho": (-0.8, 0.2),
    "z": (-2.0, 2.0),
}
DOMAIN: Final = (
    (-2.0, 2.0),  # z
    (0.08, 1.125),  # sqrt w
    (0.25, 2.125),  # sqrt v0 / s
    (-0.8, 0.2),  # rho
    (0.03, 3.25),  # nu
    (-5.2, 5.2),  # rho nu z
    (0.0, 13.0),  # nu z^2
    (0.0, 0.9375),  # e
)
CORNERS: Final = 90
CORNERS_SEED: Final = 8
TRAINING: Final = (120_000, 1)
VALIDATION: Final = (10_000, 2)
TEST: Final = (20_000, 3)
BASELINE: Final = (10_000, 4)
STEPS: Final = 16_000
# 8e-5 of the volatility is at most .9 bp of it
MAX_ERROR: Final = 8e-5


def draw(count: int, seed: int) -> HestonRows:
    """Options drawn evenly over RANGES."""
    generator = np.random.default_rng(seed)
    years, root_v0, root_theta, kappa, xi, rho, z = (generator.uniform(*span, count) for span in RANGES.values())
    flat = HestonRows(np.zeros(count), years, root_v0**2, kappa, root_theta**2, xi, rho)
    return HestonRows(z * np.sqrt(mean_variance(flat) * years), years, flat.v0, kappa, flat.theta, xi, rho)


def require_domain(p: HestonRows) -> None:
    """Raises ParameterOutOfRange for the first option outside RANGES; NaN is outside."""
    z = p.log_moneyness / np.sqrt(mean_variance(p) * p.years)
    values = (p.years, np.sqrt(np.maximum(p.v0, 0)), np.sqrt(np.maximum(p.theta, 0)), p.kappa, p.xi, p.rho, z)
    for (name, (low, high)), column in zip(RANGES.items(), values, strict=True):
        slack = 1e-9
        outside = ~((column >= low - slack) & (column <= high + slack))
        if outside.any():
            raise ParameterOutOfRange(name, float(column[outside][0]), low, high)


def input_rows(p: HestonRows) -> Array:
    """The net's rows, shape (options, 8). Raises ParameterOutOfRange."""
    with np.errstate(invalid="ignore", divide="ignore"):
        require_domain(p)
    e = np.exp(-p.kappa * p.years)
    phi = (1 - e) / p.kappa
    gap = p.v0 - p.theta
    w = p.theta * p.years + gap * phi
    s = np.sqrt(w / p.years)
    spread = p.theta * (p.years - 2 * phi + phi * (1 + e) / 2) + gap * (phi * (1 + e) - 2 * p.years * e)
    nu = p.xi * np.sqrt(spread) / p.kappa / w
    z = p.log_moneyness / np.sqrt(w)
    return np.stack([z, np.sqrt(w), np.sqrt(p.v0) / s, p.rho, nu, p.rho * nu * z, nu * z * z, e], axis=1)


def volatility(p: HestonRows, weights: Weights) -> Array:
    """The net's implied volatilities. Raises ParameterOutOfRange."""
    return np.asarray(relu_net(input_rows(p), weights)[:, 0] * np.sqrt(mean_variance(p)))


def samples(count: int, seed: int) -> Array:
    """`count` rows: corners of the box first, then options over the domain."""
    low, high = (np.array(bound) for bound in zip(*DOMAIN, strict=True))
    chosen = np.random.default_rng(CORNERS_SEED).random((min(count, CORNERS), len(DOMAIN))) < 0.5
    return np.concatenate([np.where(chosen, low, high), input_rows(draw(count - len(chosen), seed))])


def fit(_: Path) -> Fitted:
    """Five nets on the model's own volatilities; needs no market data."""
    options = draw(*TRAINING)
    inputs, s = input_rows(options), np.sqrt(mean_variance(options))
    targets = (heston_volatility(options) / s)[:, None]
    held = draw(*VALIDATION)
    expected = heston_volatility(held)

    def loss(module: nn.Module) -> float:
        gaps = volatility(held, {name: tensor.numpy() for name, tensor in module.state_dict().items()}) - expected
        return float(np.sqrt(np.mean(gaps**2)) * 1e4)

    trained = train_seeds(
        lambda: ReluNet(WIDTHS),
        lambda module: train_batches(module, inputs, targets, units=s, steps=STEPS),
        loss,
    )
    return Fitted(
        weights=trained.weights[trained.best],
        ships="net 8-32-32-1, ReLU",
        seed=trained.best,
        seed_scores=trained.losses,
    )


def _scored(fitted: Fitted, _: Path) -> Report:
    options, known = draw(*TEST), draw(*BASELINE)
    quadratic = products(input_rows(options)) @ _least_squares(known) * np.sqrt(mean_variance(options))
    return evaluate(fitted, options, volatility(options, fitted.weights), quadratic)


def _least_squares(options: HestonRows) -> Array:
    targets = heston_volatility(options) / np.sqrt(mean_variance(options))
    return np.asarray(np.linalg.lstsq(products(input_rows(options)), targets, rcond=None)[0])


ABOUT: Final = """
**What it computes.** The Black implied volatility of a European option in Heston's model, over s, the root of the
expected average variance until expiry. The reference is the semi-analytic integral (Lewis 2001), equal to QuantLib's
`AnalyticHestonEngine` to 1e-12 of the forward.

**Inputs and their source.** Eight numbers that the feed's contract computes from a signed surface (v0, kappa, theta,
xi,
rho), the forward, the strike and the time to expiry: z = ln(K/F)/sqrt(w), sqrt(w), sqrt(v0)/s, rho, nu, rho nu z, nu
z^2,
e^(-kappa T); w is the expected total variance and nu the deviation of total variance over it. Formulas:
`models/heston.py`.

**Domain.** T 1 month to 1 year, sqrt(v0) and sqrt(theta) .3 to 1.1, kappa 1 to 6, xi .3 to 2.5, rho -.8 to .2, |z| <=
2.
Anything else is refused, by `ParameterOutOfRange` here and by the feed's contract on chain; the circuit's own box is
wider, since not every combination of the eight numbers belongs to an option.
"""

FAMILY: Final = Family(
    name="heston",
    circuit_id="heston-iv",
    title="Heston implied volatility",
    about=ABOUT,
    module=lambda weights: load_weights(ReluNet(WIDTHS), weights),
    reference=relu_net,
    samples=samples,
    domain=DOMAIN,
    outputs=(Output("volatility over s", "s", 1.0),),
    max_error=MAX_ERROR,
    fit=fit,
    evaluate=_scored,
)
