"""The lending vault through the product's own client: a loan's life, as the demo will tell it."""

from __future__ import annotations

from oracle.chain.accounts import local_roles
from oracle.chain.sender import Sender
from oracle.chain.vault import LendingVault, Token
from oracle.domain.lending import PositionState
from oracle.domain.outbox import MemoryOutbox
from oracle.units import WAD
from tests.support.local_chain import LocalChain
from tests.support.market import VAULT, Market

DOLLAR = 10**6


def test_vault__crash__warned_auctioned_and_taken(market: Market, chain: LocalChain) -> None:
    client, deployed, roles = market.client, market.deployer.deployment, local_roles(31337)
    vault = LendingVault(client, deployed.vault(VAULT).address)
    collateral, debt = Token(client, deployed.token("TEST").address), Token(client, deployed.token("USD").address)
    lender, borrower, liquidator = (
        Sender(client, account, MemoryOutbox()) for account in (roles.lender, roles.borrower, roles.liquidator)
    )
    lender.transact("mint", debt.mint(lender.address, 10**6 * DOLLAR))
    lender.transact("approve", debt.approve(vault.address))
    lender.transact("supply", vault.supply(10**6 * DOLLAR, lender.address))
    borrower.transact("mint", collateral.mint(borrower.address, 100 * WAD))
    borrower.transact("approve", collateral.approve(vault.address))
    borrower.transact("collateral", vault.add_collateral(collateral.address, 100 * WAD, borrower.address))
    assert vault.max_borrow(borrower.address) > 0
    loan = vault.max_borrow(borrower.address) * 9 // 10
    opened = borrower.transact("borrow", vault.borrow(loan, borrower.address))
    assert "Borrowed" in [event.name for event in vault.events(opened)]
    position = vault.position(borrower.address)
    assert (position.state, position.debt) == (PositionState.OPEN, loan)
    assert position.health_factor > WAD

    market.observe(70.0)
    assert vault.position(borrower.address).health_factor < WAD
    warned = liquidator.transact("poke", vault.poke(borrower.address))
    assert "PositionWarned" in [event.name for event in vault.events(warned)]
    started = liquidator.transact("auction", vault.start_auction(borrower.address))
    assert [event.name for event in vault.events(started)][-2:] == ["AuctionStarted", "CollateralForSale"]
    (holding,) = vault.holdings(borrower.address)
    assert holding.sale_price > vault.collateral(collateral.address).price * 10**10
    liquidator.transact("mint", debt.mint(liquidator.address, 10**6 * DOLLAR))
    liquidator.transact("approve", debt.approve(vault.address))
    taken = liquidator.transact("take", vault.take(borrower.address, collateral.address, liquidator.address))
    sold = next(event for event in vault.events(taken) if event.name == "AuctionTaken")
    assert sold.arguments["collateral"] == collateral.balance(liquidator.address) > 0
    assert vault.market().total_supply_assets >= 10**6 * DOLLAR
