"""Gas of every call of the options book and of a quote, on a plain token and the shortest possible feeds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oracle.chain import build
from oracle.settings import Settings
from tests.support.local_chain import GAS_DEPLOYER, GAS_TIME, LocalChain
from tests.support.options import DAY, FOREVER, HOUR, MAX_INT, WAD, OptionsWorld
from tests.support.rfq import RfqWorld, deploy_rfq

Snapshot = Callable[[str, int], None]


@pytest.fixture
def quotes(gas_chain: LocalChain) -> RfqWorld:
    """A book and its settlement contract, at a fixed time."""
    assert gas_chain.now() == GAS_TIME
    return deploy_rfq(gas_chain, deployer=gas_chain.address(GAS_DEPLOYER))


@pytest.fixture
def world(quotes: RfqWorld) -> OptionsWorld:
    quotes.options.call("setOperator", quotes.options.taker, True, sender=quotes.options.maker)
    return quotes.options


def measure(world: OptionsWorld, gas_snapshot: Snapshot, case: str, sender: str, function: str, *args: object) -> None:
    gas_snapshot(f"OptionsMargin.{function}{case}", world.call(function, *args, sender=sender)["gasUsed"])


def test_gas__accounts(world: OptionsWorld, gas_snapshot: Snapshot) -> None:
    measure(world, gas_snapshot, "/again", world.taker, "deposit", 10**9, world.taker)
    measure(world, gas_snapshot, "/without-positions", world.taker, "withdraw", 10**9, world.taker)
    ids = sorted(world.list(k, days) for k in (1_900, 2_000, 2_100, 2_200) for days in (7, 30))
    for count in (1, 4, 8):
        with world.chain.undone():
            legs = [(i, WAD * (-1) ** n) for n, i in enumerate(ids[:count])]
            measure(world, gas_snapshot, f"/{count}-legs-open", world.taker, "trade", world.maker, world.taker, legs, 0)
            name = f"/{count}-positions"
            measure(world, gas_snapshot, name, world.taker, "withdraw", 10**9, world.taker)


def test_gas__auctions_and_settlement(world: OptionsWorld, gas_snapshot: Snapshot) -> None:
    world.deposit(500_000, world.keeper)
    call = world.list(2_000, 7)
    world.trade([(call, 150 * WAD)], 15_000 * WAD)
    world.set_price(2_700)
    measure(world, gas_snapshot, "/1-position", world.keeper, "startAuction", world.maker)
    measure(world, gas_snapshot, "/1-position", world.keeper, "bid", world.maker, WAD, MAX_INT, FOREVER)
    world.chain.mine(GAS_TIME + 8 * DAY + HOUR)
    world.set_price(2_700)
    last = world.feeds["priceFeed"].functions.latestRound().call()
    measure(world, gas_snapshot, "", world.keeper, "settleExpiry", call >> 104, last)
    measure(world, gas_snapshot, "/1-position", world.keeper, "settle", world.taker)


def test_gas__quote(quotes: RfqWorld, gas_snapshot: Snapshot) -> None:
    ids = sorted(quotes.options.list(k) for k in (2_000, 2_100))
    for count in (1, 2):
        with quotes.chain.undone():
            quote = quotes.quote([(i, WAD) for i in ids[:count]])
            fields, book = quote.fields(), quotes.rfq
            signature = quotes.sign(quote)
            receipt = quotes.chain.send(book.functions.settle(fields, signature, b""), quotes.options.taker)
            assert receipt["gasUsed"] < 2**24
            gas_snapshot(f"RfqSettlement.settle/{count}-legs", receipt["gasUsed"])


def test_size__code(settings: Settings, compiled: object, gas_snapshot: Snapshot) -> None:
    for name in ("OptionsMargin", "RfqSettlement"):
        gas_snapshot(f"{name}.code-bytes", len(build.load(settings, name).deployed_bytecode))
    gas_snapshot("OptionsMargin.engine-code-bytes", len(build.load(settings, "ScenarioEngine").deployed_bytecode))
