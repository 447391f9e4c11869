"""Every circuit proven once on a chain: those with a feature module as a feed, the others by the verifier alone.

A new circuit is taken up by its folder alone, a new feature module by its entry in tests/support/feature_cases.py.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from dataclasses import replace

import pytest
from eth_utils.address import to_checksum_address

from models._registry import families
from oracle.chain.client import ChainClient
from oracle.chain.evidence import collect_evidence
from oracle.chain.feeds import ObservationFeed
from oracle.chain.models import InferenceVerifier
from oracle.domain.deployment import FeedRecord
from oracle.domain.evidence import CheckStatus
from oracle.domain.feature_modules import GarchFeatures
from oracle.domain.garch_batch import ASSETS, BatchAsset, GarchBatchFeatures
from oracle.proving.engine import ProvingEngine
from oracle.settings import PROJECT_ROOT, Settings
from oracle.units import SECS_PER_HOUR, WAD
from tests.support.feature_cases import CASES, GARCH, VECTOR_CASES, at_time, market
from tests.support.feeding import WIDE, Feeding, record_histories, record_history
from tests.support.local_chain import LocalChain
from tests.support.market import settings_in

CIRCUITS = sorted(path.parent.name for path in (PROJECT_ROOT / "circuits").glob("*/manifest.json"))
BY_CIRCUIT = {case.circuit_id: case for case in CASES}
BY_VECTOR = {case.circuit_id: case for case in VECTOR_CASES}
BATCH = "garch-vol-32x4"
HOURS = 721
# Code hashes of the verifiers as they are compiled from source: tests/contracts/test_verifier_bytecode.py
VERIFIERS = PROJECT_ROOT / "tests" / "contracts" / "verifiers.json"


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[ProvingEngine]:
    """The engine, with keys in the user's cache."""
    proving = ProvingEngine(settings)
    yield proving
    proving.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, chain: LocalChain) -> ChainClient:
    """The session's chain, with deployment records of this module's own."""
    return ChainClient.connect(settings_in(tmp_path_factory.mktemp("models") / "state"), chain.rpc_url)


@pytest.fixture(scope="module")
def hourly(client: ChainClient) -> FeedRecord:
    """A month of hourly prices on chain."""
    return record_history(client, market(HOURS, seed=4))


@pytest.fixture
def feeding(
    request: pytest.FixtureRequest, client: ChainClient, hourly: FeedRecord, engine: ProvingEngine
) -> Iterator[Feeding]:
    """The circuit of this test, on that chain; in the end its verifier's code there is the one on record."""
    feeding = Feeding(client, engine, request.param)
    yield feeding
    model = feeding.deployer.deployment.model(feeding.circuit_id)
    recorded = json.loads(VERIFIERS.read_text())[feeding.circuit_id]
    assert client.web3.keccak(client.web3.eth.get_code(to_checksum_address(model.verifier))).to_0x_hex() == recorded
    assert model.verifier_code_hash == recorded


def circuits(kind: Container[str]) -> pytest.MarkDecorator:
    """One test for each circuit of these."""
    return pytest.mark.parametrize("feeding", [name for name in CIRCUITS if name in kind], indirect=True)


def test_cases__their_circuits__are_of_families() -> None:
    assert {*BY_CIRCUIT, *BY_VECTOR} <= {family.circuit_id for family in families().values()}


@circuits(BY_CIRCUIT)
def test_feed__proven_once__answer_is_the_twins(feeding: Feeding, hourly: FeedRecord) -> None:
    case = BY_CIRCUIT[feeding.circuit_id]
    feed = feeding.deploy_feed(case)
    prices, observed_at = ObservationFeed(feeding.client, hourly.address).window(HOURS, case.typical.prices)
    expected = case.typical.inputs(prices, observed_at, feeding.scale_bits)
    assert list(feed.expected_inputs(HOURS).inputs) == expected

    proof = feeding.prove(expected)
    feeding.submit(feed, HOURS, proof)
    answer = case.typical.answer(feeding.outputs_wad(proof), expected, feeding.scale_bits)
    stored = feed.round(1)
    assert (stored.answer, stored.proven_answer, stored.observed_at) == (answer, answer, observed_at)
    evidence = collect_evidence(feeding.client, feed.address)
    assert evidence.ok, [check for check in evidence.checks if check.status is not CheckStatus.OK]


@circuits(BY_VECTOR)
def test_vector_feed__proven_once__answer_is_the_twins(feeding: Feeding) -> None:
    case = at_time(BY_VECTOR[feeding.circuit_id], feeding.client.head().timestamp)
    observed = feeding.publish_vector(case)
    feed = feeding.deploy_feed(case)
    values, observed_at = observed.vector(1)
    expected = case.typical.inputs(values, observed_at, feeding.scale_bits)
    assert (tuple(values), list(feed.expected_inputs(1).inputs)) == (case.values, expected)

    proof = feeding.prove(expected)
    feeding.submit(feed, 1, proof)
    answer = case.typical.answer(feeding.outputs_wad(proof), expected, feeding.scale_bits, values)
    stored = feed.round(1)
    assert (stored.answer, stored.proven_answer, stored.observed_at) == (answer, answer, observed_at)
    evidence = collect_evidence(feeding.client, feed.address)
    assert evidence.ok, [check for check in evidence.checks if check.status is not CheckStatus.OK]
    assert WAD // 10 < answer < 2 * WAD


@circuits({BATCH})
def test_batch__proven_once__every_asset_answers_and_verifies(feeding: Feeding) -> None:
    count = GarchFeatures.prices
    lead, other = record_histories(feeding.client, {f"test-{seed}": market(count, seed) for seed in (6, 7)})
    features = [GarchFeatures(replace(GARCH, horizon=1 + i)) for i in range(ASSETS)]
    assets = [
        BatchAsset(f"batch-{i}", "volatility", (lead, other)[i % 2].name, each, WIDE) for i, each in enumerate(features)
    ]
    feeds = feeding.deploy_group("batch", assets, SECS_PER_HOUR // 2)
    inputs = list(feeds[0].expected_inputs(count).inputs)
    proof = feeding.prove(inputs)
    feeding.submit_together("batch", count, proof)
    twin = [GarchBatchFeatures(tuple(features), place) for place in range(ASSETS)]
    answers = [each.answer(feeding.outputs_wad(proof), feeding.scale_bits) for each in twin]
    assert [feed.round(1).answer for feed in feeds] == answers
    assert len(set(answers)) == ASSETS
    for feed in feeds:
        evidence = collect_evidence(feeding.client, feed.address)
        assert (evidence.ok, list(evidence.inputs)) == (True, inputs), evidence.failed


@circuits(set(CIRCUITS) - {*BY_CIRCUIT, *BY_VECTOR, BATCH})
def test_model__proven_once__verified_on_chain(feeding: Feeding) -> None:
    feeding.deploy_model()
    middle = [(span.low + span.high) / 2 for span in feeding.manifest.domain]
    inputs = feeding.engine.quantise(feeding.circuit_id, [middle])
    proof = feeding.prove(inputs)
    record = feeding.deployer.deployment.model(feeding.circuit_id)
    inference = InferenceVerifier(feeding.client, feeding.deployer.deployment.inference_verifier)
    count = feeding.manifest.input_count
    call = inference.contract.functions.verifyInputs(
        record.model_id, (1, 0, bytes(32)), inputs, list(proof.instances[count:]), proof.zk_proof
    )
    outputs, _ = feeding.client.call(call)
    assert list(outputs) == feeding.outputs_wad(proof)
