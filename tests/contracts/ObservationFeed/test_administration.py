"""ObservationFeed's constructor, setPublishers, setLimits and ownership."""

from __future__ import annotations

from dataclasses import replace

import pytest
from web3 import Web3

from tests.support.local_chain import GAS_DEPLOYER, LocalChain, account
from tests.support.observations import PUBLISHERS, FeedLimits, Publishers, deploy_feed

ZERO = "0x" + "00" * 20
BAD_LIMITS = [
    {"min_interval": 0},
    {"min_interval": 10, "max_interval": 9},
    {"max_report_age": 0},
    {"max_report_age": 2**23},
    {"max_spread_bps": 10_001},
]


def addresses(members) -> list[str]:
    return [account(i).address for i in members]


@pytest.mark.parametrize("capacity", [0, 1, 32, 63, 65, 96, 2**32 - 1])
def test_constructor__capacity_not_a_power_of_two_of_64_or_more__reverts(reverts, chain, capacity: int) -> None:
    with reverts("InvalidConfiguration"):
        deploy_feed(chain, capacity=capacity)


def test_constructor__no_owner__reverts(reverts, chain: LocalChain) -> None:
    with reverts("OwnableInvalidOwner", ZERO):
        chain.deploy("ObservationFeed", "X", 64, ZERO, addresses(PUBLISHERS), 3, FeedLimits().as_tuple())


@pytest.mark.parametrize("change", BAD_LIMITS)
def test_constructor__bad_limits__reverts(reverts, chain: LocalChain, change) -> None:
    with reverts("InvalidConfiguration"):
        deploy_feed(chain, replace(FeedLimits(), **change))


def test_constructor__gas__as_recorded(gas_snapshot, gas_chain: LocalChain) -> None:
    with gas_chain.undone():
        deploy_feed(gas_chain, capacity=4096, deployer=GAS_DEPLOYER)
        receipt = gas_chain.web3.eth.get_block("latest", full_transactions=True)
        gas_snapshot("ObservationFeed.constructor", receipt["gasUsed"])


def test_set_publishers__new_set__members_quorum_version_and_event(chain: LocalChain, feed: Publishers) -> None:
    members = addresses([4, 10, 2])
    receipt = chain.send(feed.contract.functions.setPublishers(members, 2))
    functions = feed.contract.functions
    assert functions.publishers().call() == members
    assert functions.quorum().call() == 2
    assert functions.publisherSetVersion().call() == 2
    assert chain.events(feed.contract, "PublishersChanged", receipt) == [
        {"publisherSetVersion": 2, "publishers": members, "quorum": 2}
    ]
    assert functions.submit(*feed.sign(feed.report(), [10, 4])).call() == 1


def test_set_publishers__smaller_set__all_of_it_suffices_for_a_large_move(feed: Publishers) -> None:
    feed.observe()
    feed.chain.send(feed.contract.functions.setPublishers(addresses([2]), 1))
    feed.chain.mine(feed.chain.now() + 3600)
    assert feed.contract.functions.submit(*feed.sign(feed.report(10**18), [2])).call() == 2


@pytest.mark.parametrize(
    ("members", "quorum"),
    [([], 0), ([], 1), ([2], 0), ([2, 3], 1), ([2, 3, 4, 5], 2), ([2, 3, 4], 4), ([2, 3, 2], 2), ([2, 3, 4], 1)],
)
def test_set_publishers__nonsense__reverts(reverts, feed: Publishers, members, quorum: int) -> None:
    with reverts("InvalidConfiguration"):
        feed.contract.functions.setPublishers(addresses(members), quorum).call({"from": feed.chain.address(0)})


def test_set_publishers__zero_address__reverts(reverts, feed: Publishers) -> None:
    with reverts("InvalidConfiguration"):
        feed.contract.functions.setPublishers([ZERO], 1).call({"from": feed.chain.address(0)})


def test_set_publishers__too_many__reverts(reverts, feed: Publishers) -> None:
    members = [Web3.to_checksum_address(f"0x{i + 1:040x}") for i in range(33)]
    owner = {"from": feed.chain.address(0)}
    feed.contract.functions.setPublishers(members[:32], 17).call(owner)
    with reverts("InvalidConfiguration"):
        feed.contract.functions.setPublishers(members, 17).call(owner)


def test_set_limits__new_limits__stored_and_event(chain: LocalChain, feed: Publishers) -> None:
    limits = FeedLimits(1, 2**32 - 1, 2**23 - 1, 10_000, 65_535)
    receipt = chain.send(feed.contract.functions.setLimits(limits.as_tuple()))
    assert tuple(feed.contract.functions.limits().call()) == limits.as_tuple()
    assert tuple(chain.events(feed.contract, "LimitsChanged", receipt)[0]["limits"].values()) == limits.as_tuple()
    assert feed.contract.functions.publisherSetVersion().call() == 1
    assert feed.contract.functions.quorum().call() == 3


@pytest.mark.parametrize("change", BAD_LIMITS)
def test_set_limits__nonsense__reverts(reverts, feed: Publishers, change) -> None:
    limits = replace(FeedLimits(), **change).as_tuple()
    with reverts("InvalidConfiguration"):
        feed.contract.functions.setLimits(limits).call({"from": feed.chain.address(0)})


def test_administration__stranger__reverts(reverts, chain: LocalChain, feed: Publishers) -> None:
    stranger = chain.address(12)
    functions = feed.contract.functions
    for call in (functions.setPublishers(addresses([2]), 1), functions.setLimits(FeedLimits().as_tuple())):
        with reverts("OwnableUnauthorizedAccount", stranger):
            call.call({"from": stranger})


def test_ownership__handed_over__in_two_steps(reverts, chain: LocalChain, feed: Publishers) -> None:
    functions, heir = feed.contract.functions, chain.address(12)
    chain.send(functions.transferOwnership(heir))
    with reverts("OwnableUnauthorizedAccount", heir):
        functions.setLimits(FeedLimits().as_tuple()).call({"from": heir})
    chain.send(functions.acceptOwnership(), heir)
    chain.send(functions.setLimits(FeedLimits().as_tuple()), heir)
    with reverts("OwnableUnauthorizedAccount", chain.address(0)):
        functions.setLimits(FeedLimits().as_tuple()).call({"from": chain.address(0)})
