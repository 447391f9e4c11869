"""Every model of the registry proven once on a chain, on inputs that the chain computed: as a feed or on a board.

A new feature module is taken up by its entry in tests/support/feature_cases.py; a family that nothing feeds fails.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from dataclasses import replace

import pytest
from eth_utils.address import to_checksum_address

from models._registry import families
from oracle.chain.board import LiquidationBoard
from oracle.chain.client import ChainClient
from oracle.chain.evidence import collect_evidence
from oracle.chain.feeds import ObservationFeed
from oracle.domain.deployment import FeedRecord
from oracle.domain.evidence import CheckStatus
from oracle.domain.feature_modules import GarchFeatures
from oracle.domain.garch_batch import ASSETS, BatchAsset, GarchBatchFeatures
from oracle.domain.logistic import probability_wad
from oracle.domain.market_state import board_inputs
from oracle.proving.engine import ProvingEngine
from oracle.settings import PROJECT_ROOT, Settings
from oracle.units import SECS_PER_HOUR, WAD
from tests.support.boards import board_plan, open_positions
from tests.support.feature_cases import CASES, GARCH, VECTOR_CASES, at_time, market
from tests.support.feeding import HOURLY, WIDE, Feeding, record_histories, record_history
from tests.support.local_chain import LocalChain
from tests.support.market import settings_in

CIRCUITS = sorted(path.parent.name for path in (PROJECT_ROOT / "circuits").glob("*/manifest.json"))
BY_CIRCUIT = {case.circuit_id: case for case in CASES}
BY_VECTOR = {case.circuit_id: case for case in VECTOR_CASES}
BATCH = "garch-vol-32x4"
VOLATILITY = "garch-vol-32"
BOARDS = {f"liquidation-{places}" for places in (1, 16, 64)}
HOURS = 721
STRIDE = 8
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


@pytest.fixture(scope="module")
def positions(client: ChainClient, hourly: FeedRecord, engine: ProvingEngine) -> list[str]:
    """Two borrowers of a vault over those prices, the one nearest to liquidation first."""
    volatility, case = Feeding(client, engine, VOLATILITY), BY_CIRCUIT[VOLATILITY]
    feed = volatility.deploy_feed(case)
    volatility.submit(feed, HOURS, volatility.prove(feed.expected_inputs(HOURS).inputs))
    _, borrowers = open_positions(client, volatility.deployer, HOURLY, f"test-{VOLATILITY}")
    return borrowers


def circuits(kind: Container[str]) -> pytest.MarkDecorator:
    """One test for each circuit of these."""
    return pytest.mark.parametrize("feeding", [name for name in CIRCUITS if name in kind], indirect=True)


def test_registry__every_family__is_fed_and_proven_below() -> None:
    fed = {*BY_CIRCUIT, *BY_VECTOR, BATCH, *BOARDS}
    assert fed == {family.circuit_id for family in families().values()} == set(CIRCUITS)


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


@circuits(BOARDS)
def test_board__proven_once__positions_have_the_twins_probabilities(
    feeding: Feeding, hourly: FeedRecord, positions: list[str]
) -> None:
    feeding.deploy_model()
    record = feeding.deployer.deploy_board(board_plan(f"test-{feeding.circuit_id}", feeding.circuit_id, HOURLY, STRIDE))
    board = LiquidationBoard(feeding.client, record.address, record.first_block)
    accounts = board.nearest_accounts()
    assert accounts == sorted(positions[: board.places()], key=lambda account: int(account, 16))
    batch = board.taken(feeding.operator.transact("snapshot", board.snapshot(accounts, HOURS)))
    assert batch is not None
    prices, observed_at = ObservationFeed(feeding.client, hourly.address).window(HOURS, HOURS)
    vault = feeding.client.contract("LendingVault", board.vault())
    factors = [
        feeding.client.call(vault.functions.healthFactor(account), block=batch.block_number) for account in accounts
    ]
    sizes = {"places": board.places(), "stride": STRIDE, "scale_bits": feeding.scale_bits}
    assert (list(batch.inputs), batch.observed_at) == (board_inputs(prices, factors, **sizes), observed_at)

    proof = feeding.prove(batch.inputs)
    feeding.operator.transact("prove", board.prove(batch, proof.instances[len(batch.inputs) :], proof.zk_proof))
    probabilities = [probability_wad(logit) for logit in feeding.outputs_wad(proof)[: len(accounts)]]
    assert [board.stored(account)[0] for account in accounts] == probabilities
    assert probabilities[accounts.index(positions[0])] == max(probabilities) == board.round_data(1).answer > 0
    evidence = collect_evidence(feeding.client, record.address)
    assert evidence.ok, evidence.failed
    assert {check.status for check in evidence.checks} == {CheckStatus.OK}
