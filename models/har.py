"""Volatility of the day to come by HAR-RV in logarithms with weekends; an asset's parameters are inputs, as GARCH's.

Corsi (2009), "A simple approximate long-memory model of realized volatility"; in logarithms, Andersen, Bollerslev and
Diebold (2007). It beats the net of models/realised_volatility.py, so it ships and the net is its challenger.

Inputs, a row of 11: the five of models/_rv_baselines.py (three logarithms of realised variances in units of
sigma_ref^2, computed on chain; two shares of weekend), the five coefficients in that order, the constant. Output:

    ln(h/sigma_ref^2) = constant + day x_0 + week x_1 + month x_2 + weekend_ahead x_3 + weekend_behind x_4

The exponential is taken outside: volatility = sigma_ref exp(output / 2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models import realised_volatility
from models._data import hourly_candles
from models._errors import ParameterOutOfRange
from models._export import committed
from models._registry import Array, CircuitShape, DataSource, Family, Fitted, Output, Report
from models._rv_baselines import COLUMNS, FLOOR, LOGS, REFIT_DAYS, fit_har, har_forecast, log_rows
from models._rv_days import SYMBOLS, TEST_FROM, VALIDATION_FROM, load, long_run_volatility, qlike
from models._rv_features import CUT, DAYS, HOURS, WEEK
from models._rv_report import (
    HAR,
    NET,
    PARKINSON_EWMA,
    SHIPPED,
    Forecast,
    MarketScore,
    losses_table,
    rv_report,
    score_market,
)

INPUTS: Final = 2 * COLUMNS + 1
LOWEST: Final = float(np.log(FLOOR))
# The month's volatility is below eight times sigma_ref; a day's variance at most thirty months' mean, a week's 30/7
MONTH_MOST: Final = float(np.log(CUT**2 + FLOOR))
DAY_MOST: Final = float(np.log(DAYS * CUT**2 + FLOOR))
WEEK_MOST: Final = float(np.log(DAYS / WEEK * CUT**2 + FLOOR))
LOG_DOMAIN: Final = ((LOWEST, DAY_MOST), (LOWEST, WEEK_MOST), (LOWEST, MONTH_MOST))
COEFFICIENT: Final = (-2.0, 2.0)
CONSTANT: Final = (-4.0, 4.0)
NAMES: Final = ("day", "week", "month", "weekend_ahead", "weekend_behind", "constant")
DOMAIN: Final = (*LOG_DOMAIN, *[(0.0, 1.0)] * 2, *[COEFFICIENT] * COLUMNS, CONSTANT)
# ln 1.001 = 1e-3: half of it is the volatility's relative error
MAGNITUDE: Final = 1.0
MAX_ERROR: Final = 5e-4
SHIPS: Final = "HAR-RV in logarithms with weekends, parameters are inputs (the baseline: it beats the net)"

# Values reach 67 * 2^36 (three logarithms below 9.8, each times 2, and 8 more); the decomposition holds 2^45
SHAPE: Final = CircuitShape(
    input_scale=18, scale_rebase_multiplier=2, decomp_base=512, decomp_legs=5, num_inner_cols=1, logrows=10
)


class HarVolatility(nn.Module):
    """One dot product of what was observed with the coefficients."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Output of shape (1, 1) for inputs of shape (1, 11)."""
        observed, coefficients = inputs[:, torch.arange(COLUMNS)], inputs[:, torch.arange(COLUMNS, 2 * COLUMNS)]
        constant = inputs[:, 2 * COLUMNS]
        return (torch.matmul(observed, coefficients.reshape(-1, 1)).reshape(1) + constant).reshape(1, 1)


def reference(inputs: Array) -> Array:
    """The sum, term by term, shape (n, 1)."""
    total = inputs[:, -1].copy()
    for column in range(COLUMNS):
        total += inputs[:, column] * inputs[:, COLUMNS + column]
    return np.asarray(total[:, None])


def input_row(observed: Array, coefficients: Array) -> Array:
    """One row: what was observed (models/_rv_baselines.py), then `fit_har`'s coefficients and constant.

    Raises ParameterOutOfRange, also where the logarithms' coefficients sum to 1 or more: such a model has no mean.
    """
    for name, value in zip(NAMES, coefficients, strict=True):
        low, high = CONSTANT if name == "constant" else COEFFICIENT
        if not low <= value <= high:
            raise ParameterOutOfRange(name, float(value), low, high)
    persistence = float(np.sum(coefficients[:LOGS]))
    if not persistence < 1:
        raise ParameterOutOfRange("day + week + month", persistence, 0.0, 1.0)
    return np.concatenate([observed, coefficients])


def samples(count: int, seed: int) -> Array:
    """Corners of the domain first, then markets calm and wild under parameters as they are fitted, then anything."""
    generator = np.random.default_rng(seed)
    low, high = (np.array(bound) for bound in zip(*DOMAIN, strict=True))
    rows = [low, high, *(np.where(generator.random(INPUTS) < 0.5, low, high) for _ in range(62))]
    while len(rows) < count:
        if generator.random() < 0.25:
            rows.append(generator.uniform(low, high))
            continue
        month = generator.normal(-1.0, 1.0)
        week = month + generator.normal(-0.2, 0.5)
        logs = [week + generator.normal(-0.2, 0.8), week, month]
        weekend = generator.integers(0, HOURS + 1, 2) / HOURS
        shares = generator.dirichlet((2.0, 2.0, 1.0)) * generator.uniform(0.5, 1.0)
        row = np.array([*logs, *weekend, *shares, *generator.normal(0, 0.5, 2), generator.normal(0, 0.5)])
        rows.append(np.clip(row, low, high))
    return np.array(rows[:count])


def fit(data: Path) -> Fitted:
    """No weights; `constants` hold each market's parameters as of its last day, and the losses on validation days.

    Raises DataMissing.
    """
    constants: dict[str, float] = {}
    net, sources = committed(realised_volatility.FAMILY), list[DataSource]()
    for symbol in SYMBOLS:
        series = hourly_candles(data, symbol, early=True)
        sigma_ref = long_run_volatility(series)
        days = load(series, sigma_ref).between(None, None, HOURS)
        found = fit_har(log_rows(days, sigma_ref), days.ahead / sigma_ref**2)
        constants |= {f"{name}_{symbol}": float(value) for name, value in zip(NAMES, found, strict=True)}
        held = days.between(VALIDATION_FROM, TEST_FROM, HOURS)
        path = har_forecast(days.between(None, TEST_FROM, HOURS), sigma_ref, VALIDATION_FROM, weekend=True)
        constants[f"sigma_ref_{symbol}"] = sigma_ref
        constants[f"validation_loss_{symbol}"] = float(np.mean(qlike(path, held.ahead)))
        by_net = realised_volatility.forecast(held, net.weights)
        constants[f"validation_loss_net_{symbol}"] = float(np.mean(qlike(by_net, held.ahead)))
        sources += series.sources
    return Fitted(ships=SHIPS, sources=tuple(sources), constants=constants)


def evaluate(fitted: Fitted, data: Path) -> Report:
    """QLIKE of the days from 2022-09-20 on, forecast at midnight UTC, against the net and every baseline."""
    scores = [_score(fitted, data, symbol) for symbol in SYMBOLS]
    return rv_report(scores, (HAR, PARKINSON_EWMA, NET), _scores_text(fitted, scores), LIMITS)


def _score(fitted: Fitted, data: Path, symbol: str) -> MarketScore:
    sigma_ref, net = fitted.constants[f"sigma_ref_{symbol}"], committed(realised_volatility.FAMILY).weights
    forecasts: dict[str, Forecast] = {
        SHIPPED: lambda days, _: har_forecast(days, sigma_ref, TEST_FROM, weekend=True),
        NET: lambda _, test: realised_volatility.forecast(test, net),
    }
    return score_market(symbol, sigma_ref, data, forecasts)


def _scores_text(fitted: Fitted, scores: list[MarketScore]) -> str:
    found = fitted.constants
    lines = [
        "Realised variance of each day (24 squared hourly returns) against its forecast at midnight UTC, QLIKE =",
        f"log h + RV/h in squared percent (smaller is better), refitted every {REFIT_DAYS} days on all earlier days.",
        "In brackets: the difference of what ships, with its 95 % interval (Diebold-Mariano, Newey-West).",
        "",
        *losses_table(scores),
        "",
        "On the validation year before, on which the net's seed was chosen, neither is ahead on both coins: the net",
        "does not beat its baseline, so the baseline ships.",
        "",
        *(
            f"- {name}: {found[f'validation_loss_{symbol}']:.4f}, the net {found[f'validation_loss_net_{symbol}']:.4f}."
            for symbol, name in SYMBOLS.items()
        ),
        "",
        "Parameters fitted to all days (a feed's configuration; a refit is another module, not another circuit):",
        "",
        f"| market | sigma_ref | {' | '.join(NAMES)} |",
        f"| --- | --- |{' --- |' * len(NAMES)}",
        *(
            f"| {title} | {found[f'sigma_ref_{symbol}']:.5f} | "
            f"{' | '.join(f'''{found[f'{name}_{symbol}']:.4f}''' for name in NAMES)} |"
            for symbol, title in SYMBOLS.items()
        ),
    ]
    return "\n".join(lines)


LIMITS: Final = """- Two coins, one exchange; the weekend's effect is that of markets which trade all week.
- The day to come is the next 24 hours, nothing longer. Realised variance from hourly closes: jumps within an hour count
  by their hour's net move.
- Parameters age: the scores are those of a refit every 63 days.
- A day without a move has the logarithm of 2^-14 of sigma_ref^2, .8 % of sigma_ref.
- Refused: fewer than 721 closes, prices not positive, a month in which nothing moved, a month above eight times
  sigma_ref, logarithms' coefficients that sum to 1 or more."""

ABOUT: Final = """
**What it computes.** ln(h/sigma_ref^2), h the variance of the 24 hours to come: one dot product. The volatility is
sigma_ref exp(output / 2), taken on chain outside the circuit. Reference: HAR-RV (Corsi 2009) in logarithms.

**Inputs and their source.** Eleven. From 721 hourly closes and their time, on chain: logarithms of the last day's, the
last week's mean and the month's mean realised variance over sigma_ref^2, 2^-14 added; shares of weekend in the day
ahead and the day behind. From the feed's configuration: their five coefficients and the constant.

**Domain.** Logarithms -9.7 to 7.6, 5.7 and 4.2; shares 0 to 1; coefficients within 2, constant within 4; the first
three coefficients sum to less than 1.
"""

FAMILY: Final = Family(
    name="har",
    circuit_id="har-vol-30d",
    title="Realised volatility of the next day, HAR-RV with weekends",
    about=ABOUT,
    module=lambda _: HarVolatility(),
    reference=lambda inputs, _: reference(inputs),
    samples=samples,
    domain=DOMAIN,
    outputs=(Output("log variance", "ln of sigma_ref^2", MAGNITUDE, "exponential"),),
    max_error=MAX_ERROR,
    shape=SHAPE,
    fit=fit,
    evaluate=evaluate,
)
