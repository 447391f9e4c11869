"""Logs that settle: who trades with whom at which price, and everything for which an order goes.

Every settlement is compared with the Python twin, event by event and account by account (tests/support/matching.py).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from oracle.domain.matching import MAX_RESTING, Fill, Gone, Happening, SeriesBook, cash_of
from oracle.domain.matching_log import LogEntry, Order, root_of
from tests.support.local_chain import account
from tests.support.matching import FIRST, OPERATOR, SECOND, THIRD, MatchingWorld, deposit
from tests.support.options import DAY, WAD

Reverts = Callable[..., AbstractContextManager[None]]
PRICE = 100 * WAD


def fills(happened: list[Happening]) -> list[tuple[int, int, int, int]]:
    return [(e.taker_index, e.maker_index, e.amount, e.price) for e in happened if isinstance(e, Fill)]


def reasons(happened: list[Happening]) -> list[tuple[int, str]]:
    return [(e.index, e.reason.name if e.reason else "") for e in happened if isinstance(e, Gone)]


def test_settle__crossing_orders__trade_at_the_resting_price_best_and_earliest_first(
    world: MatchingWorld, series_id: int
) -> None:
    happened = world.run(
        world.place(FIRST, series_id, False, 101 * WAD),
        world.place(SECOND, series_id, False, PRICE),
        world.place(FIRST, series_id, False, PRICE),
        world.place(THIRD, series_id, True, 102 * WAD, 5 * WAD // 2),
    )
    assert fills(happened) == [(3, 1, WAD, PRICE), (3, 2, WAD, PRICE), (3, 0, WAD // 2, 101 * WAD)]
    assert [o.amount for o in world.twin.books[series_id].asks] == [WAD // 2]
    assert world.options.account(account(THIRD).address)["cash"] == 100_000 * WAD - 200 * WAD - 101 * WAD // 2


def test_settle__what_is_left__rests_until_a_later_batch(world: MatchingWorld, series_id: int) -> None:
    assert world.run(world.place(FIRST, series_id, True, PRICE, 3 * WAD)) == []
    assert fills(world.run(world.place(SECOND, series_id, False, 90 * WAD, WAD))) == [(1, 0, WAD, PRICE)]
    assert fills(world.run(world.place(SECOND, series_id, False, 90 * WAD, 4 * WAD))) == [(2, 0, 2 * WAD, PRICE)]
    assert [o.price for o in world.twin.books[series_id].asks] == [90 * WAD]


def test_settle__odd_wei__against_the_incoming_order(world: MatchingWorld, series_id: int) -> None:
    world.run(
        world.place(FIRST, series_id, True, PRICE + 1, WAD // 1_000),
        world.place(SECOND, series_id, False, 1, WAD // 1_000),
        world.place(FIRST, series_id, False, PRICE + 1, WAD // 1_000),
        world.place(SECOND, series_id, True, 2 * PRICE, WAD // 1_000),
    )
    assert world.options.account(account(SECOND).address)["cash"] == 100_000 * WAD - 1
    for amount, price in ((1, 1), (-1, 1), (3, WAD // 2), (-3, WAD // 2)):
        assert 0 <= cash_of(amount, price) * WAD - amount * price < WAD


def test_settle__cancelled_in_the_log__trades_no_more(world: MatchingWorld, series_id: int) -> None:
    resting = world.order(FIRST, series_id, True, PRICE)
    foreign = world.entry(resting, SECOND, is_cancel=True)
    happened = world.run(
        world.entry(resting),
        foreign,
        world.entry(resting, is_cancel=True),
        world.entry(resting, is_cancel=True),
        world.place(SECOND, series_id, False, PRICE),
    )
    assert reasons(happened) == [(1, "InvalidSignature"), (0, ""), (3, "OrderNotResting")]
    assert fills(happened) == []


def test_settle__cancelled_on_chain_or_expired__goes_when_met(world: MatchingWorld, series_id: int) -> None:
    chain = world.chain
    first = world.place(FIRST, series_id, True, PRICE + 1)
    second = world.place(FIRST, series_id, True, PRICE, expiry=chain.now() + 60)
    world.run(first, second, world.place(FIRST, series_id, True, PRICE - 1))
    chain.send(world.matching.functions.cancel([first.order.nonce]), account(FIRST).address)
    world.twin.cancel(account(FIRST).address, first.order.nonce)
    chain.mine(chain.now() + 120)
    world.options.refresh()
    world.around.book.feeds = world.options.model().feeds
    happened = world.run(world.place(SECOND, series_id, False, PRICE - 1))
    assert reasons(happened) == [(0, "NonceUsed"), (1, "OrderExpired")]
    assert fills(happened) == [(3, 2, WAD, PRICE - 1)]


def test_settle__its_own_trader__the_incoming_order_goes(world: MatchingWorld, series_id: int) -> None:
    happened = world.run(
        world.place(SECOND, series_id, False, PRICE),
        world.place(FIRST, series_id, False, PRICE + 1),
        world.place(FIRST, series_id, True, PRICE + 2, 3 * WAD),
    )
    assert fills(happened) == [(2, 0, WAD, PRICE)]
    assert reasons(happened) == [(2, "SelfTrade")]
    assert [o.index for o in world.twin.books[series_id].asks] == [1]


def test_settle__without_margin__the_named_one_goes(world: MatchingWorld, series_id: int) -> None:
    huge = 1_000 * WAD
    happened = world.run(
        world.place(FIRST, series_id, False, 50 * WAD, huge),
        world.place(SECOND, series_id, False, 60 * WAD),
        world.place(THIRD, series_id, True, 60 * WAD, huge),
        world.place(FIRST, series_id, False, 60 * WAD, huge),
    )
    assert reasons(happened) == [(0, "InsufficientMargin"), (3, "InsufficientMargin")]
    assert fills(happened) == [(2, 1, WAD, 60 * WAD)]


def test_settle__options_book_refuses_everybody__the_incoming_one_goes(world: MatchingWorld, series_id: int) -> None:
    world.run(world.place(FIRST, series_id, False, PRICE))
    world.chain.send(world.options.feeds["priceFeed"].functions.setMode(1))
    world.around.book.feeds.price.alive = False
    happened = world.run(world.place(SECOND, series_id, True, PRICE))
    assert reasons(happened) == [(1, "MarksUnavailable")]
    assert [o.index for o in world.twin.books[series_id].asks] == [0]


def test_settle__trader_took_its_consent_back__goes(world: MatchingWorld, series_id: int) -> None:
    world.run(world.place(FIRST, series_id, False, PRICE), world.place(SECOND, series_id, False, PRICE))
    maker = account(FIRST).address
    world.options.call("setOperator", world.matching.address, False, sender=maker)
    world.around.book.operators.discard((maker, world.matching.address))
    happened = world.run(world.place(THIRD, series_id, True, PRICE))
    assert (reasons(happened), fills(happened)) == ([(0, "NotOperator")], [(2, 1, WAD, PRICE)])


def test_settle__more_resting_orders_than_one_may_meet__the_rest_of_it_goes(
    world: MatchingWorld, series_id: int
) -> None:
    lot = WAD // 1_000
    world.run(*(world.place(FIRST, series_id, False, PRICE + i, lot) for i in range(4)))
    happened = world.run(world.place(SECOND, series_id, True, 2 * PRICE, WAD))
    assert [f[1] for f in fills(happened)] == [0, 1, 2]
    assert reasons(happened) == [(4, "TradeLimitReached")]
    assert [o.index for o in world.twin.books[series_id].asks] == [3]


def test_settle__full_side__one_more_goes(world: MatchingWorld, series_id: int) -> None:
    world.run(*(world.place(FIRST, series_id, True, PRICE + i) for i in range(MAX_RESTING)))
    happened = world.run(world.place(FIRST, series_id, True, PRICE), world.place(SECOND, series_id, False, 2 * PRICE))
    assert reasons(happened) == [(MAX_RESTING, "BookFull")]


def test_settle__entries_that_cannot_be_taken__refused_by_their_reason(world: MatchingWorld, series_id: int) -> None:
    good = world.place(FIRST, series_id, True, PRICE)
    base = good.order
    now = world.chain.now()

    def signed(**changes: Any) -> LogEntry:
        return world.entry(replace(base, nonce=base.nonce + 1_000, **changes), FIRST)

    entries = [
        good,
        good,
        world.entry(replace(base, price=PRICE + 1), FIRST),
        signed(series_id=series_id + 1),
        signed(price=0),
        signed(amount=0),
        signed(price=2**112),
        signed(amount=2**112),
        signed(amount=WAD + 1),
        signed(expiry=now - 1),
        world.entry(replace(base, nonce=9_999), SECOND),
        replace(signed(), signature=b""),
        replace(signed(), signature=b"\x01" * 65),
    ]
    expected = ["NonceUsed", "NonceUsed", "SeriesMismatch", *["OrderOutOfRange"] * 4, "OrderLotMismatch"]
    expected += ["OrderExpired", *["InvalidSignature"] * 3]
    happened = world.run(*entries)
    assert reasons(happened) == list(enumerate(expected, start=1))
    assert [o.index for o in world.twin.books[series_id].bids] == [0]


def test_settle__order_for_another_chain_or_contract__refused(world: MatchingWorld, series_id: int) -> None:
    foreign = [replace(world.domain, chain_id=1), replace(world.domain, contract=world.options.book.address)]
    entries = []
    for domain in foreign:
        order = world.order(FIRST, series_id, True, PRICE)
        signature = Account.unsafe_sign_hash(order.digest(domain), account(FIRST).key).signature
        entries.append(replace(world.entry(order), signature=bytes(signature)))
    assert reasons(world.run(*entries)) == [(0, "InvalidSignature"), (1, "InvalidSignature")]


def test_settle__contract_account__by_erc_1271(world: MatchingWorld, series_id: int) -> None:
    chain, options = world.chain, world.options
    signer = chain.deploy("ContractSigner", sender=account(FIRST).address)
    world.around.owners[signer.address] = account(FIRST).address
    data = options.book.functions.setOperator(world.matching.address, True)._encode_transaction_data()
    chain.send(signer.functions.forward(options.book.address, data), account(FIRST).address)
    world.around.book.operators.add((signer.address, world.matching.address))
    deposit(world, signer.address, 50_000)
    order = world.order(FIRST, series_id, False, PRICE, who=signer.address)
    other = world.order(FIRST, series_id, False, PRICE, who=signer.address)
    happened = world.run(
        world.entry(other, SECOND), world.entry(order, FIRST), world.place(SECOND, series_id, True, PRICE)
    )
    assert (reasons(happened), fills(happened)) == ([(0, "InvalidSignature")], [(2, 1, WAD, PRICE)])


@pytest.mark.parametrize("mode", ["BurningGas", "ReturnBomb", "Reenter"])
def test_settle__hostile_contract_account__only_its_own_order_is_refused(
    world: MatchingWorld, series_id: int, mode: str
) -> None:
    signer = world.chain.deploy(
        "HostileSigner", ["BurningGas", "ReturnBomb", "Reenter"].index(mode), world.matching.address
    )
    order = world.order(FIRST, series_id, False, PRICE, who=signer.address)
    happened = world.run(world.entry(order, FIRST), world.place(SECOND, series_id, True, PRICE))
    assert reasons(happened) == [(0, "InvalidSignature")]


def test_settle__in_parts__as_in_one(world: MatchingWorld, series_id: int) -> None:
    entries = [world.place(FIRST, series_id, False, PRICE + i) for i in range(3)]
    entries.append(world.place(SECOND, series_id, True, PRICE + 1, 2 * WAD))
    world.commit(series_id, entries)
    assert world.settle(series_id, entries, 2) == []
    assert world.settle(series_id, entries, 1) == []
    assert [f[1] for f in fills(world.settle(series_id, entries))] == [0, 1]
    log = world.matching.functions.logOf(series_id).call()
    assert (log[0], log[1], log[2], log[3]) == (4, 4, 1, 1)


def test_settle__what_was_not_committed__refused(world: MatchingWorld, series_id: int, reverts: Reverts) -> None:
    entries = [world.place(FIRST, series_id, False, PRICE), world.place(SECOND, series_id, True, PRICE - 1)]
    empty = SeriesBook()
    with reverts("BatchNotCommitted", series_id, 0):
        world.chain.send(world.settlement(series_id, entries, empty))
    world.commit(series_id, entries)
    wrong = entries[::-1]
    roots = root_of(world.leaves(series_id, 0, wrong)), root_of(world.leaves(series_id, 0, entries))
    with reverts("EntriesMismatch", *roots):
        world.chain.send(world.settlement(series_id, wrong, empty))
    with reverts("BatchSizeOutOfRange", 1, 2):
        world.chain.send(world.settlement(series_id, entries[:1], empty))
    with reverts("BatchSizeOutOfRange", 0, 32):
        world.chain.send(world.settlement(series_id, entries, empty, 0))
    world.settle(series_id, entries)
    with reverts("BatchNotCommitted", series_id, 1):
        world.chain.send(world.settlement(series_id, entries, world.twin.books[series_id]))
    later = [world.place(THIRD, series_id, True, PRICE)]
    world.commit(series_id, later)
    book = world.twin.books[series_id]
    forged = book.copy()
    forged.asks[0].amount *= 2
    for given in (empty, forged):
        with reverts("BookMismatch", given.hash, book.hash):
            world.chain.send(world.settlement(series_id, later, given))


def test_settle__too_little_gas__refused_and_nobody_dropped(
    world: MatchingWorld, series_id: int, reverts_any: Reverts
) -> None:
    entries = [world.place(FIRST, series_id, False, PRICE), world.place(SECOND, series_id, True, PRICE)]
    world.commit(series_id, entries)
    call = world.settlement(series_id, entries, SeriesBook())
    for gas in (450_000, 2_000_000, 5_200_000):
        with reverts_any("GasTooLow"):
            call.call({"from": world.options.keeper, "gas": gas})
    assert len(fills(world.settle(series_id, entries))) == 1


def test_require_acceptable__tells_the_reason_before_anything_is_sent(
    world: MatchingWorld, series_id: int, reverts: Reverts
) -> None:
    good = world.place(FIRST, series_id, True, PRICE)
    check = world.matching.functions.requireAcceptable
    check(series_id, good.fields()).call()
    with reverts("SeriesMismatch", series_id, series_id + 1):
        check(series_id + 1, good.fields()).call()
    with reverts("InvalidSignature", account(FIRST).address, good.order.digest(world.domain)):
        check(series_id, replace(good, signature=b"").fields()).call()
    world.run(good)
    assert world.matching.functions.isNonceUsed(account(FIRST).address, good.order.nonce).call()
    with reverts("NonceUsed", account(FIRST).address, good.order.nonce):
        check(series_id, good.fields()).call()
    late = world.place(FIRST, series_id, True, PRICE, expiry=1)
    with reverts("OrderExpired", 1, world.chain.now()):
        check(series_id, late.fields()).call()


def test_cancel__twice__refused(world: MatchingWorld, reverts: Reverts) -> None:
    trader = account(FIRST).address
    receipt = world.chain.send(world.matching.functions.cancel([77, 300]), trader)
    assert world.chain.log(world.matching, receipt) == [
        ("NonceCancelled", {"trader": trader, "nonce": nonce}) for nonce in (77, 300)
    ]
    cancelled = {n: world.matching.functions.isNonceCancelled(trader, n).call() for n in (44, 76, 77, 300, 333)}
    assert cancelled == {44: False, 76: False, 77: True, 300: True, 333: False}
    with reverts("NonceUsed", trader, 77):
        world.chain.send(world.matching.functions.cancel([77]), trader)


def test_order_digest__as_eip_712_has_it(world: MatchingWorld, series_id: int) -> None:
    order = Order(account(FIRST).address, series_id, True, PRICE, WAD, DAY, 2**256 - 1)
    names = ["trader", "seriesId", "isBuy", "price", "amount", "expiry", "nonce"]
    types = ["address", "uint256", "bool", "uint256", "uint256", "uint64", "uint256"]
    typed = encode_typed_data(
        domain_data={
            "name": "Plumbline OrderMatching",
            "version": "1",
            "chainId": world.domain.chain_id,
            "verifyingContract": world.domain.contract,
        },
        message_types={"Order": [{"name": n, "type": t} for n, t in zip(names, types, strict=True)]},
        message_data=dict(zip(names, (order.trader, series_id, True, PRICE, WAD, DAY, 2**256 - 1), strict=True)),
    )
    assert Account.sign_message(typed, account(FIRST).key).message_hash == order.digest(world.domain)
    fields = (order.trader, series_id, True, PRICE, WAD, DAY, 2**256 - 1)
    assert world.matching.functions.orderDigest(fields).call() == order.digest(world.domain)


def test_constructor__no_book_or_operator__refused(world: MatchingWorld, reverts: Reverts) -> None:
    for book, operator in (
        (world.chain.address(3), world.chain.address(OPERATOR)),
        (world.options.book.address, "0x" + "0" * 40),
    ):
        with reverts("InvalidConfiguration"):
            world.chain.deploy("OrderMatching", book, operator)
