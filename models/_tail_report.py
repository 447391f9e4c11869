"""How VaR and expected shortfall did on days that nothing was fitted to: every model, every test."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import t as student

from models._data import DailySeries, bitcoin_daily, ether_daily
from models._registry import Array, Bar, Draw, Fitted, Report
from models._scores import EWMA_LAMBDA, Comparison, diebold_mariano, walk_forward
from models._tail_net import ES975, Q99, Q975, TailDays, day_features, joined, multipliers, naive_quantile
from models._tail_tests import Coverage, coverage, fz0, pinball, shortfall_test

MARKETS: Final[dict[str, Callable[[Path], DailySeries]]] = {
    "Bitcoin": bitcoin_daily,
    "Ether": partial(ether_daily, early=True),
}
VALIDATION_FROM: Final = np.datetime64("2021-02-15")
TEST_FROM: Final = {"Bitcoin": np.datetime64("2022-02-15"), "Ether": np.datetime64("2022-09-20")}
FIRST_DAY: Final = 500
REFIT_EVERY: Final = 63
WINDOW: Final = 32
SHIPPED: Final = "GJR-N, 32 returns"
CORRECTED: Final = "GJR-N with the net's correction"
NAIVE: Final = "naive quantile net"
_P: Final = 0.05
_MIN_DAYS: Final = 1_000
_STANDARD_DRAWS: Final = 400_000
_LEVEL, _TAIL = 0.01, 0.025


@dataclass(frozen=True, slots=True)
class Tail:
    """A model's forecasts for the test days, as positive losses, and a sample of its standardised returns."""

    var99: Array
    var975: Array
    es975: Array
    standard: Array


@dataclass(frozen=True, slots=True)
class Tested:
    """One model on one market."""

    coverage: Coverage
    z2: float
    z2_p: float
    pinball: Array
    fz0: Array

    @property
    def passes(self) -> bool:
        """Coverage, independence, both, and the shortfall's size: all p above 5 %."""
        return self.coverage.passes and self.z2_p > _P


@lru_cache
def days_of(data: Path, name: str) -> TailDays:
    """A market's days from the 500th on: features and windowed GJR volatility, refitted walk-forward."""
    series = MARKETS[name](data)
    returns, days = series.returns, series.days[1:]
    sigma = np.full(len(returns), np.nan)
    sigma[FIRST_DAY:] = np.sqrt(walk_forward(returns, FIRST_DAY, REFIT_EVERY, WINDOW, leverage=True)[0])
    features = day_features(returns, sigma, days)
    part = slice(FIRST_DAY, None)
    recent = np.lib.stride_tricks.sliding_window_view(returns, WINDOW)[FIRST_DAY - WINDOW : -1]
    return TailDays(days[part], features[part], sigma[part], returns[part], recent)


def evaluate(fitted: Fitted, data: Path) -> Report:
    """Every test on at least 1,000 days of each coin. Raises DataMissing."""
    tested = {name: _tested(fitted, data, name) for name in MARKETS}
    returns = {name: days_of(data, name).between(TEST_FROM[name], None).returns for name in MARKETS}
    bars = [bar for name in MARKETS for bar in _bars(name, tested[name])]
    figures: dict[str, Draw] = {"hits": partial(_draw, tested)}
    sources = tuple(source for name in MARKETS for source in MARKETS[name](data).sources)
    return Report(tuple(bars), _scores_text(tested, returns), LIMITS, sources, figures)


def _tested(fitted: Fitted, data: Path, name: str) -> dict[str, Tested]:
    test = days_of(data, name).between(TEST_FROM[name], None)
    tails = {
        SHIPPED: _gaussian(test.sigma),
        CORRECTED: _corrected(test, fitted),
        **_baselines(MARKETS[name](data), name),
    }
    found = {model: _test(test.returns, tail) for model, tail in tails.items()}
    found[NAIVE] = _test(test.returns, _naive(data, test))
    return found


def _gaussian(sigma: Array) -> Tail:
    standard = np.random.default_rng(1).standard_normal(_STANDARD_DRAWS) / ES975
    return Tail(Q99 * sigma, Q975 * sigma, ES975 * sigma, standard)


def _corrected(test: TailDays, fitted: Fitted) -> Tail:
    factors = multipliers(test.features, fitted.weights)
    base = _gaussian(test.sigma)
    return Tail(base.var99 * factors[:, 0], base.var975 * factors[:, 1], base.es975 * factors[:, 1], base.standard)


def _naive(data: Path, test: TailDays) -> Tail:
    """The negative control; its shortfall by the Gaussian ratio."""
    every = [days_of(data, name) for name in MARKETS]
    train = joined([days.between(None, VALIDATION_FROM) for days in every])
    held = [days.between(VALIDATION_FROM, TEST_FROM[name]) for name, days in zip(MARKETS, every, strict=True)]
    return _gaussian(naive_quantile(train, joined(held), test) / Q99)


def _baselines(series: DailySeries, name: str) -> dict[str, Tail]:
    returns = series.returns
    first = int(np.searchsorted(series.days[1:], TEST_FROM[name]))
    sigma = np.sqrt(_ewma_path(returns)[first:])
    return {
        "GARCH-N": _gaussian(_refitted(returns, first, leverage=False, heavy=False)[0]),
        "GARCH-t": _student(*_refitted(returns, first, leverage=False, heavy=True)),
        "GJR-t": _student(*_refitted(returns, first, leverage=True, heavy=True)),
        "EWMA-t4": _student(sigma, np.full(len(sigma), 4.0)),
    }


def _ewma_path(returns: Array) -> Array:
    h, path = float(np.mean(returns[:WINDOW] ** 2)), np.zeros(len(returns))
    for day, r in enumerate(returns):
        path[day] = h
        h = EWMA_LAMBDA * h + (1 - EWMA_LAMBDA) * r * r
    return path


def _student(sigma: Array, freedom: Array) -> Tail:
    """Forecasts under Student's t of unit variance."""
    unit = np.sqrt((freedom - 2) / freedom)
    q99, q975 = -student.ppf(_LEVEL, freedom), -student.ppf(_TAIL, freedom)
    es975 = student.pdf(q975, freedom) / _TAIL * (freedom + q975**2) / (freedom - 1)
    typical = float(np.mean(freedom))
    standard = np.random.default_rng(1).standard_t(typical, _STANDARD_DRAWS) / float(np.mean(es975))
    return Tail(q99 * unit * sigma, q975 * unit * sigma, es975 * unit * sigma, standard)


def _refitted(returns: Array, first: int, *, leverage: bool, heavy: bool) -> tuple[Array, Array]:
    """Full-history volatilities from `first` on, refitted every 63 days, and degrees of freedom."""
    from arch import arch_model  # noqa: PLC0415  (takes a second to import)

    sigma, freedom = np.zeros(len(returns) - first), np.full(len(returns) - first, np.inf)
    h, omega, alpha, beta, gamma, nu = (0.0,) * 6
    for t in range(first, len(returns)):
        if (t - first) % REFIT_EVERY == 0:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model: Any = arch_model(
                    100 * returns[:t],
                    mean="Zero",
                    vol="GARCH",
                    p=1,
                    o=int(leverage),
                    q=1,
                    dist="t" if heavy else "normal",
                    rescale=False,
                )
                fit = model.fit(disp="off", show_warning=False)
            omega, alpha, beta = (float(fit.params[key]) for key in ("omega", "alpha[1]", "beta[1]"))
            gamma = float(fit.params["gamma[1]"]) if leverage else 0.0
            nu = float(fit.params["nu"]) if heavy else np.inf
            h = float(fit.forecast(horizon=1).variance.to_numpy()[-1, 0])
        sigma[t - first], freedom[t - first] = np.sqrt(h) / 100, nu
        r = 100 * returns[t]
        h = omega + (alpha + gamma * (r < 0)) * r * r + beta * h
    return sigma, freedom


def _test(returns: Array, tail: Tail) -> Tested:
    z2, p = shortfall_test(returns, tail.var975, tail.es975, _TAIL, tail.standard)
    losses = fz0(returns, tail.var975, tail.es975, _TAIL)
    return Tested(coverage(returns, tail.var99, _LEVEL), z2, p, pinball(returns, tail.var99, _LEVEL), losses)


def _best_passing(tested: dict[str, Tested], without: tuple[str, ...] = (CORRECTED, NAIVE)) -> tuple[str, float]:
    """The baseline of the smallest pinball loss among those that pass every test."""
    means = {name: float(np.mean(one.pinball)) for name, one in tested.items() if one.passes and name not in without}
    if not means:
        return "no baseline passes", float("inf")
    best = min(means, key=lambda name: means[name])
    return best, means[best]


def _bars(name: str, tested: dict[str, Tested]) -> list[Bar]:
    one = tested[SHIPPED]
    best, limit = _best_passing(tested, (SHIPPED, CORRECTED, NAIVE))
    gap = diebold_mariano(one.pinball, tested[best].pinball) if best in tested else Comparison(0.0, 0.0, 0.0, 1.0)
    label = f"{name}, {one.coverage.days:,} days"
    return [
        Bar(f"out-of-sample days, {name}", one.coverage.days, _MIN_DAYS, "at least"),
        Bar(
            f"p of Kupiec's coverage, VaR99, {label} ({one.coverage.hits} hits)",
            one.coverage.unconditional,
            _P,
            "at least",
        ),
        Bar(f"p of independence, VaR99, {label}", one.coverage.independence, _P, "at least"),
        Bar(f"p of conditional coverage, VaR99, {label}", one.coverage.conditional, _P, "at least"),
        Bar(f"p of Acerbi-Szekely Z2, ES97.5, {label}", one.z2_p, _P, "at least"),
        Bar(
            f"pinball loss, VaR99, {label}",
            float(np.mean(one.pinball)),
            limit,
            low=limit + gap.low,
            high=limit + gap.high,
            baseline=limit,
            baseline_name=f"{best}, the best other that passes",
        ),
        Bar(f"negative control: p of Kupiec's coverage, {NAIVE}, {label}", tested[NAIVE].coverage.unconditional, _P),
    ]


def _scores_text(tested: dict[str, dict[str, Tested]], returns: dict[str, Array]) -> str:
    lines = [
        f"One-day forecasts, refitted every {REFIT_EVERY} days on all earlier days. p values: Kupiec (uc),",
        "independence (ind), conditional coverage (cc), Acerbi-Szekely's Z2; pinball loss at 1 % in percent with the",
        "difference to what ships and its 95 % interval (Diebold-Mariano, Newey-West); FZ0 at 2.5 %.",
    ]
    for name, models in tested.items():
        days = len(returns[name])
        lines += [
            "",
            f"**{name}**, {days:,} days from {TEST_FROM[name]}: {_LEVEL * days:.0f} hits expected.",
            "",
            "| model | hits | uc | ind | cc | Z2 (p) | pinball | FZ0 | passes |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *(_row(model, one, models[SHIPPED]) for model, one in models.items()),
        ]
    return "\n".join([*lines, "", _verdict(tested)])


def _row(model: str, one: Tested, shipped: Tested) -> str:
    gap = diebold_mariano(one.pinball, shipped.pinball)
    bracket = "" if one is shipped else f" ({gap.difference:+.4f}, {gap.low:+.4f} to {gap.high:+.4f})"
    c = one.coverage
    return (
        f"| {model}{', ships' if one is shipped else ''} | {c.hits} | {c.unconditional:.3f} | {c.independence:.3f} "
        f"| {c.conditional:.3f} | {one.z2:+.3f} ({one.z2_p:.3f}) | {np.mean(one.pinball):.4f}{bracket} "
        f"| {np.mean(one.fz0):.4f} | {'yes' if one.passes else 'no'} |"
    )


def _verdict(tested: dict[str, dict[str, Tested]]) -> str:
    """Why the correction does not ship, or that it should."""
    reasons = []
    for name, models in tested.items():
        one, (best, limit) = models[CORRECTED], _best_passing(models)
        if not one.passes:
            reasons.append(f"on {name} it fails a test above")
        if float(np.mean(one.pinball)) > limit:
            reasons.append(f"on {name} its pinball loss is above that of {best}")
    if reasons:
        return f"**The net's correction does not ship**: {'; '.join(reasons)}. The baseline ships in its place."
    return "**The net's correction passes every test on both coins**: it should take the baseline's place."


def _draw(tested: dict[str, dict[str, Tested]], axes: Any) -> None:
    """Share of days beyond VaR99 for every model, against 1 %."""
    width = 0.8 / len(tested)
    for position, (name, models) in enumerate(tested.items()):
        shares = [100 * one.coverage.hits / one.coverage.days for one in models.values()]
        axes.bar(np.arange(len(models)) + position * width, shares, width, label=name)
    axes.axhline(1.0, color="0.4", linewidth=0.8)
    labels = [model.replace(" with the net's correction", ", net").replace(" quantile net", "") for model in models]
    axes.set_xticks(np.arange(len(labels)) + 0.3, labels, rotation=20, ha="right", fontsize=8)
    axes.set_ylabel("days beyond VaR99, %")
    axes.legend(frameon=False)


LIMITS: Final = """- Gaussian multiples of a GJR volatility: the tail's shape does not move, only its scale. In calm
  years this was enough for coins; after a break in the market's habits the first hits come before the volatility does.
- About 15 hits in 1,460 days: the tests have little power, and one pair of hits in a row decides independence.
- One step ahead is what is tested. A horizon of k steps is the average variance times k, without fat tails of its own.
- The window is 32 steps, parameters are fitted beforehand and fixed by the feed's configuration, alpha at least .01.
- Refused as for `gjr-vol-32`: flat series, prices not positive, a gap in the window, alpha + gamma/2 + beta >= 1. A
  jump of 50 % in a day stands in the window as what it is, up to 32 sigma_ref."""
