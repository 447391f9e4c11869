"""OptionsMargin's constructor: each member at its limits and one beside, feeds and pillars that it must not take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from oracle.chain import build
from tests.support.local_chain import LocalChain
from tests.support.options import DAY, NOBODY, WAD, OptionsWorld

Reverts = Callable[..., AbstractContextManager[None]]
TWO_YEARS = 2 * 31_557_600
# What is taken and what is refused, of each member; others that have to change with it
LIMITS: list[tuple[str, tuple[int, ...], tuple[int, ...], dict[str, int]]] = [
    ("maxPriceAge", (1, 2**32 - 1), (0,), {}),
    ("maxRiskAge", (1, 2**32 - 1), (0,), {}),
    ("marginPeriod", (1,), (0,), {}),
    ("rampInterval", (1, 2**32 - 1), (0,), {}),
    ("maxShock", (1, 7 * WAD // 10), (0, 7 * WAD // 10 + 1), {"minShock": 1}),
    ("minShock", (1, WAD // 2), (0, WAD // 2 + 1), {}),
    ("minRisk", (1, 10 * WAD), (0, 10 * WAD + 1), {}),
    ("maxVolatility", (5 * WAD // 100, 10 * WAD), (10 * WAD + 1,), {}),
    ("minVolatility", (WAD // 100, 5 * WAD), (WAD // 100 - 1, 5 * WAD + 1), {}),
    ("rate", (0, WAD), (WAD + 1,), {}),
    ("auctionPeriod", (1, 2**32 - 1), (0,), {}),
    ("startDiscountBps", (0, 10_000), (10_001,), {}),
    ("penaltyBps", (0, 1_000), (1_001,), {}),
    ("minTenor", (1, 365 * DAY), (0,), {}),
    ("maxTenor", (3_600, TWO_YEARS), (3_599, TWO_YEARS + 1), {}),
    ("expiryStep", (1, 2**32 - 1), (0,), {}),
    ("strikeStep", (1, 2**96 - 1), (0,), {}),
    ("maxStrikeRatio", (2, 20), (0, 1, 21), {}),
    ("maxPositions", (1, 16), (0, 17), {}),
    ("lotSize", (1, 100_000 * WAD), (0,), {}),
    ("maxOpenInterest", (WAD // 1_000, 2**96), (WAD // 1_000 - 1, 2**96 + 1), {}),
]
FEEDS = {"priceFeed": 8, "riskFeed": 18, "weightFeed": 18, "pegFeed": 8, "confidenceFeed": 18}


@pytest.fixture(scope="module")
def construct(_world: OptionsWorld) -> Callable[..., None]:
    """Runs the constructor of a book as the shared one but for these members, without a transaction."""
    chain = _world.chain
    artifact = build.load(chain.settings, "OptionsMargin")
    factory = chain.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    places = [tuple(pillar) for pillar in _world.book.functions.pillars().call()]

    def run(pillars: list[tuple[str, int]] | None = None, **changed: Any) -> None:
        config = tuple((_world.config | changed).values())
        data = factory.constructor(config, places if pillars is None else pillars).data_in_transaction
        chain.web3.eth.call({"data": data, "gas": 100_000_000})

    return run


def refused(reverts: Reverts, member: str) -> AbstractContextManager[None]:
    return reverts("InvalidConfig", member.encode().ljust(32, b"\0"))


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit[0])
def test_constructor__member_at_its_limits__taken_and_one_beyond_refused(
    construct: Callable[..., None],
    reverts: Reverts,
    limit: tuple[str, tuple[int, ...], tuple[int, ...], dict[str, int]],
) -> None:
    member, taken, beyond, others = limit
    for value in taken:
        construct(**others, **{member: value})
    for value in beyond:
        with refused(reverts, member):
            construct(**others, **{member: value})


@pytest.mark.parametrize("member", FEEDS)
def test_constructor__feed__of_its_decimals_only(
    chain: LocalChain, construct: Callable[..., None], reverts: Reverts, member: str
) -> None:
    construct(**{member: chain.deploy("StubRounds", FEEDS[member]).address})
    for address in (chain.deploy("StubRounds", 26 - FEEDS[member]).address, chain.address(12)):
        with refused(reverts, member):
            construct(**{member: address})
    if member == "priceFeed":
        with refused(reverts, member):
            construct(priceFeed=NOBODY)
    else:
        construct(**{member: NOBODY})


def test_constructor__collateral__of_six_to_eighteen_decimals(
    chain: LocalChain, construct: Callable[..., None], reverts: Reverts
) -> None:
    for decimals in (6, 18):
        construct(collateralAsset=chain.deploy("StubRounds", decimals).address)
    for address in (chain.deploy("StubRounds", 5).address, chain.deploy("StubRounds", 19).address, chain.address(12)):
        with refused(reverts, "collateralAsset"):
            construct(collateralAsset=address)


def test_constructor__pillars__one_to_four_of_rising_tenors(
    chain: LocalChain, construct: Callable[..., None], reverts: Reverts
) -> None:
    feed, other = chain.deploy("StubRounds", 18).address, chain.deploy("StubRounds", 8).address
    for tenors in ([1], [1, 2], [DAY, 2 * DAY, 3 * DAY, 4 * DAY]):
        construct([(feed, tenor) for tenor in tenors])
    for tenors in ([], [0], [1, 1], [2, 1], [1, 3, 2], [1, 2, 3, 4, 5]):
        with refused(reverts, "pillars"):
            construct([(feed, tenor) for tenor in tenors])
    for address in (other, chain.address(12)):
        with refused(reverts, "pillars"):
            construct([(feed, 1), (address, 2)])


def test_constructor__shared_book__has_what_it_was_given(_world: OptionsWorld) -> None:
    assert _world.book.functions.config().call() == tuple(_world.config.values())
    tenors = [tenor for _, tenor in _world.book.functions.pillars().call()]
    assert tenors == [7 * DAY, 30 * DAY, 180 * DAY]
    market = _world.read("market")
    assert (market["spot"], market["peg"], market["confidence"]) == (2_000 * WAD, WAD, WAD)
    assert (market["marksFresh"], market["riskFresh"], market["rate"]) == (True, True, WAD // 20)
    assert (market["tenors"], market["volatilities"]) == (tenors, [6 * WAD // 10] * 3)
