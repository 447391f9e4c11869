"""Callbacks: isolated, bounded, retryable, and no part of the bill."""

from __future__ import annotations

import pytest

from tests.support.call_gas import gas_by_call
from tests.support.coordinator import CALLBACK_GAS, FEE


def _asked(world, **changed):
    return world.assigned(consumer=world.consumer.address, callback_gas=CALLBACK_GAS, **changed)


def test_callback__accepting_consumer__gets_the_outputs_once(world, reverts):
    request_id = world.request(_asked(world))
    receipt = world.fulfil(request_id)
    assert world.events("CallbackDone", receipt) == [{"requestId": request_id, "success": True}]
    assert world.consumer.functions.outputs().call() == world.outputs_wad
    assert (world.consumer.functions.calls().call(), world.callback(request_id)) == (1, "delivered")
    with reverts("NoFailedCallback", request_id, 1):
        world.send(world.read.retryCallback(request_id, world.outputs_wad), world.stranger)


@pytest.mark.parametrize("manner", ["revert", "eat_gas", "return_bomb"])
def test_callback__hostile_consumer__prover_is_paid_and_it_can_be_tried_again(world, manner):
    request_id = world.request(_asked(world))
    world.set_manner(manner)
    receipt = world.fulfil(request_id)
    assert (world.status(request_id), world.callback(request_id)) == ("fulfilled", "failed")
    assert world.credit(world.payee) == FEE
    assert receipt["gasUsed"] < 1_200_000
    world.set_manner("accept")
    world.send(world.read.retryCallback(request_id, world.outputs_wad), world.stranger)
    assert (world.callback(request_id), world.consumer.functions.calls().call()) == ("delivered", 1)


def test_callback__reentering_consumer__changes_nothing(world):
    terms = world.assigned(consumer=world.consumer.address, callback_gas=2_000_000, fee=2 * FEE)
    request_id = world.request(terms)
    world.chain.send(world.consumer.functions.setAgain(world.fulfilment(request_id)))
    world.set_manner("reenter")
    world.fulfil(request_id)
    assert not world.consumer.functions.reentered().call()
    assert (world.callback(request_id), world.credit(world.payee)) == ("delivered", 2 * FEE)


def test_callback__consumer_that_asks_again__opens_the_next_request(world):
    terms = world.assigned(consumer=world.consumer.address, callback_gas=1_000_000)
    request_id = world.request(terms)
    world.chain.send(world.consumer.functions.setTerms(world.assigned(consumer=world.consumer.address)))
    world.set_manner("ask_again")
    world.fulfil(request_id)
    assert (world.callback(request_id), world.status(request_id + 1)) == ("delivered", "open")


def test_callback__consumer_without_code__fails_and_the_prover_is_paid(world):
    request_id = world.request(world.assigned(consumer=world.stranger, callback_gas=CALLBACK_GAS))
    world.fulfil(request_id)
    assert (world.callback(request_id), world.credit(world.payee)) == ("failed", FEE)


def test_callback__too_little_gas_left__refused_so_that_nobody_can_starve_it(world, reverts_any):
    request_id = world.request(_asked(world))
    call = world.read.fulfil(world.fulfilment(request_id))
    used = call.estimate_gas({"from": world.prover})
    caught = 0
    for gas in range(used - CALLBACK_GAS // 2, used, CALLBACK_GAS // 16):
        with reverts_any("InsufficientCallbackGas"):
            call.call({"from": world.prover, "gas": gas})
        caught += 1
    assert caught == 8


def test_callback__gas_that_just_suffices__consumer_has_all_that_was_paid_for(world):
    """The consumer burns what it gets: what the payer bought, whoever fulfils and however little gas is sent."""
    request_id = world.request(_asked(world))
    world.set_manner("eat_gas")
    call = world.read.fulfil(world.fulfilment(request_id))
    sent = call.transact({"from": world.prover, "gas": call.estimate_gas({"from": world.prover})})
    receipt = world.chain.web3.eth.wait_for_transaction_receipt(sent)
    assert receipt["status"] == 1
    assert gas_by_call(world.chain, receipt)[world.consumer.address.lower()] == CALLBACK_GAS


def test_retry__other_outputs__refused(world, reverts_any):
    request_id = world.request(_asked(world))
    world.set_manner("revert")
    world.fulfil(request_id)
    with reverts_any("OutputsMismatch"):
        world.send(world.read.retryCallback(request_id, [1, 2]), world.stranger)


def test_retry__still_failing__stays_failed(world):
    request_id = world.request(_asked(world))
    world.set_manner("revert")
    world.fulfil(request_id)
    receipt = world.send(world.read.retryCallback(request_id, world.outputs_wad), world.stranger)
    assert world.events("CallbackDone", receipt) == [{"requestId": request_id, "success": False}]
    assert world.callback(request_id) == "failed"


def test_retry__not_fulfilled__refused(world, reverts):
    request_id = world.request(_asked(world))
    with reverts("NoFailedCallback", request_id, 0):
        world.send(world.read.retryCallback(request_id, world.outputs_wad), world.stranger)
