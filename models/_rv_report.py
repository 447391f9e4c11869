"""How forecasts of realised variance score against each other: QLIKE by market, bars, the figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from models._data import hourly_candles
from models._registry import Array, Bar, DataSource, Report
from models._rv_baselines import har_forecast, parkinson_ewma
from models._rv_days import SYMBOLS, TEST_FROM, Days, load, qlike
from models._rv_features import HOURS
from models._scores import diebold_mariano

Forecast = Callable[[Days, Days], Array]
"""Variances of the test days, from every day of the market and from those alone."""

_GROUPS: Final = 10
_TINY: Final = 1e-7
SHIPPED: Final = "shipped"
HAR: Final = "HAR-RV"
HAR_WEEKEND: Final = "HAR-RV with weekends"
NET: Final = "net 8-16-16-1"
PARKINSON_EWMA: Final = "Parkinson EWMA(.94)"
YESTERDAY: Final = "yesterday's"


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


def score_market(symbol: str, sigma_ref: float, data: Path, forecasts: Mapping[str, Forecast]) -> MarketScore:
    """The test days' losses of these forecasts, by name, and of the baselines beside them."""
    series = hourly_candles(data, symbol, early=True)
    days = load(series, sigma_ref).between(None, None, HOURS)
    test = days.between(TEST_FROM, None, HOURS)
    found = {
        **{name: forecast(days, test) for name, forecast in forecasts.items()},
        HAR: har_forecast(days, sigma_ref, TEST_FROM, weekend=False),
        PARKINSON_EWMA: parkinson_ewma(series, test.end, TEST_FROM),
        YESTERDAY: np.maximum(test.inputs[:, 0] ** 2 * test.month, _TINY),
    }
    return MarketScore(SYMBOLS[symbol], test.ahead, found, series.sources)


def rv_report(scores: list[MarketScore], baselines: Sequence[str], text: str, limits: str) -> Report:
    """The report of these markets: a bar against each baseline, the calibration's figure, every source."""
    bars = tuple(qlike_bar(one, baseline) for one in scores for baseline in baselines)
    sources = tuple(source for one in scores for source in one.sources)
    return Report(bars, text, limits, sources, {"calibration": partial(draw_calibration, scores)})


def qlike_bar(one: MarketScore, baseline: str) -> Bar:
    """QLIKE of what ships, against a baseline's."""
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


def losses_table(scores: list[MarketScore]) -> list[str]:
    """Lines of a table: every forecast's mean loss, in brackets how much better what ships is, with its interval."""
    names = list(scores[0].forecasts)
    lines = [f"| market | days | {' | '.join(names)} |", f"| --- | --- |{' --- |' * len(names)}"]
    for one in scores:
        cells = []
        for name in names:
            compared = diebold_mariano(one.loss(SHIPPED), one.loss(name))
            bracket = f" ({compared.difference:+.4f}, {compared.low:+.4f} to {compared.high:+.4f})"
            cells.append(f"{np.mean(one.loss(name)):.4f}{'' if name == SHIPPED else bracket}")
        lines.append(f"| {one.name} | {len(one.realised):,} | {' | '.join(cells)} |")
    return lines


def draw_calibration(scores: list[MarketScore], axes: Any) -> None:
    """Realised against forecast volatility, by tenths of the days."""
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
