"""The next observation of a market: taken from its source, signed by the publishers, recorded on chain."""

from __future__ import annotations

from oracle.chain.feeds import AggregatorFeed, FeedRound, ObservationFeed
from oracle.daemon.parts import ServiceParts
from oracle.daemon.steps import Facts
from oracle.domain.deployment import FeedRecord
from oracle.domain.observations import Observation
from oracle.domain.requests import Request
from oracle.errors import ObservationRejected, SourceExhausted, SourceUnavailable
from oracle.market.publishers import sign_reports


class Observer:
    """Plans and records observations. Where the market stands is read from the chain, never remembered."""

    def __init__(self, parts: ServiceParts) -> None:
        self._parts = parts

    def next_observation(self, feed: FeedRecord, latest: FeedRound | None) -> Observation:
        """What the source has after the chain's newest observation.

        Raises SourceExhausted, also for a proven feed whose observations others publish; SourceUnavailable.
        """
        if feed.proven and not self._parts.has_source(feed):
            raise SourceExhausted(f"others publish the observations of {feed.name!r}")
        source = self._parts.source(feed)
        return source.next_after(latest.observed_at if latest else source.start_time - 1)

    def plan(self, feed: FeedRecord) -> Facts:
        """The observation round that a push is for, and its observation.

        The next one; where the source has none, the newest recorded one, if it is not proven yet.
        """
        latest = self._latest(feed)
        try:
            observation = self.next_observation(feed, latest)
        except (SourceExhausted, SourceUnavailable):
            if latest is None or not feed.proven or self._proven_round(feed) >= latest.round_id:
                raise
            return _planned(latest.round_id, Observation(latest.observed_at, latest.answer))
        return _planned(latest.round_id + 1 if latest else 1, observation)

    def record(self, request: Request, feed: FeedRecord, planned: Facts) -> Facts:
        """Sees to it that the planned round is on chain; its price and times as the chain has them."""
        contract = AggregatorFeed(self._parts.client, self._parts.observed_feed_of(feed).address)
        round_id = int(planned["observationRound"])
        latest = contract.latest_round()
        facts: Facts = {}
        if latest < round_id:
            if latest + 1 != round_id:
                raise ObservationRejected(f"the feed is at round {latest}, round {round_id} cannot follow")
            observation = Observation(int(planned["observedAt"]), int(planned["price"]))
            facts = self._submit(request, self._parts.observations(feed), feed, observation)
        recorded = contract.round_data(round_id)
        return {
            **facts,
            "observationRound": round_id,
            "observedAt": recorded.observed_at,
            "updatedAt": recorded.updated_at,
            "price": str(recorded.answer),
        }

    def _submit(self, request: Request, contract: ObservationFeed, feed: FeedRecord, observation: Observation) -> Facts:
        client = self._parts.client
        if client.is_local and self._parts.source(feed).replay and client.head().timestamp < observation.observed_at:
            client.set_next_block_timestamp(observation.observed_at)
        report = contract.next_report(observation)
        reports, signatures = sign_reports(self._parts.publisher_keys, contract.report_domain(), report)
        key = f"observe:{contract.address}:{report.round_id}:{request.id}"
        receipt = self._parts.sender.transact(key, contract.submit(reports, signatures))
        self._parts.metrics.gas_used.labels("observe").inc(receipt["gasUsed"])
        return {"txHash": receipt["transactionHash"].to_0x_hex(), "gasUsed": int(receipt["gasUsed"])}

    def _latest(self, feed: FeedRecord) -> FeedRound | None:
        return AggregatorFeed(self._parts.client, self._parts.observed_feed_of(feed).address).latest()

    def _proven_round(self, feed: FeedRecord) -> int:
        """The observation round that the feed's newest round is of; 0 before the first.

        0 for a board too: positions change between two prices, so a price may be gone by again.
        """
        if feed.assesses_positions:
            return 0
        contract = self._parts.risk_feed(feed)
        round_id = contract.latest_round()
        return contract.round(round_id).observation_round if round_id else 0


def _planned(round_id: int, observation: Observation) -> Facts:
    return {"observationRound": round_id, "observedAt": observation.observed_at, "price": str(observation.price)}
