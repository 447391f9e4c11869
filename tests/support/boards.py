"""A lending vault with open positions, deployed by the product's own deployer, for liquidation boards over it."""

from __future__ import annotations

from oracle.chain.accounts import local_roles
from oracle.chain.client import ChainClient
from oracle.chain.deploy import Deployer
from oracle.chain.sender import Sender
from oracle.chain.vault import LendingVault, Token
from oracle.domain.deployment import BoardPlan, CollateralPlan, LendingPlan, LendingRecord
from oracle.domain.lending_types import CollateralTerms, VaultTerms
from oracle.domain.outbox import MemoryOutbox
from oracle.units import BPS, SECS_PER_DAY, WAD

VAULT, COLLATERAL, DEBT = "board-vault", "BRD", "BUSD"
AGE = 3_650 * SECS_PER_DAY
TERMS = CollateralTerms(max_price_age=AGE, max_risk_age=AGE, min_risk=1, max_risk=18 * WAD)
SUPPLIED = 10**15
# Shares of what may be borrowed at most, by the borrowers of `open_positions` in their order
NEAR, FAR = 9_900, 5_000


def open_positions(client: ChainClient, deployer: Deployer, prices: str, risk: str) -> tuple[LendingRecord, list[str]]:
    """The vault over these feeds, and its borrowers, the one nearest to liquidation first.

    The deployer may name its board. A third account has collateral and no debt.
    """
    roles = local_roles(client.chain_id)
    deployer.deploy_token(COLLATERAL, "Collateral", 18)
    deployer.deploy_token(DEBT, "Dollar", 6)
    listed = (CollateralPlan(COLLATERAL, prices, risk, TERMS),)
    plan = LendingPlan(VAULT, DEBT, VaultTerms(), listed, board_setter=roles.deployer.address)
    record = deployer.deploy_lending(plan)
    vault = LendingVault(client, record.address)
    asset = Token(client, deployer.deployment.token(COLLATERAL).address)
    debt = Token(client, deployer.deployment.token(DEBT).address)

    lender = Sender(client, roles.lender, MemoryOutbox())
    lender.transact("mint", debt.mint(roles.lender.address, SUPPLIED))
    lender.transact("approve", debt.approve(vault.address))
    lender.transact("supply", vault.supply(SUPPLIED, roles.lender.address))
    for account, share in ((roles.borrower, NEAR), (roles.liquidator, FAR), (roles.lender, 0)):
        sender = Sender(client, account, MemoryOutbox())
        sender.transact("mint-collateral", asset.mint(account.address, 10**18))
        sender.transact("approve-collateral", asset.approve(vault.address))
        sender.transact("collateral", vault.add_collateral(asset.address, 10**18, account.address))
        if share:
            amount = vault.max_borrow(account.address) * share // BPS
            sender.transact("borrow", vault.borrow(amount, account.address))
    return record, [roles.borrower.address, roles.liquidator.address]


def board_plan(name: str, model: str, prices: str, stride: int) -> BoardPlan:
    """A board over that vault."""
    return BoardPlan(name, "liquidations of a test vault", VAULT, prices, model, stride, AGE, SECS_PER_DAY)
