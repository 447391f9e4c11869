"""A RiskFeed over a real ObservationFeed and a real GarchVolatilityModule, with real proofs of a small stand-in model.

The model has the GARCH circuit's inputs and output but is linear, so that a proof takes a tenth of a second:
variance = h0 + sum of x / 64 + (omega + alpha + beta + a + b) / 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from web3.contract import Contract
from web3.logs import DISCARD
from web3.types import TxReceipt

from oracle.domain.features import MODEL_INPUTS, WINDOW
from oracle.domain.garch import GarchParams, annualised_vol_wad
from oracle.settings import Settings
from oracle.units import BPS, SECS_PER_HOUR, WAD, int_from_felt, wad_from_scaled
from tests.support.inference import Inference, deploy_artifact, verifier_spec
from tests.support.local_chain import LocalChain
from tests.support.observations import FeedLimits, Publishers, deploy_feed
from tests.support.tiny_circuit import SCALE_BITS, TinyCircuit, TinyProof

WEIGHTS = [[1 / 64]] * WINDOW + [[1.0]] + [[1 / 4]] * 5
PARAMS = GarchParams(
    sigma_ref_wad=5 * 10**15,
    omega_wad=10**17,
    alpha_wad=10**17,
    beta_wad=8 * 10**17,
    horizon=24,
    periods_per_year=8766,
)
INTERVAL = SECS_PER_HOUR
UNLIMITED = 2**32 - 1
CALM = (100 * 10**8, 100 * 10**8 + 10**7)  # the history alternates between these
HISTORY = 40


@dataclass(frozen=True)
class Guards:
    """IRiskFeed.Guards."""

    min_answer: int = WAD // 100
    max_answer: int = 5 * WAD
    fallback_answer: int = 5 * WAD
    rise_bps_per_hour: int = UNLIMITED
    fall_bps_per_hour: int = UNLIMITED
    heartbeat: int = 2 * SECS_PER_HOUR
    max_observation_lag: int = 1

    def as_tuple(self) -> tuple[int, ...]:
        """The fields in the ABI's order."""
        return (
            self.min_answer,
            self.max_answer,
            self.fallback_answer,
            self.rise_bps_per_hour,
            self.fall_bps_per_hour,
            self.heartbeat,
            self.max_observation_lag,
        )


@dataclass(frozen=True)
class RiskFeedStack:
    """A feed, what it stands on, and the provers' part. Roles: 0 admin, 10 guardian, 11 anybody."""

    chain: LocalChain
    inference: Inference
    publishers: Publishers
    module: Contract
    contract: Contract
    circuit: TinyCircuit
    model_id: int

    admin, guardian, anybody = 0, 10, 11

    @property
    def read(self) -> Any:
        """The feed's functions."""
        return self.contract.functions

    def latest_observation(self) -> int:
        """The newest round of the observation feed."""
        latest: int = self.publishers.contract.functions.latestRound().call()
        return latest

    def observe(self, *prices: int, after: int = INTERVAL) -> int:
        """Publishes observations, one or a whole batch; returns the last one's round."""
        if len(prices) == 1:
            self.publishers.observe(prices[0], after=after)
        else:
            self.publishers.history(prices, interval=after)
        return self.latest_observation()

    def inputs(self, observation: int) -> list[int]:
        """The model's inputs for the window that ends there, as the chain has them."""
        inputs: list[int] = self.module.functions.inputs(observation).call()[0]
        return inputs

    def prove(self, observation: int | None = None) -> TinyProof:
        """A proof for the window that ends at `observation`, by default the newest."""
        inputs = self.inputs(self.latest_observation() if observation is None else observation)
        return self.circuit.prove([value / 2**SCALE_BITS for value in inputs])

    def proven(self, proof: TinyProof) -> int:
        """The answer that a proof's output stands for."""
        return annualised_vol_wad(wad_from_scaled(int_from_felt(proof.outputs[0]), SCALE_BITS), PARAMS)

    def submit(self, observation: int | None = None, proof: TinyProof | None = None, **changed: Any) -> TxReceipt:
        """Submits a round: by default the true one for the newest observation."""
        observation = self.latest_observation() if observation is None else observation
        proof = proof or self.prove(observation)
        outputs, zk_proof = changed.get("outputs", proof.outputs), changed.get("zk_proof", proof.zk_proof)
        call = self.contract.functions.submitRound(observation, outputs, zk_proof)
        return self.chain.send(call, self.chain.address(self.anybody))

    def push(self, *prices: int) -> TxReceipt:
        """Observes prices and submits the round for the last."""
        return self.submit(self.observe(*prices))

    def set_guards(self, **changes: int) -> Guards:
        """Changes the default guards."""
        guards = replace(Guards(), **changes)
        self.chain.send(self.contract.functions.setGuards(guards.as_tuple()))
        return guards

    def events(self, receipt: TxReceipt, name: str) -> list[dict[str, Any]]:
        """The arguments of the feed's events of one name in a receipt."""
        logs = getattr(self.contract.events, name)().process_receipt(receipt, errors=DISCARD)
        return [dict(log["args"]) for log in logs]

    def deploy(self, **changed: Any) -> RiskFeedStack:
        """A further feed on the same ground, with parts of its configuration replaced."""
        return replace(self, contract=self.chain.deploy("RiskFeed", self.config(**changed)))

    def config(self, **changed: Any) -> tuple[Any, ...]:
        """The feed's constructor argument."""
        values = {
            "admin": self.chain.address(self.admin),
            "guardian": self.chain.address(self.guardian),
            "inference_verifier": self.inference.verifier.address,
            "model_id": self.model_id,
            "model_version": 1,
            "feature_module": self.module.address,
            "description": "TEST volatility",
            "decimals": 18,
            "guards": Guards().as_tuple(),
        }
        assert not set(changed) - set(values)
        return tuple((values | changed).values())


def calm_prices(count: int) -> Sequence[int]:
    """A quiet market."""
    return [CALM[i % 2] for i in range(count)]


def deploy_module(
    chain: LocalChain, observations: str, params: GarchParams = PARAMS, scale_bits: int = SCALE_BITS
) -> Contract:
    """A GarchVolatilityModule over an observation feed."""
    values = (params.sigma_ref_wad, params.omega_wad, params.alpha_wad, params.beta_wad)
    return chain.deploy(
        "GarchVolatilityModule", observations, (*values, params.horizon, params.periods_per_year), scale_bits
    )


@pytest.fixture(scope="session")
def volatility_circuit(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> TinyCircuit:
    """The stand-in model's circuit."""
    return TinyCircuit.make(tmp_path_factory.mktemp("volatility"), settings, WEIGHTS)


@pytest.fixture(scope="session")
def volatility_model(inference: Inference, volatility_circuit: TinyCircuit) -> int:
    """The stand-in model's id in the registry, version 1 active."""
    chain = inference.chain
    halo2 = deploy_artifact(chain, volatility_circuit.verifier)
    spec = verifier_spec(chain.web3, halo2.address, input_count=MODEL_INPUTS, output_count=1)
    chain.send(inference.registry.functions.registerModelWithVerifier(volatility_circuit.commitment, spec))
    model_id: int = inference.registry.functions.modelCount().call()
    return model_id


@pytest.fixture(scope="module")
def empty_risk_feed(inference: Inference, volatility_circuit: TinyCircuit, volatility_model: int) -> RiskFeedStack:
    """A feed whose source has HISTORY quiet observations, and which has no round yet."""
    publishers = deploy_feed(inference.chain, FeedLimits(max_move_bps=BPS))
    publishers.history(calm_prices(HISTORY))
    module = deploy_module(inference.chain, publishers.contract.address)
    values = {"publishers": publishers, "module": module, "circuit": volatility_circuit}
    return RiskFeedStack(inference.chain, inference, contract=module, model_id=volatility_model, **values).deploy()


@pytest.fixture(scope="module")
def risk_feed(empty_risk_feed: RiskFeedStack) -> RiskFeedStack:
    """A feed with one round, on the same observations."""
    feed = empty_risk_feed.deploy()
    feed.submit()
    return feed
