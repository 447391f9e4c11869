"""Tokens that answer transfers with nothing, as USDT does, or with false: whoever holds cash handles both.

Fees on transfer and tokens that call back are in each contract's own folder. RfqSettlement and OrderMatching never hold
a token: what they settle moves within the options book.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.support.lending import MAX_UINT, deploy_world, hostile_token
from tests.support.local_chain import LocalChain
from tests.support.options import WAD, deploy_options
from tests.support.perp import DAY, deploy_perp
from tests.support.rfq import deploy_rfq

Reverts = Callable[..., AbstractContextManager[None]]
NOTHING, FALSE, TRUE = range(3)


@pytest.mark.parametrize(("collateral", "debt"), [(11, 15), (18, 6)])
def test_lending__token_answers_nothing__everybody_gets_theirs(chain: LocalChain, collateral: int, debt: int) -> None:
    world = deploy_world(chain, token=hostile_token, collateral_decimals=collateral, debt_decimals=debt)
    before = {who: world.balances(who) for who in (world.lender, world.borrower)}
    for token in (world.collateral, world.debt):
        chain.send(token.functions.setAnswer(NOTHING))
    supplied = 10**6 * 10**debt
    world.call("supply", supplied, world.lender, sender=world.lender)
    world.open_position(100 * 10**collateral, 10**5 * 10**debt)
    world.call("repay", MAX_UINT, world.borrower)
    world.call("withdrawCollateral", world.asset, 100 * 10**collateral, world.borrower)
    world.call("redeem", world.read("supplySharesOf", world.lender), world.lender, sender=world.lender)
    held = (world.collateral, world.debt)
    assert world.balances(world.borrower)[0] == before[world.borrower][0]
    left = [token.functions.balanceOf(world.vault.address).call() for token in held]
    assert left[0] == 0
    # Of a second's interest nothing is lost: what stays is the reserve's, and rounding against whoever leaves
    gone = sum(before[who][1] - world.balances(who)[1] for who in before)
    assert left[1] == gone
    assert gone <= world.read("market")["reserve"] + 2


@pytest.mark.parametrize("decimals", [9, 17])
def test_perp__token_answers_nothing__everybody_gets_theirs(chain: LocalChain, decimals: int) -> None:
    world = deploy_perp(chain, token=hostile_token, decimals=decimals, fund=0)
    chain.send(world.token.functions.setAnswer(NOTHING))
    before = {who: world.balance(who) for who in (world.trader, world.provider)}
    world.call("provide", 10**6 * world.unit, world.provider, sender=world.provider)
    world.call("deposit", 5_000 * world.unit, world.trader)
    world.call("withdraw", 5_000 * world.unit, world.trader)
    world.call("requestRedemption", sender=world.provider)
    world.pass_time(DAY)
    shares = world.read("fundSharesOf", world.provider)
    world.call("redeem", shares, world.provider, sender=world.provider)
    assert {who: before[who] - world.balance(who) for who in before} == {world.trader: 0, world.provider: 0}
    assert world.balance(world.market.address) == 0


@pytest.mark.parametrize("decimals", [7, 13])
def test_options__token_answers_nothing__everybody_gets_theirs(chain: LocalChain, decimals: int) -> None:
    world = deploy_options(chain, token=hostile_token, decimals=decimals)
    chain.send(world.token.functions.setAnswer(NOTHING))
    before = world.balance(world.maker) + world.balance(world.taker)
    for who in (world.maker, world.taker):
        world.deposit(50_000, who)
    call = world.list(2_000)
    world.trade([(call, WAD)], 100 * WAD)
    world.trade([(call, -WAD)], -90 * WAD)
    world.call("withdraw", 50_010 * world.unit, world.maker, sender=world.maker)
    world.call("withdraw", 49_990 * world.unit, world.taker)
    assert world.balance(world.maker) + world.balance(world.taker) == before
    assert world.balance(world.book.address) == 0


def test_lending__token_answers_false__refused_and_later_paid(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_world(chain, token=hostile_token)
    world.call("supply", 10**12, world.lender, sender=world.lender)
    world.open_position(100 * 10**18, 10**9)
    for token in (world.collateral, world.debt):
        chain.send(token.functions.setAnswer(FALSE))
    calls = [
        ("supply", (1, world.lender), world.debt),
        ("withdraw", (1, world.lender), world.debt),
        ("addCollateral", (world.asset, 1, world.borrower), world.collateral),
        ("withdrawCollateral", (world.asset, 1, world.borrower), world.collateral),
        ("borrow", (10**8, world.borrower), world.debt),
        ("repay", (1, world.borrower), world.debt),
    ]
    for function, args, token in calls:
        with reverts("SafeERC20FailedOperation", token.address):
            world.call(function, *args, sender=world.lender if args[-1] == world.lender else world.borrower)
    for token in (world.collateral, world.debt):
        chain.send(token.functions.setAnswer(TRUE))
    world.call("repay", MAX_UINT, world.borrower)
    world.call("withdrawCollateral", world.asset, 100 * 10**18, world.borrower)
    assert world.amount() == 0


def test_perp__token_answers_false__refused_and_later_paid(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_perp(chain, token=hostile_token)
    world.call("deposit", 1_000 * world.unit, world.trader)
    chain.send(world.token.functions.setAnswer(FALSE))
    for function, args in (
        ("deposit", (1, world.trader)),
        ("withdraw", (1, world.trader)),
        ("provide", (1, world.trader)),
    ):
        with reverts("SafeERC20FailedOperation", world.token.address):
            world.call(function, *args)
    chain.send(world.token.functions.setAnswer(TRUE))
    world.call("withdraw", 1_000 * world.unit, world.trader)


def test_options__token_answers_false__refused_and_later_paid(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_options(chain, token=hostile_token)
    world.deposit(1_000, world.taker)
    chain.send(world.token.functions.setAnswer(FALSE))
    for function, args in (("deposit", (1, world.taker)), ("withdraw", (1, world.taker)), ("donate", (1,))):
        with reverts("SafeERC20FailedOperation", world.token.address):
            world.call(function, *args)
    chain.send(world.token.functions.setAnswer(TRUE))
    world.call("withdraw", 1_000 * world.unit, world.taker)


def test_rfq__token_is_dead__positions_still_move(chain: LocalChain) -> None:
    """A token that stops answering holds up withdrawals, not what closes a position."""
    world = deploy_rfq(chain, token=hostile_token)
    quote = world.quote([(world.options.list(2_000), WAD)])
    chain.send(world.options.token.functions.setAnswer(FALSE))
    world.settle(quote)
    assert world.options.balance(world.rfq.address) == 0
