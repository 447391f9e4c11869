"""The fund's shares to the unit, its events, and a market that everybody leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from eth_abi import encode
from eth_utils.crypto import keccak

from tests.support.local_chain import LocalChain
from tests.support.perp import DAY, FOREVER, MAX_UINT, WAD, PerpWorld, deploy_perp

Reverts = Callable[..., Any]
TOTAL_SHARES_SLOT = 10  # of tests/contracts/layouts.json
# Nothing fades, ramps or is charged: what comes back is what was given
STILL = {"premiumDecayBpsPerHour": 0, "depthRampBpsPerHour": 0}


@pytest.fixture(scope="module")
def _empty(chain: LocalChain) -> PerpWorld:
    return deploy_perp(chain, fund=0)


@pytest.fixture
def empty(_empty: PerpWorld) -> PerpWorld:
    """A market of 6 decimals whose fund has nothing yet."""
    _empty.refresh()
    return _empty


def names(world: PerpWorld, function: str, *args: Any) -> list[tuple[str, dict[str, Any]]]:
    """What a call of the provider logs."""
    return world.chain.log(world.market, world.call(function, *args, sender=world.provider))


def redeem_all(world: PerpWorld) -> None:
    """The provider takes everything out, two seconds after asking."""
    world.call("requestRedemption", sender=world.provider)
    world.chain.mine(world.chain.now() + 2)
    world.call("redeem", world.read("fundSharesOf", world.provider), world.provider, sender=world.provider)


def in_one_block(world: PerpWorld, *calls: tuple[str, str, tuple[Any, ...]]) -> None:
    """Sender, function and arguments of each call: between them nothing fades and no funding runs."""
    world.chain.rpc("evm_setAutomine", False)
    try:
        sent = [
            world.market.functions[function](*args).transact({"from": sender, "gas": 3_000_000})
            for sender, function, args in calls
        ]
        world.chain.rpc("evm_mine")
    finally:
        world.chain.rpc("evm_setAutomine", True)
    assert [world.chain.web3.eth.get_transaction_receipt(one)["status"] for one in sent] == [1] * len(sent)


def test_fund__given_donated_and_redeemed__shares_and_events_to_the_unit(empty: PerpWorld) -> None:
    world, me, other = empty, empty.provider, empty.other
    fresh = {"indexPrice": 2_000 * WAD, "priceFresh": True, "riskFresh": True}
    margin = world.state()["marginInForce"]
    synced = ("Synced", {**fresh, "margin": margin, "depthRatio": WAD, "fundPaid": 0})
    given = {"sender": me, "receiver": me, "amount": 3_000_000, "shares": 3 * 10**24}
    assert names(world, "provide", 3_000_000, me) == [synced, ("LiquidityProvided", given)]
    assert names(world, "donate", 3_000_000) == [synced, ("Donated", {"sender": me, "amount": 3_000_000})]
    # 6 whole quote for 3e24 shares and the million that nobody owns: what comes next is dear
    shares = 2 * 10**18 * (3 * 10**24 + 10**6) // (6 * 10**18 + 1)
    given = {"sender": me, "receiver": other, "amount": 2_000_000, "shares": shares}
    assert names(world, "provide", 2_000_000, other) == [synced, ("LiquidityProvided", given)]
    assert (world.state()["fund"], world.state()["cash"]) == (8 * 10**18, 8 * 10**18)
    assert world.read("fundSharesOf", other) == shares
    assert world.read("totalFundShares") == 3 * 10**24 + shares
    opens = world.chain.now() + 1 + DAY
    asked = {"provider": me, "opensAt": opens, "closesAt": opens + DAY}
    assert names(world, "requestRedemption") == [("RedemptionRequested", asked)]
    world.pass_time(DAY)
    before = world.balance(other)
    taken = {"provider": me, "receiver": other, "amount": 2_999_999, "shares": 15 * 10**23}  # a half, rounded down
    assert names(world, "redeem", 15 * 10**23, other) == [synced, ("LiquidityRedeemed", taken)]
    assert world.balance(other) - before == 2_999_999
    assert world.state()["fund"] == world.state()["cash"] == 8 * 10**18 - 2_999_999 * 10**12
    assert (world.read("fundSharesOf", me), world.read("totalFundShares")) == (15 * 10**23, 15 * 10**23 + shares)


def test_provide__too_little_for_a_share__refused(empty: PerpWorld, reverts: Reverts) -> None:
    """Whoever gives to an empty fund first makes shares dear, but cannot take what comes after them."""
    empty.call("donate", 1_000_000)
    with reverts("ZeroAmount"):
        empty.call("provide", 1, empty.provider, sender=empty.provider)
    empty.call("provide", 2, empty.provider, sender=empty.provider)
    assert empty.read("fundSharesOf", empty.provider) == 1


@pytest.mark.parametrize(("left", "wiped"), [(10**12 - 1, True), (10**12, False)])
def test_provide__fund_of_dust__shares_begin_anew(chain: LocalChain, left: int, wiped: bool) -> None:
    """Whoever owned less than a millionth of a quote unit owns nothing: else shares grow until none can be counted."""
    world = deploy_perp(chain, decimals=18, fund=0)
    world.call("provide", left, world.provider, sender=world.provider)
    receipt = world.call("provide", WAD, world.other, sender=world.provider)
    ended = [{"epoch": 0, "shares": left * 10**6}] if wiped else []
    assert [dict(event) for event in world.events(receipt, "FundWiped")] == ended
    assert world.read("fundSharesOf", world.provider) == (0 if wiped else left * 10**6)
    owned = 10**24 // (left + 1) if wiped else WAD * (left + 1) * 10**6 // (left + 1)
    assert world.read("fundSharesOf", world.other) == owned
    assert world.state()["fund"] == left + WAD


def test_provide__a_wei_has_2_to_the_128_shares__refused(empty: PerpWorld, reverts: Reverts) -> None:
    empty.call("donate", 1_000_000)
    fund, place = empty.state()["fund"], keccak(encode(("uint256", "uint256"), (0, TOTAL_SHARES_SLOT)))
    for total, usable in (((fund + 1 << 128) - 1, True), (fund + 1 << 128, False)):
        empty.chain.rpc("anvil_setStorageAt", empty.market.address, "0x" + place.hex(), f"0x{total:064x}")
        provide = empty.market.functions.provide(1_000_000, empty.provider)
        if usable:
            assert provide.call({"from": empty.provider}) == fund * (total + 10**6) // (fund + 1)
        else:
            with reverts("FundDiluted", total, fund):
                provide.call({"from": empty.provider})


def test_redeem__window__open_from_its_first_to_its_last_second(empty: PerpWorld, reverts: Reverts) -> None:
    empty.call("provide", 4_000_000, empty.provider, sender=empty.provider)
    empty.call("requestRedemption", sender=empty.provider)
    opens = empty.chain.now() + DAY
    for at, usable in ((opens - 1, False), (opens, True), (opens + DAY, True), (opens + DAY + 1, False)):
        empty.chain.mine(at)
        redeem = empty.market.functions.redeem(10**24, empty.provider)
        if usable:
            assert redeem.call({"from": empty.provider}) == 1_000_000
        else:
            with reverts("RedemptionNotOpen", opens, opens + DAY):
                redeem.call({"from": empty.provider})


def test_claim_fees__everybody_has_left__paid_to_the_last_wei(chain: LocalChain) -> None:
    world = deploy_perp(
        chain,
        decimals=18,
        fund=1_000_000,
        protocolShareBps=10_000,
        baseDepth=21_000 * WAD,
        maxOpenInterest=1_000 * WAD,
        maxDivergenceBps=2_000,
        maxSkewFundBps=30_000,
        fundCooldown=2,
        **STILL,
    )
    world.call("deposit", 500_000 * WAD, world.trader)
    # A twentieth of the reserve buys a 21st of the base: nothing is rounded
    limits = (True, 2_100_000 * WAD, 1_000 * WAD, FOREVER), (MAX_UINT, 2_100_000 * WAD, FOREVER)
    in_one_block(world, (world.trader, "increase", limits[0]), (world.trader, "decrease", limits[1]))
    fees = 2 * 2_100 * WAD
    left = 500_000 * WAD - fees
    nothing = dict.fromkeys(("base", "notional", "initialMargin", "maintenanceMargin"), 0)
    worth = dict.fromkeys(("cash", "equity", "closingEquity"), left)
    assert world.position() == {**nothing, **worth, "liquidatable": False}
    world.call("withdraw", left, world.trader)
    redeem_all(world)
    state = world.state()
    assert (state["cash"], state["protocolFees"], state["fund"], state["poolQuote"]) == (fees, fees, 0, 0)
    assert world.chain.log(world.market, world.call("claimFees"))[-1] == ("FeesClaimed", {"amount": fees})
    assert (world.balance(world.recipient), world.balance(world.market.address)) == (fees, 0)


def test_sync__nothing_in_the_fund__the_index_is_followed_the_reserves_stay(chain: LocalChain) -> None:
    world = deploy_perp(chain, fund=100_000, feeBps=0, fundCooldown=2, **STILL)
    for who in (world.trader, world.other):
        world.call("deposit", 10_000 * world.unit, who, sender=who)
    quote = 30_001 * WAD
    longs, shorts = (True, quote, 0, FOREVER), (False, quote, MAX_UINT, FOREVER)
    in_one_block(world, (world.trader, "increase", longs), (world.other, "increase", shorts))
    redeem_all(world)
    before = world.state()
    assert before["fund"] == 0
    assert 0 < before["shorts"] - before["longs"] < 10  # in a fall the fund would have to pay for it
    world.set_price(1_800 * 10**8)
    (event,) = world.events(world.call("poke"), "Synced")
    after = world.state()
    assert (event["indexPrice"], event["fundPaid"]) == (1_800 * WAD, 0)
    assert after["indexPrice"] == 1_800 * WAD
    for name in ("baseReserve", "quoteReserve", "poolQuote", "fund"):
        assert after[name] == before[name]
