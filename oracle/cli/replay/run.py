"""One replay from beginning to end: the sample, the twins, the proofs, the contracts, the report."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient
from oracle.chain.deploy import Deployer
from oracle.chain.replay.feeding import ProvenFeed
from oracle.chain.replay.performance import Performance, perform
from oracle.chain.replay.stage import Cast, Stage
from oracle.chain.sender import Sender
from oracle.cli.proving import opened_engine
from oracle.cli.replay.answers import CIRCUIT, CircuitAnswers
from oracle.cli.replay.protocols import PROTOCOLS, Protocol
from oracle.cli.replay.series import Sample, open_sample
from oracle.cli.wiring import deploying_account
from oracle.constants import LOCAL_CHAIN_IDS
from oracle.domain.observations import Report, ReportDomain
from oracle.domain.outbox import MemoryOutbox
from oracle.domain.replay import report as reporting
from oracle.domain.replay.calls import Hour
from oracle.domain.replay.runs import VariantRun, by_requirement, verdict, worst_hours
from oracle.errors import InvalidInput
from oracle.market.publishers import sign_reports
from oracle.settings import Settings
from oracle.units import SECS_PER_HOUR

ALL, SAMPLED, NONE = "all", "sampled", "none"
MODES: Final = (ALL, SAMPLED, NONE)
PROTOCOL_NAMES: Final = tuple(PROTOCOLS)
CHAIN_ID: Final = min(LOCAL_CHAIN_IDS - {1337})

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What the user asked for.

    `every`: with sampled proofs, one round in so many is proven. Without `contracts` the twins run alone.
    """

    protocol: str
    source: str
    symbol: str | None = None
    start: str | None = None
    end: str | None = None
    proofs: str = SAMPLED
    every: int = 100
    seed: int = 1
    contracts: bool = True

    def checked(self) -> ReplayOptions:
        """Itself. Raises InvalidInput for a protocol or a mode that there is not."""
        for name, value, known in (
            ("--protocol", self.protocol, PROTOCOL_NAMES),
            ("--proofs", self.proofs, MODES),
        ):
            if value not in known:
                raise InvalidInput(f"{name} {value!r} is not one of {', '.join(known)}")
        if not self.contracts and self.proofs != NONE:
            raise InvalidInput(
                "the twins alone verify no proof", remedy="Give --proofs none, or leave out --twins-only."
            )
        return self


@dataclass(frozen=True)
class Replayed:
    """A finished replay: its report, and what is drawn from."""

    report: reporting.Report
    hours: list[Hour]
    runs: list[VariantRun]


def run_replay(settings: Settings, options: ReplayOptions, say: Say) -> Replayed:
    """The replay. Raises ArtifactMismatch when the contracts and their twins do not end in one state."""
    began = time.monotonic()
    protocol = PROTOCOLS[options.checked().protocol]
    sample = open_sample(options.source, options.symbol, options.start, options.end)
    with _answers(settings, options, sample) as answers:
        hours = sample.hours(answers, say)
        say(f"{len(hours)} hours, the twins")
        runs = protocol.run(hours, sample.statics, options.seed)
        proven = proven_hours(options, hours, runs)
        done = Performance(0, 0, (), 0)
        if options.contracts:
            done = _on_chain(settings, sample, hours, runs, protocol=protocol, answers=answers, proven=proven, say=say)
    mode = reporting.Proofs(options.proofs, CIRCUIT, sum(h.risk > 0 for h in hours), len(done.proven))
    return Replayed(
        _report(options, sample, hours, runs, protocol=protocol, proofs=mode, done=done, began=began), hours, runs
    )


def proven_hours(options: ReplayOptions, hours: Sequence[Hour], runs: Sequence[VariantRun]) -> set[int]:
    """The hours whose round is really proven."""
    match options.proofs:
        case "all":
            return set(range(len(hours)))
        case "sampled":
            return {*range(0, len(hours), options.every), *worst_hours(runs, reporting.hour_moves(hours))}
        case _:
            return set()


@contextmanager
def _answers(settings: Settings, options: ReplayOptions, sample: Sample) -> Iterator[CircuitAnswers | None]:
    if options.proofs == NONE:
        yield None
        return
    with opened_engine(settings) as engine:
        yield CircuitAnswers(settings, engine, sample.features)


def _on_chain(
    settings: Settings,
    sample: Sample,
    hours: Sequence[Hour],
    runs: Sequence[VariantRun],
    *,
    protocol: Protocol,
    answers: CircuitAnswers | None,
    proven: set[int],
    say: Say,
) -> Performance:
    names = sorted({call.sender for run in runs for moment in run.moments for call in moment.calls})
    start = sample.history[0].observed_at - SECS_PER_HOUR
    with _stage(settings, start, len(names) + 1) as stage:
        cast = Cast(stage, names)
        feed = None
        if answers is not None:
            feed = ProvenFeed(stage, answers.circuit, answers.verifier, sample.features, answers.prove)
        risk = feed.address if feed is not None and len(proven) == len(hours) else None
        production = protocol.production(stage, cast, hours, sample.statics, risk)
        return perform(
            stage,
            cast,
            production,
            hours,
            runs,
            history=sample.history,
            proven_feed=feed,
            proven_hours=proven,
            say=lambda at, total: say(f"contracts: {at} of {total} hours") if at % 25 == 0 or at == total else None,
        )


@contextmanager
def _stage(settings: Settings, start: int, actors: int) -> Iterator[Stage]:
    """A chain of this replay's own, in a folder that goes with it."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.state_dir, prefix="replay-") as folder:
        own = settings.model_copy(update={"state_dir": Path(folder), "rpc_url": "", "chain_id": CHAIN_ID} | _LOCAL)
        anvil = AnvilProcess.start(own, timestamp=start)
        try:
            client = ChainClient.connect(own, anvil.rpc_url)
            sender = Sender(client, deploying_account(own), MemoryOutbox())
            yield Stage(client, Deployer(client, sender), sender, actors, sign=_sign)
        finally:
            anvil.stop()


_LOCAL: Final = {"operator_key": None, "keystore": None, "confirmations": 0}


def _sign(key: bytes, domain: ReportDomain, report: Report) -> tuple[list[Report], list[bytes]]:
    return sign_reports([key], domain, report)


def _report(
    options: ReplayOptions,
    sample: Sample,
    hours: Sequence[Hour],
    runs: Sequence[VariantRun],
    *,
    protocol: Protocol,
    proofs: reporting.Proofs,
    done: Performance,
    began: float,
) -> reporting.Report:
    outcomes = {run.name: run.outcome() for run in runs}
    dynamic, static = outcomes[protocol.dynamic], outcomes[protocol.static]
    by_name = {run.name: run for run in runs}
    bars = [*reporting.beats_static(dynamic, static), *protocol.bars(hours, by_name, sample.statics)]
    return reporting.Report(
        protocol=options.protocol,
        market=sample.symbol,
        start=hours[0].observed_at,
        end=hours[-1].observed_at,
        hours=len(hours),
        seed=options.seed,
        statics=sample.statics,
        proofs=proofs,
        variants=tuple(outcomes.values()),
        verdict=verdict(dynamic, static),
        verdict_by_requirement=verdict(dynamic, static, by_requirement),
        bars=tuple(bars),
        worst=reporting.worst(hours, runs),
        calls=done.calls,
        figures_equal=done.figures,
        seconds=round(time.monotonic() - began, 1),
    )
