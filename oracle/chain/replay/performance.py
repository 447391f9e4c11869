"""The whole replay on the chain: observations, proofs, and the twins' calls, hour after hour, then the comparison."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from web3.contract import Contract

from oracle.chain.replay.feeding import ProvenFeed
from oracle.chain.replay.stage import Cast, Stage, Step
from oracle.domain.observations import Observation
from oracle.domain.replay.calls import Call, Hour, Moment
from oracle.domain.replay.runs import OBSERVED_AFTER_SECS, VariantRun
from oracle.errors import ArtifactMismatch

Say = Callable[[int, int], None]


class Production(Protocol):
    """One protocol's contracts on the stage, a set for each variant."""

    @property
    def contracts(self) -> Mapping[str, Contract]:
        """The contract that takes a variant's calls."""
        ...

    def open(self, first: Hour) -> None:
        """Deploys every variant at the time at which its twin was made."""
        ...

    def feeds(self, hour: Hour) -> list[Step]:
        """What the stubs say of a new hour."""
        ...

    def translate(self, call: Call, cast: Cast) -> Step:
        """A twin's call as the contract's."""
        ...

    def compare(self, run: VariantRun) -> int:
        """How many figures are equal on both sides. Raises ArtifactMismatch for the first that is not."""
        ...


@dataclass(frozen=True, slots=True)
class Performance:
    """What was done on the chain. `proven`: the hours whose round is a real proof; `figures`: compared equal."""

    calls: int
    blocks: int
    proven: tuple[int, ...]
    figures: int


def perform(
    stage: Stage,
    cast: Cast,
    production: Production,
    hours: Sequence[Hour],
    runs: Sequence[VariantRun],
    *,
    history: Sequence[Observation],
    proven_feed: ProvenFeed | None = None,
    proven_hours: Collection[int] = (),
    say: Say = lambda done, total: None,
) -> Performance:
    """Gives the contracts the twins' calls and compares both in the end.

    Raises ArtifactMismatch when a contract refuses a call, proves another answer, or ends in another state.
    """
    stage.record_history(history)
    by_hour: dict[int, list[Moment]] = defaultdict(list)
    for run in runs:
        for moment in run.moments:
            by_hour[moment.hour].append(moment)
    calls = blocks = 0
    done: list[int] = []
    for index, hour in enumerate(hours):
        proves = proven_feed is not None and index in proven_hours and hour.risk > 0
        steps = [stage.observe(Observation(hour.observed_at, hour.price)), *production.feeds(hour)]
        if proves or index == 0:
            stage.run(steps, hour.observed_at + OBSERVED_AFTER_SECS)
            steps = []
        if proven_feed is not None and proves:
            proven_feed.publish(Observation(hour.observed_at, hour.price), hour.risk)
            done.append(index)
        if index == 0:
            production.open(hour)
        for time, moments in _by_time(by_hour[index]):
            own = [production.translate(call, cast) for moment in moments for call in moment.calls]
            stage.run([*steps, *own], time)
            steps, calls, blocks = [], calls + len(own), blocks + 1
        if steps:
            stage.run(steps, hour.observed_at + OBSERVED_AFTER_SECS)
        say(index + 1, len(hours))
    figures = sum(production.compare(run) for run in runs)
    return Performance(calls, blocks, tuple(done), figures)


def compare(variant: str, twin: Mapping[str, object], chain: Mapping[str, object]) -> int:
    """How many figures are equal. Raises ArtifactMismatch naming the first that differs."""
    for name, value in twin.items():
        if chain.get(name) != value:
            raise ArtifactMismatch(f"{variant}: {name} is {chain.get(name)} on chain and {value} in the twin")
    return len(twin)


def _by_time(moments: Sequence[Moment]) -> list[tuple[int, list[Moment]]]:
    times: dict[int, list[Moment]] = defaultdict(list)
    for moment in moments:
        times[moment.time].append(moment)
    return sorted(times.items())
