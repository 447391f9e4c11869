"""request, requestPulled, topUp, cancel, refund: the fee's way in and back."""

from __future__ import annotations

import pytest

from tests.support.coordinator import BASE_FEE, CALLBACK_GAS, FEE, GAS_PRICE, LIFE, NATIVE, NOBODY

FIVE_MINUTES = 300
THIRTY_DAYS = 30 * 86_400
TOO_LARGE = 1 << 63


def test_request__native_fee__is_open_and_escrowed(world):
    request_id = world.request()
    made = world.read.requestOf(request_id).call()
    assert (request_id, world.status(request_id), world.balance()) == (1, "open", FEE)
    assert (made[0], made[1], made[2], made[3]) == (world.requester, world.chain.now(), 1, 1)
    assert (made[8], made[16]) == (FEE, b"\0" * 32)


def test_request__event__holds_what_a_prover_needs(world):
    terms = world.terms()
    receipt = world.send(world.read.request(terms, world.proof.signed_inputs), world.requester, value=FEE)
    (event,) = world.events("Requested", receipt)
    assert (event["inputs"], event["version"], event["observedAt"]) == (
        world.proof.signed_inputs,
        1,
        world.chain.now(),
    )
    assert (event["terms"]["fee"], event["terms"]["deadline"], event["payer"]) == (FEE, terms[5], world.requester)


def test_request__token_fee__is_taken_exactly(world):
    before = world.token.functions.balanceOf(world.requester).call()
    world.request(world.terms(token=world.token.address))
    assert world.token.functions.balanceOf(world.contract.address).call() == FEE
    assert world.token.functions.balanceOf(world.requester).call() == before - FEE
    assert world.balance() == 0


@pytest.mark.parametrize(("value", "token"), [(FEE - 1, False), (FEE + 1, False), (0, False), (1, True)])
def test_request__other_value_than_due__refused(world, reverts, value, token):
    terms = world.terms(token=world.token.address if token else NATIVE)
    with reverts("WrongValue", value, 0 if token else FEE):
        world.send(world.read.request(terms, world.proof.signed_inputs), world.requester, value=value)


def test_request__fee_below_quote__refused(world, reverts):
    terms = world.terms(fee=BASE_FEE - 1)
    with reverts("FeeBelowQuote", BASE_FEE - 1, BASE_FEE):
        world.request(terms)


def test_quote__callback_gas__is_paid_for(world):
    assert world.read.quote(1, NATIVE, CALLBACK_GAS).call() == BASE_FEE + CALLBACK_GAS * GAS_PRICE


def test_request__model_or_token_without_price__refused(world, reverts):
    with reverts("ModelNotOffered", 2, NATIVE):
        world.request(world.terms(model_id=2))
    with reverts("ModelNotOffered", 1, world.consumer.address):
        world.request(world.terms(token=world.consumer.address))


@pytest.mark.parametrize("offset", [0, 5, THIRTY_DAYS + 100])
def test_request__deadline_out_of_range__refused(world, reverts, offset):
    now = world.chain.now() + 50
    world.chain.set_next_time(now)
    with reverts("DeadlineOutOfRange", now + offset, now + 10, now + THIRTY_DAYS):
        terms = world.terms(deadline=now + offset)
        call = world.read.request(terms, world.proof.signed_inputs)
        call.call({"from": world.requester, "value": FEE}, block_identifier="pending")


def test_request__assignment_that_makes_no_sense__refused(world, reverts):
    deadline = world.chain.now() + LIFE
    for prover, until in [(world.prover, deadline + 1), (NOBODY, deadline), (world.prover, 0)]:
        with reverts("InvalidAssignment", prover, until):
            world.request(world.terms(deadline=deadline, prover=prover, assigned_until=until))


def test_request__callback_that_makes_no_sense__refused(world, reverts):
    for consumer, gas in [(NOBODY, 1), (world.consumer.address, 5_000_001)]:
        with reverts("InvalidCallback", consumer, gas):
            world.request(world.terms(consumer=consumer, callback_gas=gas, fee=10**18))


def test_request__inputs_that_the_model_cannot_take__refused(world, reverts):
    good = world.proof.signed_inputs
    with reverts("InputCountMismatch", 2, 3):
        world.send(world.read.request(world.terms(), good[:2]), world.requester, value=FEE)
    for value in (TOO_LARGE, -TOO_LARGE):
        with reverts("InputOutOfRange", 2, value):
            world.send(world.read.request(world.terms(), [*good[:2], value]), world.requester, value=FEE)


def test_request_pulled__consumer_gives_the_inputs(world):
    terms = world.terms(consumer=world.consumer.address)
    receipt = world.send(world.read.requestPulled(terms), world.requester, value=FEE)
    (event,) = world.events("Requested", receipt)
    assert event["inputs"] == world.proof.signed_inputs


def test_request_pulled__no_consumer__refused(world, reverts):
    with reverts("ZeroAddress"):
        world.send(world.read.requestPulled(world.terms()), world.requester, value=FEE)


def test_request__token_that_takes_a_cut__refused(world, reverts):
    token = world.chain.deploy("HostileERC20", 6)
    world.chain.send(token.functions.mint(world.requester, 10 * FEE))
    world.chain.send(token.functions.approve(world.contract.address, 10 * FEE), world.requester)
    world.chain.send(token.functions.setFee(100))
    world.chain.send(world.read.setPrice(1, token.address, (True, 0, 0)))
    with reverts("WrongAmountReceived", token.address, FEE - FEE // 100, FEE):
        world.request(world.terms(token=token.address))


def test_top_up__open__raises_the_fee(world):
    request_id = world.request()
    receipt = world.send(world.read.topUp(request_id, 7), world.stranger, value=7)
    assert world.events("FeeRaised", receipt) == [{"requestId": request_id, "fee": FEE + 7}]
    assert world.balance() == FEE + 7


def test_top_up__not_open_or_nothing__refused_and_nothing_kept(world, reverts):
    request_id = world.request()
    with reverts("NothingToDo"):
        world.send(world.read.topUp(request_id, 0), world.stranger)
    world.chain.mine(world.chain.now() + LIFE + 10)
    with reverts("WrongRequestStatus", request_id, 2):
        world.send(world.read.topUp(request_id, 7), world.stranger, value=7)
    assert world.balance() == FEE


def test_cancel__open__leaves_a_notice_in_which_a_proof_is_paid(world):
    request_id = world.request(world.assigned())
    receipt = world.send(world.read.cancel(request_id), world.requester)
    assert world.events("CancelAnnounced", receipt) == [
        {"requestId": request_id, "deadline": world.chain.now() + FIVE_MINUTES}
    ]
    assert world.status(request_id) == "open"
    world.fulfil(request_id)
    assert world.credit(world.payee) == FEE


def test_cancel__twice_or_near_the_end__refused(world, reverts):
    request_id = world.request()
    world.send(world.read.cancel(request_id), world.requester)
    with reverts("NothingToDo"):
        world.send(world.read.cancel(request_id), world.requester)


def test_cancel__by_a_stranger__refused(world, reverts):
    request_id = world.request()
    with reverts("NotAuthorised", world.stranger):
        world.send(world.read.cancel(request_id), world.stranger)


def test_refund__before_the_deadline__refused(world, reverts):
    request_id = world.request()
    world.chain.mine(world.read.requestOf(request_id).call()[6])
    assert world.status(request_id) == "open"
    with reverts("WrongRequestStatus", request_id, 1):
        world.read.refund(request_id).call({"from": world.stranger})


def test_refund__expired__credits_the_payer_once(world, reverts):
    request_id = world.request()
    world.send(world.read.topUp(request_id, 7), world.stranger, value=7)
    world.chain.mine(world.chain.now() + LIFE + 10)
    assert world.status(request_id) == "expired"
    world.send(world.read.refund(request_id), world.stranger)
    assert (world.status(request_id), world.credit(world.requester)) == ("refunded", FEE + 7)
    with reverts("WrongRequestStatus", request_id, 4):
        world.send(world.read.refund(request_id), world.stranger)
    before = world.chain.web3.eth.get_balance(world.stranger)
    world.send(world.read.withdraw(NATIVE, world.chain.address(15)), world.requester)
    assert world.balance() == 0
    assert world.chain.web3.eth.get_balance(world.stranger) == before


def test_refund__unknown__refused(world, reverts):
    with reverts("WrongRequestStatus", 9, 0):
        world.send(world.read.refund(9), world.stranger)


def test_withdraw__nothing_or_nowhere__refused(world, reverts):
    with reverts("NothingToDo"):
        world.send(world.read.withdraw(NATIVE, world.stranger), world.stranger)
    with reverts("ZeroAddress"):
        world.send(world.read.withdraw(NATIVE, NOBODY), world.stranger)


def test_withdraw__receiver_refuses__nothing_is_lost(world, reverts):
    request_id = world.request(world.assigned())
    world.fulfil(request_id)
    refusing = world.token.address  # a contract that takes no native coin
    with reverts("TransferFailed", refusing, FEE):
        world.send(world.read.withdraw(NATIVE, refusing), world.payee)
    assert world.credit(world.payee) == FEE


def test_withdraw__token__reaches_the_receiver_once(world, reverts):
    request_id, token = world.request(world.assigned(token=world.token.address)), world.token.address
    world.fulfil(request_id)
    assert world.read.withdraw(token, world.stranger).call({"from": world.payee}) == FEE
    receipt = world.send(world.read.withdraw(token, world.stranger), world.payee)
    assert world.events("Withdrawn", receipt) == [
        {"owner": world.payee, "token": token, "to": world.stranger, "amount": FEE}
    ]
    assert world.token.functions.balanceOf(world.stranger).call() == FEE
    assert world.credit(world.payee, token) == 0
    with reverts("NothingToDo"):
        world.send(world.read.withdraw(token, world.stranger), world.payee)


def test_request__token_fee_of_one_unit_or_none__is_taken_exactly(world):
    token = world.token.address
    receipt = world.chain.send(world.read.setPrice(1, token, (True, 0, 0)))
    assert world.events("PriceSet", receipt) == [
        {"modelId": 1, "token": token, "price": {"offered": True, "base": 0, "perCallbackGas": 0}}
    ]
    for fee, held in ((1, 1), (0, 1), (2, 3)):
        world.request(world.terms(token=token, fee=fee))
        assert world.token.functions.balanceOf(world.contract.address).call() == held


def test_request__native_fee_of_one_unit__can_be_withdrawn(world):
    world.chain.send(world.read.setPrice(1, NATIVE, (True, 0, 0)))
    request_id = world.request(world.assigned(fee=1))
    world.fulfil(request_id)
    world.send(world.read.withdraw(NATIVE, world.chain.address(15)), world.payee)
    assert (world.credit(world.payee), world.balance()) == (0, 0)


def test_request__at_its_limits__is_open(world):
    now = world.chain.now() + 50
    world.chain.set_next_time(now)
    for deadline in (now + 10, now + THIRTY_DAYS):
        terms = world.assigned(deadline=deadline, consumer=world.consumer.address, callback_gas=5_000_000, fee=10**18)
        call = world.read.request(terms, [TOO_LARGE - 1, 1 - TOO_LARGE, 0])
        assert call.call({"from": world.requester, "value": 10**18}, block_identifier="pending") == 1


def test_lives__events__each_with_its_arguments(world):
    """What an indexer has to follow a request and a fee from beginning to end."""
    first, second = world.request(), world.request()
    commitment = world.read.fulfilmentCommitment(first, world.payee, b"\1" * 32, b"\2" * 32).call()
    receipt = world.send(world.read.commitFulfilment(first, commitment), world.prover)
    assert world.events("FulfilmentCommitted", receipt) == [
        {"requestId": first, "by": world.prover, "commitment": commitment}
    ]
    world.chain.mine(world.chain.now() + LIFE + 10)
    receipt = world.send(world.read.refund(second), world.stranger)
    assert world.events("Refunded", receipt) == [{"requestId": second, "payer": world.requester, "fee": FEE}]
    assert world.events("Credited", receipt) == [{"owner": world.requester, "token": NATIVE, "amount": FEE}]


def test_set_price__by_a_stranger__refused(world, reverts):
    with reverts("OwnableUnauthorizedAccount", world.stranger):
        world.send(world.read.setPrice(1, NATIVE, (True, 0, 0)), world.stranger)
