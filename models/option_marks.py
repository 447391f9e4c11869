"""Marks of options: the implied volatility of eight strikes from the three numbers that quote an expiry's smile.

A quadratic form of the inputs, fitted to real quotes by least squares; small nets are trained beside it and would ship
if they were the better on later days. The market's own closed form through the same pillars is the baseline: Malz
(1997), "Estimating the probability distribution of the future exchange rate from option prices", eq. 5. Values and
Greeks follow on chain from the proven volatility by Black (1976), contracts/libraries/Black76.sol.

Inputs, eight rows of 6, one a strike, from K, the expiry's forward F, T years of 365.25 days, and the signed pillars
atm (volatility at K = F), rr (25-delta call less put) and bf (their mean less atm):

    z = ln(K / F) / (atm sqrt T);   row = z, sqrt T, rr / atm, bf / atm, z rr / atm, z^2 bf / atm

Outputs, eight: the strike's implied volatility over atm. A feed with fewer strikes repeats one of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models._errors import ParameterOutOfRange
from models._export import load_weights
from models._marks_report import compare, deviation_days, evaluate, z_scores
from models._option_quotes import MAX_Z, MIN_YEARS, OptionQuotes, option_quotes
from models._registry import Array, Family, Fitted, Output, Report, Weights
from models._relu_net import ReluNet, products, relu_net, train_batches
from models._seeds import Trained, train_seeds

STRIKES: Final = 8
WIDTHS: Final = (6, 16, 16, 1)
MAX_YEARS: Final = 1.0
MAX_SKEW: Final = (-0.3, 0.2)
MAX_WINGS: Final = (-0.01, 0.07)
DOMAIN: Final = (
    (-MAX_Z, MAX_Z),
    (0.0625, 1.0),  # sqrt T
    MAX_SKEW,
    MAX_WINGS,
    (-0.9, 0.9),  # z rr / atm
    (-0.09, 0.63),  # z^2 bf / atm
)
CORNERS: Final = 90
CORNERS_SEED: Final = 6
# Of the days in order: trained on, then validated on; the rest is the test
TRAINED_SHARE: Final = 0.5
VALIDATED_SHARE: Final = 0.65
STEPS: Final = 12_000
RIDGE: Final = 1e-6
SIGNIFICANT: Final = 0.05
# A quote's own noise, as a share of atm, below its half spread
FLOOR: Final = 0.01
# A tenth of a volatility point at 100 %
MAX_ERROR: Final = 2e-4


def input_rows(z: Array, years: Array, skew: Array, wings: Array) -> Array:
    """Rows of 6; `skew` and `wings` are rr and bf over atm. Raises ParameterOutOfRange, for NaN too."""
    root = np.sqrt(np.maximum(years, 0.0))
    spans = (
        ("z", z, DOMAIN[0]),
        ("T", years, (MIN_YEARS, MAX_YEARS)),
        ("rr / atm", skew, MAX_SKEW),
        ("bf / atm", wings, MAX_WINGS),
    )
    for name, values, (low, high) in spans:
        outside = ~((values >= low) & (values <= high))
        if outside.any():
            raise ParameterOutOfRange(name, float(values[outside][0]), low, high)
    return np.stack([z, root, skew, wings, z * skew, z * z * wings], axis=1)


def quote_rows(quotes: OptionQuotes) -> Array:
    """Rows of 6 of real quotes, all of them inside the domain (see `in_domain`)."""
    return input_rows(quotes.z, quotes.years, quotes.skew / quotes.atm, quotes.wings / quotes.atm)


def in_domain(quotes: OptionQuotes) -> OptionQuotes:
    """The quotes that the net may be asked about."""
    skew, wings = quotes.skew / quotes.atm, quotes.wings / quotes.atm
    inside = (quotes.years >= MIN_YEARS) & (quotes.years <= MAX_YEARS)
    for values, (low, high) in ((skew, MAX_SKEW), (wings, MAX_WINGS)):
        inside &= (values >= low) & (values <= high)
    return quotes.where(inside)


def volatility(quotes: OptionQuotes, weights: Weights) -> Array:
    """Implied volatilities of these quotes' strikes."""
    return np.asarray(smile(quote_rows(quotes), weights) * quotes.atm)


class QuadraticSmile(nn.Module):
    """constant + linear . x + x' square x for each row x, `square` upper triangular."""

    square: Tensor
    linear: Tensor
    constant: Tensor

    def __init__(self) -> None:
        super().__init__()
        size = len(DOMAIN)
        for name, shape in (("square", (size, size)), ("linear", (size,)), ("constant", (1,))):
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, inputs: Tensor) -> Tensor:
        """Shape (rows, 1)."""
        return ((inputs @ self.square + self.linear) * inputs).sum(dim=1, keepdim=True) + self.constant


def smile(rows: Array, weights: Weights) -> Array:
    """Volatility over atm of rows of 6, by whichever form the weights are of."""
    if "square" not in weights:
        return relu_net(rows, weights)[:, 0]
    square, linear, constant = (weights[name].astype(np.float64) for name in ("square", "linear", "constant"))
    return np.asarray(np.einsum("ni,ij,nj->n", rows, square, rows) + rows @ linear + constant)


def module(weights: Weights) -> nn.Module:
    """The torch module of these weights, ready to export."""
    return load_weights(QuadraticSmile() if "square" in weights else ReluNet(WIDTHS), weights)


def reference(inputs: Array, weights: Weights) -> Array:
    """Outputs (n, 8) for inputs (n, 48)."""
    return smile(inputs.reshape(-1, len(DOMAIN)), weights).reshape(-1, STRIKES)


def least_squares(quotes: OptionQuotes) -> dict[str, NDArray[np.float32]]:
    """The quadratic form closest to the quotes, each counting by its precision, with a slight ridge."""
    rows, unit = quote_rows(quotes), precision(quotes)
    design = products(rows) * unit[:, None]
    scale = design.std(axis=0) + 1e-9
    scaled = design / scale
    ridge = RIDGE * len(rows) * np.eye(scaled.shape[1])
    target = quotes.volatility / quotes.atm * unit
    coefficients = (np.linalg.solve(scaled.T @ scaled + ridge, scaled.T @ target) / scale).astype(np.float32)
    size = rows.shape[1]
    square = np.zeros((size, size), dtype=np.float32)
    square[np.triu_indices(size)] = coefficients[size + 1 :]
    return {"constant": coefficients[:1], "linear": coefficients[1 : size + 1], "square": square}


def samples(count: int, seed: int) -> Array:
    """`count` inputs: corners of the box first, then smiles of one expiry with eight strikes each."""
    low, high = (np.array(bound) for bound in zip(*DOMAIN, strict=True))
    corners = min(count, CORNERS)
    chosen = np.random.default_rng(CORNERS_SEED).random((corners, STRIKES, len(DOMAIN))) < 0.5
    generator = np.random.default_rng(seed)
    smiles = count - corners
    z = np.sort(generator.uniform(-MAX_Z, MAX_Z, (smiles, STRIKES)), axis=1).ravel()
    shared = [generator.uniform(*span, smiles) for span in ((MIN_YEARS, MAX_YEARS), MAX_SKEW, MAX_WINGS)]
    years, skew, wings = (np.repeat(values, STRIKES) for values in shared)
    drawn = input_rows(z, years, skew, wings).reshape(smiles, -1)
    return np.concatenate([np.where(chosen, low, high).reshape(corners, -1), drawn])


def spans(quotes: OptionQuotes) -> tuple[OptionQuotes, OptionQuotes, OptionQuotes]:
    """Quotes to train on, to validate on and to test on: three spans of days, one after another."""
    days = np.unique(quotes.day)
    first_validated = days[int(len(days) * TRAINED_SHARE)]
    first_tested = days[int(len(days) * VALIDATED_SHARE)]
    return (
        quotes.where(quotes.day < first_validated),
        quotes.where((quotes.day >= first_validated) & (quotes.day < first_tested)),
        quotes.where(quotes.day >= first_tested),
    )


def precision(quotes: OptionQuotes) -> Array:
    """How much a quote's error counts: less the wider its two sides are apart."""
    return np.asarray(FLOOR / np.hypot(FLOOR, quotes.half_spread / quotes.atm))


def fit(data: Path) -> Fitted:
    """Least squares and five nets on the first half of the days. Raises DataMissing."""
    quotes = in_domain(option_quotes(data))
    known, held, _ = spans(quotes)
    inputs, targets, units = quote_rows(known), (known.volatility / known.atm)[:, None], precision(known)

    def loss(net: nn.Module) -> float:
        weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
        gaps = (volatility(held, weights) - held.volatility) / held.atm * precision(held)
        return float(np.sqrt(np.mean(gaps**2)) * 1e4)

    trained = train_seeds(
        lambda: ReluNet(WIDTHS),
        lambda net: train_batches(net, inputs, targets, units=units, steps=STEPS),
        loss,
    )
    return choose(quotes, trained)


def choose(quotes: OptionQuotes, trained: Trained) -> Fitted:
    """The best seed's net if it beats least squares on the test days, Diebold-Mariano p < .05; else least squares."""
    known, held, tested = spans(quotes)
    quadratic, net = least_squares(known), trained.weights[trained.best]
    scores = compare(tested, volatility(tested, net), volatility(tested, quadratic))
    wins = scores["net RMSE, bp"] < scores["least squares RMSE, bp"] and scores["p"] < SIGNIFICANT
    weights = net if wins else quadratic
    return Fitted(
        weights=weights,
        ships="net 6-16-16-1 on eight strikes" if wins else "quadratic form by least squares; the nets were no better",
        seed=trained.best if wins else None,
        seed_scores=trained.losses,
        sources=quotes.sources,
        constants={"deviation days": float(_deviation_days(quotes, held, tested, weights))} | scores,
    )


def _deviation_days(quotes: OptionQuotes, held: OptionQuotes, tested: OptionQuotes, weights: Weights) -> int:
    before = quotes.where(quotes.day < tested.day.min())
    return deviation_days(before, volatility(before, weights), before.day >= held.day.min())


def _scored(fitted: Fitted, data: Path) -> Report:
    quotes = in_domain(option_quotes(data))
    marks, tested = volatility(quotes, fitted.weights), spans(quotes)[2]
    chosen = quotes.day >= tested.day.min()
    scores = z_scores(quotes, marks, int(fitted.constants["deviation days"]))
    return evaluate(fitted, tested, marks[chosen], scores[chosen])


ABOUT: Final = """
**What it computes.** The implied volatility of eight strikes of one expiry, over the expiry's at-the-money volatility,
from the three numbers in which the market quotes a smile. The option's value, delta, gamma and vega follow on chain by
Black-76 (`contracts/libraries/Black76.sol`, exact to 1e-9 of the forward); a quote's z-score is its distance from the
mark over the deviation that such quotes had in the days before.

**Inputs and their source.** For each strike z = ln(K/F)/(atm sqrt T), sqrt T, rr/atm, bf/atm and the two products;
atm, rr and bf (25 delta) and the forward are signed by the publishers, strikes and expiry are the feed's
configuration.

**Domain.** |z| <= 3, T 2 days to 1 year, rr/atm -.3 to .2, bf/atm -.01 to .07; anything else is refused.
"""

FAMILY: Final = Family(
    name="option_marks",
    circuit_id="option-marks-8",
    title="Option marks, eight strikes of an expiry",
    about=ABOUT,
    module=module,
    reference=reference,
    samples=samples,
    domain=DOMAIN,
    outputs=(Output("volatility over atm", "atm", 1.0),),
    max_error=MAX_ERROR,
    rows=STRIKES,
    fit=fit,
    evaluate=_scored,
)
