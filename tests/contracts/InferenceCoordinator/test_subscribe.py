"""Subscriptions: runs by time and by deviation, paid from a balance."""

from __future__ import annotations

from functools import partial

import pytest
from web3.contract import Contract

from tests.support.coordinator import FEE, NATIVE, NOBODY, World

RUN_SECS = 600
INTERVAL = 3600
INVALID = [
    {"consumer": NOBODY},
    {"interval": 0},
    {"deviation_bps": 100},
    {"run_secs": 9},
    {"run_secs": 31 * 86_400},
    {"callback_gas": 5_000_001},
    {"assigned_secs": 1},
    {"prover": True},
    {"prover": True, "assigned_secs": RUN_SECS + 1},
    {"trigger": True},
    {"trigger": NOBODY, "deviation_bps": 1},
]


def terms(world: World, **changed):
    """SubscriptionTerms by time, without a callback."""
    values = {
        "model_id": 1,
        "consumer": world.consumer.address,
        "callback_gas": 0,
        "token": NATIVE,
        "fee": FEE,
        "interval": INTERVAL,
        "trigger": NOBODY,
        "deviation_bps": 0,
        "run_secs": RUN_SECS,
        "prover": NOBODY,
        "assigned_secs": 0,
    }
    return tuple((values | changed).values())


def subscribe(world: World, funding: int = 10 * FEE, **changed) -> int:
    call = world.read.subscribe(terms(world, **changed), funding)
    receipt = world.send(call, world.requester, value=funding)
    return int(world.events("Subscribed", receipt)[0]["subscriptionId"])


def run(world: World, subscription: int) -> int:
    receipt = world.send(world.read.run(subscription), world.stranger)
    return int(world.events("SubscriptionRun", receipt)[0]["requestId"])


def balance(world: World, subscription: int) -> int:
    return int(world.read.subscriptionOf(subscription).call()[5])


def _set_answer(world: World, trigger: Contract, answer: int) -> None:
    world.chain.send(trigger.functions.set(answer, world.chain.now(), world.chain.now()))


def answered(world: World, request_id: int) -> None:
    world.commit(request_id)
    world.fulfil(request_id)


def test_run__by_time__once_an_interval(world, reverts):
    subscription = subscribe(world)
    first = run(world, subscription)
    answered(world, first)
    with reverts("NotDue", subscription):
        run(world, subscription)
    world.chain.mine(world.chain.now() + INTERVAL)
    second = run(world, subscription)
    assert (second, balance(world, subscription), world.status(second)) == (first + 1, 8 * FEE, "open")
    assert world.read.requestOf(second).call()[0] == world.requester


def test_run__last_one_open__not_due(world, reverts):
    subscription = subscribe(world, interval=60)
    run(world, subscription)
    world.chain.mine(world.chain.now() + 120)
    with reverts("NotDue", subscription):
        run(world, subscription)


def test_run__unproven__its_fee_goes_back_to_the_balance(world):
    subscription = subscribe(world)
    request_id = run(world, subscription)
    world.chain.mine(world.chain.now() + RUN_SECS + 10)
    world.send(world.read.refund(request_id), world.stranger)
    assert (balance(world, subscription), world.credit(world.requester)) == (10 * FEE, 0)


def test_run__by_deviation__when_the_trigger_moved_enough(world, reverts):
    trigger = world.chain.deploy("StubFeed", 8)
    set_answer = partial(_set_answer, world, trigger)
    set_answer(10_000)
    subscription = subscribe(world, interval=0, trigger=trigger.address, deviation_bps=100)
    answered(world, run(world, subscription))
    for quiet in (10_099, 9_901, 10_000):
        set_answer(quiet)
        with reverts("NotDue", subscription):
            run(world, subscription)
    for moved in (10_100, 9_900, -1, -(1 << 254), (1 << 254)):
        with world.chain.undone():
            set_answer(moved)
            assert world.read.isDue(subscription).call()


@pytest.mark.parametrize("mode", [1, 2, 4, 5])  # reverting, burning gas, a bomb, too short
def test_run__trigger_misbehaves__time_still_starts_a_run(world, mode):
    trigger = world.chain.deploy("StubFeed", 8)
    _set_answer(world, trigger, 10_000)
    subscription = subscribe(world, trigger=trigger.address, deviation_bps=100)
    answered(world, run(world, subscription))
    world.chain.send(trigger.functions.setMode(mode))
    assert not world.read.isDue(subscription).call()
    world.chain.mine(world.chain.now() + INTERVAL)
    assert world.status(run(world, subscription)) == "open"


def test_run__empty__refused(world, reverts):
    subscription = subscribe(world, funding=FEE - 1)
    with reverts("SubscriptionEmpty", subscription, FEE - 1, FEE):
        run(world, subscription)
    world.send(world.read.fundSubscription(subscription, 1), world.stranger, value=1)
    assert world.status(run(world, subscription)) == "open"


def test_run__price_raised_above_the_fee__refused(world, reverts):
    subscription = subscribe(world)
    world.chain.send(world.read.setPrice(1, NATIVE, (True, FEE + 1, 0)))
    with reverts("FeeBelowQuote", FEE, FEE + 1):
        run(world, subscription)


def test_end__balance_is_credited_and_an_open_run_goes_on(world, reverts):
    subscription = subscribe(world)
    request_id = run(world, subscription)
    world.send(world.read.endSubscription(subscription), world.requester)
    assert world.credit(world.requester) == 9 * FEE
    with reverts("SubscriptionNotActive", subscription):
        run(world, subscription)
    with reverts("SubscriptionNotActive", subscription):
        world.send(world.read.fundSubscription(subscription, 1), world.stranger, value=1)
    world.chain.mine(world.chain.now() + RUN_SECS + 10)
    world.send(world.read.refund(request_id), world.stranger)
    assert (world.credit(world.requester), world.balance()) == (10 * FEE, 10 * FEE)


def test_end__by_a_stranger__refused(world, reverts):
    subscription = subscribe(world)
    with reverts("NotAuthorised", world.stranger):
        world.send(world.read.endSubscription(subscription), world.stranger)


@pytest.mark.parametrize("changed", INVALID, ids="-".join)
def test_subscribe__terms_that_make_no_sense__refused(world, reverts, changed):
    named = {"prover": world.prover, "trigger": world.token.address}
    changed = {key: named[key] if value is True else value for key, value in changed.items()}
    with reverts("InvalidSubscription"):
        world.send(world.read.subscribe(terms(world, **changed), 0), world.requester)


def test_run__assigned_prover__fulfils_in_one_transaction(world):
    subscription = subscribe(world, prover=world.prover, assigned_secs=RUN_SECS)
    request_id = run(world, subscription)
    world.fulfil(request_id)
    assert world.credit(world.payee) == FEE


def test_lives__events__each_with_its_arguments(world):
    """What an indexer has to follow a subscription and its balance from beginning to end."""
    made = terms(world, interval=60)
    receipt = world.send(world.read.subscribe(made, FEE), world.requester, value=FEE)
    (event,) = world.events("Subscribed", receipt)
    assert (event["subscriptionId"], event["owner"], tuple(event["terms"].values())) == (1, world.requester, made)
    receipt = world.send(world.read.fundSubscription(1, 7), world.stranger, value=7)
    assert world.events("SubscriptionFunded", receipt) == [{"subscriptionId": 1, "balance": FEE + 7}]
    receipt = world.send(world.read.run(1), world.stranger)
    request_id = world.events("Requested", receipt)[0]["requestId"]
    assert world.events("SubscriptionRun", receipt) == [{"subscriptionId": 1, "requestId": request_id}]
    world.chain.mine(world.chain.now() + RUN_SECS + 10)
    receipt = world.send(world.read.refund(request_id), world.stranger)
    assert world.events("SubscriptionFunded", receipt) == [{"subscriptionId": 1, "balance": FEE + 7}]
    receipt = world.send(world.read.endSubscription(1), world.requester)
    assert world.events("SubscriptionEnded", receipt) == [{"subscriptionId": 1, "returned": FEE + 7}]
    assert world.events("Credited", receipt) == [{"owner": world.requester, "token": NATIVE, "amount": FEE + 7}]


def test_fund__nothing_or_unknown__refused(world, reverts):
    subscription = subscribe(world)
    with reverts("NothingToDo"):
        world.send(world.read.fundSubscription(subscription, 0), world.stranger)
    with reverts("SubscriptionNotActive", subscription + 1):
        world.send(world.read.fundSubscription(subscription + 1, 1), world.stranger, value=1)
    assert not world.read.isDue(subscription + 1).call()


def test_subscribe__at_its_limits__runs(world):
    for changed in (
        {"run_secs": 10},
        {"run_secs": 30 * 86_400},
        {"callback_gas": 5_000_000, "fee": 10**18},
        {"prover": world.prover, "assigned_secs": RUN_SECS},
    ):
        subscription = subscribe(world, funding=10**18, **changed)
        assert world.status(run(world, subscription)) == "open"


def test_run__by_time__not_a_second_before(world):
    subscription = subscribe(world)
    answered(world, run(world, subscription))
    last = world.read.subscriptionOf(subscription).call()[1]
    for seconds, due in ((INTERVAL - 1, False), (INTERVAL, True)):
        world.chain.mine(last + seconds)
        assert world.read.isDue(subscription).call() is due
