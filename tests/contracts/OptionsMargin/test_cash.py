"""Collateral in and out, hostile tokens, and that every error has its test."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from oracle.chain import build
from oracle.settings import Settings
from tests.support.lending import hostile_token
from tests.support.local_chain import LocalChain
from tests.support.options import MAX_UINT, NOBODY, WAD, OptionsWorld, deploy_options

Reverts = Callable[..., AbstractContextManager[None]]


@pytest.mark.parametrize("decimals", [6, 18])
def test_deposit_and_withdraw__round_trip__what_was_paid(chain: LocalChain, decimals: int) -> None:
    world = deploy_options(chain, decimals=decimals)
    before = world.balance(world.taker)
    world.deposit(1_000, world.taker)
    assert world.account()["cash"] == 1_000 * WAD
    world.call("withdraw", 1_000 * world.unit, world.taker)
    assert world.balance(world.taker) == before
    assert world.balance(world.book.address) == world.read("state")["cash"] == 0


def test_withdraw__from_positions__down_to_the_initial_margin(world: OptionsWorld, reverts_any: Reverts) -> None:
    world.trade([(world.list(2_000), 10 * WAD)], 0)
    room = world.account(world.maker)["initialMargin"] // 10**12
    with reverts_any("InsufficientMargin"):
        world.call("withdraw", room + world.unit, world.maker, sender=world.maker)
    world.call("withdraw", room - world.unit, world.maker, sender=world.maker)


def test_calls__bad_amounts_and_addresses__refused(world: OptionsWorld, reverts: Reverts) -> None:
    most = (2**112 - 1) // 10**12
    for function in ("deposit", "withdraw"):
        with reverts("ZeroAmount"):
            world.call(function, 0, world.taker)
        with reverts("ZeroAddress"):
            world.call(function, 1, NOBODY)
        with reverts("AmountTooLarge", MAX_UINT, most):
            world.call(function, MAX_UINT, world.taker)
    with reverts("ZeroAmount"):
        world.call("donate", 0)
    with reverts("InsufficientBalance", 100_001 * WAD, 100_000 * WAD):
        world.call("withdraw", 100_001 * world.unit, world.taker)


def test_withdraw__more_than_the_book_holds__refused(world: OptionsWorld, reverts: Reverts) -> None:
    """The taker's gain is settled, the maker's debt is still backed by another option."""
    call, other = world.list(2_000, 1), world.list(1_000, 90)
    world.trade([(call, 100 * WAD)], 0)
    world.call("withdraw", 100_000 * world.unit, world.keeper, sender=world.keeper)
    world.trade([(other, -10 * WAD)], -10_000 * WAD)
    world.settle_expiry(call >> 104, 3_500)
    world.call("settle", world.taker)
    held = world.read("state")["cash"]
    with reverts("InsufficientLiquidity", held + 10**12, held):
        world.call("withdraw", held // 10**12 + 1, world.taker)


def test_deposit__token_takes_a_fee__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_options(chain, token=hostile_token)
    chain.send(world.token.functions.setFee(100))
    with reverts("TransferAmountMismatch", world.token.address, 990_000, 1_000_000):
        world.call("deposit", 1_000_000, world.taker)
    with reverts("TransferAmountMismatch", world.token.address, 990_000, 1_000_000):
        world.call("donate", 1_000_000)


def test_calls__token_calls_back__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_options(chain, token=hostile_token)
    world.deposit(1_000, world.taker)
    inner = [
        ("deposit", (1, world.taker)),
        ("withdraw", (1, world.taker)),
        ("donate", (1,)),
        ("settle", (world.taker,)),
        ("startAuction", (world.taker,)),
        ("endAuction", (world.taker,)),
        ("bid", (world.taker, 1, 0, MAX_UINT)),
        ("trade", (world.maker, world.taker, [(1, 1)], 0)),
    ]
    for function, args in inner:
        data = world.book.functions[function](*args)._encode_transaction_data()
        chain.send(world.token.functions.setHook(world.book.address, data))
        for outer in (("deposit", (10**6, world.taker)), ("withdraw", (10**6, world.taker)), ("donate", (10**6,))):
            with reverts("ReentrancyGuardReentrantCall"):
                world.call(outer[0], *outer[1])


def test_errors__declared__each_provoked_by_a_test(settings: Settings, compiled: object) -> None:
    for name in ("OptionsMargin", "RfqSettlement"):
        declared = {e["name"] for e in build.load(settings, f"I{name}").abi if e["type"] == "error"}
        tests = "".join(p.read_text() for p in (Path(__file__).parent.parent / name).glob("test_*.py"))
        assert declared
        assert {error for error in declared if f'"{error}"' not in tests} == set()
