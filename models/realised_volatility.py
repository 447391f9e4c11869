"""Volatility of the day to come from realised variance of the month behind: a net against HAR-RV and Parkinson EWMA.

Corsi (2009), "A simple approximate long-memory model of realized volatility"; Parkinson (1980); trained on QLIKE, which
ranks forecasts rightly under a noisy proxy (Patton 2011).

Inputs: the row of 8 that models/_rv_features.py defines, with each formula. Output: the volatility of the 24 hours to
come over that of the month behind, sqrt(M); never below .2. The forecast is output * sqrt(M), its square the variance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models._data import HourlySeries, hourly_candles
from models._export import load_weights, weights_of
from models._registry import Array, Bar, DataSource, Draw, Family, Fitted, Output, Report, Weights
from models._rv_features import COLUMNS, CUT, HOURS, PARKINSON, windows
from models._scores import EWMA_LAMBDA, diebold_mariano
from models._seeds import Trained, fit_adam, train_seeds

HIDDEN: Final = 16
FLOOR: Final = 0.2
SYMBOLS: Final = {"BTCUSDT": "Bitcoin", "ETHUSDT": "Ether"}
VALIDATION_FROM: Final = np.datetime64("2021-09-20")
TEST_FROM: Final = np.datetime64("2022-09-20")
# Windows every third hour: more would be nearly the same again
TRAIN_EVERY: Final = 3
REFIT_DAYS: Final = 63
DOMAIN: Final = ((0.0, 5.5), (0.0, 2.1), (0.0, CUT), (0.0, CUT), (0.0, CUT), (0.0, CUT), (0.0, 1.0), (0.0, 1.0))
NET: Final = "net 8-16-16-1"
LINEAR: Final = "HAR-RV in volatilities (the baseline: the net did not beat it on validation data)"
_STEPS: Final = 600
_RATE: Final = 5e-3
_DECAY: Final = 1e-2
_OUTLIER: Final = 50.0
_GROUPS: Final = 10
_TINY: Final = 1e-7


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


@dataclass(frozen=True, slots=True)
class Days:
    """Windows of one market with the realised variance that followed; `month`: M of each, which scales the output."""

    end: NDArray[np.int64]
    inputs: Array
    month: Array
    ahead: Array

    def between(self, first: np.datetime64 | None, last: np.datetime64 | None, every: int) -> Days:
        """Those every so many hours whose day to come lies in [first, last)."""
        keep = self.end % every == 0
        if first is not None:
            keep &= self.end >= _hour(first)
        if last is not None:
            keep &= self.end + HOURS < _hour(last)
        return Days(self.end[keep], self.inputs[keep], self.month[keep], self.ahead[keep])


def _hour(day: np.datetime64) -> int:
    return int(day.astype("datetime64[h]").astype(np.int64))


def load(series: HourlySeries, sigma_ref: float) -> Days:
    """Every hour with a complete month behind and a complete day ahead."""
    every = windows(series, sigma_ref)
    good = np.isfinite(every.ahead) & np.isfinite(every.month) & every.complete
    end = series.start.astype("datetime64[h]").astype(np.int64) + 1
    return Days(end[good], every.features[good], every.month[good], every.ahead[good])


def long_run_volatility(series: HourlySeries) -> float:
    """sigma_ref: root of the mean daily realised variance before the validation data."""
    month = windows(series, 1.0).month[series.start < VALIDATION_FROM]
    return float(np.sqrt(np.nanmean(month)))


def qlike(variance: Array, realised: Array) -> Array:
    """log h + RV/h of each day, variances in squared percent."""
    return np.asarray(np.log(variance * 1e4) + realised / variance)


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


def har_forecast(days: Days, first: np.datetime64, *, weekend: bool) -> Array:
    """HAR-RV in logarithms by least squares on all earlier days, refitted every 63 days, mean-corrected; from `first`.

    `weekend` adds the net's two calendar columns.
    """
    parts = [days.inputs[:, 0] ** 2 * days.month, days.inputs[:, 1] ** 2 * days.month, days.month]
    columns = [np.ones(len(days.end)), *(np.log(part + _TINY) for part in parts)]
    if weekend:
        columns += [days.inputs[:, 6], days.inputs[:, 7]]
    x, y = np.column_stack(columns), np.log(days.ahead + _TINY)
    begin = int(np.searchsorted(days.end, _hour(first)))
    out = np.zeros(len(x) - begin)
    for start in range(begin, len(x), REFIT_DAYS):
        # the last row's day ahead has not ended yet
        past = slice(0, start - 1)
        beta = np.linalg.lstsq(x[past], y[past], rcond=None)[0]
        correction = np.mean(np.exp(y[past] - x[past] @ beta))
        stop = min(start + REFIT_DAYS, len(x))
        out[start - begin : stop - begin] = np.exp(x[start:stop] @ beta) * correction
    return out


def parkinson_ewma(series: HourlySeries, ends: NDArray[np.int64], first: np.datetime64) -> Array:
    """EWMA(.94) of the calendar days' Parkinson variances from candles' highs and lows, at midnights `ends`.

    Scaled by the ratio of realised to Parkinson variance over the days before `first`.
    """
    hours = series.start.astype("datetime64[h]").astype(np.int64)
    begin = int(np.flatnonzero(hours % HOURS == 0)[0])
    count = (len(hours) - begin) // HOURS
    part = slice(begin, begin + count * HOURS)
    high, low = series.high[part].reshape(count, HOURS).max(1), series.low[part].reshape(count, HOURS).min(1)
    ranges = np.log(high / low) ** 2 / PARKINSON
    returns = np.zeros(len(series.close))
    returns[1:] = series.close[1:] / series.close[:-1] - 1.0
    realised = (returns[part] ** 2).reshape(count, HOURS).sum(1)
    midnights = hours[begin] + HOURS * np.arange(1, count + 1)
    before = midnights < _hour(first)
    h, path = float(np.mean(ranges[:DAYS_TO_START])), np.zeros(count)
    for day, value in enumerate(ranges):
        h = EWMA_LAMBDA * h + (1 - EWMA_LAMBDA) * value
        path[day] = h
    scale = float(np.mean(realised[before]) / np.mean(ranges[before]))
    return np.asarray(path[np.searchsorted(midnights, ends)] * scale)


DAYS_TO_START: Final = 30


@dataclass(frozen=True, slots=True)
class MarketScore:
    """One market's test days: what came, and each model's forecast."""

    name: str
    realised: Array
    forecasts: dict[str, Array]
    sources: tuple[DataSource, ...]

    def loss(self, model: str) -> Array:
        """QLIKE of each day."""
        return qlike(self.forecasts[model], self.realised)


SHIPPED: Final = "shipped"
HAR: Final = "HAR-RV"
HAR_WEEKEND: Final = "HAR-RV with weekends"
PARKINSON_EWMA: Final = "Parkinson EWMA(.94)"
YESTERDAY: Final = "yesterday's"


def evaluate(fitted: Fitted, data: Path) -> Report:
    """QLIKE of the days from 2022-09-20 on, forecast at midnight UTC, against every baseline."""
    scores = [_score(fitted, data, symbol) for symbol in SYMBOLS]
    bars = [_bar(one, baseline) for one in scores for baseline in (HAR, PARKINSON_EWMA, HAR_WEEKEND)]
    figures: dict[str, Draw] = {"calibration": partial(_draw, scores)}
    sources = tuple(source for one in scores for source in one.sources)
    return Report(tuple(bars), _scores_text(fitted, scores), LIMITS, sources, figures)


def _score(fitted: Fitted, data: Path, symbol: str) -> MarketScore:
    series = hourly_candles(data, symbol, early=True)
    days = load(series, fitted.constants[f"sigma_ref_{symbol}"]).between(None, None, HOURS)
    test = days.between(TEST_FROM, None, HOURS)
    forecasts = {
        SHIPPED: forecast(test, fitted.weights),
        HAR: har_forecast(days, TEST_FROM, weekend=False),
        HAR_WEEKEND: har_forecast(days, TEST_FROM, weekend=True),
        PARKINSON_EWMA: parkinson_ewma(series, test.end, TEST_FROM),
        YESTERDAY: np.maximum(test.inputs[:, 0] ** 2 * test.month, _TINY),
    }
    return MarketScore(SYMBOLS[symbol], test.ahead, forecasts, series.sources)


def _bar(one: MarketScore, baseline: str) -> Bar:
    compared = diebold_mariano(one.loss(SHIPPED), one.loss(baseline))
    base = float(np.mean(one.loss(baseline)))
    return Bar(
        f"QLIKE, {one.name}, {len(one.realised):,} days, against {baseline} (Diebold-Mariano p = "
        f"{compared.p_value:.3f})",
        float(np.mean(one.loss(SHIPPED))),
        base,
        low=base + compared.low,
        high=base + compared.high,
        baseline=base,
        baseline_name=baseline,
    )


def _scores_text(fitted: Fitted, scores: list[MarketScore]) -> str:
    names = list(scores[0].forecasts)
    lines = [
        "Realised variance of each day (24 squared hourly returns) against its forecast at midnight UTC, QLIKE =",
        "log h + RV/h in squared percent (smaller is better). The net saw nothing after 2021-09-20; HAR-RV is refitted",
        f"every {REFIT_DAYS} days on all earlier days. In brackets: the difference of what ships, with its 95 %",
        "interval (Diebold-Mariano, Newey-West).",
        "",
        f"| market | days | {' | '.join(names)} |",
        f"| --- | --- |{' --- |' * len(names)}",
    ]
    for one in scores:
        cells = []
        for name in names:
            compared = diebold_mariano(one.loss(SHIPPED), one.loss(name))
            bracket = f" ({compared.difference:+.4f}, {compared.low:+.4f} to {compared.high:+.4f})"
            cells.append(f"{np.mean(one.loss(name)):.4f}{'' if name == SHIPPED else bracket}")
        lines.append(f"| {one.name} | {len(one.realised):,} | {' | '.join(cells)} |")
    chosen = min(fitted.seed_scores.values())
    lines += [
        "",
        f"On validation data HAR-RV in volatilities, on the same inputs, has a QLIKE of "
        f"{fitted.constants['linear_validation_loss']:.4f}, the best net {chosen:.4f}: so the net ships.",
        "",
        f"**{HAR_WEEKEND}**, refitted and with the net's calendar columns, is the hardest baseline:",
        *(_weekend_line(one) for one in scores),
    ]
    return "\n".join(lines)


def _weekend_line(one: MarketScore) -> str:
    compared = diebold_mariano(one.loss(SHIPPED), one.loss(HAR_WEEKEND))
    which = "loses to" if compared.difference > 0 else "beats"
    return f"- {one.name}: what ships {which} it by {abs(compared.difference):.4f} (p = {compared.p_value:.3f})."


def _draw(scores: list[MarketScore], axes: Any) -> None:
    for one in scores:
        groups = np.array_split(np.argsort(one.forecasts[SHIPPED]), _GROUPS)
        x = [100 * np.sqrt(np.mean(one.forecasts[SHIPPED][group])) for group in groups]
        y = [100 * np.sqrt(np.mean(one.realised[group])) for group in groups]
        axes.plot(x, y, marker="o", markersize=3, linewidth=1, label=one.name)
    low, high = axes.get_xlim()
    axes.plot([low, high], [low, high], color="0.6", linewidth=0.8)
    axes.set_xlabel("forecast volatility of a day, %, by tenths of the days")
    axes.set_ylabel("realised, %")
    axes.legend(frameon=False)


LIMITS: Final = """- Two coins, one exchange; the weekend's effect is that of markets which trade all week.
- The day to come is the next 24 hours, nothing longer. Realised variance from hourly closes: jumps within an hour count
  by their hour's net move.
- The output never falls below .2 of the month's volatility. Features beyond the domain are cut at its edge: after a
  jump of 50 % the day's share of the month stands at most at sqrt(30).
- sigma_ref is the feed's configuration; a wrong one moves the level feature alone.
- Refused: fewer than 721 closes, prices not positive, a month in which nothing moved, more than 48 missing hours."""

ABOUT: Final = """
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
    title="Realised volatility of the next day",
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
