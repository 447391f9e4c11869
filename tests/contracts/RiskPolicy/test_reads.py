"""What RiskPolicy takes from a feed, and what it takes as absent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from web3.contract import Contract

from tests.support.local_chain import LocalChain

WAD = 10**18
HOUR = 3600
NOBODY = "0x" + "0" * 40
MODES = [1, 2, 4, 5]  # StubFeed.Mode: the failing ones


@pytest.fixture(scope="module")
def policy(chain: LocalChain) -> Contract:
    """The library behind calls."""
    return chain.deploy("MarginHarness")


@pytest.fixture(scope="module")
def feed(chain: LocalChain) -> Contract:
    """A feed that does what a test says."""
    return chain.deploy("StubFeed", 18)


def answers(chain: LocalChain, feed: Contract, answer: int, age: int = 0) -> None:
    at = chain.now() - age
    chain.send(feed.functions.set(answer, at, at))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(1, 10**10), (2**53, 2**53 * 10**10), (2**53 + 1, 0), (0, 0), (-1, 0), (2**255 - 1, 0), (-(2**255), 0)],
)
def test_price__any_answer__within_bounds_or_absent(
    chain: LocalChain, policy: Contract, feed: Contract, answer: int, expected: int
) -> None:
    answers(chain, feed, answer)
    assert policy.functions.price(feed.address, HOUR).call() == expected


def test_price__old_by_either_time_or_from_the_future__absent(
    chain: LocalChain, policy: Contract, feed: Contract
) -> None:
    now = chain.now() + 1
    price = policy.functions.price(feed.address, HOUR)
    for observed, updated, usable in (
        (now - HOUR, now, True),
        (now, now, True),
        (now - HOUR - 1, now, False),
        (now, now - HOUR - 1, False),
        (now + 1, now, False),
        (now, now + 1, False),
    ):
        with chain.undone():
            chain.set_next_time(now)
            chain.send(feed.functions.set(1, observed, updated))
            assert (price.call() != 0) == usable


@pytest.mark.parametrize("mode", [0, *MODES])
def test_reads__feed_fails__absent(chain: LocalChain, policy: Contract, feed: Contract, mode: int) -> None:
    """One byte less than the whole answer is a failure too."""
    chain.send(feed.functions.setMode(mode))
    answers(chain, feed, 7)
    assert policy.functions.price(feed.address, HOUR).call() == (0 if mode else 7 * 10**10)
    answers(chain, feed, WAD)
    assert policy.functions.risk(feed.address, HOUR, 1, 2 * WAD).call() == (0 if mode else WAD)
    assert policy.functions.weight(feed.address, HOUR).call() == (3 * WAD if mode else WAD)


@pytest.mark.parametrize(
    ("answer", "expected"), [(5, 5), (9, 9), (4, 0), (10, 0), (0, 0), (-5, 0), (2**255 - 1, 0), (-(2**255), 0)]
)
def test_risk__any_answer__within_bounds_or_absent(
    chain: LocalChain, policy: Contract, feed: Contract, answer: int, expected: int
) -> None:
    answers(chain, feed, answer)
    assert policy.functions.risk(feed.address, HOUR, 5, 9).call() == expected


def test_risk__least_that_can_be__taken(chain: LocalChain, policy: Contract, feed: Contract) -> None:
    answers(chain, feed, 1)
    assert policy.functions.risk(feed.address, HOUR, 1, 9).call() == 1


def test_risk__stale__absent(chain: LocalChain, policy: Contract, feed: Contract) -> None:
    answers(chain, feed, WAD, age=HOUR)
    assert policy.functions.risk(feed.address, HOUR, 1, WAD).call() == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (WAD, WAD),
        (WAD // 2, WAD // 2),
        (WAD // 2 - 1, 3 * WAD),
        (3 * WAD, 3 * WAD),
        (3 * WAD + 1, 3 * WAD),
        (0, 3 * WAD),
    ],
)
def test_weight__any_answer__at_most_three_and_three_when_absent(
    chain: LocalChain, policy: Contract, feed: Contract, answer: int, expected: int
) -> None:
    answers(chain, feed, answer)
    assert policy.functions.weight(feed.address, HOUR).call() == expected


def test_weight__no_feed__one(policy: Contract) -> None:
    assert policy.functions.weight(NOBODY, HOUR).call() == WAD


@pytest.mark.parametrize("read", ["price", "risk", "weight"])
def test_reads__too_little_gas__refused_rather_than_absent(
    chain: LocalChain, policy: Contract, feed: Contract, revert_error: Callable[[BaseException], Any], read: str
) -> None:
    answers(chain, feed, WAD)
    bounds = (1, WAD) if read == "risk" else ()
    call = policy.functions[read](feed.address, HOUR, *bounds)
    with pytest.raises(Exception) as caught:
        call.call({"gas": 150_000})
    error = revert_error(caught.value)
    assert (error.name, error.args[1]) == ("NotEnoughGas", 200_000 * 64 // 63 + 10_000)
