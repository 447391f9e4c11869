"""Requests on chain, answered by the service: each once, for its fee, in its time; over reorgs and restarts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from oracle.chain.accounts import anvil_account
from oracle.chain.client import calldata
from oracle.chain.coordinator import Fulfilment
from oracle.chain.reverts import WrongRequestStatus
from oracle.chain.sender import Sender
from oracle.daemon.batching import FulfilmentBatcher
from oracle.daemon.proofs import Prover
from oracle.daemon.service import OracleService
from oracle.domain.onchain import NATIVE, OnchainStatus
from oracle.domain.outbox import MemoryOutbox
from oracle.domain.requests import RequestKind, RequestState
from oracle.settings import Settings
from oracle.store.coordinator import AskedState, AskedStore
from tests.support.onchain_stack import FEE, OnchainStack
from tests.support.rpc_proxy import RpcProxy
from tests.support.service_stack import TINY
from tests.support.waiting import until


@pytest.fixture(scope="module")
def stack(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnchainStack]:
    stack = OnchainStack.deploy(settings.model_copy(update={"state_dir": tmp_path_factory.mktemp("onchain")}))
    yield stack
    stack.close()


def watched(service: OracleService, stack: OnchainStack) -> AskedStore:
    parts = service.parts
    return AskedStore(parts.database, parts.requests.deployment_id, stack.coordinator.address)


def ended(service: OracleService) -> bool:
    return service.parts.requests.unfinished() == []


def look_again(service: OracleService, stack: OnchainStack, request_id: int) -> None:
    """Its turn is by the wall's clock: now."""
    store = watched(service, stack)
    store.move(store.found(request_id)[0].asked, AskedState.WATCHED)


def test_listener__open_request__committed_and_fulfilled_once(stack: OnchainStack) -> None:
    before, service = stack.credit(stack.operator), stack.service()
    request_id = stack.ask()
    facts = stack.answered(request_id)
    until(lambda: ended(service))
    made = service.parts.requests.recent(kind=RequestKind.INFERENCE)
    assert facts.fulfilled_at >= facts.created_at
    assert stack.credit(stack.operator) - before == FEE
    assert [one.state for one in made if one.body["onchainId"] == str(request_id)] == [RequestState.FULFILLED]
    assert made[0].result is not None
    assert made[0].result["payee"] == stack.operator


def test_listener__assigned_to_us__one_transaction(stack: OnchainStack) -> None:
    service, nonce = stack.service(), stack.client.nonce(stack.operator)
    stack.answered(stack.ask(prover=stack.operator))
    until(lambda: ended(service))
    assert stack.client.nonce(stack.operator) - nonce == 1


def test_listener__assigned_to_another__left_alone_until_its_end(stack: OnchainStack) -> None:
    service = stack.service()
    request_id = stack.ask(prover=anvil_account(9).address, assigned_secs=600)
    until(lambda: any("assigned" in w.detail for w in watched(service, stack).found(request_id)))
    assert stack.facts(request_id).status is OnchainStatus.OPEN
    stack.client.rpc("evm_increaseTime", 601)
    stack.client.mine()
    look_again(service, stack, request_id)
    stack.answered(request_id)


def test_listener__fee_below_its_gas__waits_for_more(stack: OnchainStack) -> None:
    service = stack.service()
    request_id = stack.ask(fee=1_000)
    until(lambda: any("does not cover" in w.detail for w in watched(service, stack).found(request_id)))
    assert stack.facts(request_id).status is OnchainStatus.OPEN
    top_up = stack.coordinator.contract.functions.topUp(request_id, FEE)
    stack.requester.transact(f"top-up-{request_id}", top_up, FEE)
    look_again(service, stack, request_id)
    stack.answered(request_id)


def test_listener__deadline_too_near__closed_without_a_transaction(stack: OnchainStack) -> None:
    service = stack.service()
    until(lambda: ended(service))
    nonce, request_id = stack.client.nonce(stack.operator), stack.ask(fee=1_000, life=3_000)
    until(lambda: any("does not cover" in w.detail for w in watched(service, stack).found(request_id)))
    stack.client.rpc("evm_increaseTime", 2_998)
    stack.client.mine()
    look_again(service, stack, request_id)
    until(lambda: any(w.state is AskedState.CLOSED for w in watched(service, stack).found(request_id)))
    detail = watched(service, stack).found(request_id)[0].detail
    assert detail.startswith("too late") or detail == "expired"
    assert stack.client.nonce(stack.operator) == nonce


def test_listener__answer_dropped_by_a_reorg__answered_again(stack: OnchainStack) -> None:
    stack.client.mine(5)
    service = stack.service()
    request_id = stack.ask(prover=stack.operator)
    stack.client.mine(3)
    stack.answered(request_id)
    until(lambda: ended(service))
    depth = stack.client.head().number - int(service.parts.requests.recent()[0].result["blockNumber"])  # type: ignore[index]
    stack.client.rpc("anvil_reorg", depth + 1, [])
    assert stack.facts(request_id).status is OnchainStatus.OPEN
    stack.answered(request_id)
    until(lambda: ended(service))
    assert stack.credit(stack.operator) % FEE in {0, 1_000}


def test_batcher__several_ready_at_once__one_transaction_and_each_is_paid(
    stack: OnchainStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = stack.service()
    batcher, fee = service._fulfilment._batcher, 1_000  # it does not pay: the listener leaves them alone
    ids = [stack.ask(prover=stack.operator, fee=fee) for _ in range(2)]
    ready = {str(one): _fulfilment(stack, service._prover, one) for one in ids}
    ready["again"] = ready[str(ids[0])]
    monkeypatch.setattr(service.parts.client.heads, "next_in", lambda: 30.0)
    until(lambda: ended(service))
    before, nonce = stack.credit(stack.operator), stack.client.nonce(stack.operator)
    with ThreadPoolExecutor(len(ready)) as pool:
        with batcher.coming():
            sending = {}
            for number, (key, one) in enumerate(ready.items(), 1):
                sending[key] = pool.submit(batcher.send, key, stack.coordinator, one, stack.operator)
                until(lambda count=number: [len(group) for group in batcher._waiting.values()] == [count])  # type: ignore[misc]
        sent = [sending[str(one)].result(30) for one in ids]
        with pytest.raises(WrongRequestStatus):
            sending["again"].result(30)
    assert [one.together for one in sent] == [len(ids)] * len(ids)
    assert len({one.key for one in sent}) == 1
    assert stack.client.nonce(stack.operator) - nonce == 1
    assert stack.credit(stack.operator) - before == len(ids) * fee
    assert 0 <= sent[0].receipt["gasUsed"] - sum(one.gas_used for one in sent) < len(ids)
    assert [service.parts.sender.again(one.key)["transactionHash"] for one in sent] == [
        one.receipt["transactionHash"] for one in sent
    ]


def test_batcher__batch_that_a_dead_process_signed__found_and_settled_not_sent_again(
    stack: OnchainStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, fee = stack.service(), 1_000  # as above
    ids = [stack.ask(prover=stack.operator, fee=fee) for _ in range(3)]
    ready = [_fulfilment(stack, service._prover, one) for one in ids[:2]]
    until(lambda: ended(service))
    sender, coordinator = service.parts.sender, stack.coordinator
    before, nonce, looked = stack.credit(stack.operator), stack.client.nonce(stack.operator), list[str]()
    again = sender.again
    monkeypatch.setattr(sender, "again", lambda key: looked.append(key) or again(key))
    batch = calldata(coordinator.fulfil_many(ready))
    stack.client.rpc("evm_setAutomine", False)
    with ThreadPoolExecutor(3) as pool:
        dead = pool.submit(sender.send, "left", coordinator.address, batch, by=stack.operator, gas=3_000_000)
        until(lambda: sender.pending(coordinator.address))
        batcher = FulfilmentBatcher(service.parts)
        assert [batcher._left(coordinator, one) for one in ids] == ["left", "left", ""]
        found = [pool.submit(batcher.send, str(one.request_id), coordinator, one, "") for one in ready]
        until(lambda: looked == ["left", "left"])
        stack.client.rpc("evm_setAutomine", True)
        stack.client.mine()
        sent = [one.result(30) for one in found]
        assert {one.receipt["transactionHash"] for one in sent} == {dead.result(30)["transactionHash"]}
    assert [(one.key, one.together) for one in sent] == [("left", 2)] * 2
    assert (stack.client.nonce(stack.operator) - nonce, sender.pending(coordinator.address)) == (1, [])
    assert stack.credit(stack.operator) - before == 2 * fee


def _fulfilment(stack: OnchainStack, prover: Prover, onchain_id: int) -> Fulfilment:
    asked = next(one for one in stack.coordinator.asked(0, stack.client.head().number) if one.request_id == onchain_id)
    engine = prover._parts.engine
    proof = engine.prove(TINY, engine.witness(TINY, list(asked.inputs)))
    outputs = proof.instances[len(asked.inputs) :]
    return Fulfilment(onchain_id, asked.inputs, outputs, proof.zk_proof, stack.operator)


def test_subscription__due__run_and_answered_until_its_money_ends(stack: OnchainStack) -> None:
    contract = stack.coordinator.contract
    consumer = _consumer(stack)
    now_terms = (1, consumer, 0, NATIVE, FEE, 30, NATIVE, 0, 600, NATIVE, 0)
    stack.service()
    subscribe = contract.functions.subscribe(now_terms, 2 * FEE)
    stack.requester.transact("subscribe", subscribe, 2 * FEE)
    subscription_id = stack.coordinator.subscription_count()
    until(lambda: stack.coordinator.subscription(subscription_id).last_request_id > 0)
    first = stack.coordinator.subscription(subscription_id).last_request_id
    stack.answered(first)
    stack.client.rpc("evm_increaseTime", 31)
    stack.client.mine()
    until(lambda: stack.coordinator.subscription(subscription_id).last_request_id > first)
    stack.answered(stack.coordinator.subscription(subscription_id).last_request_id)
    assert stack.coordinator.subscription(subscription_id).balance == 0


# --- with other settings


def test_listener__rpc_gone_in_the_middle_of_sending__answered_once(stack: OnchainStack) -> None:
    proxy = RpcProxy(stack.anvil.rpc_url)
    service, nonce = stack.service(rpc_url=proxy.url), stack.client.nonce(stack.operator)
    proxy.hold(lambda method, _: method == "eth_sendRawTransaction", after=True)  # it is sent, and nobody is told
    request_id = stack.ask(prover=stack.operator)
    proxy.wait_held()
    proxy.down = True
    proxy.release()
    noticed = {"step": "listener", "cause": "RpcUnavailable"}
    until(lambda: service.metrics.registry.get_sample_value("plumbline_failures_total", noticed) is not None)
    proxy.down = False
    stack.answered(request_id)
    until(lambda: ended(service))
    made = service.parts.requests.recent(kind=RequestKind.INFERENCE)
    assert [one.state for one in made if one.body["onchainId"] == str(request_id)] == [RequestState.FULFILLED]
    assert stack.client.nonce(stack.operator) - nonce == 1
    stack.pause()
    proxy.close()


def test_listener__request_dropped_by_a_reorg__taken_back(stack: OnchainStack) -> None:
    stack.client.mine(5)
    service = stack.service(fee_over_gas=10.0**9)  # nothing pays: what is seen stays watched
    request_id = stack.ask()
    until(lambda: any(w.state is AskedState.WATCHED for w in watched(service, stack).found(request_id)))
    stack.client.rpc("anvil_reorg", 2, [])
    until(lambda: all(w.state is AskedState.DROPPED for w in watched(service, stack).found(request_id)))
    assert stack.facts(request_id).status is OnchainStatus.NONE


def test_listener__several_keys__every_request_answered_and_paid_to_the_operator(stack: OnchainStack) -> None:
    second = anvil_account(8)
    before = stack.credit(stack.operator)
    service = stack.service(sender_keys=SecretStr("0x" + bytes(second.key).hex()))
    ids = [stack.ask() for _ in range(2)]
    for request_id in ids:
        stack.answered(request_id)
    until(lambda: ended(service))
    assert service.parts.sender.addresses == (stack.operator, second.address)
    assert stack.credit(stack.operator) - before == 2 * FEE


def _consumer(stack: OnchainStack) -> str:
    from oracle.chain import build

    artifact = build.load(stack.settings, "InferenceConsumer")
    owner = Sender(stack.client, anvil_account(0), MemoryOutbox())
    receipt = owner.create("consumer", stack.client.constructor(artifact, stack.coordinator.address))
    address = str(receipt["contractAddress"])
    owner.transact("inputs", stack.client.contract("InferenceConsumer", address).functions.setInputs([100, 200, 300]))
    return address
