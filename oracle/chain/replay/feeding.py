"""The risk feeds of a replay: stubs that say what the circuit's witness says, and the real feed where it is proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from web3.contract import Contract

from oracle.chain.feeds import RiskFeed
from oracle.chain.replay.stage import FEED_ACTOR, PRICES, Stage, Step
from oracle.domain.deployment import CircuitFacts, FeatureFeedPlan, FeedGuards
from oracle.domain.feature_modules import module_arguments
from oracle.domain.observations import Observation
from oracle.domain.proofs import Proof
from oracle.domain.replay.runs import PROVEN_AFTER_SECS
from oracle.domain.tail_risk import TailRiskFeatures
from oracle.errors import ArtifactMismatch
from oracle.units import SECS_PER_HOUR, WAD

RISK: Final = "replay-value-at-risk"
# Nothing is held back: what is proven is what is read
GUARDS: Final = FeedGuards(1, 4 * WAD, WAD, 2**32 - 1, 2**32 - 1, 6 * SECS_PER_HOUR, 100)

Prove = Callable[[list[int]], Proof]


class Stub:
    """A feed that says what it is told."""

    def __init__(self, stage: Stage, decimals: int = 18) -> None:
        self._stage = stage
        self.contract: Contract = stage.deploy("StubRounds", decimals)

    @property
    def address(self) -> str:
        """The feed's."""
        return str(self.contract.address)

    def says(self, answer: int, observed_at: int) -> Step:
        """The call that sets its answer."""
        return self._stage.step(FEED_ACTOR, self.contract, "set", answer, observed_at, observed_at)


class ProvenFeed:
    """The real RiskFeed over the replay's prices, its verifier registered, its rounds proven."""

    def __init__(
        self, stage: Stage, circuit: CircuitFacts, verifier: object, features: TailRiskFeatures, prove: Prove
    ) -> None:
        self._stage, self._prove, self._inputs_count = stage, prove, circuit.input_count
        stage.deployer.deploy_core()
        stage.deployer.deploy_model(circuit, verifier)  # type: ignore[arg-type]
        record = stage.deployer.deploy_feature_feed(
            FeatureFeedPlan(
                name=RISK,
                description="Value at Risk, 99 %, one day",
                kind="tail-risk",
                unit="share of the price",
                observations=PRICES,
                model=circuit.circuit_id,
                module=features.contract,
                arguments=module_arguments(features, PRICES),
                guards=GUARDS,
            )
        )
        self.address = record.address
        self._feed = RiskFeed(stage.client, record.address)
        self.rounds = 0

    def publish(self, observation: Observation, expected: int) -> None:
        """Proves and submits the round of the newest observation.

        Raises ArtifactMismatch unless the chain's answer is the one that the witness gave.
        """
        inputs = list(self._feed.expected_inputs(self._stage.rounds).inputs)
        proof = self._prove(inputs)
        call = self._feed.submit_round(self._stage.rounds, proof.instances[self._inputs_count :], proof.zk_proof)
        self._stage.transact(call, observation.observed_at + PROVEN_AFTER_SECS)
        self.rounds += 1
        stored = self._feed.round(self.rounds)
        if (stored.answer, stored.proven_answer, stored.observed_at) != (expected, expected, observation.observed_at):
            raise ArtifactMismatch(
                f"round {self.rounds} proves {stored.proven_answer} of {stored.observed_at}, "
                f"the witness says {expected} of {observation.observed_at}"
            )
