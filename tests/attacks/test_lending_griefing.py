"""Attack 17, griefing: a feed, token, borrower or buyer that misbehaves cannot stop the others at the lending vault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain.lending import PositionState
from tests.support.lending import MAX_UINT, SUPPLIED, LendingWorld, deploy_world, hostile_token
from tests.support.local_chain import LocalChain

Reverts = Callable[..., Any]
FEED_GAS = 200_000
MODES = {"reverting": 1, "burning gas": 2, "return bomb": 3, "revert bomb": 4, "short return": 5}


@pytest.fixture(scope="module")
def _world(chain: LocalChain) -> LendingWorld:
    world = deploy_world(chain, token=hostile_token)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    world.open_position(100 * 10**18, 150_000 * 10**6)
    return world


@pytest.fixture
def world(_world: LendingWorld, chain: LocalChain) -> LendingWorld:
    """A vault with a position, between tokens and feeds that misbehave when told."""
    _world.refresh()
    return _world


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_attack_17__feeds_misbehave__nobody_is_locked_in_and_gas_is_bounded(world: LendingWorld, mode: int) -> None:
    world.set_price(1_540 * 10**8)
    world.call("startAuction", world.borrower)
    world.set_mode(mode)
    receipts = [
        world.call("addCollateral", world.asset, 1, world.borrower),
        world.call("take", world.borrower, world.asset, 10**18, MAX_UINT, world.liquidator, sender=world.liquidator),
        world.call("poke", world.borrower),
        world.call("repay", MAX_UINT, world.borrower),
        world.call("withdrawCollateral", world.asset, world.amount(), world.borrower),
        world.call("withdraw", SUPPLIED, world.lender, sender=world.lender),
    ]
    assert world.state() is PositionState.CLOSED
    assert max(receipt["gasUsed"] for receipt in receipts) < 2 * FEED_GAS + 250_000


def test_attack_17__collateral_refuses_the_borrower__liquidated_all_the_same(world: LendingWorld) -> None:
    world.chain.send(world.collateral.functions.setBlocked(world.borrower))
    world.set_price(1_540 * 10**8)
    world.call("startAuction", world.borrower)
    world.call("take", world.borrower, world.asset, MAX_UINT, MAX_UINT, world.liquidator, sender=world.liquidator)
    assert world.state() is PositionState.CLOSED


def test_attack_17__borrower_repays_a_unit_before_every_purchase__purchase_goes_through(world: LendingWorld) -> None:
    world.set_price(1_540 * 10**8)
    world.call("startAuction", world.borrower)
    for _ in range(3):
        world.call("repay", 1, world.borrower)
        world.call(
            "take", world.borrower, world.asset, 10 * 10**18, MAX_UINT, world.liquidator, sender=world.liquidator
        )
    world.call("repay", 1, world.borrower)
    world.call("take", world.borrower, world.asset, MAX_UINT, MAX_UINT, world.liquidator, sender=world.liquidator)
    assert world.state() is PositionState.CLOSED


def test_attack_17__dust_bought_first__the_rest_is_still_for_sale(world: LendingWorld) -> None:
    world.set_price(1_540 * 10**8)
    world.call("startAuction", world.borrower)
    world.call("take", world.borrower, world.asset, 1, MAX_UINT, world.outsider, sender=world.outsider)
    world.call("take", world.borrower, world.asset, MAX_UINT, MAX_UINT, world.liquidator, sender=world.liquidator)
    assert world.state() is PositionState.CLOSED


def test_attack_17__dust_collateral_against_a_write_off__the_next_purchase_writes_off(world: LendingWorld) -> None:
    world.set_price(1_000 * 10**8)
    world.call("startAuction", world.borrower)
    world.call(
        "take", world.borrower, world.asset, 100 * 10**18 - 1, MAX_UINT, world.liquidator, sender=world.liquidator
    )
    assert world.state() is PositionState.AUCTION
    world.call("addCollateral", world.asset, 1, world.borrower)
    world.call("take", world.borrower, world.asset, 2, MAX_UINT, world.liquidator, sender=world.liquidator)
    assert world.state() is PositionState.INSOLVENT


def test_attack_17__starved_poke__cannot_fake_a_dead_risk_feed(world: LendingWorld) -> None:
    """The feed gets all the gas it may want, or the transaction fails: 63/64 of too little is not a dead feed."""
    target = world.ltv("targetLiquidationLtv")
    poke = world.vault.functions.poke(world.borrower)
    for gas in range(40_000, 400_000, 12_000):
        with world.chain.undone():
            sent = poke.transact({"from": world.outsider, "gas": gas})
            receipt = world.chain.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
            updates = world.events(receipt, "LiquidationLtvUpdated")
            assert all(u["target"] == target and u["riskFresh"] for u in updates)


def test_attack_17__token_re_enters_from_a_purchase__refused(world: LendingWorld, reverts: Reverts) -> None:
    world.set_price(1_540 * 10**8)
    world.call("startAuction", world.borrower)
    arguments = (world.borrower, world.asset, 1, MAX_UINT, world.liquidator)
    data = world.vault.functions.take(*arguments)._encode_transaction_data()
    world.chain.send(world.collateral.functions.setHook(world.vault.address, data))
    with reverts("ReentrancyGuardReentrantCall"):
        world.call("take", *arguments, sender=world.liquidator)


def test_attack_17__dust_of_a_collateral_with_a_broken_feed__protects_nobody(
    chain: LocalChain, reverts: Reverts
) -> None:
    """Somebody, the borrower perhaps, adds a unit of a collateral without a price: the rest is sold and written off."""
    world = deploy_world(chain, others=[{"decimals": 8, "price": 30_000 * 10**8}])
    broken = world.listed[1]
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    world.call("addCollateral", broken.asset, 1, world.borrower, sender=world.outsider)
    world.open_position(10 * 10**18, 15_000 * 10**6)
    chain.send(broken.price_feed.functions.setMode(1))
    world.set_price(1_000 * 10**8)
    world.call("startAuction", world.borrower, sender=world.liquidator)
    with reverts("NotForSale", broken.asset):
        world.call("take", world.borrower, broken.asset, 1, MAX_UINT, world.liquidator, sender=world.liquidator)
    world.call("take", world.borrower, world.asset, MAX_UINT, MAX_UINT, world.liquidator, sender=world.liquidator)
    assert world.state() is PositionState.INSOLVENT
