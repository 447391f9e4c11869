"""How the risk weight ranks weeks by their largest loss, year by year on years its fold never saw, against EWMA."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import spearmanr

from models._registry import Array, Bar, Draw, Fitted, Report
from models._risk_weight_data import TAIL, LossWindows, coin_losses
from models._risk_weight_net import FALLBACK, HIGHEST, LAMBDA, LOWEST, shortfalls, weight
from models._risk_weight_training import EVERY_HOURS, LINEAR, TEST_YEAR, Fold, market_of, train_fold

FIRST_YEAR: Final = 2020
LEAST_CORRELATION: Final = 0.3
BLOCK: Final = 28
RESAMPLINGS: Final = 500
FUZZED: Final = 20_000
FORMS: Final = ("linear", "net")


@dataclass(frozen=True, slots=True)
class CoinRanks:
    """One coin's scored days: weights by each form, the EWMA ratio, and what came (columns by name)."""

    coin: str
    weights: dict[str, Array]
    shortfall: dict[str, Array]
    ewma: Array
    came: dict[str, Array]
    days: Array

    def correlation(self, form: str, name: str = "largest 24-hour loss") -> float:
        """Spearman's rank correlation of weight and loss."""
        return float(spearmanr(self.weights[form], self.came[name]).statistic)

    def ewma_correlation(self, name: str = "largest 24-hour loss") -> float:
        """That of the EWMA ratio."""
        return float(spearmanr(self.ewma, self.came[name]).statistic)

    def interval(self, figure: Callable[[Any], float]) -> tuple[float, float]:
        """95 % interval of a figure of row numbers, by blocks of 28 days."""
        generator = np.random.default_rng(1)
        n = len(self.ewma)
        found = []
        for _ in range(RESAMPLINGS):
            starts = generator.integers(0, n, -(-n // BLOCK))
            found.append(figure(((starts[:, None] + np.arange(BLOCK)) % n).ravel()))
        low, high = np.quantile(found, [0.025, 0.975])
        return float(low), float(high)


def evaluate(fitted: Fitted, data: Path) -> Report:
    """Walk-forward over 2020 to 2025 of the form that ships. Raises DataMissing."""
    ranks, folds = _ranks(data.resolve())
    form = "linear" if fitted.ships == LINEAR else "net"
    bars = [bar for one in ranks for bar in _bars(one, form)]
    bars.append(
        Bar(f"rises in shortfall, falls in confidence: violations of {FUZZED:,} random pairs", violations(), 0.0)
    )
    figures: dict[str, Draw] = {"losses": partial(_draw, ranks, form)}
    return Report(tuple(bars), _text(ranks, folds, form), LIMITS, fitted.sources, figures)


@lru_cache
def _ranks(data: Path) -> tuple[tuple[CoinRanks, ...], tuple[Fold, ...]]:
    coins = coin_losses(data, EVERY_HOURS)
    parts: dict[str, list[Any]] = {one.windows.coin: [] for one in coins}
    folds = []
    for year in range(FIRST_YEAR, TEST_YEAR + 1):
        fold = train_fold(coins, year)
        folds.append(fold)
        for one in coins:
            rows = one.between(f"{year}-01-01", f"{year + 1}-01-01")
            parts[one.windows.coin].append((rows, _predicted(fold, rows)))
    return tuple(_joined(coin, found) for coin, found in parts.items()), tuple(folds)


def _predicted(fold: Fold, rows: LossWindows) -> dict[str, Array]:
    unit = fold.units[rows.windows.coin]
    market = market_of(rows, unit)
    best = min(fold.losses, key=lambda seed: fold.losses[seed])
    forms = zip(FORMS, (fold.linear, fold.every[best]), strict=True)
    return {form: shortfalls(market, weights) for form, weights in forms} | {
        "unit": np.full(len(market), unit.shortfall),
    }


def _joined(coin: str, parts: Sequence[Any]) -> CoinRanks:
    rows: list[LossWindows] = [part for part, _ in parts]
    shortfall = {form: np.concatenate([found[form] for _, found in parts]) for form in (*FORMS, "unit")}
    came = {
        "largest 24-hour loss": np.concatenate([one.largest for one in rows]),
        "largest fall from a peak": np.concatenate([one.drawdown for one in rows]),
        "lowest price below today's": 1 - np.exp(-np.concatenate([one.windows.fall for one in rows])),
    }
    weights = {form: weight(shortfall[form], np.ones(len(shortfall[form]))) for form in FORMS}
    days = np.concatenate([one.days[:, 0] for one in rows])
    return CoinRanks(coin, weights, shortfall, np.concatenate([one.ewma for one in rows]), came, days)


def _bars(one: CoinRanks, form: str) -> list[Bar]:
    loss = one.came["largest 24-hour loss"]
    own, ewma = one.correlation(form), one.ewma_correlation()
    low, high = one.interval(lambda rows: float(spearmanr(one.weights[form][rows], loss[rows]).statistic))
    name = f"Spearman, weight and next week's largest 24-hour loss, {one.coin}"
    return [
        Bar(name, own, LEAST_CORRELATION, "at least", low, high),
        Bar(f"the same above the EWMA ratio's, {one.coin}", own, ewma, "at least", low, high, ewma, "EWMA ratio"),
    ]


def violations(seed: int = 3) -> float:
    """Pairs among random ones in which the weight falls with the shortfall or rises with confidence."""
    generator = np.random.default_rng(seed)
    low, high = np.sort(generator.uniform(0, 6, (2, FUZZED)), axis=0)
    less, more = np.sort(generator.uniform(0, 1, (2, FUZZED)), axis=0)
    falls = (weight(high, less) < weight(low, less)).sum()
    rises = (weight(low, more) > weight(low, less)).sum()
    return float(falls + rises)


def _text(ranks: Sequence[CoinRanks], folds: Sequence[Fold], form: str) -> str:
    lines = [
        "One window a day; a year is scored by what was fitted on all that was over before the year before it. Rank",
        "correlations of the weight at full confidence, and of the EWMA(.94) volatility ratio, with what came:",
        "",
        "| coin | next week's | weight, linear | weight, net | EWMA ratio | weight less EWMA, 95 % interval |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in ranks:
        for name, loss in one.came.items():
            low, high = one.interval(
                lambda rows, one=one, loss=loss: float(  # type: ignore[misc]
                    spearmanr(one.weights[form][rows], loss[rows]).statistic
                    - spearmanr(one.ewma[rows], loss[rows]).statistic
                )
            )
            cells = " | ".join(f"{one.correlation(each, name):.4f}" for each in FORMS)
            lines.append(
                f"| {one.coin} | {name} | {cells} | {one.ewma_correlation(name):.4f} | {low:+.4f} to {high:+.4f} |"
            )
    wins = sum(fold.seed is not None for fold in folds)
    lines += [
        "",
        f"The median seed of the net beat the linear form on {wins} of {len(folds)} validation years; on the last, "
        f"{TEST_YEAR - 1}: FZ0 {folds[-1].linear_loss:.4f} linear, "
        + ", ".join(f"{loss:.4f}" for loss in folds[-1].losses.values())
        + " net, by seed.",
        "",
    ]
    for one in ranks:
        es, unit = one.shortfall[form], one.shortfall["unit"]
        beyond = one.days > es * unit
        lines.append(
            f"- {one.coin}: weight's 5 %, 50 %, 95 % quantiles "
            + ", ".join(f"{value:.2f}" for value in np.quantile(one.weights[form], [0.05, 0.5, 0.95]))
            + f"; {100 * beyond.mean():.2f} % of days lost more than the predicted shortfall (the worst "
            f"{100 * TAIL:.1f} % average it)."
        )
    return "\n".join([*lines, "", f"{len(ranks[0].ewma):,} days a coin."])


LIMITS: Final = f"""- The weight is clipped to [{LOWEST}, {HIGHEST}] before the mark-up, which is at most {1 + LAMBDA}:
  whole range {LOWEST} to {HIGHEST * (1 + LAMBDA)}. On chain it is rounded up to a basis point; stale or unproven counts
  as {FALLBACK}, never as a revert.
- Confidence is an input, the least of the sources' that the feed's contract reads; the proof does not judge it.
- What ships is a baseline: a regression that is linear in realised volatilities, which the net did not beat. Against
  another, the plain EWMA ratio, its ranks bring no gain beyond noise (the intervals above hold zero), and on Bitcoin
  the ratio is a hair ahead: a missed bar. The ratio has no shortfall, by which the weight is defined.
- Fitted on two coins. Another asset needs its own long-run deviation and shortfall, and is assumed to scale like them.
- The lowest price of the next week relative to today's is ranked worse (a third row above): whether a volatile
  week falls is not foreseen."""


def _draw(ranks: Sequence[CoinRanks], form: str, axes: Any) -> None:
    for one in ranks:
        order = np.argsort(one.weights[form])
        groups = np.array_split(order, 10)
        loss = one.came["largest 24-hour loss"]
        axes.plot(
            [one.weights[form][rows].mean() for rows in groups],
            [loss[rows].mean() for rows in groups],
            "o-",
            label=one.coin,
        )
    axes.set_xlabel("weight, mean of a tenth of the days")
    axes.set_ylabel("next week's largest 24-hour loss, mean")
    axes.legend()
