"""What a service is made of; the command line's wiring builds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Engine

from oracle.chain.client import ChainClient
from oracle.chain.feeds import ObservationFeed, RiskFeed
from oracle.chain.sender import Sender
from oracle.daemon.metrics import Metrics
from oracle.domain.deployment import Deployment, FeedRecord
from oracle.errors import ConfigurationError, NotFound
from oracle.market.base import MarketSource
from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings
from oracle.store.artifacts import ArtifactStore
from oracle.store.requests import RequestStore


@dataclass(frozen=True)
class ServiceParts:
    """Built once, by the wiring.

    `deployment` reads the record of what is deployed, anew at each call. `sources`: by the price feed's name.
    `publisher_keys`: of every publisher that this process signs for. `workflows`: the durable engine's database.
    """

    settings: Settings
    client: ChainClient
    deployment: Callable[[], Deployment]
    engine: ProvingEngine
    sender: Sender
    requests: RequestStore
    artifacts: ArtifactStore
    workflows: Engine
    sources: Mapping[str, MarketSource]
    publisher_keys: Sequence[str | bytes]
    metrics: Metrics = field(default_factory=Metrics)

    def feed(self, name: str) -> FeedRecord:
        """The record of a feed. Raises NotFound."""
        return self.deployment().feed(name)

    def price_feed_of(self, feed: FeedRecord) -> FeedRecord:
        """The price feed that a feed's observations are in: itself, for a price feed."""
        return feed if feed.kind == "price" else self.feed(feed.observations)

    def observations(self, feed: FeedRecord) -> ObservationFeed:
        """The contract of the price feed behind a feed."""
        return ObservationFeed(self.client, self.price_feed_of(feed).address)

    def risk_feed(self, feed: FeedRecord) -> RiskFeed:
        """The contract of a proven feed. Raises NotFound for a price feed."""
        if feed.kind == "price":
            raise NotFound(f"the feed {feed.name!r} has no proofs: it is a price feed")
        return RiskFeed(self.client, feed.address)

    def source(self, feed: FeedRecord) -> MarketSource:
        """The market source behind a feed. Raises ConfigurationError when this service has none for it."""
        price_feed = self.price_feed_of(feed)
        if price_feed.name not in self.sources:
            raise ConfigurationError(
                f"this service has no market source for {price_feed.name!r}", remedy="start it with --source"
            )
        return self.sources[price_feed.name]
