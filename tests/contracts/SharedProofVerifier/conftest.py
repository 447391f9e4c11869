"""Value at Risk and expected shortfall behind one shared proof, with a linear stand-in for their circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from web3.contract import Contract
from web3.types import TxReceipt

from oracle.domain.tail_risk import EXPECTED_SHORTFALL, VALUE_AT_RISK, TailRiskFeatures
from oracle.settings import Settings
from oracle.units import BPS, int_from_felt, wad_from_scaled
from tests.support.feature_cases import GJR
from tests.support.inference import Inference, deploy_artifact, verifier_spec
from tests.support.local_chain import LocalChain
from tests.support.observations import FeedLimits, Publishers, deploy_feed
from tests.support.risk_feed import Guards, calm_prices
from tests.support.tiny_circuit import SCALE_BITS, TinyCircuit, TinyProof

INPUTS = 41
WEIGHTS = [[0.0, 0.0]] * 32 + [[1.0, 1.0]] + [[0.0, 0.0]] * 6 + [[0.25, 0.0], [0.0, 0.5]]
GUARDS = Guards(min_answer=0, heartbeat=10**9, max_observation_lag=10)


@dataclass(frozen=True)
class Group:
    """Two feeds of one model, and the contract that proves both at once."""

    chain: LocalChain
    publishers: Publishers
    shared: Contract
    feeds: tuple[Contract, Contract]
    features: tuple[TailRiskFeatures, TailRiskFeatures]
    circuit: TinyCircuit

    @property
    def addresses(self) -> list[str]:
        """Both feeds."""
        return [feed.address for feed in self.feeds]

    def observation(self) -> int:
        """The newest round of the prices."""
        return int(self.publishers.contract.functions.latestRound().call())

    def prove(self) -> TinyProof:
        """A proof for the newest window."""
        inputs = self.feeds[0].functions.expectedInputs(self.observation()).call()[0]
        return self.circuit.prove([value / 2**SCALE_BITS for value in inputs])

    def call(self, proof: TinyProof, feeds: Sequence[str] | None = None, **changed: Any) -> Any:
        """submitRounds, to be sent or tried."""
        outputs, zk_proof = changed.get("outputs", proof.outputs), changed.get("zk_proof", proof.zk_proof)
        addresses = self.addresses if feeds is None else list(feeds)
        return self.shared.functions.submitRounds(addresses, self.observation(), outputs, zk_proof)

    def submit(self, proof: TinyProof) -> TxReceipt:
        """Both rounds."""
        return self.chain.send(self.call(proof))

    def answers(self, proof: TinyProof) -> list[int]:
        """What the proof's outputs stand for, by the Python twin."""
        outputs = [wad_from_scaled(int_from_felt(felt), SCALE_BITS) for felt in proof.outputs]
        return [features.answer(outputs, [], SCALE_BITS) for features in self.features]


@pytest.fixture(scope="session")
def tail_circuit(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> TinyCircuit:
    """Squares = h0 + a multiple of the configured squares."""
    return TinyCircuit.make(tmp_path_factory.mktemp("tail"), settings, WEIGHTS)


@pytest.fixture(scope="module")
def group(inference: Inference, tail_circuit: TinyCircuit) -> Group:
    """The two feeds, without rounds, on a month of quiet prices."""
    chain = inference.chain
    halo2 = deploy_artifact(chain, tail_circuit.verifier)
    spec = verifier_spec(chain.web3, halo2.address, input_count=INPUTS, output_count=2)
    chain.send(inference.registry.functions.registerModelWithVerifier(tail_circuit.commitment, spec))
    model_id = inference.registry.functions.modelCount().call()
    publishers = deploy_feed(chain, FeedLimits(max_move_bps=BPS))
    publishers.history(calm_prices(40))
    shared = chain.deploy("SharedProofVerifier", inference.verifier.address)
    base = TailRiskFeatures(GJR)
    features = (replace(base, place=VALUE_AT_RISK), replace(base, place=EXPECTED_SHORTFALL))
    feeds = []
    for each in features:
        module = chain.deploy(each.contract, publishers.contract.address, *each.arguments(), SCALE_BITS)
        config = (chain.address(0), chain.address(10), shared.address, model_id, 1, module.address, "TEST tail", 18)
        feeds.append(chain.deploy("RiskFeed", (*config, GUARDS.as_tuple())))
    return Group(chain, publishers, shared, (feeds[0], feeds[1]), features, tail_circuit)
