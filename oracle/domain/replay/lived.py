"""What every protocol's replay has in common: hours one after another, calls recorded, intents that come due."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from oracle.domain.perp_types import FeedAnswer
from oracle.domain.replay.calls import Hour, Recorder
from oracle.domain.replay.runs import VariantRun
from oracle.domain.replay.statics import Statics


class Opens(Protocol):
    """Something that a user means to do at an hour."""

    @property
    def opens(self) -> int:
        """The hour, from 0."""
        ...


I = TypeVar("I", bound=Opens)  # noqa: E741


class LivedHours(ABC, Generic[I]):
    """One variant of a protocol on its twin, lived through hour by hour."""

    def __init__(self, name: str, twin: object, hours: Sequence[Hour], intents: Sequence[I]) -> None:
        self.hours = hours
        self.done = VariantRun(name, twin)
        self.call = Recorder(name, twin)
        self.done.refusals = self.call.refusals
        self._opening: dict[int, list[I]] = defaultdict(list)
        for intent in intents:
            self._opening[intent.opens].append(intent)

    def run(self) -> VariantRun:
        """All hours."""
        for index, hour in enumerate(self.hours):
            self._hour(index, hour)
        return self.done

    def due(self, index: int) -> list[I]:
        """What is meant to begin at an hour; it is asked once."""
        return self._opening.pop(index, [])

    @abstractmethod
    def _hour(self, index: int, hour: Hour) -> None:
        """One hour's calls and its record."""


def answers(hour: Hour, before: FeedAnswer, fixed: Statics | None) -> tuple[FeedAnswer, FeedAnswer]:
    """Price and risk as a variant's feeds tell them: the static one's risk never moves; without an answer the last."""
    risk = hour.risk if fixed is None else fixed.margin
    answer = FeedAnswer(risk, hour.observed_at) if risk else before
    return FeedAnswer(hour.price, hour.observed_at), answer
