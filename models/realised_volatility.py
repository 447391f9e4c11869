"""Volatility of the day to come from realised variance of the month behind by a net: the challenger of models/har.py.

Corsi (2009), "A simple approximate long-memory model of realized volatility"; Parkinson (1980); trained on QLIKE, which
ranks forecasts rightly under a noisy proxy (Patton 2011).

Inputs: the row of 8 that models/_rv_features.py defines, with each formula. Output: the volatility of the 24 hours to
come over that of the month behind, sqrt(M); never below .2. The forecast is output * sqrt(M), its square the variance.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models._data import hourly_candles
from models._export import load_weights, weights_of
from models._registry import Array, Family, Fitted, Output, Report, Weights
from models._rv_baselines import REFIT_DAYS, har_forecast
from models._rv_days import SYMBOLS, TEST_FROM, VALIDATION_FROM, Days, load, long_run_volatility, qlike
from models._rv_features import COLUMNS, CUT, HOURS
from models._rv_report import (
    HAR,
    HAR_WEEKEND,
    NET,
    PARKINSON_EWMA,
    SHIPPED,
    Forecast,
    MarketScore,
    losses_table,
    rv_report,
    score_market,
)
from models._scores import diebold_mariano
from models._seeds import Trained, fit_adam, train_seeds

HIDDEN: Final = 16
FLOOR: Final = 0.2
# Windows every third hour: more would be nearly the same again
TRAIN_EVERY: Final = 3
DOMAIN: Final = ((0.0, 5.5), (0.0, 2.1), (0.0, CUT), (0.0, CUT), (0.0, CUT), (0.0, CUT), (0.0, 1.0), (0.0, 1.0))
LINEAR: Final = "HAR-RV in volatilities (the baseline: the net did not beat it on validation data)"
_STEPS: Final = 600
_RATE: Final = 5e-3
_DECAY: Final = 1e-2
_OUTLIER: Final = 50.0


class RealisedVolatilityNet(nn.Module):
    """Two hidden layers of 16, the output kept at or above .2."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(COLUMNS, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.out = nn.Linear(HIDDEN, 1)
        nn.init.constant_(self.out.bias, 0.9)

    def forward(self, inputs: Tensor) -> Tensor:
        """Ratio of volatilities, shape (rows, 1), for inputs of shape (rows, 8)."""
        hidden = torch.relu(self.second(torch.relu(self.first(inputs))))
        return torch.relu(self.out(hidden) - FLOOR) + FLOOR


class LinearHar(nn.Module):
    """HAR-RV on volatilities: one linear layer, the output kept at or above .2."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(COLUMNS, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Ratio of volatilities, shape (rows, 1), for inputs of shape (rows, 8)."""
        return torch.relu(self.out(inputs) - FLOOR) + FLOOR


def module(weights: Weights) -> nn.Module:
    """Whichever of the two these weights are of."""
    return load_weights(RealisedVolatilityNet() if "first.weight" in weights else LinearHar(), weights)


def ratio(inputs: Array, weights: Weights) -> Array:
    """The same by numpy, shape (n, 1)."""
    x = inputs
    for layer in ("first", "second"):
        if f"{layer}.weight" in weights:
            x = np.maximum(x @ weights[f"{layer}.weight"].T.astype(np.float64) + weights[f"{layer}.bias"], 0.0)
    return np.asarray(np.maximum(x @ weights["out.weight"].T.astype(np.float64) + weights["out.bias"], FLOOR))


def samples(count: int, seed: int) -> Array:
    """Corners of the domain first, then months of every kind: calm, wild, after a crash, and anything in the domain."""
    generator = np.random.default_rng(seed)
    low, high = (np.array(bound) for bound in zip(*DOMAIN, strict=True))
    rows = [low, high, *(np.where(generator.random(COLUMNS) < 0.5, low, high) for _ in range(62))]
    while len(rows) < count:
        if generator.random() < 0.25:
            rows.append(generator.uniform(low, high))
            continue
        day = np.exp(generator.normal(-0.2, 0.5))
        week = np.exp(generator.normal(-0.1, 0.3))
        ranges = [day, week] * np.exp(generator.normal(-0.1, 0.3, 2))
        level = np.exp(generator.normal(-0.2, 0.5))
        drop = max(0.0, generator.standard_t(3) * day)
        row = np.array([day, week, *ranges, level, drop, *generator.integers(0, HOURS + 1, 2) / HOURS])
        rows.append(np.clip(row, low, high))
    return np.array(rows[:count])


def fit(data: Path) -> Fitted:
    """The net on windows before 2021-09-20, its seed chosen on those up to 2022-09-20. Raises DataMissing."""
    series = {symbol: hourly_candles(data, symbol, early=True) for symbol in SYMBOLS}
    references = {symbol: long_run_volatility(one) for symbol, one in series.items()}
    markets = [load(one, references[symbol]) for symbol, one in series.items()]
    train = [one.between(None, VALIDATION_FROM, TRAIN_EVERY) for one in markets]
    validation = [one.between(VALIDATION_FROM, TEST_FROM, TRAIN_EVERY) for one in markets]
    linear = _train(LinearHar, train, validation, seeds=(1,))
    nets = _train(RealisedVolatilityNet, train, validation)
    beaten = nets.losses[nets.best] < linear.losses[1]
    return Fitted(
        weights=nets.weights[nets.best] if beaten else linear.weights[1],
        ships=NET if beaten else LINEAR,
        seed=nets.best,
        seed_scores=nets.losses,
        sources=tuple(source for one in series.values() for source in one.sources),
        constants={
            "linear_validation_loss": linear.losses[1],
            **{f"sigma_ref_{symbol}": value for symbol, value in references.items()},
        },
    )


def _train(
    make: Callable[[], nn.Module], train: list[Days], validation: list[Days], seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
) -> Trained:
    inputs = torch.tensor(np.concatenate([one.inputs for one in train]), dtype=torch.float32)
    relative = torch.tensor(np.concatenate([one.ahead / one.month for one in train]), dtype=torch.float32)

    def train_one(net: nn.Module) -> None:
        def loss() -> Tensor:
            variance = net(inputs).squeeze(1) ** 2
            return torch.mean(torch.log(variance) + torch.clamp(relative / variance, max=_OUTLIER))

        fit_adam(net, loss, steps=_STEPS, rate=_RATE, decay=_DECAY)

    def validation_loss(net: nn.Module) -> float:
        weights = weights_of(net)
        return float(np.mean(np.concatenate([qlike(forecast(one, weights), one.ahead) for one in validation])))

    return train_seeds(make, train_one, validation_loss, seeds)


def forecast(days: Days, weights: Weights) -> Array:
    """Variance of the day to come for each window."""
    return np.asarray(ratio(days.inputs, weights)[:, 0] ** 2 * days.month)


def evaluate(fitted: Fitted, data: Path) -> Report:
    """QLIKE of the days from 2022-09-20 on, forecast at midnight UTC, against every baseline."""
    scores = [_score(fitted, data, symbol) for symbol in SYMBOLS]
    return rv_report(scores, (HAR, PARKINSON_EWMA, HAR_WEEKEND), _scores_text(fitted, scores), LIMITS)


def _score(fitted: Fitted, data: Path, symbol: str) -> MarketScore:
    sigma_ref = fitted.constants[f"sigma_ref_{symbol}"]
    forecasts: dict[str, Forecast] = {
        SHIPPED: lambda _, test: forecast(test, fitted.weights),
        HAR_WEEKEND: lambda days, _: har_forecast(days, sigma_ref, TEST_FROM, weekend=True),
    }
    return score_market(symbol, sigma_ref, data, forecasts)


def _scores_text(fitted: Fitted, scores: list[MarketScore]) -> str:
    lines = [
        "Realised variance of each day (24 squared hourly returns) against its forecast at midnight UTC, QLIKE =",
        "log h + RV/h in squared percent (smaller is better). The net saw nothing after 2021-09-20; HAR-RV is refitted",
        f"every {REFIT_DAYS} days on all earlier days. In brackets: the difference of this net, with its 95 % interval",
        "(Diebold-Mariano, Newey-West).",
        "",
        *losses_table(scores),
    ]
    chosen = min(fitted.seed_scores.values())
    lines += [
        "",
        f"On validation data HAR-RV in volatilities, on the same inputs, has a QLIKE of "
        f"{fitted.constants['linear_validation_loss']:.4f}, the best net {chosen:.4f}.",
        "",
        f"**{HAR_WEEKEND}**, refitted, is the hardest baseline and ships as `har-vol-30d`; this is its challenger:",
        *(_weekend_line(one) for one in scores),
    ]
    return "\n".join(lines)


def _weekend_line(one: MarketScore) -> str:
    compared = diebold_mariano(one.loss(SHIPPED), one.loss(HAR_WEEKEND))
    which = "loses to" if compared.difference > 0 else "beats"
    return f"- {one.name}: the net {which} it by {abs(compared.difference):.4f} (p = {compared.p_value:.3f})."


LIMITS: Final = """- Two coins, one exchange; the weekend's effect is that of markets which trade all week.
- The day to come is the next 24 hours, nothing longer. Realised variance from hourly closes: jumps within an hour count
  by their hour's net move.
- The output never falls below .2 of the month's volatility. Features beyond the domain are cut at its edge: after a
  jump of 50 % the day's share of the month stands at most at sqrt(30).
- sigma_ref is the feed's configuration; a wrong one moves the level feature alone.
- Refused: fewer than 721 closes, prices not positive, a month in which nothing moved, more than 48 missing hours."""

ABOUT: Final = """
**Challenger**: HAR-RV with weekends (`har-vol-30d`) scores better and is the model that ships; this net stays measured.

**What it computes.** The volatility of the 24 hours to come over that of the 30 days behind, sqrt(M): multiply to get
the forecast. Reference: HAR-RV (Corsi 2009) and range variance (Parkinson 1980); trained on QLIKE.

**Inputs and their source.** Eight ratios from 721 hourly closes and their time, in the order and by the formulas of
`models/_rv_features.py`: root of the last day's and the last week's realised variance over M, the same of range
variance, sqrt(M) over the asset's long-run volatility (configuration), the last day's fall over sqrt(M), shares of
weekend in the day ahead and the day behind.

**Domain.** 0 to 5.5, 2.1, 8, 8, 8, 8, 1, 1.
"""

FAMILY: Final = Family(
    name="realised_volatility",
    circuit_id="realised-vol-30d",
    title="Realised volatility of the next day, by a net",
    about=ABOUT,
    module=module,
    reference=ratio,
    samples=samples,
    domain=DOMAIN,
    outputs=(Output("volatility", "of the month's volatility", 0.5),),
    max_error=5e-4,
    fit=fit,
    evaluate=evaluate,
)
