"""Liquidation boards in the service: positions taken from their vault, proven, posted, read back and verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from models._first_passage import log_health_factor
from models._position_errors import PositionWithoutDebt as ModelPositionWithoutDebt
from oracle.chain.accounts import local_roles
from oracle.chain.board import LiquidationBoard
from oracle.chain.deploy import Deployer
from oracle.chain.feeds import ObservationFeed
from oracle.chain.records import load_deployment, save_deployment
from oracle.chain.reverts import NoDataPresent, PositionWithoutDebt
from oracle.cli.verification import verify_archive
from oracle.cli.wiring import deployer, opened_database
from oracle.daemon.archive_checks import check_on_chain
from oracle.daemon.feeder import Feeder
from oracle.daemon.observing import Observer
from oracle.daemon.service import OracleService
from oracle.domain.archive import CIRCUIT, OBSERVATIONS, PROOF, ROUND, TRANSACTION, document, unpack
from oracle.domain.deployment import FeedRecord, ObservationLimits, PriceFeedPlan
from oracle.domain.evidence import CheckStatus
from oracle.domain.market_state import NO_DEBT, RETURNS, distance
from oracle.domain.market_state import PositionWithoutDebt as TwinPositionWithoutDebt
from oracle.domain.observations import Report
from oracle.domain.push_policy import Push
from oracle.domain.requests import RequestState
from oracle.errors import InvalidInput, NotFound
from oracle.market.publishers import sign_reports
from oracle.proving.building.manifest import VERIFIER
from oracle.units import BPS, SECS_PER_HOUR, WAD
from tests.support.archives import edited, failed, one_check, put
from tests.support.boards import board_plan, open_positions
from tests.support.feature_cases import market
from tests.support.service_stack import VOLATILITY, ServiceStack

MODEL, BOARD, PRICES = "liquidation-1", "test-liquidations", "board-usd"
STEP_SECS = 60
LIMITS = ObservationLimits(1, SECS_PER_HOUR, 3 * SECS_PER_HOUR, max_move_bps=BPS)


@pytest.fixture(scope="module")
def deploying(service_stack: ServiceStack) -> Iterator[Deployer]:
    """Deploys beside the market; the record is as before when this module is over."""
    client, engine = service_stack.client, service_stack.service.parts.engine
    before = load_deployment(client.settings, client.chain_id)
    assert before is not None
    with opened_database(service_stack.settings) as database:
        found = deployer(client, database, lambda _: None)
        found.deploy_model(engine.circuit(MODEL), engine.folder(MODEL) / VERIFIER)
        yield found
    save_deployment(client.settings, before)


@pytest.fixture(scope="module")
def board(service_stack: ServiceStack, deploying: Deployer) -> tuple[FeedRecord, list[str]]:
    """A board of one place over a vault with two borrowers, the one nearest to liquidation first."""
    client, service = service_stack.client, service_stack.service
    if service.feed(VOLATILITY).round_id == 0:
        assert service.wait(service.push(VOLATILITY).id, 300).state is RequestState.FULFILLED
    publisher = local_roles(client.chain_id).publishers[0]
    plan = PriceFeedPlan(PRICES, "BOARD / USD", (publisher.address,), 1, LIMITS, capacity=128)
    feed = ObservationFeed(client, deploying.deploy_price_feed(plan).address)
    start, prices = client.head().timestamp + STEP_SECS, market(RETURNS + 1, seed=3)
    for first in (0, 50):
        reports = [
            Report(i + 1, start + i * STEP_SECS, price, 1)
            for i, price in enumerate(prices[first : first + 50], start=first)
        ]
        client.set_next_block_timestamp(reports[-1].observed_at)
        signed = [sign_reports([bytes(publisher.key)], feed.report_domain(), report) for report in reports]
        call = feed.submit_many([each for each, _ in signed], [signatures for _, signatures in signed])
        service.parts.sender.transact(f"board-history-{first}", call)
    _, borrowers = open_positions(client, deploying, PRICES, VOLATILITY)
    return deploying.deploy_board(board_plan(BOARD, MODEL, PRICES, stride=1)), borrowers


def test_push__board__nearest_position_is_proven_posted_and_read_back(
    service: OracleService, api: httpx.Client, board: tuple[FeedRecord, list[str]]
) -> None:
    record, borrowers = board
    contract = service.parts.board(record)
    assert (service.feed(BOARD).round_id, service.feed(BOARD).stale) == (0, True)
    feeder = Feeder(
        service.parts,
        Observer(service.parts),
        feeds=lambda: [record],
        push=lambda _: None,
        idle=lambda: True,
        on_fatal=lambda _: None,
    )
    assert feeder.decision(record).push is Push.YES
    request = service.wait(service.push(BOARD).id, 300)
    assert request.state is RequestState.FULFILLED, request.cause
    made, view = dict(request.result or {}), service.feed(BOARD)
    assert [one["account"] for one in made["positions"]] == borrowers[:1]
    assert (made["roundId"], made["answer"]) == (view.round_id, str(view.answer)) == (1, str(view.answer))
    assert (view.kind, view.stale, view.observed_at) == ("liquidation", False, made["observedAt"])
    assert contract.stored(borrowers[0])[0] == view.answer == service.round(BOARD, 1).proven_answer
    assert 0 < (view.answer or 0) < WAD
    evidence = service.evidence(BOARD, 1)
    assert {check.status for check in evidence.checks} == {CheckStatus.OK}, evidence.checks
    (position,) = service.positions(BOARD)
    assert (position.account, position.probability) == (borrowers[0], view.answer)
    (told,) = api.get(f"/v1/feeds/{BOARD}/positions").json()["positions"]
    assert (told["account"], told["probability"], told["roundId"]) == (borrowers[0], str(view.answer), 1)
    assert api.get(f"/v1/feeds/{BOARD}/rounds/1/verify").json()["ok"]
    assert api.get(f"/v1/feeds/{VOLATILITY}/positions").status_code == HTTPStatus.NOT_FOUND
    # the price is the same, the positions need not be
    again = service.wait(service.push(BOARD).id, 300)
    assert again.state is RequestState.FULFILLED, again.cause
    assert [one.round_id for one in service.rounds(BOARD)] == [2, 1]
    assert [one.round_id for one in service.rounds(BOARD, before=2)] == [1]


@pytest.fixture(scope="module")
def board_zip(service_stack: ServiceStack, board: tuple[FeedRecord, list[str]]) -> bytes:
    """The archive of a batch that was proven."""
    service = service_stack.service
    if service.feed(BOARD).round_id == 0:
        assert service.wait(service.push(BOARD).id, 300).state is RequestState.FULFILLED
    return service.archive(BOARD, 1)


def test_archive__board__every_check_without_a_chain_and_on_it(
    service_stack: ServiceStack, api: httpx.Client, board_zip: bytes, tmp_path: Path
) -> None:
    index, members = unpack(board_zip)
    assert (index["kind"], set(members)) == ("board", {PROOF, ROUND, OBSERVATIONS, TRANSACTION, *CIRCUIT})
    assert api.get(f"/v1/feeds/{BOARD}/rounds/1/evidence.zip").content == board_zip
    assert len(json.loads(members[ROUND])["healthFactors"]) == 1
    path = tmp_path / "board.zip"
    path.write_bytes(board_zip)
    facts = verify_archive(service_stack.settings, path, service_stack.anvil.rpc_url)
    assert (facts["verified"], facts["askedTheChain"], len(facts["checks"])) == (True, True, 10 + 4 + 12)
    assert [line.split(" (")[0] for line in facts["notChecked"]] == ["on chain"]


def test_archive__board_whose_vaults_state_is_gone__says_what_needs_a_chain(
    service_stack: ServiceStack, board_zip: bytes
) -> None:
    _, members = unpack(board_zip)
    members[ROUND] = document(json.loads(members[ROUND]) | {"healthFactors": None})
    found = one_check(service_stack.settings, "board", members, "positions")
    assert (found.status, "needs a chain" in found.detail) == (CheckStatus.SKIPPED, True)
    assert failed(check_on_chain(service_stack.client, "board", members)) == set()


ANOTHER = "0x" + "33" * 20
FORGED = {
    "account": ("batch in the transaction", ROUND, put("accounts", 0, value=ANOTHER)),
    "batch": ("batch in the transaction", ROUND, put("roundId", value=9)),
    "board": ("batch in the transaction", ROUND, put("feed", value=ANOTHER)),
    "call": ("batch in the transaction", TRANSACTION, put("input", value="0x12345678")),
    "call's target": ("transaction", TRANSACTION, put("to", value=ANOTHER)),
    "price": ("market inputs", OBSERVATIONS, put("windows", 0, "observations", 0, "values", 0, value="1")),
    "signed price": ("observations signed", OBSERVATIONS, put("windows", 0, "observations", 0, "values", 0, value="1")),
    "gap": ("observations in a row", OBSERVATIONS, put("windows", 0, "observations", -1, "segmentStart", value=10**6)),
    "market": ("market inputs", ROUND, put("inputs", 0, value="1")),
    "distance": ("positions", ROUND, put("inputs", 4, value="1")),
    "health factor": ("positions", ROUND, put("healthFactors", 0, value=str(2 * WAD))),
    "positions": ("positions", ROUND, put("healthFactors", value=[])),
    "time": ("input commitment", ROUND, put("observedAt", value=1)),
    "probability": ("assessments", ROUND, put("assessments", 0, "probability", value="1")),
    "confidence": ("assessments", ROUND, put("assessments", 0, "confidence", value="1")),
    "another's probability": ("assessments", ROUND, put("assessments", 0, "account", value=ANOTHER)),
    "answer": ("assessments", ROUND, put("answer", value="1")),
    "key": ("circuit", ROUND, put("vkHash", value="0x" + "22" * 32)),
}


@pytest.mark.parametrize("case", FORGED)
def test_check_offline__board_forged__found(service_stack: ServiceStack, board_zip: bytes, case: str) -> None:
    name, member, change = FORGED[case]
    _, members = unpack(board_zip)
    edited(member, change)(members)
    assert one_check(service_stack.settings, "board", members, name).status is CheckStatus.FAILED


def test_board__never_proven_or_of_another_kind__named_refusals(
    service: OracleService, board: tuple[FeedRecord, list[str]]
) -> None:
    contract = service.parts.board(board[0])
    with pytest.raises(NotFound):
        service.round(BOARD, 77)
    with pytest.raises(NoDataPresent):
        contract.round_data(77)
    with pytest.raises(NotFound, match="assesses positions"):
        service.parts.risk_feed(board[0])
    with pytest.raises(NotFound, match="assesses no positions"):
        service.positions(VOLATILITY)


def test_position_without_debt__python_and_chain__same_name(
    service: OracleService, board: tuple[FeedRecord, list[str]]
) -> None:
    contract, lender = service.parts.board(board[0]), local_roles(31337).lender.address
    with pytest.raises(PositionWithoutDebt) as refused:
        contract.expected_inputs([lender], RETURNS + 1)
    assert refused.value.args_ == (lender.lower(),)
    with pytest.raises(TwinPositionWithoutDebt) as twin:
        distance(NO_DEBT, 1 << 60, 12)
    with pytest.raises(ModelPositionWithoutDebt) as model:
        log_health_factor(1.0, 0.8, debt=0.0)
    assert {type(twin.value).__name__, type(model.value).__name__} == {refused.value.name}
    assert lender not in contract.nearest_accounts()


def test_deploy_board__model_of_another_shape__refused(service_stack: ServiceStack, deploying: Deployer) -> None:
    with pytest.raises(InvalidInput, match="liquidation board"):
        deploying.deploy_board(board_plan("other-board", "garch-vol-32", PRICES, stride=1))


def test_deploy_board__twice__the_same_and_named_to_its_vault(
    service_stack: ServiceStack, deploying: Deployer, board: tuple[FeedRecord, list[str]]
) -> None:
    client = service_stack.client
    assert deploying.deploy_board(board_plan(BOARD, MODEL, PRICES, stride=1)) == board[0]
    vault = client.contract("LendingVault", LiquidationBoard(client, board[0].address).vault())
    assert client.call(vault.functions.board()) == board[0].address
