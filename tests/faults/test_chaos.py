"""The short form of scripts/chaos.py: kills and faults under load, in mid-batch, in an upgrade; then the accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from oracle.settings import Settings
from tests.support.batch_line import BatchLine
from tests.support.chaos import Chaos
from tests.support.cluster import Cluster
from tests.support.onchain_stack import FEE, OnchainStack
from tests.support.postgres import PostgresServer
from tests.support.waiting import until

KILLS = 2
IN_FLIGHT = 2
OLD = "1"
SILENCE = {"PLUMBLINE_SILENCE_SECS": "3"}


@pytest.fixture(scope="module")
def cluster(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[Cluster]:
    """A service and, with `line`, a worker, both of an earlier release until test_upgrade."""
    folder = tmp_path_factory.mktemp("chaos")
    own = settings.model_copy(update={"state_dir": folder / "state"})
    stack = OnchainStack.deploy(own, state_file=own.state_dir / "chain.json")
    cluster = Cluster.over(stack, postgres, folder)
    cluster.serve(OLD, **SILENCE)
    yield cluster
    cluster.close()
    stack.close()


@pytest.fixture(scope="module")
def line(cluster: Cluster) -> Iterator[BatchLine]:
    """The worker's line to the chain."""
    line = BatchLine(cluster.stack, cluster.proxy.url)
    cluster.worker(version=OLD, PLUMBLINE_RPC_URL=line.proxy.url, **SILENCE)
    cluster.wait_ready()
    yield line
    line.proxy.close()


@pytest.mark.slow
def test_kill__in_mid_batch__each_request_is_paid_once_and_nothing_sent_in_vain(
    cluster: Cluster, line: BatchLine
) -> None:
    """Once the batch is signed, kept and not sent; once it is in a block and the worker has not heard of it."""
    stack, (worker,) = cluster.stack, [member for member in cluster.members if member.name == "worker-1"]
    client, operator = stack.client, stack.operator
    nonce, wei, before = client.nonce(operator), client.balance(operator), client.head().number
    for after in (False, True):
        ids = line.hold_batch(after=after)
        worker.kill()
        if after:
            until(lambda: sum(stack.facts(one).fulfilled_at > 0 for one in ids[-4:]) == 3, 30)  # noqa: B023
        line.release()
        worker.start()  # under another name: it takes up what the silent one had begun
        for one in ids[-4:]:
            stack.answered(one)
        client.rpc("evm_setAutomine", True)
    report = Chaos(cluster, 0, lambda _: None).settle()

    assert report.broken == []
    asked = stack.coordinator.count()
    assert report.statuses == {"fulfilled": asked}
    assert report.fees_paid == asked * FEE
    sent = _sent(stack, before)
    assert [one["nonce"] for one in sent] == list(range(nonce, nonce + asked - 2))
    receipts = [client.receipt(one["hash"]) for one in sent]
    assert [receipt["status"] for receipt in receipts] == [1] * len(sent)
    assert sorted(stack.coordinator.answered_in(receipt) for receipt in receipts) == [1] * (asked - 4) + [2, 2]
    paid = sum(int(receipt["gasUsed"]) * int(receipt["effectiveGasPrice"]) for receipt in receipts)
    assert client.balance(operator) == wei - paid


def _sent(stack: OnchainStack, after: int) -> list[Any]:
    """What the operator has in the blocks after one, by nonce."""
    blocks = range(after + 1, stack.client.head().number + 1)
    found: list[Any] = [
        one for number in blocks for one in stack.client.web3.eth.get_block(number, True)["transactions"]
    ]
    return sorted((one for one in found if one["from"] == stack.operator), key=lambda one: int(one["nonce"]))


@pytest.mark.slow
def test_upgrade__old_and_new_release_at_once__each_ends_what_it_began_once(cluster: Cluster, line: BatchLine) -> None:
    """The old worker is held at its transactions until the new ones have served what was asked for after them."""
    old_serve, old_worker = cluster.members
    nonce = cluster.stack.client.nonce(cluster.stack.operator)
    line.proxy.hold(lambda method, _: method == "eth_sendRawTransaction")
    begun = [cluster.prove(index, submit=True) for index in range(IN_FLIGHT)]
    line.proxy.wait_held()
    new_worker = cluster.worker(**SILENCE)
    until(lambda: new_worker.says("service started") > 0, 60)
    assert old_serve.terminate() == 0
    cluster.members.remove(old_serve)
    cluster.serve(**SILENCE)
    cluster.wait_ready()
    asked = [cluster.prove(IN_FLIGHT + index, submit=True) for index in range(IN_FLIGHT)]
    until(lambda: all(cluster.request(one)["finishedAt"] for one in asked), 90)
    assert old_worker.alive()
    assert {cluster.request(one)["finishedAt"] for one in begun} == {None}
    line.proxy.release()
    until(lambda: all(cluster.request(one)["finishedAt"] for one in begun), 90)
    assert old_worker.terminate() == 0
    cluster.members.remove(old_worker)

    assert [cluster.request(one)["state"] for one in begun + asked] == ["fulfilled"] * 2 * IN_FLIGHT
    assert all(old_worker.says(one) and not new_worker.says(one) for one in begun)
    assert all(new_worker.says(one) and not old_worker.says(one) for one in asked)
    assert cluster.stack.client.nonce(cluster.stack.operator) == nonce + 2 * IN_FLIGHT
    assert Chaos(cluster, 0, lambda _: None).settle().broken == []


@pytest.mark.slow
def test_chaos__few_kills_under_load__everything_adds_up(cluster: Cluster, line: BatchLine) -> None:
    cluster.stack.client.rpc("evm_setIntervalMining", 1)
    report = Chaos(cluster, 3, lambda _: None).run(kills=KILLS, limit_secs=20)
    assert report.broken == []
    assert report.kills == KILLS
    assert report.statuses == {"fulfilled": report.asked_on_chain}
    assert report.asked_on_chain > 0
    assert report.accepted > 0
