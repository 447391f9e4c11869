"""Attacks 17 and 19 on the options book: an update and an auction in one block, feeds and gas that lie."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.support.local_chain import LocalChain
from tests.support.options import WAD, OptionsWorld, deploy_options

Reverts = Callable[..., AbstractContextManager[None]]
MODES = {"reverting": 1, "burning gas": 2, "return bomb": 3, "revert bomb": 4, "short return": 5}


@pytest.fixture
def world(chain: LocalChain) -> OptionsWorld:
    """A maker short of 40 calls, near its initial margin."""
    world = deploy_options(chain)
    world.deposit(100_000, world.taker)
    world.deposit(16_000, world.maker)
    world.trade([(world.list(2_000), 40 * WAD)], 5_600 * WAD)
    return world


def test_attack_19__risk_update_and_auction_in_one_block__refused(world: OptionsWorld) -> None:
    chain, at = world.chain, world.chain.now()
    chain.rpc("evm_setAutomine", False)
    try:
        gas = {"from": world.keeper, "gas": 5_000_000}
        calls = [
            world.feeds["riskFeed"].functions.push(9 * WAD, at),
            world.book.functions.settle(world.maker),
            world.book.functions.startAuction(world.maker),
        ]
        sent = [call.transact(gas) for call in calls]
        chain.rpc("evm_mine")
    finally:
        chain.rpc("evm_setAutomine", True)
    assert [chain.web3.eth.get_transaction_receipt(s)["status"] for s in sent] == [1, 1, 0]
    seen = world.account(world.maker)
    assert not seen["liquidatable"]
    assert seen["initialMargin"] < 0  # new risk counts at once for what is new


@pytest.mark.parametrize("mode", MODES)
def test_attack_17__price_feed_misbehaves__reads_answer_and_deposits_work(world: OptionsWorld, mode: str) -> None:
    world.chain.send(world.feeds["priceFeed"].functions.setMode(MODES[mode]))
    assert not world.account()["valued"]
    assert world.read("market")["spot"] == 0
    world.call("deposit", 1, world.taker)


def test_attack_17__gas_starved_reads__cannot_choose_the_outcome(world: OptionsWorld) -> None:
    """With any gas, a call on the edge of one feed read either reverts or sees every feed."""
    call = world.book.functions.startAuction(world.maker)
    outcomes = set()
    for gas in range(120_000, 900_000, 20_000):
        sent = call.transact({"from": world.keeper, "gas": gas})
        outcomes.add(world.chain.web3.eth.wait_for_transaction_receipt(sent)["status"])
    assert outcomes == {0}
    assert world.account(world.maker)["auctionStartedAt"] == 0


def test_attack_17__own_accounts_at_absurd_prices__no_cash_from_nothing(world: OptionsWorld, reverts: Reverts) -> None:
    """Far series at absurd prices between one's own accounts move only one's own cash."""
    before = world.account()
    series, other = world.list(9_990, 300), world.chain.address(11)
    world.call("setOperator", other, True, sender=world.keeper)
    with reverts("NegativeCash", world.keeper, -WAD):
        world.call("trade", world.keeper, other, [(series, WAD)], -WAD, sender=other)
    assert world.account()["cash"] == before["cash"]
