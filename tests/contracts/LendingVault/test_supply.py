"""supply: shares for debt asset, rounded down, without a way to inflate their price."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.lending import SUPPLIED, LendingWorld, deploy_world, hostile_token
from tests.support.local_chain import LocalChain

Reverts = Callable[..., Any]
SUPPLY_SHARES_SLOT = "0x3"  # of tests/contracts/layouts.json


def test_supply__first_lender__shares_at_the_virtual_price(world: LendingWorld) -> None:
    assert world.read("supplySharesOf", world.lender) == SUPPLIED * 10**6
    assert world.read("supplyAssetsOf", world.lender) == SUPPLIED
    assert world.balances(world.vault.address) == (0, SUPPLIED)


def test_supply__for_another__receiver_owns_the_shares(world: LendingWorld) -> None:
    receipt = world.call("supply", 500, world.outsider, sender=world.lender)
    assert world.events(receipt, "Supplied") == [
        {"sender": world.lender, "receiver": world.outsider, "assets": 500, "shares": 500 * 10**6}
    ]
    assert world.read("supplySharesOf", world.outsider) == 500 * 10**6


def test_supply__after_interest__fewer_shares_and_never_worth_more(opened: LendingWorld) -> None:
    opened.chain.mine(opened.chain.now() + 200 * 86_400)
    opened.call("supply", 1_000_000, opened.outsider, sender=opened.outsider)
    assert opened.read("supplySharesOf", opened.outsider) < 10**12
    assert 999_999 <= opened.read("supplyAssetsOf", opened.outsider) <= 1_000_000


def test_supply__donation_before_the_first_lender__takes_nothing_from_them(chain: LocalChain) -> None:
    world = deploy_world(chain)
    world.call("supply", 1, world.outsider, sender=world.outsider)
    chain.send(world.debt.functions.transfer(world.vault.address, 10**12), world.outsider)
    world.call("supply", 10**6, world.lender, sender=world.lender)
    assert world.read("supplyAssetsOf", world.lender) == 10**6
    assert world.read("supplyAssetsOf", world.outsider) == 1


def test_supply__bad_arguments__refused(world: LendingWorld, reverts: Reverts) -> None:
    zero = "0x" + "0" * 40
    with reverts("ZeroAmount"):
        world.call("supply", 0, world.lender)
    with reverts("ZeroAddress"):
        world.call("supply", 1, zero)
    for amount in (2**112, 2**256 - 1):
        with reverts("AmountTooLarge", amount, 2**112 - 1):
            world.call("supply", amount, world.lender)
    with reverts("AmountTooLarge", SUPPLIED + 2**112 - 1, 2**112 - 1):
        world.call("supply", 2**112 - 1, world.lender)


def test_supply__without_allowance__token_error(world: LendingWorld, reverts: Reverts) -> None:
    stranger = world.chain.address(11)
    with reverts("ERC20InsufficientAllowance", world.vault.address, 0, 5):
        world.call("supply", 5, stranger, sender=stranger)


def test_supply__token_takes_a_fee__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_world(chain, token=hostile_token)
    chain.send(world.debt.functions.setFee(100))
    with reverts("TransferAmountMismatch", world.debt.address, 990_000, 1_000_000):
        world.call("supply", 1_000_000, world.lender, sender=world.lender)


def test_supply__a_base_unit_has_2_to_the_128_shares__refused(world: LendingWorld, reverts: Reverts) -> None:
    limit = SUPPLIED + 1 << 128
    for total, usable in ((limit - 1, True), (limit, False)):
        world.chain.rpc("anvil_setStorageAt", world.vault.address, SUPPLY_SHARES_SLOT, f"0x{total:064x}")
        supply = world.vault.functions.supply(1_000_000, world.lender)
        if usable:
            assert supply.call({"from": world.lender}) == 1_000_000 * (total + 10**6) // (SUPPLIED + 1)
        else:
            with reverts("SupplyDiluted", total, SUPPLIED):
                supply.call({"from": world.lender})
