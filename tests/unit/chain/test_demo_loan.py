"""The demo's loan on a market of the test chain: opened, warned, sold when the price falls."""

from __future__ import annotations

from pathlib import Path

from oracle.chain.client import ChainClient
from oracle.cli.demo.loan import Loan
from oracle.cli.demo.report import LoanEvent
from oracle.cli.wiring import opened_database
from oracle.settings import Settings
from oracle.units import WAD
from tests.support.market import VAULT, Market, lending_plan


def test_loan__price_falls__warned_put_up_for_sale_and_liquidated(
    market: Market, client: ChainClient, own_settings: Settings, tmp_path: Path
) -> None:
    told: list[LoanEvent] = []
    with opened_database(own_settings) as database:
        deployment, terms = market.deployer.deployment, lending_plan().terms
        loan = Loan(client, deployment=deployment, vault=VAULT, terms=terms, database=database, say=told.append)
        loan.open(1)
        loan.step(2)
        assert (loan.position().health_factor > WAD, [event.kind for event in told]) == (True, ["opened"])
        market.observe(loan.price() / 10**8 * 0.8)
        loan.step(3)
    kinds = [event.kind for event in told]
    assert kinds[:4] == ["opened", "warned", "auction", "for sale"]
    assert "liquidated" in kinds
    assert all(event.text and event.tx_hash.startswith("0x") for event in told)
