"""SharedProofVerifier.submitRounds: one proof, several feeds; all or none; nothing taken over from one to another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.constants import BN254_SCALAR_FIELD
from tests.contracts.SharedProofVerifier.conftest import GUARDS
from tests.support.call_gas import execution_gas, gas_by_call
from tests.support.risk_feed import calm_prices
from tests.support.tiny_circuit import SCALE_BITS


def test_submit_rounds__one_proof__both_feeds_answer(group):
    proof = group.prove()
    group.submit(proof)
    value_at_risk, shortfall = group.answers(proof)
    assert [feed.functions.latestAnswer().call() for feed in group.feeds] == [value_at_risk, shortfall]
    assert value_at_risk != shortfall


def test_submit_rounds__each_feed__keeps_its_own_root_and_commitment(group):
    observation = group.observation()
    expected = [feed.functions.expectedInputs(observation).call()[2] for feed in group.feeds]
    roots = [feed.functions.root().call() for feed in group.feeds]
    receipt = group.submit(group.prove())
    for feed, commitment, root in zip(group.feeds, expected, roots, strict=True):
        (event,) = group.chain.events(feed, "RoundProven", receipt)
        assert (event["inputCommitment"], event["roundId"]) == (commitment, 1)
        assert feed.functions.root().call() == event["root"] != root
    assert expected[0] != expected[1]


def test_submit_rounds__verifies_the_proof_once(group, gas_snapshot):
    proof = group.prove()
    receipt = group.submit(proof)
    verifier = group.shared.functions.inferenceVerifier().call()
    registry = group.chain.at("InferenceVerifier", verifier).functions.registry().call()
    model = group.feeds[0].functions.modelId().call()
    halo2 = group.chain.at("ModelRegistry", registry).functions.verifierOf(model, 1).call()[0]
    both = gas_by_call(group.chain, receipt)[halo2.lower()]
    group.publishers.observe(100 * 10**8 + 10**7)
    proof = group.prove()
    call = group.feeds[0].functions.submitRound(group.observation(), proof.outputs, proof.zk_proof)
    alone = gas_by_call(group.chain, group.chain.send(call))[halo2.lower()]
    assert abs(both - alone) < alone // 100
    gas_snapshot("SharedProofVerifier.submitRounds/2-feeds", execution_gas(group.chain, receipt))


def test_submit_round__feed_of_a_group_alone__verified_as_ever(group, reverts):
    proof = group.prove()
    flipped = bytearray(proof.zk_proof)
    flipped[40] ^= 1
    submit = group.feeds[1].functions.submitRound
    with reverts("InvalidProof"):
        submit(group.observation(), proof.outputs, bytes(flipped)).call()
    group.chain.send(submit(group.observation(), proof.outputs, proof.zk_proof))
    assert group.feeds[1].functions.latestAnswer().call() == group.answers(proof)[1]


def test_submit_rounds__forged_output_or_proof__invalid(group, reverts):
    proof = group.prove()
    flipped = bytearray(proof.zk_proof)
    flipped[-1] ^= 1
    with reverts("InvalidProof"):
        group.call(proof, zk_proof=bytes(flipped)).call()
    for place in (0, 1):
        outputs = list(proof.outputs)
        outputs[place] = (outputs[place] + 1) % BN254_SCALAR_FIELD
        with reverts("InvalidProof"):
            group.call(proof, outputs=outputs).call()


def test_submit_rounds__feed_with_other_inputs__needs_its_own_proof(group, reverts):
    other = replace(group.features[1], shortfall_squared_wad=group.features[1].shortfall_squared_wad + 10**17)
    module = group.chain.deploy(other.contract, group.publishers.contract.address, *other.arguments(), SCALE_BITS)
    feed = group.feeds[0].functions
    config = (group.chain.address(0), group.chain.address(10), group.shared.address, feed.modelId().call(), 1)
    stranger = group.chain.deploy("RiskFeed", (*config, module.address, "other", 18, GUARDS.as_tuple()))
    with reverts("InvalidProof"):
        group.call(group.prove(), [*group.addresses, stranger.address]).call()


def test_submit_rounds__one_feed_refuses__none_is_published(group, reverts):
    group.chain.send(group.feeds[1].functions.pause(), group.chain.address(10))
    with reverts("EnforcedPause"):
        group.call(group.prove()).call()
    assert group.feeds[0].functions.latestRound().call() == 0


def test_submit_rounds__same_feed_twice__refused(group, reverts):
    observation = group.observation()
    with reverts("ObservationNotNewer", observation, observation):
        group.call(group.prove(), [group.addresses[0]] * 2).call()


def test_submit_rounds__no_feeds_or_a_foreign_one__refused(group, risk_feed, reverts):
    proof = group.prove()
    with reverts("NoFeeds"):
        group.call(proof, []).call()
    foreign = risk_feed.contract.address
    with reverts("NotInGroup", foreign, risk_feed.inference.verifier.address):
        group.call(proof, [group.addresses[0], foreign]).call()


@pytest.mark.parametrize("place", [0, 1])
def test_verify_inputs__after_a_group_was_proven__nothing_remembered(group, reverts, place):
    proof = group.prove()
    group.submit(proof)
    flipped = bytearray(proof.zk_proof)
    flipped[place * 100] ^= 1
    context = (1, 0, bytes(32))
    model = group.feeds[place].functions.modelId().call()
    with reverts("InvalidProof"):
        group.shared.functions.verifyInputs(model, context, proof.signed_inputs, proof.outputs, bytes(flipped)).call()


def test_submit_rounds__one_feed_or_both__their_round_ids(group):
    proof = group.prove()
    assert group.call(proof).call() == [1, 1]
    assert group.call(proof, group.addresses[:1]).call() == [1]
    group.chain.send(group.call(proof, group.addresses[1:]))
    assert [feed.functions.latestRound().call() for feed in group.feeds] == [0, 1]


def test_submit_rounds__price_that_stands__zero_is_an_input_like_any(group):
    prices = calm_prices(33)
    group.publishers.history([*prices, prices[-1]])
    inputs = group.feeds[0].functions.expectedInputs(group.observation()).call()[0]
    assert 0 in inputs
    proof = group.prove()
    group.submit(proof)
    assert [feed.functions.latestAnswer().call() for feed in group.feeds] == group.answers(proof)


def test_submit_rounds__another_feed_in_the_same_transaction__verified_again(group):
    """What was shown to the group is forgotten when its call ends, not only with the transaction."""
    proof = group.prove()
    model = group.feeds[0].functions.modelId().call()
    registry = group.chain.at("ModelRegistry", group.shared.functions.registry().call())
    halo2 = registry.functions.verifierOf(model, 1).call()[0].lower()
    with group.chain.undone():
        alone = gas_by_call(group.chain, group.submit(proof))[halo2]
    first = group.call(proof, group.addresses[:1])
    second = group.feeds[1].functions.submitRound(group.observation(), proof.outputs, proof.zk_proof)
    steps = [(0, call.address, call._encode_transaction_data()) for call in (first, second)]
    receipt = group.chain.send(group.chain.deploy("ReplayActors", 1).functions.run(steps))
    assert [feed.functions.latestRound().call() for feed in group.feeds] == [1, 1]
    assert abs(gas_by_call(group.chain, receipt)[halo2] - 2 * alone) < alone // 50
