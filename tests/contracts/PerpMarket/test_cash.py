"""deposit, withdraw, the fund's shares, fees, and tokens that misbehave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.local_chain import LocalChain
from tests.support.perp import DAY, MAX_UINT, WAD, PerpWorld, deploy_perp, hostile_token

Reverts = Callable[..., Any]
NOBODY = "0x" + "0" * 40


@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_deposit__then_withdraw__the_same_back(chain: LocalChain, decimals: int) -> None:
    world = deploy_perp(chain, decimals=decimals)
    before = world.balance(world.trader)
    world.call("deposit", 12_345 * world.unit + 7, world.trader)
    assert world.position()["cash"] == (12_345 * world.unit + 7) * 10 ** (18 - decimals)
    world.call("withdraw", 12_345 * world.unit + 7, world.trader)
    assert world.balance(world.trader) == before


def test_withdraw__from_a_position__down_to_the_initial_margin(opened: PerpWorld, reverts_any: Reverts) -> None:
    p = opened.position()
    room = min(p["equity"], p["closingEquity"]) - p["initialMargin"]
    with reverts_any("InsufficientMargin"):
        opened.call("withdraw", room // 10**12 + 1_000_000, opened.trader)
    opened.call("withdraw", room // 10**12 - 1_000_000, opened.trader)


def test_calls__bad_amounts_and_addresses__refused(world: PerpWorld, reverts: Reverts) -> None:
    most = (2**112 - 1) // 10**12
    for function in ("deposit", "withdraw", "provide"):
        with reverts("ZeroAmount"):
            world.call(function, 0, world.trader)
        with reverts("ZeroAddress"):
            world.call(function, 1, NOBODY)
        for amount in (most + 1, MAX_UINT):
            with reverts("AmountTooLarge", amount, most):
                world.call(function, amount, world.trader)
    with reverts("InsufficientBalance", most * 10**12, 0):
        world.call("withdraw", most, world.trader)
    with reverts("ZeroAmount"):
        world.call("donate", 0)
    with reverts("InsufficientBalance", 10**12, 0):
        world.call("withdraw", 1, world.trader)
    with reverts("AmountTooLarge", 10_001, 10_000):
        world.read("depth", 10_001, True)


def test_deposit__all_that_the_market_may_hold__refused_beyond(world: PerpWorld, reverts: Reverts) -> None:
    most = (2**112 - 1) // 10**12
    world.chain.send(world.token.functions.mint(world.trader, most))
    cash = (most + 10_000_000 * world.unit) * 10**12
    with reverts("AmountTooLarge", cash, 2**112 - 1):
        world.call("deposit", most, world.trader)


def test_redeem__only_in_the_window_of_a_request(world: PerpWorld, reverts: Reverts) -> None:
    shares = world.read("fundSharesOf", world.provider)
    with reverts("RedemptionNotOpen", 0, 0):
        world.call("redeem", shares, world.provider, sender=world.provider)
    world.call("requestRedemption", sender=world.provider)
    opens = world.chain.now() + DAY
    with reverts("RedemptionNotOpen", opens, opens + DAY):
        world.call("redeem", shares, world.provider, sender=world.provider)
    world.pass_time(DAY)
    with reverts("InsufficientShares", shares + 1, shares):
        world.call("redeem", shares + 1, world.provider, sender=world.provider)
    before = world.balance(world.provider)
    world.call("redeem", shares // 2, world.provider, sender=world.provider)
    assert world.balance(world.provider) - before == 5_000_000 * world.unit
    world.pass_time(2 * DAY)
    with reverts("RedemptionNotOpen", opens, opens + DAY):
        world.call("redeem", 1, world.provider, sender=world.provider)


def test_redeem__gains_that_are_not_cash_yet__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_perp(chain, fund=20_000, fundUseBps=10_000)
    world.call("requestRedemption", sender=world.provider)
    world.open(False, 39_000, 5_000)
    world.pass_time(DAY)
    world.set_price(4_000 * 10**8)  # the short owes the fund more than it has
    world.call("poke")
    shares, worth = (world.read(name, world.provider) for name in ("fundSharesOf", "fundAssetsOf"))
    state = world.state()
    assert worth > 50_000 * WAD
    assert state["protocolFees"] == 39 * WAD * 2_000 // 10_000
    with reverts("InsufficientLiquidity", worth - worth % 10**12, state["cash"] - state["protocolFees"]):
        world.market.functions.redeem(shares, world.provider).call({"from": world.provider})


def test_claim_fees__to_the_recipient_and_nobody_else(opened: PerpWorld, reverts: Reverts) -> None:
    opened.call("claimFees", sender=opened.keeper)
    assert opened.balance(opened.recipient) == 20 * opened.unit
    with reverts("ZeroAmount"):
        opened.call("claimFees")


def test_deposit__token_takes_a_fee__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_perp(chain, token=hostile_token)
    chain.send(world.token.functions.setFee(100))
    for function in ("deposit", "provide"):
        with reverts("TransferAmountMismatch", world.token.address, 990_000, 1_000_000):
            world.call(function, 1_000_000, world.trader)
    with reverts("TransferAmountMismatch", world.token.address, 990_000, 1_000_000):
        world.call("donate", 1_000_000)


def test_calls__token_calls_back__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_perp(chain, token=hostile_token)
    world.open(True, 100_000, 20_000)
    me, market = world.trader, world.market
    inner = [
        ("deposit", (1, me)),
        ("withdraw", (1, me)),
        ("increase", (True, WAD, 0, 2**64)),
        ("decrease", (WAD, 0, 2**64)),
        ("liquidate", (world.other,)),
        ("provide", (1, me)),
        ("redeem", (1, me)),
        ("donate", (1,)),
        ("poke", ()),
        ("claimFees", ()),
    ]
    for function, args in inner:
        data = market.functions[function](*args)._encode_transaction_data()
        chain.send(world.token.functions.setHook(market.address, data))
        for outer in (("deposit", (10**6, me)), ("withdraw", (10**6, me)), ("donate", (10**6,)), ("claimFees", ())):
            with reverts("ReentrancyGuardReentrantCall"):
                world.call(outer[0], *outer[1])


def test_withdraw__token_blocks_one_trader__others_go_on(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_perp(chain, token=hostile_token)
    world.open(True, 100_000, 10_000)
    world.open(False, 50_000, 10_000, world.other)
    chain.send(world.token.functions.setBlocked(world.trader))
    with reverts("Blocked", world.trader):
        world.call("withdraw", 1, world.trader)
    world.decrease(sender=world.other)
    world.call("withdraw", world.unit, world.other, sender=world.other)
    world.set_price(1_900 * 10**8)
    world.call("liquidate", world.trader, sender=world.keeper)
