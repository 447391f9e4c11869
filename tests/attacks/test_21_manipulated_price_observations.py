"""Attack 21, on observations: some publishers, or one venue's spot price, try to carry the feed away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.local_chain import account
from tests.support.observations import PRICE, PUBLISHERS, Publishers


@pytest.mark.parametrize("bias_bps", [-99, -50, 50, 99])
def test_manipulation__one_of_three_within_the_spread__median_unmoved(
    observation_feed: Publishers, bias_bps: int
) -> None:
    feed = observation_feed
    report = feed.report()
    liar = replace(report, price=PRICE + PRICE * bias_bps // 10_000)
    for place in range(3):
        members = feed.signer_order(PUBLISHERS)[:3]
        signed = feed.sign_each({m: liar if i == place else report for i, m in enumerate(members)})
        with feed.chain.undone():
            feed.chain.send(feed.contract.functions.submit(*signed))
            assert feed.contract.functions.latestAnswer().call() == PRICE


@pytest.mark.parametrize("price", [1, PRICE // 2, PRICE * 2, 2**64 - 1])
def test_manipulation__one_far_away__named_and_left_out(reverts, observation_feed: Publishers, price: int) -> None:
    feed = observation_feed
    report = feed.report()
    members = feed.signer_order(PUBLISHERS)
    signed = feed.sign_each(dict.fromkeys(members[:3], report) | {members[3]: replace(report, price=price)})
    with reverts("ReportDeviates", account(members[3]).address, price, PRICE):
        feed.contract.functions.submit(*signed).call()
    assert feed.contract.functions.submit(*feed.sign(report, members[:3])).call() == 1


@pytest.mark.parametrize("price", [PRICE * 89 // 100, PRICE * 111 // 100, 10**18])
def test_manipulation__a_bare_quorum_colludes__move_refused(reverts, observation_feed: Publishers, price: int) -> None:
    feed = observation_feed
    feed.observe()
    feed.chain.mine(feed.chain.now() + 3600)
    move_bps = -(-abs(price - PRICE) * 10_000 // PRICE)
    with reverts("MoveNeedsAllPublishers", move_bps, 1000):
        feed.contract.functions.submit(*feed.sign(feed.report(price))).call()


def test_manipulation__two_disjoint_quorums__cannot_be_configured(reverts, observation_feed: Publishers) -> None:
    members = [account(i).address for i in range(2, 6)]
    with reverts("InvalidConfiguration"):
        observation_feed.contract.functions.setPublishers(members, 2).call({"from": observation_feed.chain.address(0)})
