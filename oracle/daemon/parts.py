"""What a service is made of; the command line's wiring builds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Engine

from oracle.chain.board import LiquidationBoard
from oracle.chain.client import ChainClient
from oracle.chain.deploy import Deployer
from oracle.chain.feeds import ObservationFeed, RiskFeed
from oracle.chain.sender_pool import SenderPool
from oracle.daemon.metrics import Metrics
from oracle.daemon.tracing import Tracing
from oracle.domain.deployment import Deployment, FeedRecord
from oracle.errors import ConfigurationError, NotFound
from oracle.market.base import MarketSource
from oracle.proving.engine import ProvingEngine
from oracle.settings import Settings
from oracle.store.artifacts import Artifacts
from oracle.store.requests import RequestStore


@dataclass(frozen=True)
class ServiceParts:
    """Built once, by the wiring.

    `deployment` reads the record of what is deployed, anew at each call. `sources`: by the price feed's name.
    `publisher_keys`: of every publisher that this process signs for. `workflows`: the durable engine's database.
    `deployer`: what deploys and registers models here; None where this process owns no registry.
    """

    settings: Settings
    client: ChainClient
    deployment: Callable[[], Deployment]
    engine: ProvingEngine
    sender: SenderPool
    database: Engine
    requests: RequestStore
    artifacts: Artifacts
    workflows: Engine
    sources: Mapping[str, MarketSource]
    publisher_keys: Sequence[str | bytes]
    deployer: Callable[[], Deployer] | None = None
    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=Tracing)

    def feed(self, name: str) -> FeedRecord:
        """The record of a feed. Raises NotFound."""
        return self.deployment().feed(name)

    def observed_feed_of(self, feed: FeedRecord) -> FeedRecord:
        """The feed that a feed's observations are in: itself, for a feed of prices or vectors."""
        return self.feed(feed.observations) if feed.proven else feed

    def observations(self, feed: FeedRecord) -> ObservationFeed:
        """The contract of the price feed behind a feed. Raises ConfigurationError where vectors are behind it."""
        observed = self.observed_feed_of(feed)
        if observed.kind != "price":
            raise ConfigurationError(f"the feed {feed.name!r} stands on {observed.name!r}, which holds no prices")
        return ObservationFeed(self.client, observed.address)

    def risk_feed(self, feed: FeedRecord) -> RiskFeed:
        """The contract of a proven feed. Raises NotFound for a feed of observations."""
        if not feed.proven:
            raise NotFound(f"the feed {feed.name!r} has no proofs: it is a {feed.kind} feed")
        if feed.assesses_positions:
            raise NotFound(f"the feed {feed.name!r} is a liquidation board: it assesses positions")
        return RiskFeed(self.client, feed.address)

    def board(self, feed: FeedRecord) -> LiquidationBoard:
        """The contract of a liquidation board. Raises NotFound for a feed of another kind."""
        if not feed.assesses_positions:
            raise NotFound(f"the feed {feed.name!r} assesses no positions: it is a {feed.kind} feed")
        return LiquidationBoard(self.client, feed.address, feed.first_block)

    def has_source(self, feed: FeedRecord) -> bool:
        """Whether this service takes observations for a feed from a market; else others publish them."""
        return self.observed_feed_of(feed).name in self.sources

    def source(self, feed: FeedRecord) -> MarketSource:
        """The market source behind a feed. Raises ConfigurationError when this service has none for it."""
        observed = self.observed_feed_of(feed)
        if observed.name not in self.sources:
            raise ConfigurationError(
                f"this service has no market source for {observed.name!r}", remedy="start it with --source"
            )
        return self.sources[observed.name]
