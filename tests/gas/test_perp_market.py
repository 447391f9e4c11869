"""Gas of every call of the perpetual market, on a plain token and the shortest possible feeds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oracle.chain import build
from oracle.settings import Settings
from tests.support.local_chain import LocalChain
from tests.support.perp import DAY, FOREVER, MAX_UINT, WAD, PerpWorld, deploy_perp

Snapshot = Callable[[str, int], None]


@pytest.fixture(scope="module")
def _world(chain: LocalChain) -> PerpWorld:
    world = deploy_perp(chain)
    world.open(True, 100_000, 12_000)
    world.open(False, 50_000, 12_000, world.other)
    world.call("requestRedemption", sender=world.provider)
    return world


@pytest.fixture
def world(_world: PerpWorld, chain: LocalChain) -> PerpWorld:
    """A market with a long and a short, an hour later."""
    _world.pass_time(3_600)
    return _world


def measure(world: PerpWorld, gas_snapshot: Snapshot, case: str, sender: str, function: str, *args: object) -> None:
    receipt = world.call(function, *args, sender=sender)
    gas_snapshot(f"PerpMarket.{function}{case}", receipt["gasUsed"])


def test_gas__traders(world: PerpWorld, gas_snapshot: Snapshot) -> None:
    measure(world, gas_snapshot, "/again", world.trader, "deposit", 10**9, world.trader)
    measure(world, gas_snapshot, "/adds", world.trader, "increase", True, 1_000 * WAD, 0, FOREVER)
    measure(world, gas_snapshot, "/part", world.trader, "decrease", WAD, 0, FOREVER)
    measure(world, gas_snapshot, "/from-a-position", world.trader, "withdraw", 10**9, world.trader)
    measure(world, gas_snapshot, "/all", world.other, "decrease", MAX_UINT, MAX_UINT, FOREVER)
    measure(world, gas_snapshot, "/without-a-position", world.other, "withdraw", 10**9, world.other)
    measure(world, gas_snapshot, "/first", world.keeper, "deposit", 10**10, world.keeper)
    measure(world, gas_snapshot, "/opens", world.keeper, "increase", False, 1_000 * WAD, MAX_UINT, FOREVER)


def test_gas__keepers(world: PerpWorld, gas_snapshot: Snapshot) -> None:
    measure(world, gas_snapshot, "/new-block", world.keeper, "poke")
    measure(world, gas_snapshot, "", world.keeper, "claimFees")


def test_gas__liquidations(world: PerpWorld, gas_snapshot: Snapshot) -> None:
    world.set_price(1_860 * 10**8)
    measure(world, gas_snapshot, "/part", world.keeper, "liquidate", world.trader)
    world.set_price(1_000 * 10**8)
    measure(world, gas_snapshot, "/bad-debt", world.keeper, "liquidate", world.trader)


def test_gas__providers(world: PerpWorld, gas_snapshot: Snapshot) -> None:
    measure(world, gas_snapshot, "/again", world.provider, "provide", 10**9, world.provider)
    measure(world, gas_snapshot, "", world.provider, "donate", 10**9)
    world.pass_time(DAY - 3_600)
    measure(world, gas_snapshot, "/part", world.provider, "redeem", 10**21, world.provider)
    measure(world, gas_snapshot, "/again", world.provider, "requestRedemption")


def test_size__code_of_the_market(settings: Settings, compiled: object, gas_snapshot: Snapshot) -> None:
    gas_snapshot("PerpMarket.code-bytes", len(build.load(settings, "PerpMarket").deployed_bytecode))
