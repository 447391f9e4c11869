"""Chainlink's V2 and V3 reads, and our own: history is real, and what never was reverts."""

from __future__ import annotations

import pytest

from tests.support.risk_feed import CALM, HISTORY

JUMP = CALM[0] * 103 // 100
UNKNOWN = [0, 3, 2**64, 2**80 - 1]
LATEST = ["latestRoundData", "latestAnswer", "latestTimestamp"]
BY_ROUND = ["getAnswer", "getTimestamp", "observedAt", "round"]


@pytest.fixture
def two_rounds(risk_feed):
    """A feed with two rounds; its second is for another observation."""
    risk_feed.push(JUMP)
    return risk_feed


def test_reads__every_round__the_same_through_every_read(two_rounds):
    feed = two_rounds.read
    for round_id in (1, 2):
        answer, _, observed_at, updated_at, _ = feed.round(round_id).call()
        assert feed.getRoundData(round_id).call() == [round_id, answer, observed_at, updated_at, round_id]
        assert feed.getAnswer(round_id).call() == answer
        assert feed.getTimestamp(round_id).call() == updated_at
        assert feed.observedAt(round_id).call() == observed_at
        assert 0 < observed_at <= updated_at
    assert feed.getRoundData(1).call() != feed.getRoundData(2).call()


def test_reads__latest__is_the_last_round(two_rounds):
    feed = two_rounds.read
    assert feed.latestRound().call() == 2
    assert feed.latestRoundData().call() == feed.getRoundData(2).call()
    assert feed.latestAnswer().call() == feed.getAnswer(2).call()
    assert feed.latestTimestamp().call() == feed.getTimestamp(2).call()


def test_reads__old_round__unchanged_by_a_newer_one(risk_feed):
    before = risk_feed.read.getRoundData(1).call()
    risk_feed.push(JUMP)
    assert risk_feed.read.getRoundData(1).call() == before


@pytest.mark.parametrize("round_id", UNKNOWN)
def test_get_round_data__never_was__no_data(two_rounds, reverts, round_id):
    with reverts("NoDataPresent", round_id):
        two_rounds.read.getRoundData(round_id).call()


@pytest.mark.parametrize("round_id", [*UNKNOWN, 2**256 - 1])
@pytest.mark.parametrize("read", BY_ROUND)
def test_reads_by_round__never_was__no_data(two_rounds, reverts, read, round_id):
    with reverts("NoDataPresent", round_id):
        getattr(two_rounds.read, read)(round_id).call()


@pytest.mark.parametrize("read", LATEST)
def test_latest_reads__no_round_yet__no_data(empty_risk_feed, reverts, read):
    with reverts("NoDataPresent", 0):
        getattr(empty_risk_feed.read, read)().call()


def test_latest_round__no_round_yet__zero(empty_risk_feed):
    assert empty_risk_feed.read.latestRound().call() == 0


def test_reads__age__never_reverts(two_rounds):
    two_rounds.chain.mine(two_rounds.chain.now() + 10**9)
    assert two_rounds.read.latestRoundData().call()[0] == 2
    assert two_rounds.read.latestAnswer().call() > 0


def test_reads__while_paused__go_on(two_rounds):
    before = two_rounds.read.latestRoundData().call()
    two_rounds.chain.send(two_rounds.read.pause(), two_rounds.chain.address(two_rounds.guardian))
    assert two_rounds.read.latestRoundData().call() == before


def test_constants__as_configured(empty_risk_feed):
    feed = empty_risk_feed.read
    assert (feed.decimals().call(), feed.version().call()) == (18, 1)
    assert feed.description().call() == "TEST volatility"
    assert (feed.modelId().call(), feed.modelVersion().call()) == (empty_risk_feed.model_id, 1)
    assert feed.featureModule().call() == empty_risk_feed.module.address
    assert feed.inferenceVerifier().call() == empty_risk_feed.inference.verifier.address


def test_expected_inputs__next_window__inputs_and_commitment_of_the_next_round(risk_feed):
    observation = risk_feed.observe(JUMP)
    inputs, observed_at, commitment = risk_feed.read.expectedInputs(observation).call()
    assert inputs == risk_feed.inputs(observation)
    assert observed_at == risk_feed.publishers.contract.functions.observedAt(observation).call()
    (event,) = risk_feed.events(risk_feed.submit(), "RoundProven")
    assert event["inputCommitment"] == commitment


def test_expected_inputs__twin__gives_the_same(risk_feed):
    from oracle.domain.features import garch_inputs
    from tests.support.risk_feed import PARAMS
    from tests.support.tiny_circuit import SCALE_BITS

    observation = risk_feed.observe(JUMP)
    prices, _ = risk_feed.publishers.contract.functions.window(observation, 33).call()
    assert risk_feed.read.expectedInputs(observation).call()[0] == garch_inputs(prices, PARAMS, SCALE_BITS)


def test_expected_inputs__window_not_there__says_why(empty_risk_feed, reverts):
    with reverts("NoDataPresent", HISTORY + 1):
        empty_risk_feed.read.expectedInputs(HISTORY + 1).call()
    with reverts("WindowNotAvailable", 0, 1):
        empty_risk_feed.read.expectedInputs(32).call()
