"""Attack 9, on observations: reports signed for one market, feed or chain are brought to another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.local_chain import LocalChain
from tests.support.observations import Publishers, deploy_feed

STRANGERS = ("NotPublisher", "SignersNotSorted")  # to whom a signature over another digest recovers


def test_replay__other_feed_of_the_same_publishers__refused(
    chain: LocalChain, reverts_any, observation_feed: Publishers
) -> None:
    other = deploy_feed(chain, description="OTHER / USD")
    signed = other.sign(other.report())
    with reverts_any(*STRANGERS):
        observation_feed.contract.functions.submit(*signed).call()
    chain.send(other.contract.functions.submit(*signed))


@pytest.mark.parametrize("chain_id", [1, 10, 42161])
def test_replay__same_address_on_another_chain__refused(
    reverts_any, observation_feed: Publishers, chain_id: int
) -> None:
    feed = observation_feed
    elsewhere = Publishers(feed.chain, feed.contract)
    elsewhere.domain = replace(feed.domain, chain_id=chain_id)
    with reverts_any(*STRANGERS):
        feed.contract.functions.submit(*elsewhere.sign(feed.report())).call()


def test_replay__next_round_with_the_last_signatures__refused(reverts_any, observation_feed: Publishers) -> None:
    feed = observation_feed
    reports, signatures = feed.sign(feed.report())
    feed.chain.send(feed.contract.functions.submit(reports, signatures))
    feed.chain.mine(feed.chain.now() + 3600)
    moved = [(2, feed.chain.now(), price, version) for _, _, price, version in reports]
    with reverts_any(*STRANGERS):
        feed.contract.functions.submit(moved, signatures).call()
