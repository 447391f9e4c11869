"""Liquidation boards in the service: positions taken from their vault, proven, posted, read back and verified."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

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
from oracle.cli.wiring import deployer, opened_database
from oracle.daemon.feeder import Feeder
from oracle.daemon.observing import Observer
from oracle.daemon.service import OracleService
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
from tests.support.boards import board_plan, open_positions
from tests.support.feature_cases import market
from tests.support.service_stack import VOLATILITY, ServiceStack

CIRCUIT, BOARD, PRICES = "liquidation-1", "test-liquidations", "board-usd"
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
        found.deploy_model(engine.circuit(CIRCUIT), engine.folder(CIRCUIT) / VERIFIER)
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
    return deploying.deploy_board(board_plan(BOARD, CIRCUIT, PRICES, stride=1)), borrowers


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
    assert deploying.deploy_board(board_plan(BOARD, CIRCUIT, PRICES, stride=1)) == board[0]
    vault = client.contract("LendingVault", LiquidationBoard(client, board[0].address).vault())
    assert client.call(vault.functions.board()) == board[0].address
