"""Attacks 2, 9 to 11, 13 to 17 and 26 on requests, against the InferenceCoordinator with real proofs."""

from __future__ import annotations

import pytest
from web3 import Web3

from tests.support.coordinator import FEE, LIFE, NATIVE, SALT, World, coordinator_base, world
from tests.support.inference import deploy_artifact
from tests.support.tiny_circuit import TinyCircuit

__all__ = ["coordinator_base", "world"]


def test_attack_02__proof_of_an_attackers_circuit__refused(world: World, reverts, other_circuit: TinyCircuit) -> None:
    request_id = world.request(world.assigned())
    forged = other_circuit.prove([value / 2**13 for value in world.proof.signed_inputs])
    assert forged.outputs != world.proof.outputs
    with reverts("InvalidProof"):
        world.fulfil(request_id, outputs=forged.outputs, zk_proof=forged.zk_proof)
    assert world.status(request_id) == "open"


def test_attack_09__commitment_made_for_one_request__does_not_open_another(world: World, reverts) -> None:
    first, second = world.request(), world.request()
    world.commit(first)
    wanted = world.read.fulfilmentCommitment(second, world.payee, Web3.keccak(world.proof.zk_proof), SALT).call()
    with reverts("NotCommitted", wanted):
        world.fulfil(second)
    assert world.status(second) == "open"


def test_attack_09__proof_under_another_requests_nonce__is_another_inference(world: World) -> None:
    """Equal inputs may be answered by one proof, true of both; what is recorded says which request it was for."""
    first, second = world.request(world.assigned()), world.request(world.assigned())
    commitments = [world.events("Fulfilled", world.fulfil(i))[0]["inputCommitment"] for i in (first, second)]
    assert commitments[0] != commitments[1]


def test_attack_10__requests_made_again_and_again__postpone_nothing(world: World) -> None:
    first = world.request(world.assigned())
    deadline = world.read.requestOf(first).call()[6]
    for _ in range(5):
        world.request(world.assigned(deadline=world.chain.now() + 10 * LIFE))
    assert world.read.requestOf(first).call()[6] == deadline
    world.fulfil(first)
    assert world.status(first) == "fulfilled"


def test_attack_11__proof_copied_from_the_mempool__earns_nothing(world: World, reverts) -> None:
    request_id = world.request()
    world.commit(request_id)
    thief = world.stranger
    stolen = world.read.fulfilmentCommitment(request_id, thief, Web3.keccak(world.proof.zk_proof), b"\0" * 32).call()
    with reverts("NotCommitted", stolen):
        world.fulfil(request_id, sender=thief, payee=thief, salt=b"\0" * 32)
    world.fulfil(request_id, sender=thief)  # as it was signed by nobody, the copy pays whom it names: the prover
    assert (world.credit(thief), world.credit(world.payee)) == (0, FEE)


def test_attack_11__commitment_made_after_the_proof_was_seen__comes_a_block_late(world: World, reverts) -> None:
    request_id = world.request()
    world.commit(request_id)
    thief = world.stranger
    world.send(
        world.read.commitFulfilment(
            request_id,
            world.read.fulfilmentCommitment(request_id, thief, Web3.keccak(world.proof.zk_proof), b"\1" * 32).call(),
        ),
        thief,
    )
    world.fulfil(request_id)
    world.chain.mine()
    with reverts("WrongRequestStatus", request_id, 3):
        world.fulfil(request_id, sender=thief, payee=thief, salt=b"\1" * 32)
    assert world.credit(thief) == 0


def test_attack_11__commitment_copied__still_pays_the_one_it_names(world: World) -> None:
    request_id = world.request()
    made = world.read.fulfilmentCommitment(
        request_id, world.payee, Web3.keccak(world.proof.zk_proof), b"\x5a" * 32
    ).call()
    world.send(world.read.commitFulfilment(request_id, made), world.stranger)
    world.chain.mine()
    world.fulfil(request_id)
    assert (world.credit(world.stranger), world.credit(world.payee)) == (0, FEE)


def test_attack_13__second_answer__refused_whoever_sends_it(world: World, reverts) -> None:
    request_id = world.request(world.assigned())
    world.fulfil(request_id)
    again = world.inference.circuit.prove_anew([value / 2**13 for value in world.proof.signed_inputs])
    assert again.zk_proof != world.proof.zk_proof
    for sender in (world.prover, world.stranger):
        with reverts("WrongRequestStatus", request_id, 3):
            world.fulfil(request_id, sender=sender, zk_proof=again.zk_proof)
    assert world.credit(world.payee) == FEE


def test_attack_14__same_terms_twice__two_ids_and_two_nonces(world: World) -> None:
    terms = world.assigned()
    first, second = world.request(terms), world.request(terms)
    assert first != second
    assert world.read.nonceOf(first).call() != world.read.nonceOf(second).call()


def test_attack_15__fulfiller_has_no_say_in_the_fee(world: World) -> None:
    request_id = world.request(world.assigned())
    world.chain.send(world.read.setPrice(1, NATIVE, (True, 100 * FEE, 0)))
    world.fulfil(request_id)
    assert world.credit(world.payee) == FEE


def test_attack_16__refund_before_its_time_twice_and_after_payment__refused(world: World, reverts) -> None:
    paid, expired = world.request(world.assigned()), world.request()
    for request_id in (paid, expired):
        with reverts("WrongRequestStatus", request_id, 1):
            world.send(world.read.refund(request_id), world.requester)
    world.fulfil(paid)
    world.chain.mine(world.chain.now() + LIFE + 10)
    with reverts("WrongRequestStatus", paid, 3):
        world.send(world.read.refund(paid), world.requester)
    world.send(world.read.refund(expired), world.requester)
    with reverts("WrongRequestStatus", expired, 4):
        world.send(world.read.refund(expired), world.requester)
    assert (world.credit(world.requester), world.credit(world.payee), world.balance()) == (FEE, FEE, 2 * FEE)


def test_attack_16__top_up_of_an_ended_request__refused_with_the_money(world: World, reverts) -> None:
    request_id = world.request(world.assigned())
    world.fulfil(request_id)
    held = world.balance()
    with reverts("WrongRequestStatus", request_id, 3):
        world.send(world.read.topUp(request_id, FEE), world.requester, value=FEE)
    assert world.balance() == held


def test_attack_16__withdrawal_reentered__pays_once(world: World) -> None:
    token = world.chain.deploy("HostileERC20", 6)
    world.chain.send(world.read.setPrice(1, token.address, (True, 0, 0)))
    for who in (world.requester, world.stranger):
        world.chain.send(token.functions.mint(who, FEE))
        world.chain.send(token.functions.approve(world.contract.address, FEE), who)
    request_id = world.request(world.assigned(token=token.address))
    world.fulfil(request_id)
    again = world.contract.encode_abi("withdraw", [token.address, world.stranger])
    world.chain.send(token.functions.setHook(world.contract.address, again))
    with pytest.raises(Exception, match="0x3ee5aeb5"):  # ReentrancyGuardReentrantCall()
        world.read.withdraw(token.address, world.payee).call({"from": world.payee})
    world.chain.send(token.functions.setHook(NATIVE, b""))
    world.send(world.read.withdraw(token.address, world.payee), world.payee)
    assert token.functions.balanceOf(world.payee).call() == FEE


def test_attack_17__consumer_that_fails__blocks_no_other_request_of_the_batch(world: World) -> None:
    good = world.request(world.assigned())
    bad = world.request(world.assigned(consumer=world.consumer.address, callback_gas=200_000))
    world.set_manner("eat_gas")
    world.send(world.read.fulfilMany([world.fulfilment(bad), world.fulfilment(good)]), world.prover)
    assert [world.status(i) for i in (good, bad)] == ["fulfilled", "fulfilled"]
    assert (world.callback(bad), world.credit(world.payee)) == ("failed", 2 * FEE)


def test_attack_26__verifier_replaced_between_request_and_proof__the_pinned_one_decides(
    world: World, reverts, other_circuit: TinyCircuit
) -> None:
    request_id = world.request(world.assigned())
    registry = world.inference.registry
    halo2 = deploy_artifact(world.chain, other_circuit.verifier).address
    spec = (halo2, bytes(Web3.keccak(world.chain.web3.eth.get_code(halo2))), 3, 2, bytes([13]), bytes([13]))
    world.chain.send(registry.functions.updateModel(1, other_circuit.commitment))
    world.chain.send(registry.functions.bindVerifier(1, spec))
    if registry.functions.currentVersion(1).call() == 1:
        world.chain.send(registry.functions.activate(1))
    forged = other_circuit.prove([value / 2**13 for value in world.proof.signed_inputs])
    with reverts("InvalidProof"):
        world.fulfil(request_id, outputs=forged.outputs, zk_proof=forged.zk_proof)
    world.fulfil(request_id)
    assert world.status(request_id) == "fulfilled"
