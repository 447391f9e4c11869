"""The lending vault's variants on the stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from web3.contract import Contract

from oracle.chain.replay.feeding import Stub
from oracle.chain.replay.performance import compare
from oracle.chain.replay.perp import NOBODY, fund_everybody
from oracle.chain.replay.stage import Cast, Stage, Step
from oracle.domain.lending_types import Account
from oracle.domain.lending_vault import LendingVault
from oracle.domain.replay.calls import Call, Hour
from oracle.domain.replay.lending import (
    ASSET,
    COLLATERAL_DECIMALS,
    DEBT_DECIMALS,
    STATIC,
    VARIANTS,
    collateral_terms,
    vault_terms,
)
from oracle.domain.replay.runs import VariantRun, deployed_at
from oracle.domain.replay.statics import Statics


class LendingProduction:
    """Vaults of one collateral over one price feed. `risk`: the real feed's address, or None for the stub."""

    def __init__(self, stage: Stage, cast: Cast, statics: Statics, risk: str | None) -> None:
        self._stage, self._cast, self._statics = stage, cast, statics
        self._stub = None if risk else Stub(stage)
        self._constant = Stub(stage)
        self._risk = risk or (self._stub.address if self._stub else "")
        self._debts, self._collaterals = (
            {name: stage.deploy("TestERC20", words, symbol, decimals) for name in VARIANTS}
            for words, symbol, decimals in (
                ("Replay Dollar", "RUSD", DEBT_DECIMALS),
                ("Replay Collateral", "RCOL", COLLATERAL_DECIMALS),
            )
        )
        self.contracts: dict[str, Contract] = {}

    def open(self, first: Hour) -> None:
        """Deploys the vaults; everybody gets tokens."""
        stage = self._stage
        for place, name in enumerate(VARIANTS):
            risk = self._constant.address if name == STATIC else self._risk
            feeds = (self._collaterals[name].address, stage.prices.address, risk, NOBODY)
            terms = (self._debts[name].address, NOBODY, *vault_terms().as_tuple())
            stage.client.set_next_block_timestamp(deployed_at(first.observed_at, place))
            self.contracts[name] = stage.deploy("LendingVault", terms, [(*feeds, *collateral_terms().as_tuple())])
        for wait, tokens in ((30, self._debts), (31, self._collaterals)):
            steps = fund_everybody(stage, self._cast, tokens, self.contracts)
            stage.run(steps, deployed_at(first.observed_at, wait))

    def feeds(self, hour: Hour) -> list[Step]:
        """The hour's answer, and the static margin."""
        said = [self._constant.says(self._statics.margin, hour.observed_at)]
        if self._stub is not None and hour.risk:
            said.append(self._stub.says(hour.risk, hour.observed_at))
        return said

    def translate(self, call: Call, cast: Cast) -> Step:
        """As it is, with the collateral's address for its name."""
        token = self._collaterals[call.variant].address
        arguments = [
            value if not isinstance(value, str) else token if value == ASSET else cast.address(value)
            for value in call.args
        ]
        return self._stage.step(cast.number(call.sender), self.contracts[call.variant], call.function, *arguments)

    def compare(self, run: VariantRun) -> int:
        """The market, the collateral, every borrower and every lender, with interest until the newest block."""
        vault: LendingVault = run.twin
        contract, read = self.contracts[run.name], self._stage.client.call
        vault.now = self._stage.client.head().timestamp
        added, kept = vault.pending_interest()
        s = replace(vault.totals)
        twin: dict[str, Any] = {
            "supply": s.supply_assets + added - kept,
            "supply shares": s.supply_shares,
            "borrowed": s.borrow_assets + added,
            "borrow shares": s.borrow_shares,
            "reserve": s.reserve + kept,
            "bad debt": s.bad_debt,
        }
        chain: dict[str, Any] = dict(zip(twin, read(contract.functions.market()), strict=False))
        collateral = read(contract.functions.collateral(self._collaterals[run.name].address))
        twin |= {"ltv": vault.liquidation_ltv(ASSET), "collateral": vault.collaterals[ASSET].total}
        chain |= {"ltv": collateral[4], "collateral": collateral[7]}
        for name in self._cast.names:
            mine, theirs = _account(vault, name), self._read_account(contract, name)
            twin |= {f"{figure} of {name}": value for figure, value in mine.items()}
            chain |= {f"{figure} of {name}": value for figure, value in theirs.items()}
        return compare(run.name, twin, chain)

    def _read_account(self, contract: Contract, name: str) -> dict[str, Any]:
        address, read = self._cast.address(name), self._stage.client.call
        position = read(contract.functions.position(address))
        return {
            "debt": position[0],
            "opening": position[9],
            "warning": position[10],
            "alarm": position[11],
            "agreed ltv": position[12],
            "bad debt": position[13],
            "collateral": sum(holding[1] for holding in read(contract.functions.holdings(address))),
            "auction": read(contract.functions.auction(address))[0],
            "shares": read(contract.functions.supplySharesOf(address)),
        }


def _account(vault: LendingVault, name: str) -> dict[str, Any]:
    account, sale = vault.accounts.get(name, Account()), vault.sales.get(name)
    return {
        "debt": vault.debt(name),
        "opening": account.opened_at,
        "warning": account.warned_at,
        "alarm": account.alarmed_at,
        "agreed ltv": account.agreed_ltv,
        "bad debt": account.bad_debt,
        "collateral": account.amounts.get(ASSET, 0),
        "auction": sale.started_at if sale else 0,
        "shares": vault.shares.get(name, 0),
    }
