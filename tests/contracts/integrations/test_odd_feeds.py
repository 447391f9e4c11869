"""Feeds stale, from the future, zero, negative, enormous, reverting or empty: the options book and what trades on it.

The vault's and the perpetual's own folders have theirs. Afterwards the same quote settles and the same order trades.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from web3.contract import Contract

from tests.support.local_chain import LocalChain, account
from tests.support.matching import FIRST, SECOND, deploy_matching, list_series
from tests.support.options import HOUR, VOLATILITY, WAD, OptionsWorld, deploy_options
from tests.support.rfq import deploy_rfq

Reverts = Callable[..., AbstractContextManager[None]]
MODES = (1, 2, 3, 4, 5)  # StubFeed's: reverting, burning its gas, return and revert bombs, an answer short of a byte
PRICES = (0, -1, 2**53 + 1, 2**255 - 1)
VOLATILITIES = (0, -1, WAD // 100, 6 * WAD, 2**255 - 1)


def broken(world: OptionsWorld, most: int = 5) -> Iterator[str]:
    """Breaks the price feed and a volatility feed in every way, one after another, and mends them again.

    `most`: modes and answers that are tried of each feed.
    """
    kinds = [(world.feeds["priceFeed"], PRICES, 2_000 * 10**8), (world.volatilities[1], VOLATILITIES, VOLATILITY)]
    for feed, answers, usual in kinds:
        for mode in MODES[:most]:
            world.chain.send(feed.functions.setMode(mode))
            yield f"mode {mode}"
            world.chain.send(feed.functions.setMode(0))
        for answer in answers[:most]:
            world.set_feed(feed, answer)
            yield f"answer {answer}"
        for age in (7 * HOUR, -HOUR):
            world.set_feed(feed, usual, age)
            yield f"age {age}"
        world.set_feed(feed, usual)


def test_options__feed_broken__nothing_opens_or_leaves_and_all_of_it_closes(
    chain: LocalChain, reverts: Reverts
) -> None:
    world = deploy_options(chain, pillars=2)
    for who in (world.maker, world.taker):
        world.deposit(100_000, who)
    call = world.list(2_000)
    world.trade([(call, WAD)], 0)
    for _ in broken(world):
        with reverts("MarksUnavailable"):
            world.trade([(call, WAD)], 0)
        with reverts("MarksUnavailable"):
            world.call("withdraw", 1, world.taker)
        with reverts("MarksUnavailable"):
            world.call("startAuction", world.maker)
        with chain.undone():
            world.trade([(call, -WAD)], 0)
            world.call("withdraw", 100_000 * world.unit, world.taker)
    world.trade([(call, WAD)], 0)


def test_rfq__feed_broken__nothing_settles_until_it_is_mended(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_rfq(chain)
    quote = world.quote([(world.options.list(2_000), WAD)])
    for _ in broken(world.options, 2):
        with reverts("MarksUnavailable"):
            world.settle(quote)
    world.settle(quote)


def test_matching__feed_broken__the_incoming_order_goes_and_the_resting_one_stays(chain: LocalChain) -> None:
    world = deploy_matching(chain)
    series_id = list_series(world)
    price = 100 * WAD
    world.run(world.place(FIRST, series_id, False, price))
    feeds: list[Contract] = [world.options.feeds["priceFeed"], world.options.volatilities[1]]
    twins = [world.around.book.feeds.price, world.around.book.feeds.volatilities[1][1]]
    for feed, twin, answer in zip(feeds, twins, (-1, 0), strict=True):
        usual = feed.functions.answer().call()
        at = chain.now()
        chain.send(feed.functions.push(answer, at))
        twin.answer, twin.observed_at = answer, at
        (gone,) = world.run(world.place(SECOND, series_id, True, price))
        assert gone.reason is not None
        assert gone.reason.name == "MarksUnavailable"
        at = chain.now()
        chain.send(feed.functions.push(usual, at))
        twin.answer, twin.observed_at = usual, at
    (fill,) = world.run(world.place(SECOND, series_id, True, price))
    assert fill.amount == WAD
    assert world.options.account(account(FIRST).address)["positions"][0][3] == -WAD
