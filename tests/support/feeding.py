"""A chain with a month of hourly prices, on which any circuit is deployed and proven by the product's own parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from web3.types import TxReceipt

from oracle.chain.accounts import local_roles
from oracle.chain.client import ChainClient
from oracle.chain.deploy import Deployer
from oracle.chain.feeds import ObservationFeed, RiskFeed, SharedProofVerifier, VectorObservationFeed
from oracle.domain.deployment import (
    FeatureFeedPlan,
    FeedGuards,
    FeedRecord,
    ObservationLimits,
    PriceFeedPlan,
    VectorComponent,
    VectorFeedPlan,
)
from oracle.domain.feature_modules import module_arguments
from oracle.domain.garch_batch import BatchAsset, batch_plans
from oracle.domain.observations import Report, VectorReport
from oracle.domain.proofs import Proof
from oracle.market.publishers import sign_reports
from oracle.proving.building.manifest import VERIFIER
from oracle.proving.engine import ProvingEngine
from oracle.units import SECS_PER_DAY, SECS_PER_HOUR, WAD
from tests.support.feature_cases import FeatureCase, VectorCase
from tests.support.market import sender_of

HOURLY = "test-usd-hourly"
VECTORS = "test-vectors"
BATCH = 60
WIDE = FeedGuards(-(10**30), 10**30, 0, 2**32 - 1, 2**32 - 1, SECS_PER_DAY, 100)
LIMITS = ObservationLimits(SECS_PER_HOUR // 2, 2 * SECS_PER_HOUR, SECS_PER_HOUR, 100, 10_000)


def record_history(client: ChainClient, prices: Sequence[int]) -> FeedRecord:
    """The core, and a feed of one publisher that holds these hourly prices, the last of them observed now."""
    (record,) = record_histories(client, {HOURLY: prices})
    return record


def record_histories(client: ChainClient, histories: Mapping[str, Sequence[int]]) -> list[FeedRecord]:
    """As record_history, feeds of several names, observed at the same times."""
    deployer, operator = Deployer(client, sender_of(client)), sender_of(client, 1)
    deployer.deploy_core()
    publisher = local_roles(client.chain_id).publishers[0]
    records = [
        deployer.deploy_price_feed(PriceFeedPlan(name, "TEST / USD, hourly", (publisher.address,), 1, LIMITS))
        for name in histories
    ]
    start, count = client.head().timestamp + SECS_PER_HOUR, len(next(iter(histories.values())))
    for first in range(0, count, BATCH):
        times = [start + SECS_PER_HOUR * i for i in range(first, min(first + BATCH, count))]
        client.set_next_block_timestamp(times[-1])
        for record in records:
            feed, part = ObservationFeed(client, record.address), histories[record.name][first : first + BATCH]
            reports = [Report(first + i + 1, times[i], price, 1) for i, price in enumerate(part)]
            signed = [sign_reports([bytes(publisher.key)], feed.report_domain(), report) for report in reports]
            call = feed.submit_many([reports for reports, _ in signed], [signatures for _, signatures in signed])
            operator.transact(f"history-{record.name}-{first}", call)
    return records


@dataclass
class Feeding:
    """One circuit's way onto the chain and of one number through it."""

    client: ChainClient
    engine: ProvingEngine
    circuit_id: str

    def __post_init__(self) -> None:
        self.deployer = Deployer(self.client, sender_of(self.client))
        self.operator = sender_of(self.client, 1)
        self.manifest = self.engine.circuit(self.circuit_id)
        self.engine.prepare(self.circuit_id)

    @property
    def verifier(self) -> Path:
        """The generated verifier's source."""
        return self.engine.folder(self.circuit_id) / VERIFIER

    @property
    def scale_bits(self) -> int:
        """Of the circuit's inputs."""
        return self.manifest.input_scale(0)

    def deploy_model(self) -> None:
        """The circuit's verifier, registered."""
        self.deployer.deploy_model(self.manifest, self.verifier)

    def publish_vector(self, case: VectorCase) -> VectorObservationFeed:
        """A vector feed of one publisher that holds the case's vector, observed now."""
        publisher = local_roles(self.client.chain_id).publishers[0]
        components = tuple(VectorComponent(name, -(10**30), 10**30) for name in case.typical.components)
        plan = VectorFeedPlan(VECTORS, "TEST vectors", components, (publisher.address,), 1, LIMITS)
        feed = VectorObservationFeed(self.client, self.deployer.deploy_vector_feed(plan).address)
        report = VectorReport(1, self.client.head().timestamp, case.values, 1)
        reports, signatures = sign_reports([bytes(publisher.key)], feed.report_domain(), report)
        self.operator.transact("vector", feed.submit(reports, signatures))
        return feed

    def deploy_feed(self, case: FeatureCase | VectorCase) -> RiskFeed:
        """The case's module and its feed over the hourly prices, or over the published vectors."""
        self.deploy_model()
        observations = VECTORS if isinstance(case, VectorCase) else HOURLY
        plan = FeatureFeedPlan(
            name=f"test-{self.circuit_id}",
            description=case.unit,
            kind=case.kind,
            unit=case.unit,
            observations=observations,
            model=self.circuit_id,
            module=case.typical.contract,
            arguments=module_arguments(case.typical, observations),
            guards=WIDE,
        )
        return RiskFeed(self.client, self.deployer.deploy_feature_feed(plan).address)

    def deploy_group(self, group: str, assets: Sequence[BatchAsset], max_skew: int) -> list[RiskFeed]:
        """Four feeds of the batch circuit behind one SharedProofVerifier."""
        self.deploy_model()
        plans = batch_plans(group, assets, self.circuit_id, max_skew)
        return [RiskFeed(self.client, self.deployer.deploy_feature_feed(plan).address) for plan in plans]

    def submit_together(self, group: str, observation_round: int, proof: Proof) -> TxReceipt:
        """The next round of every feed of a group."""
        members = self.deployer.deployment.group(group)
        outputs = proof.instances[self.manifest.input_count :]
        shared = SharedProofVerifier(self.client, members[0].verifier)
        addresses = [member.address for member in members]
        return self.operator.transact(
            "rounds", shared.submit_rounds(addresses, observation_round, outputs, proof.zk_proof)
        )

    def prove(self, inputs: Sequence[int]) -> Proof:
        """A proof for integers at the input scale."""
        return self.engine.prove(self.circuit_id, self.engine.witness(self.circuit_id, list(inputs)))

    def submit(self, feed: RiskFeed, observation_round: int, proof: Proof) -> TxReceipt:
        """The feed's next round."""
        outputs = proof.instances[self.manifest.input_count :]
        return self.operator.transact("round", feed.submit_round(observation_round, outputs, proof.zk_proof))

    def outputs_wad(self, proof: Proof) -> list[int]:
        """The proof's outputs as the chain decodes them."""
        values = proof.integers()[self.manifest.input_count :]
        found = [abs(value) * WAD >> self.manifest.output_scale(i) for i, value in enumerate(values)]
        return [size if value >= 0 else -size for size, value in zip(found, values, strict=True)]
