"""Feeds of any kind in the service: inputs from the feed itself, one proof for a group, observations by others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from oracle.chain.accounts import local_roles
from oracle.chain.deploy import Deployer
from oracle.chain.feeds import VectorObservationFeed
from oracle.chain.records import load_deployment, save_deployment
from oracle.cli.wiring import deployer, opened_database
from oracle.daemon.feeder import Feeder
from oracle.daemon.observing import Observer
from oracle.daemon.service import OracleService
from oracle.domain.deployment import FeatureFeedPlan, FeedGuards, ObservationLimits, VectorComponent, VectorFeedPlan
from oracle.domain.direction import DirectionFeatures
from oracle.domain.feature_modules import module_arguments
from oracle.domain.observations import VectorReport
from oracle.domain.push_policy import Push
from oracle.domain.requests import RequestState
from oracle.errors import ConfigurationError
from oracle.market.publishers import sign_reports
from oracle.proving.building.manifest import VERIFIER
from oracle.units import SECS_PER_DAY, WAD
from tests.support.service_stack import PRICE, ServiceStack

CIRCUIT, DIRECTION, MIRROR, VECTORS = "direction-32", "spx-direction", "spx-direction-mirror", "spx-surface"
GUARDS = FeedGuards(0, WAD, WAD // 2, 2**32 - 1, 2**32 - 1, 30 * SECS_PER_DAY, 50)
PLAN = FeatureFeedPlan(
    name=DIRECTION,
    description="SPX, probability of a rise",
    kind="direction",
    unit="probability of a rise",
    observations=PRICE,
    model=CIRCUIT,
    module=DirectionFeatures.contract,
    arguments=module_arguments(DirectionFeatures(), PRICE),
    guards=GUARDS,
    group="spx-directions",
)


@pytest.fixture
def deploying(service: OracleService, service_stack: ServiceStack) -> Iterator[Deployer]:
    """Deploys beside the market; the record is as before when the test is over."""
    client = service_stack.client
    before = load_deployment(client.settings, client.chain_id)
    assert before is not None
    with opened_database(service_stack.settings) as database:
        found = deployer(client, database, lambda _: None)
        engine = service.parts.engine
        found.deploy_model(engine.circuit(CIRCUIT), engine.folder(CIRCUIT) / VERIFIER)
        yield found
    save_deployment(client.settings, before)


def test_push__group_of_another_kind__one_transaction_publishes_each(
    service: OracleService, deploying: Deployer
) -> None:
    deploying.deploy_feature_feed(PLAN)
    deploying.deploy_feature_feed(replace(PLAN, name=MIRROR))
    request = service.wait(service.push(DIRECTION).id, 300)
    assert request.state is RequestState.FULFILLED, request.cause
    views = [service.feed(name) for name in (DIRECTION, MIRROR)]
    assert [(view.round_id, view.kind, view.unit) for view in views] == [(1, "direction", PLAN.unit)] * 2
    assert views[0].answer == views[1].answer
    assert 0 < (views[0].answer or 0) < WAD
    evidence = [service.evidence(name, 1) for name in (DIRECTION, MIRROR)]
    assert all(found.ok for found in evidence)
    assert evidence[0].tx_hash == evidence[1].tx_hash


def test_decision__feed_without_rounds__pushes_what_the_circuit_says(
    service: OracleService, deploying: Deployer
) -> None:
    record = deploying.deploy_feature_feed(replace(PLAN, name=MIRROR, group=""))
    feeder = Feeder(
        service.parts,
        Observer(service.parts),
        feeds=lambda: [record],
        push=lambda _: None,
        idle=lambda: True,
        on_fatal=lambda _: None,
    )
    assert feeder.decision(record).push is Push.YES


def test_vector_feed__published_by_others__seen_and_never_pushed(
    service: OracleService, deploying: Deployer, service_stack: ServiceStack
) -> None:
    client = service_stack.client
    publisher = local_roles(client.chain_id).publishers[0]
    components = (VectorComponent("level", 0, WAD), VectorComponent("skew", -WAD, WAD))
    limits = ObservationLimits(1, SECS_PER_DAY, SECS_PER_DAY)
    plan = VectorFeedPlan(VECTORS, "SPX surface", components, (publisher.address,), 1, limits)
    feed = VectorObservationFeed(client, deploying.deploy_vector_feed(plan).address)
    report = VectorReport(1, client.head().timestamp, (WAD // 5, -WAD // 10), 1)
    signed = sign_reports([bytes(publisher.key)], feed.report_domain(), report)
    service.parts.sender.transact("vector-1", feed.submit(*signed))
    view = service.feed(VECTORS)
    assert (view.kind, view.answer, view.unit, view.stale) == ("vector", WAD // 5, "level, skew", False)
    assert service.rounds(VECTORS)[0].observed_at == report.observed_at
    with pytest.raises(ConfigurationError, match="no market source"):
        service.push(VECTORS)
