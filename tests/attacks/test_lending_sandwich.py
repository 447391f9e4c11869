"""Attack 19, update sandwich: no update of a feed and no poke lowers the liquidation threshold within a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from web3.contract.contract import ContractFunction

from tests.support.lending import MAX_UINT, SUPPLIED, VOLATILITY, WAD, LendingWorld, deploy_world
from tests.support.local_chain import LocalChain

Reverts = Callable[..., Any]


@pytest.fixture
def world(chain: LocalChain) -> LendingWorld:
    """A vault whose borrower owes all that they may."""
    world = deploy_world(chain)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    world.call("addCollateral", world.asset, 100 * 10**18, world.borrower)
    world.call("borrow", world.read("maxBorrow", world.borrower), world.borrower)
    return world


def in_one_block(world: LendingWorld, *calls: ContractFunction) -> list[int]:
    """Sends the calls from the liquidator, mines them into one block in order, and returns their statuses."""
    world.chain.rpc("evm_setAutomine", False)
    try:
        sent = [c.transact({"from": world.liquidator, "gas": 3_000_000}) for c in calls]
        world.chain.rpc("evm_mine")
    finally:
        world.chain.rpc("evm_setAutomine", True)
    receipts = [world.chain.web3.eth.get_transaction_receipt(h) for h in sent]
    assert len({r["blockNumber"] for r in receipts}) == 1
    assert [r["transactionIndex"] for r in receipts] == list(range(len(calls)))
    return [r["status"] for r in receipts]


@pytest.mark.parametrize("volatility", [50 * WAD, 0], ids=["sky-high", "dead"])
def test_attack_19__threshold_update_poke_and_liquidation_in_one_block__liquidation_refused(
    world: LendingWorld, reverts: Reverts, volatility: int
) -> None:
    before = world.ltv()
    vault, now = world.vault.functions, world.chain.now()
    statuses = in_one_block(
        world,
        world.risk_feed.functions.set(volatility, now, now),
        vault.poke(world.borrower),
        vault.poke(world.borrower),
        vault.startAuction(world.borrower),
        vault.take(world.borrower, world.asset, MAX_UINT, MAX_UINT, world.liquidator),
    )
    assert statuses == [1, 1, 1, 0, 0]
    assert world.ltv("targetLiquidationLtv") == WAD // 2
    assert world.ltv() == before
    with reverts("PositionHealthy", world.read("healthFactor", world.borrower)):
        world.call("startAuction", world.borrower)


def test_attack_19__borrower_at_the_limit__has_the_margins_time_to_react(world: LendingWorld) -> None:
    world.set_volatility(50 * WAD)
    world.sync()
    poked = world.chain.now()
    assert world.position()["warnedAt"] == 0
    world.call("poke", world.borrower)
    assert world.position()["warnedAt"] > 0
    world.chain.mine(poked + 9 * 3600)  # 450 of the margin's 500 bps
    assert world.position()["healthFactor"] > WAD
    world.chain.mine(poked + 11 * 3600)
    assert world.position()["healthFactor"] < WAD


def test_attack_19__target_up_and_down_around_a_borrow__no_debt_above_the_lower(
    world: LendingWorld, reverts: Reverts
) -> None:
    """A moment's low volatility does not lend more: new debt is bound by the LTV in force, which loosens slowly."""
    now, vault = world.chain.now(), world.vault.functions
    statuses = in_one_block(
        world,
        world.risk_feed.functions.set(1, now, now),
        vault.poke(world.borrower),
        world.risk_feed.functions.set(VOLATILITY, now, now),
    )
    assert statuses == [1, 1, 1]
    world.chain.send(world.risk_feed.functions.set(1, now, now))
    assert world.ltv("targetLiquidationLtv") == 93 * WAD // 100
    limit = 200_000 * 10**6 * world.ltv("borrowLtv") // WAD
    asked = limit + 1 - world.read("debtOf", world.borrower)
    with reverts("BorrowLimitExceeded", limit + 1, limit):
        world.call("borrow", max(asked, 1), world.borrower)
    assert limit < 200_000 * 10**6 * 87 // 100
