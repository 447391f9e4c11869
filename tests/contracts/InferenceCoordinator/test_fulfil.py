"""fulfil, fulfilMany and the commitments behind them."""

from __future__ import annotations

import pytest

from oracle.domain.commitments import input_commitment
from tests.support.coordinator import FEE, LIFE, NOBODY, SALT


def test_fulfil__assigned_prover__is_paid_in_one_transaction(world):
    request_id = world.request(world.assigned())
    receipt = world.fulfil(request_id)
    (event,) = world.events("Fulfilled", receipt)
    made = world.read.requestOf(request_id).call()
    nonce = bytes(world.read.nonceOf(request_id).call())
    chain_id, verifier = world.chain.web3.eth.chain_id, world.inference.verifier.address
    commitment = input_commitment(chain_id, verifier, 1, 1, nonce, made[1], world.proof.inputs)
    assert (event["payee"], event["fee"], event["outputsWad"]) == (world.payee, FEE, world.outputs_wad)
    assert event["inputCommitment"] == commitment
    assert (world.status(request_id), world.credit(world.payee)) == ("fulfilled", FEE)
    assert world.read.isAnswer(request_id, world.outputs_wad).call()
    assert not world.read.isAnswer(request_id, [world.outputs_wad[0], 0]).call()


def test_fulfil__committed_a_block_before__anybody_is_paid(world):
    request_id = world.request()
    world.commit(request_id)
    world.fulfil(request_id, sender=world.stranger)
    assert (world.credit(world.payee), world.credit(world.stranger)) == (FEE, 0)


def test_fulfil__without_a_commitment__refused(world, reverts):
    request_id = world.request()
    proof_hash = world.chain.web3.keccak(world.proof.zk_proof)
    commitment = world.read.fulfilmentCommitment(request_id, world.payee, proof_hash, SALT).call()
    with reverts("NotCommitted", commitment):
        world.fulfil(request_id)


def test_fulfil__committed_in_the_same_block__refused(world):
    request_id = world.request()
    made = world.fulfilment(request_id)
    commitment = world.read.fulfilmentCommitment(
        request_id, world.payee, world.chain.web3.keccak(world.proof.zk_proof), SALT
    ).call()
    world.chain.rpc("evm_setAutomine", False)
    try:
        gas = {"gas": 3_000_000}
        first = world.read.commitFulfilment(request_id, commitment).transact({"from": world.prover, **gas})
        second = world.read.fulfil(made).transact({"from": world.prover, **gas})
        world.chain.mine()
    finally:
        world.chain.rpc("evm_setAutomine", True)
    receipts = [world.chain.web3.eth.get_transaction_receipt(sent) for sent in (first, second)]
    assert [r["status"] for r in receipts] == [1, 0]
    assert receipts[0]["blockNumber"] == receipts[1]["blockNumber"]
    assert world.status(request_id) == "open"
    world.chain.mine()
    world.fulfil(request_id)
    assert world.status(request_id) == "fulfilled"


def test_fulfil__commitment_stands_already__refused(world, reverts):
    request_id = world.request()
    commitment = world.commit(request_id)
    with reverts("AlreadyCommitted", commitment):
        world.send(world.read.commitFulfilment(request_id, commitment), world.stranger)


def test_fulfil__assigned_to_another__refused_until_the_window_opens(world, reverts):
    until = world.chain.now() + 600
    terms = world.terms(prover=world.prover, assigned_until=until)
    request_id = world.request(terms)
    world.commit(request_id)
    with reverts("AssignedToAnother", world.prover, until):
        world.fulfil(request_id, sender=world.stranger)
    world.chain.mine(until + 1)
    world.fulfil(request_id, sender=world.stranger)
    assert world.credit(world.payee) == FEE


def test_fulfil__after_the_deadline__refused(world, reverts):
    request_id = world.request(world.assigned())
    world.chain.mine(world.chain.now() + LIFE + 10)
    with reverts("WrongRequestStatus", request_id, 2):
        world.fulfil(request_id)


def test_fulfil__in_the_second_of_the_deadline__still_counts(world):
    request_id = world.request(world.assigned())
    world.chain.set_next_time(world.read.requestOf(request_id).call()[6])
    world.fulfil(request_id)
    assert world.status(request_id) == "fulfilled"


def test_fulfil__other_inputs_than_asked__refused(world, reverts_any):
    request_id = world.request(world.assigned())
    other = world.inference.circuit.prove([0.5, 0.25, 0.125])
    with reverts_any("InputsMismatch"):
        world.fulfil(request_id, inputs=other.signed_inputs, outputs=other.outputs, zk_proof=other.zk_proof)


def test_fulfil__forged_outputs__refused(world, reverts):
    request_id = world.request(world.assigned())
    outputs = [world.proof.outputs[0] + 1, world.proof.outputs[1]]
    with reverts("InvalidProof"):
        world.fulfil(request_id, outputs=outputs)
    assert world.status(request_id) == "open"


def test_fulfil__no_payee__refused(world, reverts):
    request_id = world.request(world.assigned())
    with reverts("ZeroAddress"):
        world.fulfil(request_id, payee=NOBODY)


def test_fulfil__version_superseded_since__the_pinned_one_still_answers(world):
    request_id = world.request(world.assigned())
    inference = world.inference
    update = (*inference.circuit.commitment[:4], "test:tiny-2")
    spec = inference.registry.functions.getVersion(1, 1).call()[1]
    world.chain.send(inference.registry.functions.updateModel(1, update))
    world.chain.send(inference.registry.functions.bindVerifier(1, spec))
    if inference.registry.functions.currentVersion(1).call() == 1:
        world.chain.send(inference.registry.functions.activate(1))
    assert inference.registry.functions.currentVersion(1).call() == 2
    world.fulfil(request_id)
    assert world.read.requestOf(request_id).call()[2] == 1


def test_fulfil__version_revoked_since__only_a_refund_is_left(world, reverts_any):
    request_id = world.request(world.assigned())
    world.chain.send(world.inference.registry.functions.revokeVersion(1, 1))
    with reverts_any("WrongModelStatus"):
        world.fulfil(request_id)
    world.chain.mine(world.chain.now() + LIFE + 10)
    world.send(world.read.refund(request_id), world.stranger)
    assert world.credit(world.requester) == FEE


def test_fulfil_many__one_bad__the_others_stand(world):
    first, second, third = (world.request(world.assigned()) for _ in range(3))
    batch = [
        world.fulfilment(first),
        world.fulfilment(second, outputs=[1, 2]),
        world.fulfilment(third),
        world.fulfilment(first),
    ]
    receipt = world.send(world.read.fulfilMany(batch), world.prover)
    assert [world.status(i) for i in (first, second, third)] == ["fulfilled", "open", "fulfilled"]
    assert [e["requestId"] for e in world.events("FulfilmentSkipped", receipt)] == [second, first]
    assert world.credit(world.payee) == 2 * FEE


def test_fulfil_many__assigned_to_another__skipped(world, decoder):
    request_id = world.request(world.assigned())
    receipt = world.send(world.read.fulfilMany([world.fulfilment(request_id)]), world.stranger)
    (event,) = world.events("FulfilmentSkipped", receipt)
    assert decoder.decode(bytes(event["reason"])).name == "AssignedToAnother"


def test_fulfil_for__called_from_outside__refused(world, reverts):
    request_id = world.request(world.assigned())
    with reverts("NotAuthorised", world.stranger):
        world.send(world.read.fulfilFor(world.prover, world.fulfilment(request_id)), world.stranger)


@pytest.mark.parametrize("token", [False, True])
def test_ledger__after_a_mixed_life__adds_up(world, token):
    kind = {"token": world.token.address} if token else {}
    paid, expired = world.request(world.assigned(**kind)), world.request(world.terms(**kind))
    open_still = world.request(world.assigned(deadline=world.chain.now() + 100 * LIFE, **kind))
    world.fulfil(paid)
    world.chain.mine(world.chain.now() + LIFE + 10)
    world.send(world.read.refund(expired), world.stranger)
    held = world.token.functions.balanceOf(world.contract.address).call() if token else world.balance()
    address = kind.get("token", NOBODY)
    owed = sum(world.credit(owner, address) for owner in (world.payee, world.requester))
    assert (held, owed, world.status(open_still)) == (3 * FEE, 2 * FEE, "open")
