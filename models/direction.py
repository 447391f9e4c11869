"""Direction of the next hour: the log-odds that the next hourly close is above this one.

A logistic regression on 32 returns, and a net 32-16-16-1 that must beat it on validation data to ship in its place.
The seed's "short-term price movement": shipped with its honest score, see the card.

Inputs, a row of 32: z_1..z_32, the window's simple hourly returns r_t = p_t / p_{t-1} - 1 (33 closes, oldest first)
divided by their own root mean square:

    z_t = r_t / sqrt(mean(r_1^2..r_32^2))          so that |z_t| <= sqrt(32) and the mean of z^2 is 1

On chain: StandardisedReturns with the window's own root mean square in the place of sigma_ref. Output: log-odds;
probability = 1 / (1 + exp(-output)), applied by the reader. Above 0: up is likelier.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models._data import hourly_candles
from models._errors import BadPrice, FlatSeries, TooFewSamples
from models._export import load_weights
from models._registry import Array, Bar, DataSource, Draw, Family, Fitted, Output, Report, Weights
from models._scores import diebold_mariano
from models._seeds import Trained, train_seeds

WINDOW: Final = 32
LIMIT: Final = 5.657  # sqrt(32), which a single move among zeros reaches
HIDDEN: Final = 16
SYMBOLS: Final = {"BTCUSDT": "Bitcoin", "ETHUSDT": "Ether"}
VALIDATION_FROM: Final = np.datetime64("2022-03-20")
TEST_FROM: Final = np.datetime64("2023-09-20")
COST_BPS: Final = 5.0
_RIDGES: Final = (1.0, 10.0, 100.0, 1_000.0, 10_000.0)
_EPOCHS: Final = 6
_BATCH: Final = 1_024
_RATE: Final = 3e-3
_DECAY: Final = 0.3
_GROUPS: Final = 10

LOGISTIC: Final = "logistic regression (the baseline: the net did not beat it on validation data)"
NET: Final = "net 32-16-16-1"


class Logistic(nn.Module):
    """One linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(WINDOW, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Log-odds of shape (rows, 1) for inputs of shape (rows, 32)."""
        logit: Tensor = self.out(inputs)
        return logit


class DirectionNet(nn.Module):
    """Two hidden layers of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(WINDOW, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.out = nn.Linear(HIDDEN, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """Log-odds of shape (rows, 1) for inputs of shape (rows, 32)."""
        logit: Tensor = self.out(torch.relu(self.second(torch.relu(self.first(inputs)))))
        return logit


def module(weights: Weights) -> nn.Module:
    """Whichever of the two these weights are of."""
    return load_weights(DirectionNet() if "first.weight" in weights else Logistic(), weights)


def log_odds(inputs: Array, weights: Weights) -> Array:
    """The same by numpy, shape (n, 1)."""
    x = inputs
    for layer in ("first", "second"):
        if f"{layer}.weight" in weights:
            x = np.maximum(x @ weights[f"{layer}.weight"].T.astype(np.float64) + weights[f"{layer}.bias"], 0.0)
    return np.asarray(x @ weights["out.weight"].T.astype(np.float64) + weights["out.bias"])


def window_features(closes: Array) -> Array:
    """The row of 32 for 33 closes, oldest first. Raises TooFewSamples, BadPrice, FlatSeries."""
    if len(closes) < WINDOW + 1:
        raise TooFewSamples(len(closes), WINDOW + 1)
    recent = closes[-WINDOW - 1 :]
    bad = np.flatnonzero(~(np.isfinite(recent) & (recent > 0)))
    if len(bad):
        raise BadPrice(int(bad[0]), float(recent[bad[0]]))
    returns = np.diff(recent) / recent[:-1]
    size = float(np.sqrt(np.mean(returns**2)))
    if size == 0.0:
        raise FlatSeries(WINDOW + 1)
    return np.asarray(returns / size)


def samples(count: int, seed: int) -> Array:
    """Windows over the domain: single jumps and equal moves first, then heavy-tailed ones of every kind."""
    generator = np.random.default_rng(seed)
    rows = [*np.eye(WINDOW) * LIMIT, *np.eye(WINDOW) * -LIMIT, np.ones(WINDOW), -np.ones(WINDOW)]
    while len(rows) < count:
        raw = generator.standard_t(float(generator.choice([2.0, 4.0, 30.0])), WINDOW)
        raw *= np.exp(generator.normal(0.0, generator.choice([0.0, 1.0]), WINDOW))
        rows.append(raw / np.sqrt(np.mean(raw**2)))
    return np.clip(np.array(rows[:count]), -LIMIT, LIMIT)


@dataclass(frozen=True, slots=True)
class Hours:
    """Complete windows of one market: when, inputs, the next hour's return."""

    end: NDArray[np.datetime64]
    inputs: Array
    ahead: Array
    sources: tuple[DataSource, ...]

    def between(self, first: np.datetime64 | None, last: np.datetime64 | None) -> Hours:
        """Those whose next hour lies in [first, last)."""
        inside = np.ones(len(self.end), dtype=bool)
        if first is not None:
            inside &= self.end >= first
        if last is not None:
            inside &= self.end + np.timedelta64(1, "h") < last
        return Hours(self.end[inside], self.inputs[inside], self.ahead[inside], self.sources)


def features(closes: Array) -> Array:
    """The row of 32 at every close; NaN before the 33rd and where nothing moved."""
    returns = np.zeros(len(closes))
    returns[1:] = closes[1:] / closes[:-1] - 1.0
    rows = np.full((len(closes), WINDOW), np.nan)
    rows[WINDOW:] = np.lib.stride_tricks.sliding_window_view(returns, WINDOW)[1:]
    size = np.sqrt(np.mean(rows**2, axis=1))
    with np.errstate(invalid="ignore"):
        return np.asarray(rows / np.where(size > 0, size, np.nan)[:, None])


def load(data: Path, symbol: str) -> Hours:
    """Every hour whose window, and whose next hour, has no missing candle. Raises DataMissing."""
    hours = hourly_candles(data, symbol, early=True)
    rows = features(hours.close)
    ahead = np.full(len(rows), np.nan)
    ahead[:-1] = hours.close[1:] / hours.close[:-1] - 1.0
    gone = np.convolve(hours.missing, np.ones(WINDOW + 1))[: len(rows)]
    gone[:-1] += hours.missing[1:]
    good = (gone == 0) & np.isfinite(ahead) & np.isfinite(rows).all(axis=1)
    end = hours.start[good] + np.timedelta64(1, "h")
    return Hours(end, rows[good], ahead[good], hours.sources)


def fit(data: Path) -> Fitted:
    """Both models on hours before 2022-03-20, chosen between on those up to 2023-09-20."""
    markets = [load(data, symbol) for symbol in SYMBOLS]
    train = _pooled([one.between(None, VALIDATION_FROM) for one in markets])
    validation = _pooled([one.between(VALIDATION_FROM, TEST_FROM) for one in markets])
    baseline, baseline_loss = _fit_logistic(train, validation)
    trained = _fit_nets(train, validation)
    best = trained.best
    beaten = trained.losses[best] < baseline_loss
    return Fitted(
        weights=trained.weights[best] if beaten else baseline,
        ships=NET if beaten else LOGISTIC,
        seed=best,
        seed_scores=trained.losses,
        sources=tuple(source for one in markets for source in one.sources),
        constants={"logistic_validation_loss": baseline_loss, "base_rate": float(np.mean(train[1]))},
    )


def _pooled(parts: list[Hours]) -> tuple[Array, Array]:
    inputs = np.concatenate([part.inputs for part in parts])
    return inputs, np.concatenate([(part.ahead > 0).astype(np.float64) for part in parts])


def log_loss(logits: Array, up: Array) -> Array:
    """Each hour's, stably."""
    return np.asarray(np.logaddexp(0.0, logits) - up * logits)


def _fit_logistic(train: tuple[Array, Array], validation: tuple[Array, Array]) -> tuple[dict[str, Any], float]:
    """By Newton's method, the ridge chosen on validation data; (weights, validation loss)."""
    found = []
    for ridge in _RIDGES:
        weights = _newton(*train, ridge)
        found.append((float(np.mean(log_loss(log_odds(validation[0], weights)[:, 0], validation[1]))), ridge, weights))
    loss, _, weights = min(found, key=lambda one: one[0])
    return weights, loss


def _newton(inputs: Array, up: Array, ridge: float) -> dict[str, Any]:
    x = np.column_stack([inputs, np.ones(len(inputs))])
    penalty = np.diag([*[ridge] * WINDOW, 0.0])
    beta = np.zeros(WINDOW + 1)
    for _ in range(8):
        p = 1.0 / (1.0 + np.exp(-x @ beta))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + penalty
        beta += np.linalg.solve(hessian, x.T @ (up - p) - penalty @ beta)
    return {"out.weight": beta[None, :WINDOW].astype(np.float32), "out.bias": beta[WINDOW:].astype(np.float32)}


def _fit_nets(train: tuple[Array, Array], validation: tuple[Array, Array]) -> Trained:
    inputs, up = (torch.tensor(part, dtype=torch.float32) for part in train)
    held_inputs, held_up = (torch.tensor(part, dtype=torch.float32) for part in validation)
    entropy = nn.functional.binary_cross_entropy_with_logits

    def loss(net: nn.Module) -> float:
        return float(entropy(net(held_inputs).squeeze(1), held_up))

    def train_one(net: nn.Module) -> None:
        optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=_DECAY)
        best, kept = float("inf"), net.state_dict()
        for _ in range(_EPOCHS):
            order = torch.randperm(len(up))
            for start in range(0, len(up), _BATCH):
                batch = order[start : start + _BATCH]
                optimiser.zero_grad()
                entropy(net(inputs[batch]).squeeze(1), up[batch]).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            with torch.no_grad():
                reached = loss(net)
            if reached < best:
                best, kept = reached, {name: value.clone() for name, value in net.state_dict().items()}
        net.load_state_dict(kept)

    return train_seeds(DirectionNet, train_one, loss)


@dataclass(frozen=True, slots=True)
class MarketScore:
    """One market's test hours: what was forecast, what came, and what trading on it would have given."""

    name: str
    up: Array
    logits: Array
    base_logit: float
    gross_bps: float
    net_bps: float
    turnover: float

    @property
    def losses(self) -> Array:
        """Log-loss of each hour."""
        return log_loss(self.logits, self.up)

    @property
    def base_losses(self) -> Array:
        """The same of the training hours' base rate."""
        return log_loss(np.full(len(self.up), self.base_logit), self.up)

    @property
    def accuracy(self) -> float:
        """Share of hours whose direction was the likelier one."""
        return float(np.mean((self.logits > 0) == (self.up > 0)))


def area_under_curve(scores: Array, up: Array) -> tuple[float, float]:
    """Area under the ROC curve and its standard error (Hanley and McNeil 1982)."""
    from scipy.stats import rankdata  # noqa: PLC0415

    ups, downs = float(up.sum()), float(len(up) - up.sum())
    area = (float(rankdata(scores)[up > 0].sum()) - ups * (ups + 1) / 2) / (ups * downs)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (ups - 1) * (q1 - area**2) + (downs - 1) * (q2 - area**2)
    return area, float(np.sqrt(variance / (ups * downs)))


def evaluate(fitted: Fitted, data: Path) -> Report:
    """Scores on the hours from 2023-09-20 on, and what trading every hour would have given after costs."""
    markets = {name: load(data, symbol).between(TEST_FROM, None) for symbol, name in SYMBOLS.items()}
    scores = [_score(fitted, name, hours) for name, hours in markets.items()]
    bars = [bar for one in scores for bar in _bars(one)]
    sources = tuple(source for hours in markets.values() for source in hours.sources)
    figures: dict[str, Draw] = {"calibration": partial(_draw, scores)}
    return Report(tuple(bars), _scores_text(fitted, scores), LIMITS, sources, figures)


def _score(fitted: Fitted, name: str, hours: Hours) -> MarketScore:
    logits = log_odds(hours.inputs, fitted.weights)[:, 0]
    position = np.sign(logits)
    turnover = float(np.mean(np.abs(np.diff(position, prepend=0.0))))
    gross = float(np.mean(position * hours.ahead)) * 1e4
    rate = fitted.constants["base_rate"]
    base = float(np.log(rate / (1 - rate)))
    up = (hours.ahead > 0).astype(np.float64)
    return MarketScore(name, up, logits, base, gross, gross - COST_BPS * turnover, turnover)


def _bars(one: MarketScore) -> list[Bar]:
    compared = diebold_mariano(one.losses, one.base_losses)
    base, loss = float(np.mean(one.base_losses)), float(np.mean(one.losses))
    area, error = area_under_curve(one.logits, one.up)
    return [
        Bar(
            f"log-loss, {one.name}, {len(one.up):,} hours (Diebold-Mariano p = {compared.p_value:.3f})",
            loss,
            base,
            low=base + compared.low,
            high=base + compared.high,
            baseline=base,
            baseline_name="base rate",
        ),
        Bar(f"area under the curve, {one.name}", area, 0.5, "at least", area - 1.96 * error, area + 1.96 * error),
        Bar(f"gain a hour after {COST_BPS:g} bp a unit traded, {one.name}, bp", one.net_bps, 0.0, "at least"),
    ]


def _scores_text(fitted: Fitted, scores: list[MarketScore]) -> str:
    lines = [
        "Hours from 2023-09-20 on, which nothing was fitted to or chosen on. Trading holds one unit in the direction",
        f"of the log-odds each hour and pays {COST_BPS:g} bp for each unit traded.",
        "",
        "| market | hours | log-loss | base rate's | accuracy | AUC | gross, bp an hour | turnover | net, bp an hour |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in scores:
        area, _ = area_under_curve(one.logits, one.up)
        lines.append(
            f"| {one.name} | {len(one.up):,} | {np.mean(one.losses):.5f} | {np.mean(one.base_losses):.5f} "
            f"| {one.accuracy:.2%} | {area:.4f} | {one.gross_bps:+.2f} | {one.turnover:.2f} | {one.net_bps:+.2f} |"
        )
    best = min(fitted.seed_scores.values())
    lines += [
        "",
        f"On validation data the logistic regression's log-loss is {fitted.constants['logistic_validation_loss']:.6f}, "
        f"the best net's of {len(fitted.seed_scores)} seeds {best:.6f}: what ships is the better of the two.",
        "",
        "**There is no edge to trade.** The log-odds know a little (hourly returns tend to reverse), far less than the",
        "cost of acting on it. Use it as a signal's proof of concept, not as a strategy.",
    ]
    return "\n".join(lines)


def _draw(scores: list[MarketScore], axes: Any) -> None:
    for one in scores:
        groups = np.array_split(np.argsort(one.logits), _GROUPS)
        forecast = [100 / (1 + np.exp(-np.mean(one.logits[group]))) for group in groups]
        axes.plot(
            forecast, [100 * np.mean(one.up[group]) for group in groups], marker="o", markersize=3, label=one.name
        )
    low, high = axes.get_xlim()
    axes.plot([low, high], [low, high], color="0.6", linewidth=0.8)
    axes.set_xlabel("forecast probability of an hour up, %, by tenths of the hours")
    axes.set_ylabel("share that went up, %")
    axes.legend(frameon=False)


LIMITS: Final = """- Two coins of one exchange and one period; reversal at an hour is partly the spread's bounce, which
  nobody can trade.
- Returns alone: no order book, no funding, no news.
- The window's scale is taken out: a calm and a wild window of one shape give one answer.
- Refused: fewer than 33 closes, prices not positive, a window in which nothing moved. A single jump of 50 % is a window
  like any other: it stands at sqrt(32), every other return near zero."""

ABOUT: Final = """
**What it computes.** The log-odds that the next hourly close is above the last one, from the shape of the 32 returns
before it. A probability is 1/(1 + exp(-output)), taken outside the circuit.

**Inputs and their source.** 32 simple hourly returns divided by their own root mean square, oldest first, computed on
chain from 33 observations of a price feed. Nothing else: no parameter, no signed feature.

**Domain.** |z| <= 5.657 (sqrt 32, which no window can exceed).
"""

FAMILY: Final = Family(
    name="direction",
    circuit_id="direction-32",
    title="Direction of the next hour",
    about=ABOUT,
    module=module,
    reference=log_odds,
    samples=samples,
    domain=[(-LIMIT, LIMIT)] * WINDOW,
    outputs=(Output("log-odds", "log-odds of up", 0.25, "sigmoid"),),
    max_error=5e-4,
    fit=fit,
    evaluate=evaluate,
)
