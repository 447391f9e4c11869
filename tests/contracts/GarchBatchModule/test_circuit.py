"""One proof of the circuit that ships publishes four assets' volatilities; what it costs against four proofs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from web3.contract import Contract

from oracle.chain import solc
from oracle.constants import PROOF_SYSTEM_ID
from oracle.domain.features import MODEL_INPUTS
from oracle.domain.garch_batch import ASSETS, GarchBatchFeatures
from oracle.domain.proofs import Proof
from oracle.proving.engine import ProvingEngine
from oracle.settings import PROJECT_ROOT
from oracle.units import WAD
from tests.contracts.GarchBatchModule.conftest import COUNTS
from tests.support.call_gas import execution_gas, gas_by_call
from tests.support.inference import deploy_artifact, verifier_spec
from tests.support.risk_feed import Guards

CIRCUIT = "garch-vol-32x4"
SINGLE_ROUND = "RiskFeed.submitRound/garch-vol-32"
GUARDS = Guards(min_answer=0, heartbeat=10**9, max_observation_lag=10)


@dataclass(frozen=True)
class Group:
    """Four feeds behind one SharedProofVerifier, and a proof for the newest round."""

    shared: Contract
    halo2: str
    feeds: list[Contract]
    proof: Proof

    def submit(self):
        """The call that publishes all four."""
        outputs = list(self.proof.instances[ASSETS * MODEL_INPUTS :])
        addresses = [feed.address for feed in self.feeds]
        return self.shared.functions.submitRounds(addresses, COUNTS[0], outputs, self.proof.zk_proof)


@pytest.fixture(scope="module")
def engine(settings) -> Iterator[ProvingEngine]:
    """The engine, with the circuit's keys made if they are not in the cache."""
    proving = ProvingEngine(settings)
    proving.prepare(CIRCUIT)
    yield proving
    proving.close()


@pytest.fixture(scope="module")
def group(settings, inference, engine, assets, features) -> Group:
    """The circuit registered, its four feeds without rounds, one proof."""
    chain, manifest = inference.chain, engine.circuit(CIRCUIT)
    halo2 = deploy_artifact(chain, solc.compile_verifier(settings, engine.folder(CIRCUIT) / "Verifier.sol"))
    counts = {"input_count": manifest.input_count, "output_count": manifest.output_count}
    scales = {
        "input_scales": bytes(manifest.input_scale_bits),
        "output_scales": bytes(manifest.output_scale_bits),
    }
    spec = verifier_spec(chain.web3, halo2.address, **counts, **scales)
    hashes = (bytes.fromhex(h[2:]) for h in (manifest.model_hash, manifest.circuit_hash, manifest.vk_hash))
    commitment = (*hashes, PROOF_SYSTEM_ID, CIRCUIT)
    chain.send(inference.registry.functions.registerModelWithVerifier(commitment, spec))
    model_id = inference.registry.functions.modelCount().call()
    shared = chain.deploy("SharedProofVerifier", inference.verifier.address)
    batch, feeds = assets.batch(assets.singles(features, manifest.input_scale(0))), []
    for place in range(ASSETS):
        module = assets.module(batch, place)
        config = (chain.address(0), chain.address(10), shared.address, model_id, 1, module.address, "TEST vol", 18)
        feeds.append(chain.deploy("RiskFeed", (*config, GUARDS.as_tuple())))
    inputs = feeds[0].functions.expectedInputs(COUNTS[0]).call()[0]
    proof = engine.prove(CIRCUIT, engine.witness(CIRCUIT, inputs))
    return Group(shared, halo2.address, feeds, proof)


def test_submit_rounds__one_proof__every_asset_answers(engine, assets, features, group):
    assets.chain.send(group.submit())
    values = group.proof.integers()[ASSETS * MODEL_INPUTS :]
    outputs = [value * WAD >> engine.circuit(CIRCUIT).output_scale(i) for i, value in enumerate(values)]
    expected = [GarchBatchFeatures(features, place).answer(outputs, 0) for place in range(ASSETS)]
    assert [feed.functions.latestAnswer().call() for feed in group.feeds] == expected
    assert len(set(expected)) == ASSETS


def test_submit_rounds__four_feeds__gas(assets, group, gas_snapshot):
    receipt = assets.chain.send(group.submit())
    together = execution_gas(assets.chain, receipt)
    gas_snapshot(f"SharedProofVerifier.submitRounds/{CIRCUIT}", together)
    single = json.loads((PROJECT_ROOT / "tests/gas/snapshots/RiskFeed.json").read_text())[SINGLE_ROUND]
    assert together < ASSETS * single
    spent = gas_by_call(assets.chain, receipt)[group.halo2.lower()]
    gas_snapshot(f"SharedProofVerifier.submitRounds/{CIRCUIT}/proof", spent)


def test_submit_rounds__tampered_proof__no_feed_answers(assets, group, reverts_any):
    flipped = bytearray(group.proof.zk_proof)
    flipped[40] ^= 1
    forged = Group(group.shared, group.halo2, group.feeds, Proof(CIRCUIT, bytes(flipped), group.proof.instances))
    with reverts_any("InvalidProof"):
        forged.submit().call()
    assert [feed.functions.latestRound().call() for feed in group.feeds] == [0] * ASSETS
