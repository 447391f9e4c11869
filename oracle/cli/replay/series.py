"""The market of a replay: the sample's hours, the hours before it, and what is fixed from those."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from oracle.cli.replay.answers import CircuitAnswers, float_answer, windows
from oracle.domain.garch import GarchParams
from oracle.domain.observations import Observation
from oracle.domain.replay.calls import Hour
from oracle.domain.replay.statics import Statics, calibrated
from oracle.domain.tail_risk import TailRiskFeatures
from oracle.errors import InvalidInput
from oracle.market.base import SeriesSource
from oracle.market.calibration import MAX_PRICES, calibrate
from oracle.market.sources import open_source
from oracle.units import SECS_PER_HOUR, WAD

ALL: Final = 1 << 40
MIN_HOURS: Final = 24
# On chain before the sample: the circuit's window
HISTORY: Final = 40
# Marks' volatility: exponentially weighted squares of hourly returns, half of the weight on the last ten days
MARK_DECAY: Final = 0.5 ** (1 / 240)
HOURS_PER_YEAR: Final = 8_760  # as the options book counts

Say = Callable[[str], None]


@dataclass(frozen=True)
class Sample:
    """A market between two dates. `observations` begin before it, `first` is its first among them."""

    symbol: str
    observations: list[Observation]
    first: int
    max_gap_secs: int
    params: GarchParams
    statics: Statics
    features: TailRiskFeatures

    @property
    def history(self) -> list[Observation]:
        """What is on chain before the sample."""
        return self.observations[self.first - HISTORY : self.first]

    def hours(self, answers: CircuitAnswers | None, say: Say) -> list[Hour]:
        """The sample with the feed's answers: the circuit's, or without one the model's in floats."""
        window = windows(self.observations, self.first, self.features.prices, self.max_gap_secs)
        sample = self.observations[self.first :]
        volatilities = mark_volatilities(self.observations)[self.first :]
        found = []
        for at, observation in enumerate(sample):
            part = window(at)
            risk = 0
            if part is not None:
                exact = answers.answer(part) if answers is not None else None
                risk = float_answer(part, self.params, self.features) if exact is None else exact
            found.append(Hour(observation.observed_at, observation.price, risk, volatilities[at]))
            if at % 25 == 0:
                say(f"answers: {at + 1} of {len(sample)} hours")
        return found


def open_sample(spec: str, symbol: str | None, start: str | None, end: str | None) -> Sample:
    """The sample of a file or another replayed source. Raises InvalidInput for one that is not hourly or too short."""
    source = open_source(spec, symbol, start, end)
    if not isinstance(source, SeriesSource):
        raise InvalidInput(f"{spec!r} cannot be replayed", remedy="Give csv:FILE with hourly candles.")
    if source.interval_secs != SECS_PER_HOUR:
        raise InvalidInput(
            f"{source.symbol} comes every {source.interval_secs} s, a replay needs hours",
            remedy="Give a file of hourly candles.",
        )
    observations = source.history(min(source.end_time, ALL), ALL)
    first = sum(o.observed_at < source.start_time for o in observations)
    if len(observations) - first < MIN_HOURS:
        raise InvalidInput(f"the sample has {len(observations) - first} hours, a replay needs {MIN_HOURS}")
    past = [o.price for o in observations[max(0, first - MAX_PRICES) : first]]
    params = calibrate(past, periods_per_year=source.periods_per_year, horizon=source.horizon).params
    statics, features = calibrated(past, params)
    return Sample(source.symbol, observations, first, source.max_interval_secs, params, statics, features)


def mark_volatilities(observations: list[Observation]) -> list[int]:
    """At each observation the annualised volatility that marks are made with, WAD: past returns alone."""
    returns = [after.price / before.price - 1 for before, after in itertools.pairwise(observations)]
    variance = fmean(r * r for r in returns[:HISTORY]) if returns else 0.0
    found = [variance]
    for r in returns:
        variance = MARK_DECAY * variance + (1 - MARK_DECAY) * r * r
        found.append(variance)
    return [max(1, round((v * HOURS_PER_YEAR) ** 0.5 * WAD)) for v in found]
