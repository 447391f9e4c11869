"""Attacks 1, 5 to 10, 18, 20, 21, 24, 26 and 27 against RiskFeed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.constants import BN254_SCALAR_FIELD as P
from oracle.domain.features import WINDOW
from oracle.units import BPS, SECS_PER_HOUR, WAD, int_from_felt, wad_from_scaled
from tests.support.inference import deploy_artifact, verifier_spec
from tests.support.risk_feed import CALM, HISTORY, INTERVAL, PARAMS, RiskFeedStack, deploy_module
from tests.support.status import REVOKED
from tests.support.tiny_circuit import SCALE_BITS, TinyCircuit

UP, MORE = CALM[0] * 103 // 100, CALM[0] * 105 // 100


def test_attack_01_proof_over_inputs_of_the_provers_choice(risk_feed, reverts):
    """A valid proof of the right model over a window that never was."""
    observation = risk_feed.observe(UP)
    inputs = [value / 2**SCALE_BITS for value in risk_feed.inputs(observation)]
    for index in (0, WINDOW - 1, WINDOW, WINDOW + 1, WINDOW + 5):
        chosen = list(inputs)
        chosen[index] += 1 / 2**SCALE_BITS
        with reverts("InvalidProof"):
            risk_feed.submit(observation, risk_feed.circuit.prove(chosen))


@pytest.fixture(scope="module")
def negative_feed(empty_risk_feed, tmp_path_factory, settings) -> RiskFeedStack:
    """A feed over a model whose variance is negative: minus h0, and an eighth of each parameter less."""
    weights = [[0.0]] * WINDOW + [[-1.0]] + [[-1 / 8]] * 5
    circuit = TinyCircuit.make(tmp_path_factory.mktemp("negative"), settings, weights)
    chain, registry = empty_risk_feed.chain, empty_risk_feed.inference.registry
    spec = verifier_spec(
        chain.web3, deploy_artifact(chain, circuit.verifier).address, input_count=WINDOW + 6, output_count=1
    )
    chain.send(registry.functions.registerModelWithVerifier(circuit.commitment, spec))
    feed = replace(empty_risk_feed, circuit=circuit, model_id=registry.functions.modelCount().call())
    return feed.deploy()


def test_attack_06_proven_negative_variance_is_refused(negative_feed, reverts):
    """The proof is true, the model is at fault: read unsigned it would be the largest volatility of all times."""
    proof = negative_feed.prove()
    variance = wad_from_scaled(int_from_felt(proof.outputs[0]), SCALE_BITS)
    assert variance < 0
    with reverts("NegativeVariance", variance):
        negative_feed.submit(proof=proof)


def test_attack_07_older_proof_after_a_newer_round(risk_feed, reverts):
    risk_feed.set_guards(max_observation_lag=100)
    older = risk_feed.observe(UP)
    older_proof = risk_feed.prove(older)
    newest = risk_feed.observe(MORE)
    risk_feed.submit(newest)
    answer = risk_feed.read.latestAnswer().call()
    with reverts("ObservationNotNewer", older, newest):
        risk_feed.submit(older, older_proof)
    assert risk_feed.read.latestAnswer().call() == answer


def test_attack_07_the_same_round_again(risk_feed, reverts):
    observation, proof = risk_feed.observe(UP), risk_feed.prove()
    risk_feed.submit(observation, proof)
    with reverts("ObservationNotNewer", observation, observation):
        risk_feed.submit(observation, proof)


def test_attack_08_old_observation_in_a_new_block(risk_feed, reverts):
    """Publication makes nothing young: the age that consumers see is the observation's."""
    observation = risk_feed.observe(UP)
    observed_at = risk_feed.publishers.contract.functions.observedAt(observation).call()
    risk_feed.chain.mine(observed_at + 2 * INTERVAL - 2)
    risk_feed.submit(observation)
    assert risk_feed.read.observedAt(2).call() == observed_at
    risk_feed.chain.mine(observed_at + 2 * INTERVAL + 1)
    assert risk_feed.read.isStale().call()
    age = 2 * INTERVAL + 1
    with reverts("StaleAnswer", age, 2 * INTERVAL):
        risk_feed.read.latestAnswerNoOlderThan(2 * INTERVAL).call()


def test_attack_08_observation_beyond_the_heartbeat(risk_feed, reverts):
    observation, proof = risk_feed.observe(UP), risk_feed.prove()
    observed_at = risk_feed.publishers.contract.functions.observedAt(observation).call()
    risk_feed.chain.mine(observed_at + 10 * INTERVAL)
    with reverts("ObservationStale", 10 * INTERVAL, 2 * INTERVAL):
        risk_feed.contract.functions.submitRound(observation, proof.outputs, proof.zk_proof).call()


def test_attack_09_proof_of_another_markets_feed(risk_feed, chain, reverts):
    """The same model, the same prices, another asset's parameters: other inputs, so another proof."""
    module = deploy_module(chain, risk_feed.publishers.contract.address, replace(PARAMS, alpha_wad=15 * 10**16))
    other = risk_feed.deploy(feature_module=module.address)
    observation = risk_feed.observe(UP)
    with reverts("InvalidProof"):
        other.submit(observation, risk_feed.prove(observation))


def test_attack_09_commitments_of_twin_feeds_differ(risk_feed):
    """Two feeds of the same configuration accept the same truth, but under commitments of their own."""
    twin = risk_feed.deploy()
    twin.submit(HISTORY)
    observation = risk_feed.observe(UP)
    (here,) = risk_feed.events(risk_feed.submit(observation), "RoundProven")
    (there,) = twin.events(twin.submit(observation), "RoundProven")
    assert here["answer"] == there["answer"]
    assert here["inputCommitment"] != there["inputCommitment"]
    assert here["root"] != there["root"]


def test_attack_10_nothing_but_a_proof_makes_a_round(risk_feed):
    """Every function that changes state, called by those who may: answer, history and root stay."""
    abi = risk_feed.contract.abi
    changing = {e["name"] for e in abi if e["type"] == "function" and e["stateMutability"] not in ("view", "pure")}
    roles = {"grantRole", "revokeRole", "renounceRole"}
    assert changing == {"submitRound", "pause", "unpause", "setGuards", "setModelVersion"} | roles
    before = (risk_feed.read.latestRoundData().call(), risk_feed.read.root().call())
    risk_feed.chain.send(risk_feed.read.pause(), risk_feed.chain.address(risk_feed.guardian))
    risk_feed.chain.send(risk_feed.read.unpause())
    risk_feed.chain.send(risk_feed.read.setModelVersion(1))
    risk_feed.set_guards(min_answer=3 * 10**18, max_answer=4 * 10**18, fallback_answer=4 * 10**18)
    assert (risk_feed.read.latestRoundData().call(), risk_feed.read.root().call()) == before


def test_attack_10_failed_submissions_postpone_nothing(risk_feed, reverts):
    observation, proof = risk_feed.observe(UP), risk_feed.prove()
    for _ in range(3):
        with reverts("InvalidProof"):
            risk_feed.submit(observation, proof, zk_proof=b"\x00")
    risk_feed.submit(observation, proof)
    assert risk_feed.read.latestRound().call() == 2


def test_attack_18_a_rounds_fields_belong_together(risk_feed):
    """The answer is limited, its time is not: so the next step counts from this answer and this time, both stored."""
    rate = 100
    risk_feed.set_guards(rise_bps_per_hour=rate)
    for price in (UP, MORE):
        risk_feed.push(price)
    (first, _, first_time, *_), (second, proven, second_time, *_) = (risk_feed.read.round(n).call() for n in (2, 3))
    allowed = first * rate * (second_time - first_time) // (BPS * SECS_PER_HOUR)
    assert second == first + allowed < proven
    root = risk_feed.read.root().call()
    last = risk_feed.contract.events.RoundProven().get_logs(from_block="latest")[-1]["args"]
    assert (last["answer"], last["provenAnswer"], last["observedAt"], last["root"]) == (
        second,
        proven,
        second_time,
        root,
    )


def test_attack_18_guards_change_as_a_whole_or_not_at_all(risk_feed, reverts):
    before = risk_feed.read.guards().call()
    with reverts("InvalidGuards"):
        risk_feed.set_guards(rise_bps_per_hour=7, min_answer=2, max_answer=1)
    assert risk_feed.read.guards().call() == before


def test_attack_20_choosing_among_windows(risk_feed, reverts):
    """A prover may hold back only as many observations as the lag allows."""
    windows = [risk_feed.observe(price) for price in (UP, MORE, UP)]
    risk_feed.set_guards(max_observation_lag=0)
    for observation in windows[:-1]:
        with reverts("ObservationLagged", observation, windows[-1], 0):
            risk_feed.submit(observation)
    risk_feed.submit(windows[-1])


def test_attack_20_choosing_among_proofs_and_submitters(risk_feed):
    """Nothing that a prover can vary reaches the answer or the commitment: not the blinding, not the sender."""
    observation, outcomes = risk_feed.observe(UP), []
    for sender in (11, 12):
        with risk_feed.chain.undone():
            inputs = [value / 2**SCALE_BITS for value in risk_feed.inputs(observation)]
            proof = risk_feed.circuit.prove_anew(inputs)
            call = risk_feed.read.submitRound(observation, proof.outputs, proof.zk_proof)
            (event,) = risk_feed.events(risk_feed.chain.send(call, risk_feed.chain.address(sender)), "RoundProven")
            outcomes.append((event["answer"], event["inputCommitment"], event["observedAt"]))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("price", [CALM[0] * 19 // 10, CALM[0] // 3])
def test_attack_21_manipulated_price_with_a_valid_proof(risk_feed, price):
    """A quorum signs a false price, and the proof over it is true: the answer moves as far as its limits allow."""
    rate = 1_000
    risk_feed.set_guards(rise_bps_per_hour=rate, fall_bps_per_hour=rate)
    before = risk_feed.read.latestAnswer().call()
    (event,) = risk_feed.events(risk_feed.push(price), "RoundProven")
    elapsed = event["observedAt"] - risk_feed.read.observedAt(1).call()
    assert event["provenAnswer"] != event["answer"]
    assert abs(event["answer"] - before) == before * rate * elapsed // (BPS * SECS_PER_HOUR)


def test_attack_21_manipulated_price_beyond_the_bounds(risk_feed, reverts):
    risk_feed.set_guards(max_answer=WAD // 2, fallback_answer=WAD // 2)
    observation = risk_feed.observe(CALM[0] * 19 // 10)
    proof = risk_feed.prove(observation)
    with reverts("AnswerOutOfBounds", risk_feed.proven(proof), WAD // 100, WAD // 2):
        risk_feed.submit(observation, proof)


def test_attack_24_trailing_calldata_of_a_round(risk_feed):
    observation, proof = risk_feed.observe(UP), risk_feed.prove()
    data = risk_feed.contract.encode_abi("submitRound", args=[observation, proof.outputs, proof.zk_proof])
    eth, sender = risk_feed.chain.web3.eth, risk_feed.chain.address(risk_feed.anybody)
    sent = eth.send_transaction({"from": sender, "to": risk_feed.contract.address, "data": data + "ff" * 99})
    receipt = eth.wait_for_transaction_receipt(sent)
    (event,) = risk_feed.events(receipt, "RoundProven")
    assert event["proofHash"] == risk_feed.chain.web3.keccak(proof.zk_proof)


def test_attack_05_aliased_output_of_a_round(risk_feed, reverts):
    observation = risk_feed.observe(UP)
    aliased = risk_feed.prove().outputs[0] + P
    with reverts("InstanceNotInField", 0, aliased):
        risk_feed.submit(observation, outputs=[aliased])


def test_attack_26_version_revoked_between_proof_and_settlement(risk_feed, reverts):
    observation, proof, registry = risk_feed.observe(UP), risk_feed.prove(), risk_feed.inference.registry.functions
    risk_feed.chain.send(registry.revokeVersion(risk_feed.model_id, 1))
    with reverts("WrongModelStatus", risk_feed.model_id, 1, REVOKED):
        risk_feed.submit(observation, proof)


def test_attack_26_model_deprecated_between_proof_and_settlement(risk_feed, reverts):
    observation, proof, registry = risk_feed.observe(UP), risk_feed.prove(), risk_feed.inference.registry.functions
    risk_feed.chain.send(registry.deprecateModel(risk_feed.model_id))
    with reverts("ModelIsDeprecated", risk_feed.model_id):
        risk_feed.submit(observation, proof)


def test_attack_26_new_version_between_proof_and_settlement(risk_feed, other_circuit):
    """The feed pins its version: a proof under way settles against what it was made for."""
    observation, proof, registry = risk_feed.observe(UP), risk_feed.prove(), risk_feed.inference.registry.functions
    model, chain = risk_feed.model_id, risk_feed.chain
    _, spec, *_ = registry.getVersion(model, 1).call()
    attackers = deploy_artifact(chain, other_circuit.verifier).address
    changed = (attackers, bytes(chain.web3.keccak(chain.web3.eth.get_code(attackers))), *spec[2:])
    for call in (
        registry.updateModel(model, other_circuit.commitment),
        registry.bindVerifier(model, changed),
        registry.activate(model),
    ):
        chain.send(call)
    (event,) = risk_feed.events(risk_feed.submit(observation, proof), "RoundProven")
    assert event["version"] == risk_feed.read.modelVersion().call() == 1


def test_attack_26_verifiers_code_replaced_between_proof_and_settlement(risk_feed, reverts):
    observation, proof, chain = risk_feed.observe(UP), risk_feed.prove(), risk_feed.chain
    verifier, pinned = risk_feed.inference.registry.functions.verifierOf(risk_feed.model_id, 1).call()[:2]
    chain.rpc("anvil_setCode", verifier, "0x600160005260206000f3")
    actual = bytes(chain.web3.keccak(bytes.fromhex("600160005260206000f3")))
    with reverts("VerifierCodeMismatch", verifier, pinned, actual):
        risk_feed.submit(observation, proof)


def test_attack_27_rounds_that_never_were(risk_feed, reverts):
    """No round 0, none to come, none under another phase's id: never the latest answer under another name."""
    for round_id in (0, 2, 1 + 2**64, 2**80 - 1):
        with reverts("NoDataPresent", round_id):
            risk_feed.read.getRoundData(round_id).call()


def test_attack_27_history_does_not_move(risk_feed):
    history = [risk_feed.read.getRoundData(1).call()]
    for price in (UP, MORE):
        risk_feed.push(price)
        assert [risk_feed.read.getRoundData(n + 1).call() for n in range(len(history))] == history
        history.append(risk_feed.read.latestRoundData().call())
    assert [entry[0] for entry in history] == [1, 2, 3]
