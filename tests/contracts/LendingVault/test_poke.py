"""poke: anyone moves the LTV and has a position warned, whatever the feeds do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oracle.domain.lending import PositionState
from tests.support.lending import PRICE, VOLATILITY, WAD, LendingWorld

Reverts = Callable[..., Any]


def test_poke__unhealthy_at_the_target_only__warned_once(opened: LendingWorld) -> None:
    opened.set_volatility(6 * WAD)
    assert opened.state() is PositionState.OPEN
    receipt = opened.call("poke", opened.borrower, sender=opened.outsider)
    position = opened.position()
    assert opened.events(receipt, "PositionWarned") == [
        {
            "account": opened.borrower,
            "healthFactor": position["healthFactor"],
            "healthFactorAtTarget": position["healthFactorAtTarget"],
        }
    ]
    assert opened.state() is PositionState.WARNED
    assert position["healthFactorAtTarget"] < WAD < position["healthFactor"]
    assert position["warnedAt"] == opened.chain.now()
    receipt = opened.call("poke", opened.borrower, sender=opened.outsider)
    assert opened.events(receipt, "PositionWarned") == []


def test_poke__healthy_again__warning_cleared(opened: LendingWorld) -> None:
    opened.set_volatility(6 * WAD)
    opened.call("poke", opened.borrower)
    opened.set_volatility(VOLATILITY)
    receipt = opened.call("poke", opened.borrower)
    (cleared,) = opened.events(receipt, "WarningCleared")
    assert cleared["account"] == opened.borrower
    assert opened.position()["warnedAt"] == 0
    assert opened.state() is PositionState.OPEN


def test_poke__unhealthy_now__warned_too(opened: LendingWorld) -> None:
    opened.set_price(1_600 * 10**8)
    assert opened.position()["healthFactor"] < WAD
    assert len(opened.events(opened.call("poke", opened.borrower), "PositionWarned")) == 1
    assert opened.state() is PositionState.WARNED


@pytest.mark.parametrize("mode", range(1, 6))
def test_poke__feeds_misbehave__target_goes_to_the_floor(opened: LendingWorld, mode: int) -> None:
    opened.set_mode(mode)
    receipt = opened.call("poke", opened.borrower)
    assert len(opened.events(receipt, "PositionWarned")) == 1  # by the last price at the floor
    (event,) = opened.events(receipt, "LiquidationLtvUpdated")
    assert (event["target"], event["riskFresh"]) == (WAD // 2, False)


def test_poke__price_stale__no_warning(opened: LendingWorld) -> None:
    opened.set_price(PRICE // 2, age=3 * 3600)
    assert opened.events(opened.call("poke", opened.borrower), "PositionWarned") == []
    position = opened.position()
    assert not position["priced"]
    assert position["pricedHealthFactor"] == 0 < WAD < position["healthFactor"]


def test_poke__no_position__only_moves_the_ltv(world: LendingWorld) -> None:
    world.set_volatility(2 * WAD)
    world.call("addCollateral", world.asset, 1, world.outsider)
    receipt = world.call("poke", world.outsider)
    assert len(world.events(receipt, "LiquidationLtvUpdated")) == 1
    assert world.state(world.outsider) is PositionState.NONE


def test_poke__auction_runs__leaves_the_warning(opened: LendingWorld) -> None:
    opened.set_price(1_600 * 10**8)
    opened.call("startAuction", opened.borrower)
    warned_at = opened.position()["warnedAt"]
    opened.set_price(PRICE)
    opened.call("poke", opened.borrower)
    assert opened.position()["warnedAt"] == warned_at > 0


def test_poke__gas_starved__refused_instead_of_a_wrong_target(world: LendingWorld, reverts: Reverts) -> None:
    """A caller must not be able to make the volatility look dead by bringing too little gas for its read."""
    world.chain.send(world.risk_feed.functions.set(VOLATILITY, world.chain.now(), world.chain.now()))
    world.call("addCollateral", world.asset, 1, world.borrower)
    poke = world.vault.functions.poke(world.borrower)
    before = world.ltv("targetLiquidationLtv")
    landed = 0
    for gas in range(30_000, 420_000, 15_000):
        with world.chain.undone():
            sent = poke.transact({"from": world.outsider, "gas": gas})
            receipt = world.chain.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
            landed += receipt["status"]
            updates = world.events(receipt, "LiquidationLtvUpdated")
            assert all(update["target"] == before for update in updates)
    assert landed > 3
    with reverts("NotEnoughGas", *starved(world)):
        poke.call({"from": world.outsider, "gas": 250_000})


def starved(world: LendingWorld) -> tuple[int, int]:
    """What is left of 250,000 gas at the first read, and what it needs."""
    try:
        world.vault.functions.poke(world.borrower).call({"from": world.outsider, "gas": 250_000})
    except Exception as error:  # noqa: BLE001
        data = bytes.fromhex(str(getattr(error, "data", ""))[2:])
        available, required = (int.from_bytes(data[4 + 32 * i : 36 + 32 * i]) for i in range(2))
        assert available < 250_000
        assert required == 200_000 * 64 // 63 + 10_000
        return available, required
    raise AssertionError("a starved poke went through")
