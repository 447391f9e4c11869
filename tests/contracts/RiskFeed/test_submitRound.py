"""submitRound: proof in, round out."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from oracle.constants import BN254_SCALAR_FIELD as P
from oracle.domain.commitments import ProvenRound, feed_nonce, feed_root, feed_root_zero, input_commitment
from oracle.units import WAD, felt_from_int
from tests.support.risk_feed import CALM, HISTORY, INTERVAL

JUMP = CALM[0] * 103 // 100


def test_submit_round__first__is_round_1_with_the_proven_answer(empty_risk_feed):
    feed, proof = empty_risk_feed, empty_risk_feed.prove()
    receipt = feed.submit()
    observed_at = feed.publishers.contract.functions.observedAt(HISTORY).call()
    answer = feed.proven(proof)
    assert answer > 0
    assert feed.read.round(1).call() == (answer, answer, observed_at, feed.chain.now(), HISTORY)
    assert feed.read.latestRoundData().call() == [1, answer, observed_at, feed.chain.now(), 1]
    assert feed.events(receipt, "AnswerUpdated") == [{"current": answer, "roundId": 1, "updatedAt": feed.chain.now()}]
    starter = feed.chain.address(feed.anybody)
    assert feed.events(receipt, "NewRound") == [{"roundId": 1, "startedBy": starter, "startedAt": observed_at}]


def test_submit_round__event__holds_what_a_second_implementation_needs(empty_risk_feed):
    feed, proof = empty_risk_feed, empty_risk_feed.prove()
    (event,) = feed.events(feed.submit(), "RoundProven")
    chain_id, verifier = feed.chain.web3.eth.chain_id, feed.inference.verifier.address
    observed_at = feed.publishers.contract.functions.observedAt(HISTORY).call()
    nonce = feed_nonce(feed.contract.address, 1)
    commitment = input_commitment(chain_id, verifier, feed.model_id, 1, nonce, observed_at, proof.inputs)
    answer, proof_hash = feed.proven(proof), keccak(proof.zk_proof)
    proven = ProvenRound(1, feed.model_id, 1, commitment, HISTORY, observed_at, answer, answer, proof_hash)
    root = feed_root(feed_root_zero(chain_id, feed.contract.address), proven)
    assert event == {
        "roundId": 1,
        "modelId": feed.model_id,
        "version": 1,
        "inputCommitment": commitment,
        "observationRound": HISTORY,
        "observedAt": observed_at,
        "provenAnswer": answer,
        "answer": answer,
        "proofHash": proof_hash,
        "root": root,
    }
    assert feed.read.root().call() == root


def test_submit_round__many__rounds_are_consecutive_and_the_roots_replay(risk_feed):
    feed = risk_feed
    chain_id = feed.chain.web3.eth.chain_id
    for price in (JUMP, CALM[0], JUMP):
        feed.push(price)
    logs = feed.contract.events.RoundProven().get_logs(from_block=0)
    root = feed_root_zero(chain_id, feed.contract.address)
    for expected_id, log in enumerate(logs, start=1):
        args = log["args"]
        assert args["roundId"] == expected_id
        proven = ProvenRound(
            args["roundId"],
            args["modelId"],
            args["version"],
            args["inputCommitment"],
            args["observationRound"],
            args["observedAt"],
            args["provenAnswer"],
            args["answer"],
            args["proofHash"],
        )
        root = feed_root(root, proven)
        assert args["root"] == root
    assert (len(logs), feed.read.root().call(), feed.read.latestRound().call()) == (4, root, 4)


def test_submit_round__skipping_observations__is_one_round(risk_feed):
    risk_feed.push(JUMP, CALM[0], JUMP)
    assert risk_feed.read.round(2).call()[4] == HISTORY + 3


def test_submit_round__within_the_lag__accepted(risk_feed):
    first = risk_feed.observe(JUMP)
    risk_feed.observe(CALM[0])
    risk_feed.submit(first)
    assert risk_feed.read.round(2).call()[4] == first


def test_submit_round__beyond_the_lag__refused(risk_feed, reverts):
    first = risk_feed.observe(JUMP)
    newest = risk_feed.observe(CALM[0], CALM[1])
    with reverts("ObservationLagged", first, newest, 1):
        risk_feed.submit(first)


def test_submit_round__largest_lag_allowed__does_not_overflow(risk_feed):
    risk_feed.set_guards(max_observation_lag=2**16 - 1)
    first = risk_feed.observe(JUMP)
    risk_feed.observe(CALM[0])
    risk_feed.submit(first)


@pytest.mark.parametrize("back", [0, 1, HISTORY - 33])
def test_submit_round__observation_of_the_last_round_or_older__not_newer(risk_feed, reverts, back):
    risk_feed.set_guards(max_observation_lag=100)
    with reverts("ObservationNotNewer", HISTORY - back, HISTORY):
        risk_feed.submit(HISTORY - back)


def test_submit_round__observation_to_come__no_data(risk_feed, reverts):
    proof = risk_feed.prove()
    with reverts("NoDataPresent", HISTORY + 1):
        risk_feed.submit(HISTORY + 1, proof)


@pytest.mark.parametrize("observation", [0, 2**64 - 1])
def test_submit_round__absurd_observation__refused(empty_risk_feed, reverts, observation):
    name, args = ("ObservationNotNewer", (0, 0)) if observation == 0 else ("NoDataPresent", (observation,))
    with reverts(name, *args):
        empty_risk_feed.submit(observation, empty_risk_feed.prove())


def test_submit_round__observation_older_than_the_heartbeat__stale(risk_feed, reverts):
    observation = risk_feed.observe(JUMP)
    observed_at = risk_feed.publishers.contract.functions.observedAt(observation).call()
    proof = risk_feed.prove()
    risk_feed.chain.mine(observed_at + 2 * INTERVAL)
    risk_feed.contract.functions.submitRound(observation, proof.outputs, proof.zk_proof).call()
    risk_feed.chain.mine(observed_at + 2 * INTERVAL + 1)
    with reverts("ObservationStale", 2 * INTERVAL + 1, 2 * INTERVAL):
        risk_feed.contract.functions.submitRound(observation, proof.outputs, proof.zk_proof).call()


def test_submit_round__proof_of_the_window_before__invalid_proof(risk_feed, reverts):
    before = risk_feed.prove()
    observation = risk_feed.observe(JUMP)
    with reverts("InvalidProof"):
        risk_feed.submit(observation, before)


@pytest.mark.parametrize("change", [1, -1, 2**13])
def test_submit_round__other_output__invalid_proof(risk_feed, reverts, change):
    observation = risk_feed.observe(JUMP)
    outputs = [risk_feed.prove().outputs[0] + change]
    with reverts("InvalidProof"):
        risk_feed.submit(observation, outputs=outputs)


@pytest.mark.parametrize(
    ("felt", "error"),
    [
        (P, "InstanceNotInField"),
        (2**256 - 1, "InstanceNotInField"),
        (2**63, "ValueOutOfRange"),
        (P // 2, "ValueOutOfRange"),
    ],
)
def test_submit_round__output_that_is_no_value__named(risk_feed, reverts, felt, error):
    observation = risk_feed.observe(JUMP)
    with reverts(error, 0, felt):
        risk_feed.submit(observation, outputs=[felt])


def test_submit_round__output_plus_the_field__is_no_second_way_to_say_it(risk_feed, reverts):
    observation = risk_feed.observe(JUMP)
    aliased = risk_feed.prove().outputs[0] + P
    with reverts("InstanceNotInField", 0, aliased):
        risk_feed.submit(observation, outputs=[aliased])


@pytest.mark.parametrize("count", [0, 2])
def test_submit_round__wrong_number_of_outputs__says_how_many(risk_feed, reverts, count):
    observation = risk_feed.observe(JUMP)
    with reverts("InstanceCountMismatch", count, 1):
        risk_feed.submit(observation, outputs=[1] * count)


def test_submit_round__negative_output__not_taken_for_a_large_one(risk_feed, reverts):
    observation = risk_feed.observe(JUMP)
    with reverts("InvalidProof"):
        risk_feed.submit(observation, outputs=[felt_from_int(-5)])


@pytest.mark.parametrize("zk_proof", [b"", b"\x00" * 32, b"\xff" * 3136], ids=["empty", "short", "ones"])
def test_submit_round__rubbish_for_a_proof__invalid_proof(risk_feed, reverts, zk_proof):
    observation = risk_feed.observe(JUMP)
    with reverts("InvalidProof"):
        risk_feed.submit(observation, zk_proof=zk_proof)


def test_submit_round__paused__refused(risk_feed, reverts):
    risk_feed.chain.send(risk_feed.read.pause(), risk_feed.chain.address(risk_feed.guardian))
    with reverts("EnforcedPause"):
        risk_feed.push(JUMP)


@pytest.mark.parametrize(("low", "high"), [(1, 2), (-2, -1)], ids=["too-low", "too-high"])
def test_submit_round__outside_the_bounds__refused_from_the_first_round_on(empty_risk_feed, reverts, low, high):
    answer = empty_risk_feed.proven(empty_risk_feed.prove())
    bounds = {"min_answer": answer + low, "max_answer": answer + high}
    empty_risk_feed.set_guards(**bounds, fallback_answer=answer + low)
    with reverts("AnswerOutOfBounds", answer, *bounds.values()):
        empty_risk_feed.submit()


def test_submit_round__exactly_on_a_bound__accepted(empty_risk_feed):
    feed = empty_risk_feed
    answer = feed.proven(feed.prove())
    feed.set_guards(min_answer=answer, max_answer=answer + WAD, fallback_answer=answer + WAD)
    feed.submit()
    assert feed.read.latestAnswer().call() == answer


def test_submit_round__model_revoked__refused(risk_feed, reverts):
    registry = risk_feed.inference.registry.functions
    risk_feed.chain.send(registry.revokeVersion(risk_feed.model_id, 1), risk_feed.chain.address(10))
    with reverts("WrongModelStatus", risk_feed.model_id, 1, 6):
        risk_feed.push(JUMP)


def test_submit_round__model_deprecated__refused(risk_feed, reverts):
    risk_feed.chain.send(risk_feed.inference.registry.functions.deprecateModel(risk_feed.model_id))
    with reverts("ModelIsDeprecated", risk_feed.model_id):
        risk_feed.push(JUMP)
