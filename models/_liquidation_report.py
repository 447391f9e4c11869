"""How the liquidation net does, year by year on years that its fold never saw, against Brownian first passage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from models._first_passage import first_passage
from models._liquidation_data import Windows, coin_windows
from models._liquidation_features import HORIZON_HOURS, MARKET_NAMES
from models._liquidation_training import EVERY_HOURS, TEST_YEAR, confidences, probabilities, train_fold
from models._probability_scores import ProbabilityScore, block_interval, brier, calibration, log_loss, score
from models._registry import Array, Bar, Draw, Fitted, Report

FIRST_YEAR: Final = 2020
SCORED_EVERY_HOURS: Final = 8
HEALTH_FACTORS: Final = np.array([1.02, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 1.75, 2.0])
BLOCK: Final = 28 * 24 // SCORED_EVERY_HOURS
MOST_CALIBRATION_ERROR: Final = 0.025
BRIER_ROOM: Final = 0.0005
PATHS: Final = 60_000
MOST_STANDARD_ERRORS: Final = 3.0
MONTE_CARLO: Final = ((0.05, 0.06), (0.1, 0.1), (0.2, 0.1), (0.1, 0.25), (0.4, 0.25), (0.02, 0.04))
MODELS: Final = ("net", "net without the market's inputs", "Parkinson GBM", "GBM of the net's own s")


@dataclass(frozen=True, slots=True)
class CoinScore:
    """One coin's scored windows: outcomes (n, 9), each model's probabilities, every seed's Brier, confidences (n,)."""

    coin: str
    at: Array
    outcomes: Array
    found: dict[str, Array]
    seeds: dict[int, float]
    confidence: Array

    def of(self, name: str) -> ProbabilityScore:
        """One model's scores."""
        return score(self.found[name], self.outcomes)

    def gain(self, loss: Any, other: str) -> tuple[float, float, float]:
        """Mean difference of a loss, net minus other, with its 95 % interval by blocks of 28 days."""
        gaps = (loss(self.found["net"], self.outcomes) - loss(self.found[other], self.outcomes)).mean(axis=1)
        return float(gaps.mean()), *block_interval(gaps, BLOCK)


def evaluate(fitted: Fitted, data: Path) -> Report:
    """Walk-forward over 2020 to 2025. Raises DataMissing."""
    scores = _scores(data.resolve())
    _, standard_errors = monte_carlo_gap()
    bars = [
        Bar(
            f"first passage against Monte Carlo of hourly looks, standard errors, largest of {len(MONTE_CARLO)}",
            standard_errors,
            MOST_STANDARD_ERRORS,
        )
    ]
    for one in scores:
        bars += _bars(one)
    figures: dict[str, Draw] = {
        "calibration": partial(_draw_calibration, scores),
        "surface": partial(_draw_logits, fitted.weights),
    }
    return Report(tuple(bars), _text(scores), LIMITS, fitted.sources, figures)


@lru_cache
def _scores(data: Path) -> tuple[CoinScore, ...]:
    learn, judge = coin_windows(data, EVERY_HOURS), coin_windows(data, SCORED_EVERY_HOURS)
    parts: dict[str, list[Any]] = {one.coin: [] for one in judge}
    for year in range(FIRST_YEAR, TEST_YEAR + 1):
        trained = train_fold(learn, year)
        blind = train_fold(learn, year, blind=True, seeds=(1,))
        for one in judge:
            rows = one.between(f"{year}-01-01", f"{year + 1}-01-01")
            by_seed = {seed: probabilities(w, rows, HEALTH_FACTORS) for seed, w in trained.weights.items()}
            found = dict(zip(MODELS, _found(rows, by_seed[trained.best], blind.weights[1]), strict=True))
            confidence = confidences(trained.weights[trained.best], rows)
            parts[one.coin].append((rows, found, by_seed, confidence))
    return tuple(_joined(coin, found) for coin, found in parts.items())


def _found(rows: Windows, net: Array, blind: Any) -> tuple[Array, ...]:
    distance = np.log(HEALTH_FACTORS)
    return (
        net,
        probabilities(blind, rows, HEALTH_FACTORS, blind=True),
        first_passage(distance, rows.parkinson[:, None], HORIZON_HOURS),
        first_passage(distance, rows.sigma[:, None] ** 2, HORIZON_HOURS),
    )


def _joined(coin: str, parts: Sequence[Any]) -> CoinScore:
    outcomes = np.concatenate([rows.liquidated(HEALTH_FACTORS) for rows, *_ in parts])
    found = {name: np.concatenate([found[name] for _, found, *_ in parts]) for name in MODELS}
    seeds = {
        seed: float(brier(np.concatenate([by_seed[seed] for _, _, by_seed, _ in parts]), outcomes).mean())
        for seed in parts[0][2]
    }
    at: Any = np.concatenate([rows.at for rows, *_ in parts])
    return CoinScore(coin, at, outcomes, found, seeds, np.concatenate([confidence for *_, confidence in parts]))


def _bars(one: CoinScore) -> list[Bar]:
    net, gbm = one.of("net"), one.of("Parkinson GBM")
    logs, briers = one.gain(log_loss, "Parkinson GBM"), one.gain(brier, "Parkinson GBM")
    name = "Parkinson GBM"
    return [
        Bar(
            f"log loss, {one.coin}",
            net.log_loss,
            gbm.log_loss,
            low=gbm.log_loss + logs[1],
            high=gbm.log_loss + logs[2],
            baseline=gbm.log_loss,
            baseline_name=name,
        ),
        Bar(
            f"calibration error, {one.coin}",
            net.calibration_error,
            min(MOST_CALIBRATION_ERROR, gbm.calibration_error),
            baseline=gbm.calibration_error,
            baseline_name=name,
        ),
        Bar(
            f"Brier score less {name}'s, upper end of its 95 % interval, {one.coin}",
            briers[2],
            BRIER_ROOM,
            low=briers[1],
            high=briers[2],
            baseline=gbm.brier,
            baseline_name=name,
        ),
    ]


def monte_carlo_gap(paths: int = PATHS, seed: int = 7) -> tuple[float, float]:
    """Largest gap between formula and simulated hourly looks over a week: (probability, standard errors)."""
    generator = np.random.default_rng(seed)
    largest, errors = 0.0, 0.0
    for distance, sigma in MONTE_CARLO:
        steps = sigma / np.sqrt(HORIZON_HOURS)
        level, lowest = np.zeros(paths), np.zeros(paths)
        for _ in range(HORIZON_HOURS):
            level += steps * generator.standard_normal(paths) - steps**2 / 2
            np.minimum(lowest, level, out=lowest)
        simulated = float((lowest <= -distance).mean())
        formula = float(first_passage(np.array(distance), np.array(sigma**2), HORIZON_HOURS))
        gap = abs(simulated - formula)
        largest = max(largest, gap)
        errors = max(errors, gap / np.sqrt(formula * (1 - formula) / paths))
    return float(largest), float(errors)


def _text(scores: Sequence[CoinScore]) -> str:
    lines = [
        f"Liquidated within 7 days, at health factors {', '.join(f'{one:g}' for one in HEALTH_FACTORS)}, a "
        f"window every {SCORED_EVERY_HOURS} hours. A year is scored by a net trained on what was over before the",
        "year before it, its seed chosen on that year in between. Intervals: paired circular block bootstrap, blocks",
        "of 28 days. GBM: first passage with hourly looks (the .5826 shift); Parkinson: EWMA(.94) of 60 daily ranges'",
        "variances.",
        "",
        "| coin | model | Brier | log loss | calibration error |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in scores:
        for name in MODELS:
            found = one.of(name)
            lines.append(
                f"| {one.coin} | {name} | {found.brier:.4f} | {found.log_loss:.4f} | {found.calibration_error:.4f} |"
            )
    lines += ["", "Net less the others, mean and 95 % interval:", ""]
    for one in scores:
        for other in MODELS[1:]:
            gains = ", ".join(
                f"{name} {mean:+.4f} ({low:+.4f} to {high:+.4f})"
                for name, (mean, low, high) in (
                    ("Brier", one.gain(brier, other)),
                    ("log loss", one.gain(log_loss, other)),
                )
            )
            lines.append(f"- {one.coin}, {other}: {gains}.")
    lines += ["", "Brier by seed: " + "; ".join(_seed_text(one) for one in scores) + "."]
    lines += ["", *(_confidence_text(one) for one in scores)]
    first, last = scores[0].at.min(), scores[0].at.max()
    return "\n".join([*lines, "", f"{len(scores[0].at):,} windows a coin, {first!s:.10} to {last!s:.10}."])


def _seed_text(one: CoinScore) -> str:
    values = list(one.seeds.values())
    return f"{one.coin} {', '.join(f'{value:.4f}' for value in values)} (spread {max(values) - min(values):.4f})"


def _confidence_text(one: CoinScore) -> str:
    return f"- {one.coin}: the windows by year score " + ", ".join(_by_year(one)) + " (Brier, net)."


def _by_year(one: CoinScore) -> list[str]:
    years: Any = one.at.astype("datetime64[Y]")
    return [
        f"{year!s} {float(brier(one.found['net'][years == year], one.outcomes[years == year]).mean()):.4f}"
        for year in np.unique(years)
    ]


LIMITS: Final = f"""- The market's inputs ({", ".join(MARKET_NAMES)}) add little to the distance in standard deviations:
  the table's second row is a line in z alone, fitted the same way. What wins against the GBM is calibration.
- One collateral against a debt that does not move. A position of several collaterals: its portfolio's own price series.
- Trained on two coins that move together; another asset's tails may be fatter. No dates, no order books, no news.
- A window of 91 prices, 8 hours apart: a crash of the last hours is in it with one return.
- Liquidation when an hourly close is below; a low between two closes is not counted.
- Health factors below 1 are refused (their probability is 1), as are positions without debt. Beyond 8 standard
  deviations the distance is cut: such a position is given the same small probability as one at 8.
- Confidence tells how far nets trained on resampled months of 2017 to 2023 agree at this market, 1 at full agreement, 0
  at a band of .2. It knows nothing of the quality of the prices."""


def _draw_calibration(scores: Sequence[CoinScore], axes: Any) -> None:
    for one in scores:
        for name in ("net", "Parkinson GBM"):
            rows = calibration(one.found[name], one.outcomes)
            axes.plot(rows[:, 0], rows[:, 1], "o-" if name == "net" else "x:", label=f"{one.coin}, {name}")
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.5)
    axes.set_xlabel("probability")
    axes.set_ylabel("frequency")
    axes.legend()


def _draw_logits(weights: Any, axes: Any) -> None:
    from models._liquidation_net import reference  # noqa: PLC0415

    z = np.linspace(0, 4, 200)
    for label, market in (("calm", (0.4, 0.7, 0.6, 0.3)), ("typical", (0.8, 1, 1, 0)), ("crash", (2, 1.6, 2.5, -2))):
        logit = reference(np.column_stack([np.tile(market, (len(z), 1)), z]), weights)[:, 0]
        axes.plot(z, 1 / (1 + np.exp(-logit)), label=label)
    axes.plot(z, first_passage(0.09 * z, np.array(0.09**2), HORIZON_HOURS), ":", color="black", label="GBM, s = 9 %")
    axes.set_xlabel("ln(HF) in standard deviations of a week")
    axes.set_ylabel("probability of liquidation")
    axes.legend()
