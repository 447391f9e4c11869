"""kill -9 of the service at each point of a round: after the restart the round lands exactly once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from oracle.chain.accounts import local_roles
from oracle.chain.round_facts import round_events
from oracle.client import Client
from tests.support import networks
from tests.support.service_process import TIMEOUT_SECS, ServiceProcess
from tests.support.service_stack import PRICE, VOLATILITY, ServiceStack
from tests.support.waiting import until

SUBMIT_ROUND = keccak(text="submitRound(uint64,uint256[],bytes)")[:4].hex()
SUBMIT = keccak(text="submit((uint64,uint64,uint64,uint32)[],bytes[])")[:4].hex()

Point = Callable[[str, list[Any]], bool]


def called(selector: str) -> Point:
    """An eth_call of a function."""
    return lambda method, params: method == "eth_call" and selector in str(params[0].get("data", ""))[:10]


def broadcast(selector: str) -> Point:
    """A raw transaction that calls a function."""
    return lambda method, params: method == "eth_sendRawTransaction" and selector in params[0]


@dataclass(frozen=True)
class Before:
    """What the chain held before a round."""

    rounds: int
    observations: int
    nonce: int

    @classmethod
    def of(cls, stack: ServiceStack) -> Before:
        """What it holds now."""
        return cls(
            stack.risk_feed().latest_round(),
            stack.price_feed().latest_round(),
            stack.client.nonce(local_roles(stack.client.chain_id).operator.address),
        )


POINTS = [
    pytest.param(broadcast(SUBMIT), False, "observe", id="observation signed and kept, not sent"),
    pytest.param(called(SUBMIT_ROUND), False, "simulate", id="proven, not submitted"),
    pytest.param(broadcast(SUBMIT_ROUND), False, "submit", id="round signed and kept, not sent"),
    pytest.param(broadcast(SUBMIT_ROUND), True, "submit", id="round sent, not known"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("point", "after", "step"), POINTS)
def test_kill__at_a_point_of_the_round__lands_exactly_once(
    stack: ServiceStack, process: ServiceProcess, point: Point, after: bool, step: str
) -> None:
    before = Before.of(stack)
    process.proxy.hold(point, after=after)
    request = process.push(VOLATILITY)
    process.proxy.wait_held()
    process.kill()
    process.proxy.release()
    process.start()

    ended = process.ended(request["id"])

    assert ended["state"] == "fulfilled", ended
    now = Before.of(stack)
    assert now == Before(before.rounds + 1, before.observations + 1, before.nonce + 2)
    proven = [event.proven for event in round_events(stack.client, stack.risk_feed())]
    assert [event.round_id for event in proven] == list(range(1, now.rounds + 1))
    assert proven[-1].observation_round == now.observations
    assert ended["result"]["roundId"] == now.rounds
    assert ended["result"]["answer"] == str(proven[-1].answer)
    happened = process.events(request["id"])
    assert happened.count(step) == 2
    assert happened.count("fulfilled") == 1
    if step in {"simulate", "submit"}:
        assert happened.count("prove") == 1


@pytest.mark.slow
def test_kill__while_proving__is_proven_again_and_lands_once(stack: ServiceStack, process: ServiceProcess) -> None:
    before = Before.of(stack)
    request = process.push(VOLATILITY)
    until(lambda: "prove" in _steps(stack, request["id"]), TIMEOUT_SECS)
    process.kill()
    process.start()
    ended = process.ended(request["id"])
    assert ended["state"] == "fulfilled", ended
    assert Before.of(stack) == Before(before.rounds + 1, before.observations + 1, before.nonce + 2)


@pytest.mark.slow
def test_kill__at_every_point_of_one_round__lands_once(stack: ServiceStack, process: ServiceProcess) -> None:
    before = Before.of(stack)
    process.proxy.hold(broadcast(SUBMIT))
    request = process.push(VOLATILITY)
    for point, after in ((broadcast(SUBMIT), True), (called(SUBMIT_ROUND), False), (broadcast(SUBMIT_ROUND), True)):
        process.proxy.wait_held()
        process.kill()
        process.proxy.release()
        process.proxy.hold(point, after=after)
        process.start()
    process.proxy.wait_held()
    process.kill()
    process.proxy.release()
    process.start()
    assert process.ended(request["id"])["state"] == "fulfilled"
    assert Before.of(stack) == Before(before.rounds + 1, before.observations + 1, before.nonce + 2)


@pytest.mark.slow
def test_kill__accepted_and_not_begun__is_done_after_the_restart(stack: ServiceStack, process: ServiceProcess) -> None:
    """Two pushes wait behind one that is held: all three are made, in order, and a repeated key makes no fourth."""
    before = Before.of(stack)
    process.proxy.hold(called(SUBMIT_ROUND))
    first = process.push(VOLATILITY, "first")
    process.proxy.wait_held()
    second, third = process.push(PRICE, "second"), process.push(VOLATILITY, "third")
    process.kill()
    process.proxy.release()
    process.start()
    assert process.push(VOLATILITY, "third")["id"] == third["id"]
    ended = [process.ended(request["id"]) for request in (first, second, third)]
    assert [request["state"] for request in ended] == ["fulfilled"] * 3
    assert sorted(int(request["result"]["observationRound"]) for request in ended) == [
        before.observations + 1,
        before.observations + 2,
        before.observations + 3,
    ]
    assert Before.of(stack) == Before(before.rounds + 2, before.observations + 3, before.nonce + 5)


def _steps(stack: ServiceStack, request_id: str) -> list[str]:
    from oracle.cli.wiring import opened_database
    from oracle.store.db import request_events

    with opened_database(stack.settings) as database, database.connect() as connection:
        rows = connection.execute(request_events.select().where(request_events.c.request_id == request_id))
        return [row.event for row in rows]


@pytest.mark.slow
def test_kill__while_an_upload_is_built__the_next_makes_it_once(
    stack: ServiceStack, process: ServiceProcess, tmp_path: Path
) -> None:
    network = networks.relu(tmp_path)
    with Client(process.api_url) as client:
        asked = client.upload_model(
            "survivor", network.onnx.read_bytes(), network.calibration.read_bytes(), domain="-4:4"
        )
        until(lambda: client.request(asked.id).step == "build")
    process.kill()
    left = stack.settings.state_dir / "uploads" / asked.id
    assert left.exists()
    process.start()

    ended = process.ended(asked.id)

    assert ended["state"] == "fulfilled", ended
    happened = process.events(asked.id)
    assert (happened.count("build"), happened.count("submit"), happened.count("fulfilled")) == (2, 1, 1)
    assert not left.exists()
    with Client(process.api_url) as client:
        model = client.model("survivor")
    assert (model.active, model.model_id) == (True, ended["result"]["modelId"])
