"""What a call costs does not depend on how many users there are: the same gas beside nobody and beside many.

PLUMBLINE_FUZZ_CASES sets how many users there are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction

from tests.support.call_harness import sent
from tests.support.lending import SUPPLIED, deploy_world
from tests.support.local_chain import MAX_GAS, LocalChain
from tests.support.matching import FIRST, SECOND, deploy_matching, list_series
from tests.support.options import WAD
from tests.support.perp import FOREVER, MAX_UINT, deploy_perp
from tests.support.rfq import deploy_rfq

USERS = int(os.environ.get("PLUMBLINE_FUZZ_CASES", "100"))
BATCH = 50  # in one transaction
LATER = 600  # seconds from the set-up to the call that is measured
Call = tuple[ContractFunction, str]


@dataclass(frozen=True)
class Case:
    """A protocol in use: how a user joins it, and calls that are measured one by one."""

    chain: LocalChain
    harness: Contract
    protocol: Contract
    joins: Callable[[str], Sequence[ContractFunction]]
    calls: Sequence[Call]
    at: int

    def gas(self) -> list[int]:
        """What each call uses at one fixed time, each from the present state."""
        found = []
        for call, sender in self.calls:
            with self.chain.undone():
                self.chain.set_next_time(self.at)
                found.append(int(self.chain.send(call, sender)["gasUsed"]))
        return found

    def fill(self) -> None:
        """Many users more, each with something in it."""
        for first in range(0, USERS, BATCH):
            users = [Web3.to_checksum_address((2**100 + i).to_bytes(20).hex()) for i in range(first, first + BATCH)]
            data = [bytes.fromhex(f._encode_transaction_data()[2:]) for user in users for f in self.joins(user)]
            receipt = sent(self.chain, self.harness, [(0, self.protocol.address, d) for d in data], MAX_GAS)
            assert receipt["status"] == "0x1"


def perp(chain: LocalChain) -> Case:
    world = deploy_perp(chain)
    world.open(True, 100_000, 12_000)
    world.open(False, 50_000, 12_000, world.other)
    f, harness = world.market.functions, harness_of(chain, "PerpHarness", world.market, world.token)
    calls = [
        (f.deposit(10**9, world.trader), world.trader),
        (f.increase(True, 1_000 * WAD, 0, FOREVER), world.trader),
        (f.decrease(MAX_UINT, MAX_UINT, FOREVER), world.other),
        (f.poke(), world.keeper),
    ]
    return Case(
        chain,
        harness,
        world.market,
        lambda user: [f.deposit(10**6, user), f.provide(10**6, user)],
        calls,
        chain.now() + LATER,
    )


def lending(chain: LocalChain) -> Case:
    world = deploy_world(chain)
    world.call("supply", SUPPLIED, world.lender, sender=world.lender)
    world.open_position(100 * 10**18, 100_000 * 10**6)
    f, harness = world.vault.functions, harness_of(chain, "LendingHarness", world.vault, world.debt, world.collateral)
    calls = [
        (f.borrow(10**9, world.borrower), world.borrower),
        (f.repay(10**9, world.borrower), world.borrower),
        (f.withdraw(10**9, world.lender), world.lender),
        (f.poke(world.borrower), world.liquidator),
    ]

    def joins(user: str) -> list[ContractFunction]:
        return [f.supply(10**6, user), f.addCollateral(world.asset, 10**15, user)]

    return Case(chain, harness, world.vault, joins, calls, chain.now() + LATER)


def options(chain: LocalChain) -> Case:
    world = deploy_rfq(chain)
    book = world.options
    call = book.list(2_000)
    book.trade([(call, WAD)], 0)
    f, harness = book.book.functions, harness_of(chain, "OptionsHarness", book.book, book.token)
    quote = world.quote([(call, WAD)])
    calls = [
        (f.deposit(10**9, book.taker), book.taker),
        (f.trade(book.maker, book.taker, [(call, WAD)], 0), book.taker),
        (f.withdraw(10**9, book.taker), book.taker),
        (world.rfq.functions.settle(quote.fields(), world.sign(quote), b""), book.taker),
    ]
    return Case(chain, harness, book.book, lambda user: [f.deposit(10**6, user)], calls, chain.now() + LATER)


def matching(chain: LocalChain) -> Case:
    world = deploy_matching(chain)
    series_id, book = list_series(world), world.options
    world.run(world.place(FIRST, series_id, False, 100 * WAD))
    resting = world.twin.books[series_id].copy()
    entry = world.place(SECOND, series_id, True, 100 * WAD)
    world.commit(series_id, [entry])
    f, harness = book.book.functions, harness_of(chain, "OptionsHarness", book.book, book.token)
    calls = [(world.settlement(series_id, [entry], resting), book.keeper)]
    return Case(chain, harness, book.book, lambda user: [f.deposit(10**6, user)], calls, chain.now() + LATER)


def harness_of(chain: LocalChain, name: str, protocol: Contract, *tokens: Contract) -> Contract:
    """A harness of one account that has plenty of each token."""
    harness = chain.deploy(name, protocol.address, 1)
    for token in tokens:
        chain.send(token.functions.mint(harness.functions.actors(0).call(), 10**24))
    return harness


@pytest.mark.parametrize("protocol", [perp, lending, options, matching], ids=lambda make: str(make.__name__))
def test_gas__beside_many_users__as_beside_one(chain: LocalChain, protocol: Callable[[LocalChain], Case]) -> None:
    case = protocol(chain)
    alone = case.gas()
    case.fill()
    assert case.gas() == alone
