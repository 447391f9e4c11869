"""ObservationFeed and GarchVolatilityModule under eth-ape."""

from __future__ import annotations

import ape
import pytest

PRICE = 100 * 10**8


@pytest.fixture
def report(chain, feed):
    """The report that fits as the next round."""
    return (feed.latestRound() + 1, chain.blocks.head.timestamp, PRICE, feed.publisherSetVersion())


def test_submit__quorum__recorded(feed, sign, publishers, report, owner) -> None:
    receipt = feed.submit(*sign(report, publishers[:3]), sender=owner)
    (event,) = feed.ObservationRecorded.from_receipt(receipt)
    assert (event.roundId, event.price, event.reportCount) == (1, PRICE, 3)
    assert feed.latestAnswer() == PRICE
    assert feed.latestRoundData().startedAt == report[1]


def test_submit__below_quorum__reverts(feed, sign, publishers, report, owner) -> None:
    with ape.reverts(feed.QuorumNotReached, reports=2, quorum=3):
        feed.submit(*sign(report, publishers[:2]), sender=owner)


def test_submit__stranger__reverts(feed, sign, accounts, publishers, report) -> None:
    signers = sorted([*publishers[:2], accounts[10]], key=lambda a: int(a.address, 16))
    with ape.reverts(feed.NotPublisher, signer=accounts[10].address):
        feed.submit(*sign(report, signers), sender=publishers[0])


def test_submit__held_back_an_hour__reverts(chain, feed, sign, publishers, report) -> None:
    signed = sign(report, publishers[:3])
    chain.mine(timestamp=report[1] + 3700)
    with ape.reverts(feed.StaleReport):
        feed.submit(*signed, sender=publishers[0])


def test_read__no_rounds__reverts(feed) -> None:
    with ape.reverts(feed.NoDataPresent, roundId=0):
        feed.latestAnswer()


def test_set_limits__stranger__reverts(feed, accounts) -> None:
    with ape.reverts(feed.OwnableUnauthorizedAccount, account=accounts[9].address):
        feed.setLimits((1, 1, 1, 1, 1), sender=accounts[9])


def test_inputs__window_of_history__38_integers(chain, feed, module, sign, publishers) -> None:
    # One by one: ape 0.8 cannot encode submitMany's arrays of arrays of structs.
    for round_id in range(1, 34):
        chain.mine(timestamp=chain.blocks.head.timestamp + 3600)
        report = (round_id, chain.blocks.head.timestamp, PRICE, feed.publisherSetVersion())
        feed.submit(*sign(report, publishers[:3]), sender=publishers[0])
    inputs, observed_at = module.inputs(33)
    assert len(inputs) == module.MODEL_INPUTS() == 38
    assert list(inputs[:33]) == [0] * 33
    assert observed_at == feed.observedAt(33)


def test_registry__core__deploys(project, owner) -> None:
    registry = project.ModelRegistry.deploy(owner, owner, 0, sender=owner)
    verifier = project.InferenceVerifier.deploy(registry, sender=owner)
    assert verifier.registry() == registry.address
    assert registry.supportsInterface("0xd28519b1")
    assert verifier.supportsInterface("0x5df65472")
