"""Gas of every call of the lending vault, on plain tokens and the shortest possible feeds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oracle.chain import build
from oracle.settings import Settings
from tests.support.lending import MAX_UINT, SUPPLIED, WAD, LendingWorld, deploy_world
from tests.support.local_chain import LocalChain

Snapshot = Callable[[str, int], None]
DEBT = 150_000 * 10**6


@pytest.fixture(scope="module")
def _world(chain: LocalChain) -> LendingWorld:
    world = deploy_world(chain)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    world.open_position(100 * 10**18, DEBT)
    return world


@pytest.fixture
def world(_world: LendingWorld, chain: LocalChain) -> LendingWorld:
    """A vault with a lender and a position of one borrower."""
    _world.pass_time(3_600)
    return _world


@pytest.fixture
def on_sale(world: LendingWorld) -> LendingWorld:
    """The borrower's position is in an auction of all of its debt."""
    world.set_price(1_540 * 10**8)
    world.call("startAuction", world.borrower)
    return world


def measure(world: LendingWorld, gas_snapshot: Snapshot, case: str, function: str, *args: object) -> None:
    """Sends the call as the right account, and compares its gas."""
    sender = {"supply": world.outsider, "withdraw": world.lender, "redeem": world.lender, "take": world.liquidator}
    receipt = world.call(function, *args, sender=sender.get(function, world.borrower))
    gas_snapshot(f"LendingVault.{function}{case}", receipt["gasUsed"])


def test_gas__lenders(world: LendingWorld, gas_snapshot: Snapshot) -> None:
    measure(world, gas_snapshot, "/first-of-a-lender", "supply", 10**9, world.outsider)
    measure(world, gas_snapshot, "/again", "supply", 10**9, world.outsider)
    measure(world, gas_snapshot, "/part", "withdraw", 10**9, world.lender)
    measure(world, gas_snapshot, "/part", "redeem", 10**15, world.lender)


def test_gas__borrowers(world: LendingWorld, gas_snapshot: Snapshot) -> None:
    measure(world, gas_snapshot, "/again", "addCollateral", world.asset, 10**18, world.borrower)
    measure(world, gas_snapshot, "/again", "borrow", 10**9, world.borrower)
    measure(world, gas_snapshot, "/with-debt", "withdrawCollateral", world.asset, 10**17, world.borrower)
    measure(world, gas_snapshot, "/part", "repay", 10**9, world.borrower)
    measure(world, gas_snapshot, "/all", "repay", MAX_UINT, world.borrower)
    measure(world, gas_snapshot, "/without-debt", "withdrawCollateral", world.asset, 10**17, world.borrower)
    measure(world, gas_snapshot, "/first", "borrow", 10**9, world.borrower)


def test_gas__poke(world: LendingWorld, gas_snapshot: Snapshot) -> None:
    measure(world, gas_snapshot, "/healthy", "poke", world.borrower)
    world.set_volatility(6 * WAD)
    measure(world, gas_snapshot, "/warns", "poke", world.borrower)


def test_gas__auction(on_sale: LendingWorld, gas_snapshot: Snapshot) -> None:
    measure(
        on_sale, gas_snapshot, "/part", "take", on_sale.borrower, on_sale.asset, 10**18, MAX_UINT, on_sale.liquidator
    )
    measure(
        on_sale, gas_snapshot, "/rest", "take", on_sale.borrower, on_sale.asset, MAX_UINT, MAX_UINT, on_sale.liquidator
    )


def test_gas__auction_starts(world: LendingWorld, gas_snapshot: Snapshot) -> None:
    world.set_price(1_540 * 10**8)
    measure(world, gas_snapshot, "/warned-in-it", "startAuction", world.borrower)
    world.set_price(2_000 * 10**8)
    measure(world, gas_snapshot, "", "cancelAuction", world.borrower)


def test_gas__bad_debt(world: LendingWorld, gas_snapshot: Snapshot) -> None:
    world.set_price(1_000 * 10**8)
    world.call("startAuction", world.borrower)
    measure(
        world, gas_snapshot, "/writes-off", "take", world.borrower, world.asset, MAX_UINT, MAX_UINT, world.liquidator
    )


def test_size__code_of_the_vault(settings: Settings, compiled: object, gas_snapshot: Snapshot) -> None:
    gas_snapshot("LendingVault.code-bytes", len(build.load(settings, "LendingVault").deployed_bytecode))
