"""Scores of probabilities: Brier, log loss, expected calibration error, and intervals by resampled blocks of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models._registry import Array

BINS: Final = 15
_LEAST: Final = 1e-6
_RESAMPLINGS: Final = 2_000


@dataclass(frozen=True, slots=True)
class ProbabilityScore:
    """Smaller is better, all three. Log loss is of probabilities cut to [1e-6, 1 - 1e-6]."""

    brier: float
    log_loss: float
    calibration_error: float


def score(probabilities: Array, outcomes: Array) -> ProbabilityScore:
    """Of arrays of one shape."""
    return ProbabilityScore(
        float(brier(probabilities, outcomes).mean()),
        float(log_loss(probabilities, outcomes).mean()),
        calibration_error(probabilities, outcomes),
    )


def brier(probabilities: Array, outcomes: Array) -> Array:
    """Squared errors."""
    return np.asarray((probabilities - outcomes) ** 2)


def log_loss(probabilities: Array, outcomes: Array) -> Array:
    """-ln of the probability of what happened."""
    cut = np.clip(probabilities, _LEAST, 1 - _LEAST)
    return np.asarray(-np.log(np.where(outcomes > 0, cut, 1 - cut)))


def calibration_error(probabilities: Array, outcomes: Array, bins: int = BINS) -> float:
    """Mean gap between probability and frequency over equal bins of probability, weighted by their counts."""
    total = 0.0
    for gap, count in calibration(probabilities, outcomes, bins)[:, 2:]:
        total += abs(gap) * count
    return float(total / probabilities.size)


def calibration(probabilities: Array, outcomes: Array, bins: int = BINS) -> Array:
    """Rows (mean probability, frequency, their difference, count) of the bins that are not empty."""
    place = np.clip((probabilities.ravel() * bins).astype(int), 0, bins - 1)
    rows = []
    for one in range(bins):
        inside = place == one
        if inside.any():
            p, y = probabilities.ravel()[inside].mean(), outcomes.ravel()[inside].mean()
            rows.append((p, y, p - y, float(inside.sum())))
    return np.array(rows)


def block_interval(differences: Array, block: int, seed: int = 1) -> tuple[float, float]:
    """95 % interval of the mean of a time series by a circular block bootstrap (Politis and Romano 1992)."""
    generator = np.random.default_rng(seed)
    n = len(differences)
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([differences, differences[:block]]))])
    starts = generator.integers(0, n, (_RESAMPLINGS, -(-n // block)))
    means = (sums[starts + block] - sums[starts]).sum(axis=1) / (starts.shape[1] * block)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
