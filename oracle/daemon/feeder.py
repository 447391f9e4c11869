"""The loop that keeps live feeds fresh: facts, decision, push, sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from oracle.chain.board import opened_feed
from oracle.chain.feeds import AggregatorFeed, FeedRound
from oracle.daemon.boards import board_answer
from oracle.daemon.loops import PatientLoop
from oracle.daemon.observing import Observer
from oracle.daemon.parts import ServiceParts
from oracle.domain.deployment import FeedRecord
from oracle.domain.features import PRICES, garch_inputs
from oracle.domain.garch import annualised_vol_wad, forecast
from oracle.domain.observations import Observation
from oracle.domain.push_policy import Answer, Candidate, Push, PushDecision, PushFacts, PushRule, decide
from oracle.errors import FeatureUnavailable, SkipCycle, SourceExhausted, SourceUnavailable
from oracle.units import WAD, wad_from_scaled

DEFAULT_DEVIATION_BPS: Final = 50
DEFAULT_CYCLE_SECS: Final = 15.0
LONGEST_PAUSE_SECS: Final = 300.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FeederRule:
    """How a feeder works: seconds from one cycle's start to the next, and the move that makes it push."""

    cycle_secs: float = DEFAULT_CYCLE_SECS
    deviation_threshold_bps: int = DEFAULT_DEVIATION_BPS


class Feeder:
    """Feeds one market's price feed and the proven feeds over it, in a thread of its own.

    `push` makes a round of a feed and returns when it is on chain or has failed. `idle` says that nobody waits for the
    prover, so that an early push costs nothing. An error that is no OracleError goes to `on_fatal` and ends the loop.
    """

    def __init__(
        self,
        parts: ServiceParts,
        observer: Observer,
        *,
        feeds: Callable[[], list[FeedRecord]],
        push: Callable[[str], None],
        idle: Callable[[], bool],
        on_fatal: Callable[[BaseException], None],
        rule: FeederRule | None = None,
    ) -> None:
        self._parts = parts
        self._observer = observer
        self._feeds = feeds
        self._push = push
        self._idle = idle
        self._rule = rule or FeederRule()
        self._loop = PatientLoop(
            "feeder",
            self.cycle,
            secs=self._rule.cycle_secs,
            longest_secs=LONGEST_PAUSE_SECS,
            metrics=parts.metrics,
            on_fatal=on_fatal,
        )

    def start(self) -> None:
        """Begins."""
        self._loop.start()

    def stop(self, timeout_secs: float = 10.0) -> None:
        """Ends after the cycle that runs now, or after the timeout."""
        self._loop.stop(timeout_secs)

    def cycle(self) -> None:
        """Decides for each feed, proven ones first since they take their observation along.

        A push of one feed of a group is a push of all.
        """
        pushed: set[str] = set()
        for feed in sorted(self._feeds(), key=lambda record: not record.proven):
            if self._loop.stopping.is_set():
                return
            if feed.group in pushed:
                continue
            decision = self.decision(feed)
            self._parts.metrics.decisions.labels(feed.name, decision.push.value).inc()
            _log.debug("decided", feed=feed.name, push=decision.push.value, reason=decision.reason)
            if decision.push is Push.YES or (decision.push is Push.EARLY and self._idle()):
                _log.info("pushing", feed=feed.name, reason=decision.reason)
                self._push(feed.name)
                pushed |= {feed.group} - {""}

    def decision(self, feed: FeedRecord) -> PushDecision:
        """Whether the feed is to be pushed now, from the chain's clock and the market as they are."""
        client = self._parts.client
        latest = opened_feed(client, feed).latest()
        rule = PushRule(self._due_secs(feed), self._rule.deviation_threshold_bps)
        facts = PushFacts(
            now=self._now(feed),
            rule=rule,
            published=Answer(latest.answer, latest.observed_at) if latest else None,
            candidate=self._candidate(feed),
        )
        return decide(facts)

    def _now(self, feed: FeedRecord) -> int:
        live = self._parts.has_source(feed) and not self._parts.source(feed).replay
        return int(time.time()) if live else self._parts.client.head().timestamp

    def _due_secs(self, feed: FeedRecord) -> int:
        """The age at which to push: two steps of the market before readers see the feed as stale.

        The market's next price may be a step away, and until its proof lands the old answer ages another. Where others
        publish the observations, half of the heartbeat.
        """
        if not self._parts.has_source(feed):
            return max(1, feed.heartbeat // 2)
        interval = self._parts.source(feed).interval_secs
        return max(interval, self._heartbeat(feed) - 2 * interval)

    def _heartbeat(self, feed: FeedRecord) -> int:
        return feed.heartbeat or (feed.limits.max_interval if feed.limits else self._parts.source(feed).interval_secs)

    def _candidate(self, feed: FeedRecord) -> Candidate | None:
        """What a push would publish; None when the market has nothing new or the window is not full yet."""
        latest = AggregatorFeed(self._parts.client, self._parts.observed_feed_of(feed).address).latest()
        try:
            observation = self._observer.next_observation(feed, latest)
        except (SourceExhausted, SourceUnavailable):
            if not feed.proven or latest is None:
                return None
            observation = Observation(latest.observed_at, latest.answer)
        if not feed.proven:
            return Candidate(observation.observed_at, observation.price)
        try:
            expected = self._forecast(feed, observation) if feed.params else self._on_chain_answer(feed, latest)
        except SkipCycle:
            return None
        return Candidate(observation.observed_at, expected)

    def _forecast(self, feed: FeedRecord, newest: Observation) -> int:
        """The answer that a proof over the window ending at `newest` would give, to about the circuit's error."""
        contract = self._parts.observations(feed)
        latest = contract.latest()
        if latest is None or feed.params is None:
            raise FeatureUnavailable(f"{feed.name} has no observations yet")
        fresh = newest.observed_at > latest.observed_at
        prices, _ = contract.window(latest.round_id, PRICES - 1 if fresh else PRICES)
        if fresh:
            prices = [*prices, newest.price]
        scale = self._parts.engine.circuit(feed.model).input_scale(0)
        *x, h0, omega, alpha, beta, a, b = (value / 2**scale for value in garch_inputs(prices, feed.params, scale))
        return annualised_vol_wad(round(forecast(x, h0, omega, alpha, beta, a, b) * WAD), feed.params)

    def _on_chain_answer(self, feed: FeedRecord, latest: FeedRound | None) -> int:
        """The answer that a proof at the newest recorded observation would give, whatever the feed's kind.

        The inputs are the feed's own, the outputs the circuit's, their meaning the feature module's.
        """
        if latest is None:
            raise FeatureUnavailable(f"{feed.name} has no observations yet")
        if feed.assesses_positions:
            return board_answer(self._parts, feed, latest.round_id)
        contract = self._parts.risk_feed(feed)
        inputs = contract.expected_inputs(latest.round_id).inputs
        witness = self._parts.engine.witness(feed.model, inputs)
        circuit = self._parts.engine.circuit(feed.model)
        outputs = [wad_from_scaled(value, circuit.output_scale(i)) for i, value in enumerate(witness.outputs)]
        return contract.feature_module().answer(outputs, inputs, latest.round_id)
