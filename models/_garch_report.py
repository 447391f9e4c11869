"""How GARCH and GJR-GARCH forecast real days: QLIKE against EWMA, `arch` and the published DEM/GBP fit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from models._data import DailySeries, bitcoin_daily, daily_series, dem_gbp, ether_daily
from models._registry import Array, Bar, DataSource, Draw, Fitted, Report
from models._scores import Comparison, GarchFit, diebold_mariano, ewma, qlike, walk_forward

FIRST_DAY: Final = 1_000
FIRST_DAY_SHORT: Final = 730
SHORT_SERIES: Final = 2_000
REFIT_EVERY: Final = 63
WINDOW: Final = 32
FLOAT_BUDGET: Final = 1e-6
# Fiorentini, Calzolari and Panattoni (1996): alpha and beta of the DEM/GBP benchmark
BENCHMARK: Final = {"omega": 0.0107613, "alpha[1]": 0.153134, "beta[1]": 0.805974}
_BENCHMARK_BUDGET: Final = 1e-4
_GROUPS: Final = 10


@dataclass(frozen=True, slots=True)
class DayScore:
    """One market's out-of-sample days: forecasts and their losses."""

    series: DailySeries
    realised: Array
    windowed: Array
    losses: dict[str, Array]

    @property
    def against_ewma(self) -> Comparison:
        """The windowed forecast against EWMA(.94)."""
        return diebold_mariano(self.losses["windowed"], self.losses["EWMA(.94)"])


def evaluate(_: Fitted, data: Path, *, leverage: bool = False) -> Report:
    """Walk-forward scores on every market at hand; raises DataMissing without the coins' files."""
    bitcoin_daily(data), ether_daily(data)
    scores = [score(series, leverage=leverage) for series in daily_series(data)]
    benchmark, benchmark_source = _benchmark_gap(data)
    bars = [
        Bar("float against `arch`, largest relative difference", arch_gap(leverage=leverage), FLOAT_BUDGET),
        Bar("DEM/GBP benchmark, largest gap to the published parameters", benchmark, _BENCHMARK_BUDGET),
        *(_qlike_bar(one) for one in scores[1:]),
    ]
    sources = (*(source for one in scores for source in one.series.sources), benchmark_source)
    figures: dict[str, Draw] = {"calibration": partial(_draw_calibration, scores)}
    return Report(tuple(bars), _scores_text(scores, leverage=leverage), _limits(leverage=leverage), sources, figures)


def score(series: DailySeries, *, leverage: bool) -> DayScore:
    """Losses of the circuit's forecast, of EWMA and of the full history's, day by day."""
    returns = series.returns
    first = FIRST_DAY if len(returns) > SHORT_SERIES else FIRST_DAY_SHORT
    realised = returns[first:]
    windowed, full = walk_forward(returns, first, REFIT_EVERY, WINDOW, leverage=leverage)
    forecasts = {"windowed": windowed, "EWMA(.94)": ewma(returns, first), "full": full}
    if leverage:
        forecasts["GARCH"] = walk_forward(returns, first, REFIT_EVERY, WINDOW)[0]
    losses = {name: qlike(forecast, realised) for name, forecast in forecasts.items()}
    return DayScore(series, realised, windowed, losses)


def _qlike_bar(one: DayScore) -> Bar:
    mean, baseline = float(np.mean(one.losses["windowed"])), float(np.mean(one.losses["EWMA(.94)"]))
    compared = one.against_ewma
    return Bar(
        f"QLIKE, {one.series.name}, {len(one.realised):,} days (Diebold-Mariano p = {compared.p_value:.3f})",
        mean,
        baseline,
        low=baseline + compared.low,
        high=baseline + compared.high,
        baseline=baseline,
        baseline_name="EWMA(.94)",
    )


def arch_gap(*, leverage: bool) -> float:
    """Largest relative difference between `arch`'s conditional variances and ours over 2,000 simulated days."""
    from arch import arch_model  # noqa: PLC0415  (takes a second to import)

    x = np.random.default_rng(7).standard_t(5, 2_000) * np.sqrt(0.6)
    fit = GarchFit(0.03, 0.05, 0.88, 0.08 if leverage else 0.0)
    values = [fit.omega, fit.alpha, *([fit.gamma] if leverage else []), fit.beta]
    model: Any = arch_model(x, mean="Zero", vol="GARCH", p=1, o=int(leverage), q=1, rescale=False)
    variances = model.fix(values).conditional_volatility ** 2
    h, gaps = float(variances[0]), []
    for r, expected in zip(x[:-1], variances[1:], strict=True):
        h = fit.step(h, float(r), 1.0)
        gaps.append(abs(h / expected - 1.0))
    return float(max(gaps))


def _benchmark_gap(data: Path) -> tuple[float, DataSource]:
    """The DEM/GBP fit, its presample variance the sample's, against the published one."""
    from arch import arch_model  # noqa: PLC0415

    returns, source = dem_gbp(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1, rescale=False)
        fit = model.fit(disp="off", show_warning=False, backcast=float(np.var(returns)))
    return max(abs(float(fit.params[name]) - value) for name, value in BENCHMARK.items()), source


def _scores_text(scores: list[DayScore], *, leverage: bool) -> str:
    model = "GJR-GARCH" if leverage else "GARCH"
    extra = " GARCH, 32 returns |" if leverage else ""
    lines = [
        "Next day's variance against its squared return, QLIKE = log h + r^2/h in percent (smaller is better).",
        f"{model} is refitted every {REFIT_EVERY} days on all earlier days and sees the last {WINDOW} returns, as the",
        "circuit does; nothing sees the day it forecasts. In brackets the difference to EWMA(.94) and its 95 %",
        "interval (Diebold-Mariano, Newey-West); p is that test's.",
        "",
        f"| market | days scored | {model}, 32 returns | EWMA(.94) | {model}, full history |{extra} p against EWMA |",
        f"| --- | --- | --- | --- | --- |{' --- |' if leverage else ''} --- |",
    ]
    for one in scores:
        means = {name: f"{float(np.mean(loss)):.4f}" for name, loss in one.losses.items()}
        compared = one.against_ewma
        bracket = f"{compared.difference:+.4f}, {compared.low:+.4f} to {compared.high:+.4f}"
        other = f" {means['GARCH']} |" if leverage else ""
        lines.append(
            f"| {one.series.name} | {len(one.realised):,} | {means['windowed']} ({bracket}) | {means['EWMA(.94)']} "
            f"| {means['full']} |{other} {compared.p_value:.3f} |"
        )
    return "\n".join(lines)


def _draw_calibration(scores: list[DayScore], axes: Any) -> None:
    """Days grouped by forecast: the forecast volatility of each tenth against what followed."""
    for one in scores:
        order = np.argsort(one.windowed)
        groups = np.array_split(order, _GROUPS)
        forecast = [100 * np.sqrt(np.mean(one.windowed[group])) for group in groups]
        realised = [100 * np.sqrt(np.mean(one.realised[group] ** 2)) for group in groups]
        axes.plot(forecast, realised, marker="o", markersize=3, linewidth=1, label=one.series.name)
    low, high = axes.get_xlim()
    axes.plot([low, high], [low, high], color="0.6", linewidth=0.8)
    axes.set_xlabel("forecast volatility of a day, %, by tenths of the days")
    axes.set_ylabel("realised, %")
    axes.legend(frameon=False)


def _limits(*, leverage: bool) -> str:
    first = (
        "- Leverage is the window's: gamma is fitted beforehand and fixed by the feed's configuration."
        if leverage
        else "- Symmetric: a fall and a rise of one size raise the forecast alike (GJR does not)."
    )
    persistence = "alpha + beta + gamma/2" if leverage else "alpha + beta"
    return f"""{first}
- The window is 32 steps: with persistence .99 about a fifth of the weight lies on h0, the window's own mean square.
- Gaussian quasi-likelihood. Parameters are fitted before the feed starts and stay until its owner changes them.
- Returns beyond 32 sigma_ref are cut at 32.
- A gap longer than the feed's limit starts a new segment: no answer until 33 observations are in it. Shorter gaps count
  as one step.
- Refused: flat series, series whose variance is one jump, prices not positive, fewer than 250 prices to fit on,
  {persistence} >= 1. A fit outside the domain is moved to its edge, its long-run variance set to the sample's.
"""
