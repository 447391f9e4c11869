"""A feed over the GARCH circuit that ships, proven by the engine that ships: the chain's answer is the model's."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from oracle.chain import solc
from oracle.constants import PROOF_SYSTEM_ID
from oracle.domain.features import MODEL_INPUTS, garch_inputs
from oracle.domain.garch import annualised_vol_wad, forecast
from oracle.domain.proofs import Proof
from oracle.proving.engine import ProvingEngine
from oracle.units import WAD
from tests.support.call_gas import execution_gas, gas_by_call
from tests.support.inference import deploy_artifact, verifier_spec
from tests.support.observations import FeedLimits, deploy_feed
from tests.support.risk_feed import PARAMS, RiskFeedStack, deploy_module

CIRCUIT = "garch-vol-32"
PRICES = [round(100e8 * math.exp(0.006 * math.sin(1.7 * i) + 0.002 * math.cos(0.4 * i))) for i in range(40)]


@pytest.fixture(scope="module")
def engine(settings) -> Iterator[ProvingEngine]:
    """The engine, with the circuit's keys made if they are not in the cache."""
    proving = ProvingEngine(settings)
    proving.prepare(CIRCUIT)
    yield proving
    proving.close()


@pytest.fixture(scope="module")
def garch_feed(settings, inference, engine) -> RiskFeedStack:
    """A RiskFeed over the shipped circuit, without rounds."""
    chain, manifest = inference.chain, engine.circuit(CIRCUIT)
    halo2 = deploy_artifact(chain, solc.compile_verifier(settings, engine.folder(CIRCUIT) / "Verifier.sol"))
    spec = verifier_spec(
        chain.web3,
        halo2.address,
        input_count=manifest.input_count,
        output_count=manifest.output_count,
        input_scales=bytes(manifest.input_scale_bits),
        output_scales=bytes(manifest.output_scale_bits),
    )
    hashes = (bytes.fromhex(h[2:]) for h in (manifest.model_hash, manifest.circuit_hash, manifest.vk_hash))
    commitment = (*hashes, PROOF_SYSTEM_ID, CIRCUIT)
    chain.send(inference.registry.functions.registerModelWithVerifier(commitment, spec))
    publishers = deploy_feed(chain, FeedLimits(max_move_bps=10_000))
    publishers.history(PRICES)
    module = deploy_module(chain, publishers.contract.address, PARAMS, manifest.input_scale_bits[0])
    model_id = inference.registry.functions.modelCount().call()
    stack = RiskFeedStack(chain, inference, publishers, module, module, circuit=None, model_id=model_id)
    return stack.deploy()


@pytest.fixture(scope="module")
def garch_proof(engine, garch_feed) -> Proof:
    """A proof for the newest window."""
    inputs = garch_feed.inputs(garch_feed.latest_observation())
    return engine.prove(CIRCUIT, engine.witness(CIRCUIT, inputs))


def submit(feed: RiskFeedStack, proof: Proof):
    """Submits a proof of the engine as the feed's next round."""
    call = feed.read.submitRound(feed.latest_observation(), list(proof.instances[MODEL_INPUTS:]), proof.zk_proof)
    return feed.chain.send(call, feed.chain.address(feed.anybody))


def test_submit_round__shipped_circuit__answer_within_the_models_error(engine, garch_feed, garch_proof):
    """Torch's recursion in floats, the circuit and the chain agree to the 5e-4 that the circuit promises."""
    submit(garch_feed, garch_proof)
    manifest = engine.circuit(CIRCUIT)
    scale_bits = manifest.input_scale_bits[0]
    inputs = [value / 2**scale_bits for value in garch_inputs(PRICES[-33:], PARAMS, scale_bits)]
    variance = forecast(inputs[:32], *inputs[32:])
    exact = math.sqrt(variance * PARAMS.periods_per_year) * PARAMS.sigma_ref_wad / WAD
    answer = garch_feed.read.latestAnswer().call() / WAD
    assert answer == pytest.approx(exact, rel=manifest.max_error / 2)  # half of the variance's


def test_submit_round__shipped_circuit__instances_are_the_chains_inputs(garch_feed, garch_proof):
    observation = garch_feed.latest_observation()
    inputs, observed_at, commitment = garch_feed.read.expectedInputs(observation).call()
    assert list(garch_proof.integers()[:MODEL_INPUTS]) == inputs
    (event,) = garch_feed.events(submit(garch_feed, garch_proof), "RoundProven")
    assert (event["inputCommitment"], event["observedAt"]) == (commitment, observed_at)


def test_submit_round__shipped_circuit__answer_is_the_decoded_output(engine, garch_feed, garch_proof):
    submit(garch_feed, garch_proof)
    output = garch_proof.integers()[MODEL_INPUTS]
    out_wad = output * WAD >> engine.circuit(CIRCUIT).output_scale_bits[0]
    assert garch_feed.read.latestAnswer().call() == annualised_vol_wad(out_wad, PARAMS)


def test_submit_round__shipped_circuit__gas(garch_feed, garch_proof, gas_snapshot):
    receipt = submit(garch_feed, garch_proof)
    gas_snapshot(f"RiskFeed.submitRound/{CIRCUIT}", execution_gas(garch_feed.chain, receipt))
    halo2 = garch_feed.inference.registry.functions.verifierOf(garch_feed.model_id, 1).call()[0]
    gas_snapshot(f"RiskFeed.submitRound/{CIRCUIT}/proof", gas_by_call(garch_feed.chain, receipt)[halo2.lower()])


def test_submit_round__shipped_circuit__tampered_proof__invalid(garch_feed, garch_proof, reverts):
    for at in (0, 500, len(garch_proof.zk_proof) - 1):
        flipped = bytearray(garch_proof.zk_proof)
        flipped[at] ^= 1
        with reverts("InvalidProof"):
            submit(garch_feed, Proof(CIRCUIT, bytes(flipped), garch_proof.instances))
