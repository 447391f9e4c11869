"""Quotes that settle, and every way in which one does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from eth_account import Account
from eth_account.messages import encode_typed_data

from oracle.domain import rfq
from tests.support.local_chain import LocalChain, account
from tests.support.rfq import KEEPER, MAKER, MODEL, NOBODY, TAKER, WAD, RfqWorld, deploy_rfq

Reverts = Callable[..., AbstractContextManager[None]]
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_settle__signed_by_the_maker_sent_by_the_taker__trades_at_the_quoted_prices(world: RfqWorld) -> None:
    legs = sorted([(world.options.list(2_000), 5 * WAD), (world.options.list(2_200), -3 * WAD)])
    quote = world.quote(legs, off_bps=100)
    cash = rfq.cash_of(quote)
    receipt = world.settle(quote)
    (event,) = world.chain.events(world.rfq, "QuoteSettled", receipt)
    assert event == {
        "digest": world.digest(quote),
        "maker": world.options.maker,
        "taker": world.options.taker,
        "nonce": 1,
        "cash": cash,
    }
    assert world.options.account(world.options.maker)["cash"] == 100_000 * WAD + cash
    assert world.options.account()["cash"] == 100_000 * WAD - cash
    assert world.rfq.functions.isNonceUsed(world.options.maker, 1).call()
    assert not world.rfq.functions.isNonceUsed(world.options.maker, 2).call()


def test_quote_digest__as_eip_712_has_it(world: RfqWorld) -> None:
    quote = world.quote([(world.options.list(2_000), -5 * WAD)], nonce=2**256 - 1)
    names = ["maker", "taker", "legs", "prices", "expiry", "nonce", "modelId", "maxDeviationBps"]
    types = ["address", "address", "OptionLeg[]", "uint256[]", "uint64", "uint256", "uint256", "uint16"]
    message = dict(zip(names, quote.fields(), strict=True)) | {
        "legs": [{"seriesId": i, "amount": n} for i, n in quote.legs],
        "prices": list(quote.prices),
    }
    typed = encode_typed_data(
        domain_data={
            "name": "Plumbline RfqSettlement",
            "version": "1",
            "chainId": world.chain.web3.eth.chain_id,
            "verifyingContract": world.rfq.address,
        },
        message_types={
            "Quote": [{"name": n, "type": t} for n, t in zip(names, types, strict=True)],
            "OptionLeg": [{"name": "seriesId", "type": "uint256"}, {"name": "amount", "type": "int256"}],
        },
        message_data=message,
    )
    signed = Account.sign_message(typed, account(MAKER).key)
    assert signed.message_hash == world.digest(quote)
    assert world.rfq.functions.quoteDigest(quote.fields()).call() == world.digest(quote)
    world.settle(quote, bytes(signed.signature))


def test_settle__relayed_with_both_signatures__settles(world: RfqWorld, reverts: Reverts) -> None:
    quote = world.quote([(world.options.list(2_000), WAD)])
    keeper = world.options.keeper
    with reverts("InvalidSignature", world.options.taker, world.digest(quote)):
        world.settle(quote, sender=keeper)
    with reverts("InvalidSignature", world.options.taker, world.digest(quote)):
        world.settle(quote, taker=world.sign(quote, KEEPER), sender=keeper)
    world.settle(quote, taker=world.sign(quote, TAKER), sender=keeper)


def test_settle__open_quote__whoever_sends_it_with_its_own_account(world: RfqWorld, reverts: Reverts) -> None:
    quote = world.quote([(world.options.list(2_000), WAD)], taker=NOBODY)
    with reverts("NotOperator", world.options.keeper, world.rfq.address):
        world.settle(quote, sender=world.options.keeper)
    with reverts("SelfQuote", world.options.maker):
        world.settle(quote, sender=world.options.maker)
    world.settle(quote)


def test_settle__contract_maker__by_erc_1271(world: RfqWorld, reverts: Reverts) -> None:
    chain, options = world.chain, world.options
    signer = chain.deploy("ContractSigner", sender=options.maker)
    data = options.book.functions.setOperator(world.rfq.address, True)._encode_transaction_data()
    chain.send(signer.functions.forward(options.book.address, data), options.maker)
    options.call("deposit", 50_000 * options.unit, signer.address)
    quote = world.quote([(options.list(2_000), WAD)], maker=signer.address)
    with reverts("InvalidSignature", signer.address, world.digest(quote)):
        world.settle(quote, world.sign(quote, KEEPER))
    world.settle(quote)
    assert options.account(signer.address)["positions"][0][3] == -WAD


def test_settle__replayed_cancelled_or_expired__refused(world: RfqWorld, reverts: Reverts) -> None:
    legs = [(world.options.list(2_000), WAD)]
    quote = world.quote(legs)
    world.settle(quote)
    with reverts("NonceUsed", world.options.maker, 1):
        world.settle(quote)
    with reverts("NonceUsed", world.options.maker, 1):
        world.settle(world.quote(legs, off_bps=10))
    receipt = world.chain.send(world.rfq.functions.cancel([300, 5]), world.options.maker)
    cancelled = [{"maker": world.options.maker, "nonce": nonce} for nonce in (300, 5)]
    assert world.chain.events(world.rfq, "NonceCancelled", receipt) == cancelled
    used = {n: world.rfq.functions.isNonceUsed(world.options.maker, n).call() for n in (5, 44, 261, 300, 301)}
    assert used == {5: True, 44: False, 261: False, 300: True, 301: False}
    for nonce in (300, 5):
        with reverts("NonceUsed", world.options.maker, nonce):
            world.settle(world.quote(legs, nonce=nonce))
    with reverts("NonceUsed", world.options.maker, 5):
        world.chain.send(world.rfq.functions.cancel([5]), world.options.maker)
    now = world.chain.now()
    with reverts("QuoteExpired", now - 1, now):
        world.settle(world.quote(legs, nonce=9, expiry=now - 1))


def test_settle__any_field_changed_after_signing__refused(world: RfqWorld, reverts: Reverts) -> None:
    legs = sorted([(world.options.list(2_000), WAD), (world.options.list(2_100), -WAD)])
    quote = world.quote(legs)
    signature = world.sign(quote)
    swapped = replace(quote, legs=quote.legs[::-1], prices=quote.prices[::-1])
    changed = [
        swapped,
        replace(quote, prices=quote.prices[::-1]),
        replace(quote, legs=((quote.legs[0][0], -WAD), quote.legs[1])),
        replace(quote, taker=NOBODY),
        replace(quote, nonce=2),
        replace(quote, expiry=quote.expiry - 1),
        replace(quote, model_id=MODEL + 1),
        replace(quote, max_deviation_bps=501),
        replace(quote, maker=world.options.keeper),
    ]
    for other in changed:
        with reverts("InvalidSignature", other.maker, world.digest(other)):
            world.settle(other, signature)
    with reverts("LegsNotSorted", swapped.legs[0][0], swapped.legs[1][0]):
        world.settle(swapped)


def test_settle__signature_of_another_chain_contract_or_form__refused(world: RfqWorld, reverts: Reverts) -> None:
    quote = world.quote([(world.options.list(2_000), WAD)])
    good = world.sign(quote)
    high_s = ORDER - int.from_bytes(good[32:64])
    assert high_s > HALF_ORDER
    key = account(MAKER).key
    bad = [
        bytes(Account.unsafe_sign_hash(rfq.digest(quote, 1, world.rfq.address), key).signature),
        bytes(Account.unsafe_sign_hash(rfq.digest(quote, 31_337, world.options.book.address), key).signature),
        good[:32] + high_s.to_bytes(32) + bytes([55 - good[64]]),
        good[:64],
        b"",
        bytes(65),
    ]
    for signature in bad:
        with reverts("InvalidSignature", world.options.maker, world.digest(quote)):
            world.settle(quote, signature)
    world.settle(quote, good)


def test_settle__prices_off_the_mark__refused(world: RfqWorld, reverts: Reverts) -> None:
    call = world.options.list(2_000)
    mark = world.options.read("markOf", call)
    edge = mark * 500 // 10_000
    for price, ok in ((mark + edge, True), (mark - edge, True), (mark + edge + 1, False), (mark - edge - 1, False)):
        quote = world.quote([(call, WAD)], prices=(price,), nonce=price)
        assert rfq.within_band(price, mark, 500) == ok
        if ok:
            world.rfq.functions.settle(quote.fields(), world.sign(quote), b"").call({"from": world.options.taker})
            continue
        with reverts("PriceOutsideBand", call, price, mark, 500):
            world.rfq.functions.settle(quote.fields(), world.sign(quote), b"").call({"from": world.options.taker})
    with reverts("DeviationTooLarge", 2_001, 2_000):
        world.settle(world.quote([(call, WAD)], max_deviation_bps=2_001))


def test_settle__another_model_or_no_marks__refused(world: RfqWorld, reverts: Reverts) -> None:
    options, call = world.options, world.options.list(2_000)
    quote = world.quote([(call, WAD)])
    with reverts("QuoteModelMismatch", options.volatilities[0].address, MODEL, 8):
        world.settle(replace(quote, model_id=8))
    world.chain.send(options.volatilities[2].functions.setModel(8))
    with reverts("QuoteModelMismatch", options.volatilities[2].address, 8, MODEL):
        world.settle(quote)
    world.chain.send(options.volatilities[2].functions.setModel(MODEL))
    world.chain.send(options.feeds["priceFeed"].functions.setMode(1))
    with reverts("MarksUnavailable"):
        world.settle(quote)


def test_settle__one_side_without_margin__nothing_happens(world: RfqWorld, reverts_any: Reverts) -> None:
    legs = sorted([(world.options.list(2_000), WAD), (world.options.list(2_100), 900 * WAD)])
    with reverts_any("InsufficientMargin", "NegativeCash"):
        world.settle(world.quote(legs))
    assert world.options.account()["positions"] == []
    assert not world.rfq.functions.isNonceUsed(world.options.maker, 1).call()


def test_settle__malformed__refused(world: RfqWorld, reverts: Reverts) -> None:
    call = world.options.list(2_000)
    with reverts("LegsMismatch", 1, 0):
        world.settle(world.quote([(call, WAD)], prices=()))
    with reverts("LegsMismatch", 0, 0):
        world.settle(world.quote([]))
    with reverts("QuoteTooLarge", 2**112, 2**112 - 1):
        world.settle(world.quote([(call, WAD)], prices=(2**112,)))
    with reverts("QuoteTooLarge", 2**255, 2**112 - 1):
        world.settle(world.quote([(call, -(2**255))]))


def test_constructor__no_book_or_no_limit__refused(chain: LocalChain, reverts: Reverts) -> None:
    world = deploy_rfq(chain)
    for book, limit in ((chain.address(3), 500), (world.options.book.address, 0), (world.options.book.address, 10_001)):
        with reverts("InvalidConfiguration"):
            chain.deploy("RfqSettlement", book, limit)


def test_cash_of__odd_wei__against_the_taker(world: RfqWorld) -> None:
    for amount, price in ((1, 1), (-1, 1), (3, WAD // 2), (-3, WAD // 2), (7 * WAD + 1, 13), (-7 * WAD - 1, 13)):
        quote = rfq.Quote(world.options.maker, world.options.taker, ((1, amount),), (price,), 1, 1, 1, 1)
        cash = world.rfq.functions.cashOf(quote.fields()).call()
        assert cash == rfq.cash_of(quote)
        assert cash * WAD >= amount * price
