"""The demo's loan: opened in the calm, watched by a keeper, sold by auction when market and risk turn against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eth_account.signers.local import LocalAccount
from sqlalchemy.engine import Engine
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from oracle.chain.accounts import local_roles
from oracle.chain.client import ChainClient
from oracle.chain.sender import Sender
from oracle.chain.vault import LendingVault, Position, Token, VaultEvent
from oracle.cli.demo.report import LoanEvent
from oracle.cli.market_plan import COLLATERAL_DECIMALS, DEBT_DECIMALS
from oracle.domain.deployment import Deployment
from oracle.domain.lending_types import VaultTerms
from oracle.store.outbox import SqlOutbox
from oracle.units import BPS, PRICE_UNIT, WAD

COLLATERAL: Final = 100 * 10**COLLATERAL_DECIMALS
# Of what may be borrowed: a borrower who keeps a little room, as most do
BORROWED_SHARE_BPS: Final = 9_350
# Lenders bring this many times the loan
LIQUIDITY: Final = 4
# The liquidator buys at this discount to the market's price
DISCOUNT_BPS: Final = 300
KINDS: Final = {
    "PositionWarned": "warned",
    "WarningCleared": "cleared",
    "AuctionStarted": "auction",
    "CollateralForSale": "for sale",
    "AuctionTaken": "liquidated",
    "AuctionEnded": "ended",
    "BadDebtWrittenOff": "bad debt",
}
DEBT_UNIT: Final = 10**DEBT_DECIMALS


@dataclass(frozen=True, slots=True)
class _Actor:
    account: LocalAccount
    sender: Sender


class Loan:
    """One borrower's position in the demo's vault. `say` hears of every event as it happens."""

    def __init__(
        self,
        client: ChainClient,
        *,
        deployment: Deployment,
        vault: str,
        terms: VaultTerms,
        database: Engine,
        say: Callable[[LoanEvent], None],
    ) -> None:
        record = deployment.vault(vault)
        roles = local_roles(client.chain_id)
        self._client = client
        self._vault = LendingVault(client, record.address)
        self._collateral = Token(client, deployment.token(record.collaterals[0].symbol).address)
        self._debt = Token(client, deployment.token(record.debt).address)
        self._symbols = (record.collaterals[0].symbol, record.debt)
        self._terms = terms
        outbox = SqlOutbox(database, "demo")
        self._lender, self._borrower, self._liquidator = (
            _Actor(account, Sender(client, account, outbox))
            for account in (roles.lender, roles.borrower, roles.liquidator)
        )
        self._say = say
        self._sent = 0
        self.events: list[LoanEvent] = []

    @property
    def borrower(self) -> str:
        """The borrower's address."""
        return str(self._borrower.account.address)

    def position(self) -> Position:
        """The position now."""
        return self._vault.position(self.borrower)

    def liquidation_ltv(self) -> int:
        """The liquidation LTV in force, WAD."""
        return self._vault.collateral(self._collateral.address).liquidation_ltv

    def price(self) -> int:
        """The collateral's last fresh price, 8 decimals."""
        return self._vault.collateral(self._collateral.address).last_price

    def open(self, observed_at: int) -> None:
        """Supplies the vault, and borrows against 100 whole tokens of collateral."""
        vault, lender, borrower = self._vault, self._lender, self._borrower
        self._transact(borrower, self._collateral.mint(self.borrower, COLLATERAL))
        self._transact(borrower, self._collateral.approve(vault.address))
        self._transact(borrower, vault.add_collateral(self._collateral.address, COLLATERAL, self.borrower))
        value = vault.position(self.borrower).collateral_value
        self._transact(lender, self._debt.mint(lender.account.address, LIQUIDITY * value))
        self._transact(lender, self._debt.approve(vault.address))
        self._transact(lender, vault.supply(LIQUIDITY * value, lender.account.address))
        self._transact(self._liquidator, self._debt.mint(self._liquidator.account.address, LIQUIDITY * value))
        self._transact(self._liquidator, self._debt.approve(vault.address))
        amount = vault.max_borrow(self.borrower) * BORROWED_SHARE_BPS // BPS
        receipt = self._transact(borrower, vault.borrow(amount, self.borrower))
        health = vault.position(self.borrower).health_factor
        collateral, debt = self._symbols
        self._note(
            observed_at,
            "opened",
            f"borrowed {_amount(amount, DEBT_UNIT)} {debt} against {_amount(COLLATERAL, WAD)} {collateral}, "
            f"health {_health(health)}",
            receipt,
        )

    def step(self, observed_at: int) -> None:
        """What a keeper does after each observation: pokes, and sells the collateral of an unhealthy loan."""
        if self.position().debt == 0:
            return
        receipt = self._transact(self._liquidator, self._vault.poke(self.borrower))
        self._tell(observed_at, receipt)
        if self.position().liquidatable:
            self._liquidate(observed_at)

    def _liquidate(self, observed_at: int) -> None:
        self._tell(observed_at, self._transact(self._liquidator, self._vault.start_auction(self.borrower)))
        auction = self._vault.auction(self.borrower)
        market_price = self.price() * WAD // PRICE_UNIT
        wanted, start = (market_price * bps // BPS for bps in (BPS - DISCOUNT_BPS, self._terms.auction_start_bps))
        wait = self._terms.auction_tau * (start - wanted) // start + 1
        self._client.set_next_block_timestamp(min(auction.started_at + wait, auction.expires_at))
        take = self._vault.take(self.borrower, self._collateral.address, self._liquidator.account.address)
        self._tell(observed_at, self._transact(self._liquidator, take))

    def _tell(self, observed_at: int, receipt: TxReceipt) -> None:
        for event in self._vault.events(receipt):
            told = self._words(event)
            if told is not None:
                self._note(observed_at, *told, receipt)

    def _words(self, event: VaultEvent) -> tuple[str, str] | None:
        """The kind of a vault's event, and it in a sentence; None for what the table shows anyway."""
        kind = KINDS.get(event.name)
        if kind is None:
            return None
        facts = event.arguments
        collateral, debt = self._symbols
        match event.name:
            case "PositionWarned":
                now, later = _health(facts["healthFactor"]), _health(facts["healthFactorAtTarget"])
                text = f"health {now} now, {later} at the LTV that the proven risk asks for"
            case "WarningCleared":
                text = f"healthy again at {_health(facts['healthFactor'])}"
            case "AuctionStarted":
                text = f"health {_health(facts['healthFactor'])}: to raise {_amount(facts['debt'], DEBT_UNIT)} {debt}"
            case "CollateralForSale":
                sale = f"{_amount(facts['amount'], WAD)} {collateral} for sale"
                text = f"up to {sale}, from {_price(facts['startPrice'])} each"
            case "AuctionTaken":
                sold = f"{_amount(facts['collateral'], WAD)} {collateral}"
                text = f"the liquidator bought {sold} for {_amount(facts['paid'], DEBT_UNIT)} {debt}, "
                text += f"{_price(facts['price'])} each"
            case "AuctionEnded":
                kept = _amount(sum(holding.amount for holding in self._vault.holdings(self.borrower)), WAD)
                owed = _amount(self.position().debt, DEBT_UNIT)
                text = f"the borrower owes {owed} {debt} and keeps {kept} {collateral}"
            case _:
                text = f"{_amount(facts['badDebt'], DEBT_UNIT)} {debt} were not covered"
        return kind, text

    def _note(self, observed_at: int, kind: str, text: str, receipt: TxReceipt) -> None:
        event = LoanEvent(observed_at, kind, text, receipt["transactionHash"].to_0x_hex())
        self.events.append(event)
        self._say(event)

    def _transact(self, actor: _Actor, function: ContractFunction) -> TxReceipt:
        self._sent += 1
        return actor.sender.transact(f"demo/{self._sent}/{function.fn_name}", function)


def _amount(value: int, unit: int) -> str:
    return f"{value / unit:,.2f}"


def _health(health_wad: int) -> str:
    return f"{health_wad / WAD:.3f}"


def _price(price_wad: int) -> str:
    return f"{price_wad / WAD:,.2f}"
