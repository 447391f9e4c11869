"""How proven marks do against real quotes that their training never saw, and what a z-score against them is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from models._black import black_call
from models._option_quotes import OptionQuotes
from models._registry import Array, Bar, Draw, Fitted, Report
from models._scores import diebold_mariano

BASIS_POINTS: Final = 1e4
Z_EDGES: Final = (0.0, 1.0, 2.0, np.inf)
YEAR_EDGES: Final = (0.0, 30 / 365.25, 120 / 365.25, np.inf)
BUCKETS: Final = (len(Z_EDGES) - 1) * (len(YEAR_EDGES) - 1)
SMALLEST_BUCKET: Final = 50
# Days that a deviation may be taken of; which, validation days say
DEVIATION_DAYS: Final = (3, 5, 10, 20, 30, 60)
MISPRICED: Final = 2.0
MALZ: Final = "Malz parabola"


@dataclass(frozen=True, slots=True)
class Reversion:
    """What became of mispriced quotes by the next day: shares of the gap closed, and volatility gained after costs.

    `closed` with its 95 % interval over days; `gain` likewise, in basis points of volatility, for who trades towards
    the mark at one day's quote and out at the next day's.
    """

    pairs: int
    closed: tuple[float, float, float]
    gain: tuple[float, float, float]


def malz(quotes: OptionQuotes) -> Array:
    """Volatility through the same three pillars, quadratic in the forward delta at the atm volatility (Malz 1997)."""
    root = quotes.atm * np.sqrt(quotes.years)
    delta = ndtr(-quotes.log_moneyness / root + root / 2) - 0.5
    return np.asarray(quotes.atm - 2 * quotes.skew * delta + 16 * quotes.wings * delta**2)


def z_scores(quotes: OptionQuotes, marks: Array, days: int) -> Array:
    """(quote - mark) / atm over the root mean square of such quotes' own in the `days` days before; NaN with too few.

    Such quotes: of the same distance from the money and time to expiry. A day's scores know nothing of that day's
    quotes, nor of later ones.
    """
    share, bucket = (quotes.volatility - marks) / quotes.atm, _bucket(quotes)
    known, day = np.unique(quotes.day, return_inverse=True)
    cells = day * BUCKETS + bucket
    size = len(known) * BUCKETS
    squares, counts = (_running(np.bincount(cells, one, size)) for one in (share**2, np.ones(len(share))))
    first = np.searchsorted(known, known - days)
    past = np.arange(len(known))
    number = counts[past] - counts[first]
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt((squares[past] - squares[first]) / number)
    deviation[number < SMALLEST_BUCKET] = np.nan
    return np.asarray(share / deviation[day, bucket])


def deviation_days(quotes: OptionQuotes, marks: Array, held: NDArray[np.bool_]) -> int:
    """The days to look back that give the held quotes the largest normal likelihood; no later quote is looked at."""
    share = np.abs((quotes.volatility - marks) / quotes.atm)[held]

    def likelihood(days: int) -> float:
        scores = z_scores(quotes, marks, days)[held]
        found = np.isfinite(scores) & (scores != 0)
        squares = scores[found] ** 2
        return float(np.mean(np.log(np.sqrt(squares) / share[found]) - squares / 2))

    return max(DEVIATION_DAYS, key=likelihood)


def _running(sums: NDArray[Any]) -> Array:
    """From sums by day and bucket, those of all days before each; one row longer."""
    return np.concatenate([np.zeros((1, BUCKETS)), np.cumsum(sums.reshape(-1, BUCKETS), axis=0)])


def _bucket(quotes: OptionQuotes) -> NDArray[np.int64]:
    near = np.digitize(np.abs(quotes.z), Z_EDGES[1:-1])
    return np.asarray(near * (len(YEAR_EDGES) - 1) + np.digitize(quotes.years, YEAR_EDGES[1:-1]), dtype=np.int64)


def evaluate(fitted: Fitted, quotes: OptionQuotes, marks: Array, scores: Array) -> Report:
    """Errors of marks against quotes, by day, and against Malz's parabola through the same pillars; their z-scores."""
    others = malz(quotes)
    volatilities = {"mark": marks, MALZ: others, "atm, no smile": quotes.atm}
    gaps = {name: value - quotes.volatility for name, value in volatilities.items()}
    days = np.unique(quotes.day)
    losses = {name: _daily(quotes, gap**2) for name, gap in gaps.items()}
    compared = diebold_mariano(losses["mark"], losses[MALZ])
    rmse = {name: float(np.sqrt(loss.mean()) * BASIS_POINTS) for name, loss in losses.items()}
    price = {name: _price_errors(quotes, value) for name, value in volatilities.items()}
    beyond = float(np.nanmean(np.abs(scores) > MISPRICED))
    bars = (
        Bar(
            f"RMSE of volatility, bp, {len(days)} days (Diebold-Mariano p = {compared.p_value:.3f})",
            rmse["mark"],
            rmse[MALZ],
            baseline=rmse[MALZ],
            baseline_name=MALZ,
        ),
        Bar(
            "price, mean absolute error, bp of the forward",
            float(price["mark"].mean()),
            float(price[MALZ].mean()),
            baseline=float(price[MALZ].mean()),
            baseline_name=MALZ,
        ),
        Bar("share of quotes beyond two deviations", beyond, 0.10),
    )
    text = _text(Findings(quotes, rmse, price, scores, beyond, next_day(quotes, marks, scores)), fitted)
    figures: dict[str, Draw] = {"errors": partial(_draw, quotes, gaps)}
    return Report(bars, text, LIMITS, quotes.sources, figures)


def compare(quotes: OptionQuotes, net: Array, quadratic: Array) -> dict[str, float]:
    """RMSE of volatility and mean price error of a net and of least squares; Diebold-Mariano p of the former."""
    losses = [_daily(quotes, (marks - quotes.volatility) ** 2) for marks in (net, quadratic)]
    rmse = [float(np.sqrt(loss.mean()) * BASIS_POINTS) for loss in losses]
    price = [float(_price_errors(quotes, marks).mean()) for marks in (net, quadratic)]
    return {
        "net RMSE, bp": rmse[0],
        "least squares RMSE, bp": rmse[1],
        "net price, bp": price[0],
        "least squares price, bp": price[1],
        "p": diebold_mariano(*losses).p_value,
    }


def next_day(quotes: OptionQuotes, marks: Array, scores: Array) -> Reversion:
    """Follows every quote with |z| above 2 to the same instrument's quote of the next day."""
    place = {key: i for i, key in enumerate(zip(quotes.instrument.tolist(), quotes.day.tolist(), strict=True))}
    first = np.flatnonzero(np.abs(scores) > MISPRICED)
    pairs = [
        (i, place[following])
        for i in first
        if (following := (int(quotes.instrument[i]), int(quotes.day[i]) + 1)) in place
    ]
    now, then = (np.array(side) for side in zip(*pairs, strict=True))
    gap = quotes.volatility - marks
    size, left = np.abs(gap[now]), gap[then] * np.sign(gap[now])
    cost = quotes.half_spread[now] + quotes.half_spread[then]
    day = quotes.day[now]
    closed = _day_interval(day, size - left, size)
    gain = _day_interval(day, (size - left - cost) * BASIS_POINTS, np.ones(len(now)))
    return Reversion(len(now), closed, gain)


def _day_interval(day: Array, values: Array, weights: Array) -> tuple[float, float, float]:
    """sum(values) / sum(weights) with its 95 % interval, days drawn with replacement."""
    _, group = np.unique(day, return_inverse=True)
    top, bottom = np.bincount(group, values), np.bincount(group, weights)
    drawn = np.random.default_rng(9).integers(0, len(top), (2_000, len(top)))
    ratios = top[drawn].sum(axis=1) / bottom[drawn].sum(axis=1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(top.sum() / bottom.sum()), float(low), float(high)


def _daily(quotes: OptionQuotes, losses: Array) -> Array:
    _, group = np.unique(quotes.day, return_inverse=True)
    return np.asarray(np.bincount(group, losses) / np.bincount(group))


def _price_errors(quotes: OptionQuotes, marks: Array) -> Array:
    root, k = np.sqrt(quotes.years), quotes.log_moneyness
    return np.asarray(np.abs(black_call(k, marks * root) - black_call(k, quotes.volatility * root)) * BASIS_POINTS)


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that the card's text says of the test days."""

    quotes: OptionQuotes
    rmse: Mapping[str, float]
    price: Mapping[str, Array]
    scores: Array
    beyond: float
    reversion: Reversion


def _text(found: Findings, fitted: Fitted) -> str:
    parts = [_error_lines(found, fitted), _challenger_lines(fitted), _mispricing_lines(found, fitted)]
    return "\n\n".join("\n".join(lines) for lines in parts)


def _challenger_lines(fitted: Fitted) -> list[str]:
    net, quadratic, net_price, quadratic_price, p = (
        fitted.constants.get(name, float("nan"))
        for name in ("net RMSE, bp", "least squares RMSE, bp", "net price, bp", "least squares price, bp", "p")
    )
    return [
        "**Net or least squares.** Both see the same inputs and days. On the test days the best of the nets has",
        f"{net:.0f} bp RMSE of volatility and {net_price:.2f} bp mean price error, least squares {quadratic:.0f} and",
        f"{quadratic_price:.2f}; Diebold-Mariano p = {p:.2f} on the first. The net ships only if it has the",
        "smaller RMSE",
        "with p below .05: the choice between the two was made on these days, the fit of each on earlier ones.",
    ]


def _error_lines(found: Findings, fitted: Fitted) -> list[str]:
    quotes, seeds = found.quotes, list(fitted.seed_scores.values())
    first, last = (str(np.datetime64(int(day), "D")) for day in (quotes.day[0], quotes.day[-1]))
    lines = [
        f"Deribit's quotes for BTC and ETH with both sides, out of the money, {first} to {last}:",
        f"{len(quotes):,} quotes,",
        "all later than those trained on. The pillars are those of the same moment, as a signer would give them: the",
        "score is of the smile between and beyond them, no forecast. Volatility of the middle price; RMSE is",
        "the root of",
        "the days' mean.",
        "",
        "| | RMSE, bp of volatility | price, bp of the forward: mean | 99 % |",
        "| --- | --- | --- | --- |",
    ]
    for name, rmse in found.rmse.items():
        errors = found.price[name]
        lines.append(f"| {name} | {rmse:.0f} | {errors.mean():.2f} | {np.quantile(errors, 0.99):.2f} |")
    half = np.median(quotes.half_spread) * BASIS_POINTS
    return [
        *lines,
        "",
        f"Half spread of these quotes: median {half:.0f} bp of volatility. Validation loss of {len(seeds)} seeds:",
        f"{min(seeds, default=0):.1f} to {max(seeds, default=0):.1f} bp of atm, weighted by precision.",
    ]


def _mispricing_lines(found: Findings, fitted: Fitted) -> list[str]:
    (share, share_low, share_high), (gain, low, high) = found.reversion.closed, found.reversion.gain
    verdict = "no profit after costs is shown" if low <= 0 else "a profit after costs is shown on these days"
    return [
        "**Mispricing.** z = (quote - mark) over the deviation of such quotes, by distance from the money and time",
        f"to expiry, in the {fitted.constants.get('deviation days', 0):.0f} days before; how many days, validation",
        "days have chosen (largest normal likelihood). On the test days z has",
        f"deviation {np.nanstd(found.scores):.2f} and {found.beyond:.1%} of the quotes are beyond 2. Of",
        f"{found.reversion.pairs:,} such quotes that were quoted the next day too, {share:.0%} of the gap",
        f"({share_low:.0%} to {share_high:.0%}) had closed by then; who trades towards the mark and out again the next",
        f"day, at the quotes' own sides, gains {gain:+.0f} bp of volatility a trade ({low:+.0f} to {high:+.0f}, days",
        f"resampled): {verdict}.",
    ]


LIMITS: Final = """- A smile through three pillars: a kink between them, or a jump priced into one strike, is called
  mispriced.
- The quotes are of one exchange, BTC and ETH, less than a year of them, once a day.
- Volatilities of two strikes are not tied to each other: the marks may allow a butterfly between near strikes.
- A z-score is no advice: see the gain after costs above."""


def _draw(quotes: OptionQuotes, gaps: Mapping[str, Array], axes: Any) -> None:
    order = np.array_split(np.argsort(quotes.z), 40)
    middle = [float(quotes.z[part].mean()) for part in order]
    for name in ("mark", MALZ):
        size = np.abs(gaps[name]) * BASIS_POINTS
        axes.plot(middle, [float(np.median(size[part])) for part in order], label=name)
    spread = quotes.half_spread * BASIS_POINTS
    axes.plot(middle, [float(np.median(spread[part])) for part in order], color="0.6", label="half spread")
    axes.set_xlabel("strike, standard deviations from the forward")
    axes.set_ylabel("median error, bp of volatility")
    axes.legend(frameon=False)
