"""Quotes' twin on its own: what the taker pays, every refusal with its arguments, and what a settled quote moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from oracle.domain.options_margin import OptionsBook
from oracle.domain.options_types import OptionsFeeds, OptionsRefusal
from oracle.domain.perp_types import FeedAnswer
from oracle.domain.rfq import ANYBODY, MAX_VALUE, Quote, Settlement, cash_of, digest, within_band
from oracle.units import WAD
from tests.unit.domain.test_options_book import CONFIG, DAY, EXPIRY, NOW

CHAIN, CONTRACT = 31_337, "0x" + "c0" * 20
# The maker's address is the higher one
MAKER, TAKER, RELAYER = "0x" + "bb" * 20, "0x" + "aa" * 20, "0x" + "dd" * 20
MODEL, LIMIT_BPS = 7, 2_000
FEEDS = (("first", MODEL), ("second", MODEL))


def signature_of(signer: str, signed: bytes) -> bytes:
    """Stands for a signature: what it is of and who made it."""
    return keccak(signed + bytes.fromhex(signer[2:]))


@pytest.fixture
def settlement() -> Settlement:
    """Maker and taker have 50,000 each, and a call at 1,900 and one at 2,300 are listed; the price is 2,000."""
    feeds = OptionsFeeds(FeedAnswer(2_000 * 10**8, NOW), FeedAnswer(), [(30 * DAY, FeedAnswer(6 * WAD // 10, NOW))])
    book = OptionsBook(CONFIG, NOW, feeds)
    for who in (MAKER, TAKER):
        book.deposit(who, 50_000 * 10**6, who)
        book.set_operator(who, CONTRACT, True)
    for strike in (1_900, 2_300):
        book.list_series(MAKER, EXPIRY, strike * WAD, True)
    return Settlement(
        book, CONTRACT, CHAIN, LIMIT_BPS, lambda who, signed, given: given == signature_of(who, signed), FEEDS
    )


@pytest.fixture
def quote(settlement: Settlement) -> Quote:
    """Two of one call bought, one of the other sold, at the marks."""
    first, second = sorted(settlement.book.listed)
    marks = (settlement.book.mark_of(first), settlement.book.mark_of(second))
    return Quote(MAKER, TAKER, ((first, 2 * WAD), (second, -WAD)), marks, NOW + 60, 5, MODEL, 500)


def settle(settlement: Settlement, quote: Quote, caller: str = TAKER, *, by: str = "", taker: bytes = b"") -> int:
    signed = digest(quote, CHAIN, CONTRACT)
    return settlement.settle(caller, quote, signature_of(by or quote.maker, signed), taker)


@pytest.fixture
def refused(settlement: Settlement) -> Callable[..., None]:
    """Asks that a quote is refused with these words, and that nothing has changed."""

    def check(quote: Quote, *words: object, **how: object) -> None:
        before = {who: (a.cash, dict(a.positions)) for who, a in settlement.book.accounts.items()}
        used = set(settlement.used)
        with pytest.raises(OptionsRefusal) as found:
            settle(settlement, quote, **how)  # type: ignore[arg-type]
        assert (found.value.name, *found.value.values) == words
        assert {who: (a.cash, dict(a.positions)) for who, a in settlement.book.accounts.items()} == before
        assert settlement.used == used

    return check


def test_digest__any_quote__as_eip_712_has_it(quote: Quote) -> None:
    names = ["maker", "taker", "legs", "prices", "expiry", "nonce", "modelId", "maxDeviationBps"]
    types = ["address", "address", "OptionLeg[]", "uint256[]", "uint64", "uint256", "uint256", "uint16"]
    legs = [{"seriesId": i, "amount": n} for i, n in quote.legs]
    typed = encode_typed_data(
        {"name": "Plumbline RfqSettlement", "version": "1", "chainId": CHAIN, "verifyingContract": CONTRACT},
        {
            "Quote": [{"name": n, "type": t} for n, t in zip(names, types, strict=True)],
            "OptionLeg": [{"name": "seriesId", "type": "uint256"}, {"name": "amount", "type": "int256"}],
        },
        dict(zip(names, quote.fields(), strict=True)) | {"legs": legs, "prices": list(quote.prices)},
    )
    assert digest(quote, CHAIN, CONTRACT) == keccak(b"\x19" + typed.version + typed.header + typed.body)


@pytest.mark.parametrize(
    ("legs", "prices", "cash"),
    [
        (((1, 3 * WAD),), (7 * WAD,), 21 * WAD),
        (((1, -3 * WAD),), (7 * WAD,), -21 * WAD),
        (((1, 3),), (WAD // 2,), 2),  # 1.5 paid: up
        (((1, -3),), (WAD // 2,), -1),  # 1.5 received: down
        (((1, 3), (2, -3)), (WAD // 2, WAD // 2), 1),
        (((1, MAX_VALUE),), (0,), 0),
        (((1, -MAX_VALUE),), (WAD,), -(2**112 - 1)),
        (((1, WAD),), (MAX_VALUE,), 2**112 - 1),
    ],
)
def test_cash_of__by_hand__rounded_against_the_taker(
    legs: tuple[tuple[int, int], ...], prices: tuple[int, ...], cash: int
) -> None:
    assert cash_of(Quote(MAKER, TAKER, legs, prices, 0, 0, 0, 0)) == cash


@pytest.mark.parametrize(
    ("legs", "prices", "words"),
    [
        ((), (), ("LegsMismatch", 0, 0)),
        ((), (1,), ("LegsMismatch", 0, 1)),
        (((1, 1),), (), ("LegsMismatch", 1, 0)),
        (((1, 1),), (1, 1), ("LegsMismatch", 1, 2)),
        (((1, 2**112),), (1,), ("QuoteTooLarge", 2**112, 2**112 - 1)),
        (((1, -(2**112)),), (1,), ("QuoteTooLarge", 2**112, 2**112 - 1)),
        (((1, 1),), (2**112,), ("QuoteTooLarge", 2**112, 2**112 - 1)),
        (((1, 1), (2, 1)), (1, 2**112 + 1), ("QuoteTooLarge", 2**112 + 1, 2**112 - 1)),
    ],
)
def test_cash_of__malformed__refused_with_the_contracts_words(
    legs: tuple[tuple[int, int], ...], prices: tuple[int, ...], words: tuple[object, ...]
) -> None:
    with pytest.raises(OptionsRefusal) as found:
        cash_of(Quote(MAKER, TAKER, legs, prices, 0, 0, 0, 0))
    assert (found.value.name, *found.value.values) == words


@pytest.mark.parametrize(
    ("price", "mark", "bps", "within"),
    [
        (10_500, 10_000, 500, True),
        (10_501, 10_000, 500, False),
        (9_500, 10_000, 500, True),
        (9_499, 10_000, 500, False),
        (10_000, 10_000, 0, True),
        (10_001, 10_000, 0, False),
        (0, 0, 500, True),
        (1, 0, 500, False),
    ],
)
def test_within_band__at_and_beside_the_edge__exact(price: int, mark: int, bps: int, within: bool) -> None:
    assert within_band(price, mark, bps) is within


def test_settle__signed_and_at_the_marks__moves_options_and_cash_once(settlement: Settlement, quote: Quote) -> None:
    first, second = quote.prices
    assert first > second > 0
    assert settle(settlement, quote) == 2 * first - second
    made, took = settlement.book.accounts[MAKER], settlement.book.accounts[TAKER]
    assert (made.cash, took.cash) == (50_000 * WAD + 2 * first - second, 50_000 * WAD - 2 * first + second)
    assert sorted(took.positions.values()) == [-WAD, 2 * WAD]
    assert sorted(made.positions.values()) == [-2 * WAD, WAD]
    assert settlement.used == {(MAKER, 5)}


def test_settle__at_its_limits__settles(settlement: Settlement, quote: Quote) -> None:
    settlement.book.now = quote.expiry
    at_marks = tuple(settlement.book.mark_of(series) for series, _ in quote.legs)
    settle(settlement, replace(quote, max_deviation_bps=LIMIT_BPS, prices=at_marks))


def test_settle__open_quote__whoever_sends_it_is_the_taker(
    settlement: Settlement, quote: Quote, refused: Callable[..., None]
) -> None:
    anyone = replace(quote, taker=ANYBODY)
    refused(anyone, "SelfQuote", MAKER, caller=MAKER)
    refused(anyone, "NotOperator", RELAYER, CONTRACT, caller=RELAYER)
    settle(settlement, anyone)
    assert len(settlement.book.accounts[TAKER].positions) == 2


def test_settle__relayed__needs_the_takers_signature(
    settlement: Settlement, quote: Quote, refused: Callable[..., None]
) -> None:
    signed = digest(quote, CHAIN, CONTRACT)
    refused(quote, "InvalidSignature", TAKER, signed, caller=RELAYER)
    refused(quote, "InvalidSignature", TAKER, signed, caller=RELAYER, taker=signature_of(RELAYER, signed))
    settle(settlement, quote, RELAYER, taker=signature_of(TAKER, signed))


def test_settle__each_rule_broken__refused_with_its_words(quote: Quote, refused: Callable[..., None]) -> None:
    (first, _), (second, _) = quote.legs
    dear, cheap = quote.prices
    refused(replace(quote, expiry=NOW - 1), "QuoteExpired", NOW - 1, NOW)
    refused(replace(quote, taker=MAKER), "SelfQuote", MAKER)
    refused(replace(quote, max_deviation_bps=LIMIT_BPS + 1), "DeviationTooLarge", 2_001, 2_000)
    refused(replace(quote, prices=quote.prices[:1]), "LegsMismatch", 2, 1)
    refused(quote, "InvalidSignature", MAKER, digest(quote, CHAIN, CONTRACT), by=TAKER)
    refused(replace(quote, model_id=6), "QuoteModelMismatch", "first", 7, 6)
    far = cheap + cheap // 10
    refused(replace(quote, prices=(dear, far)), "PriceOutsideBand", second, far, cheap, 500)
    refused(replace(quote, prices=(dear * 2, cheap)), "PriceOutsideBand", first, dear * 2, dear, 500)


def test_settle__a_later_pillar_of_another_model__refused(
    settlement: Settlement, quote: Quote, refused: Callable[..., None]
) -> None:
    settlement.models = (("first", MODEL), ("second", 8))
    refused(quote, "QuoteModelMismatch", "second", 8, 7)


def test_settle__nonce_used__refused_for_this_maker_alone(
    settlement: Settlement, quote: Quote, refused: Callable[..., None]
) -> None:
    settle(settlement, quote)
    refused(quote, "NonceUsed", MAKER, 5)
    settle(settlement, replace(quote, maker=TAKER, taker=MAKER), MAKER)


def test_cancel__nonces__all_or_none_of_the_callers(
    settlement: Settlement, quote: Quote, refused: Callable[..., None]
) -> None:
    settlement.cancel(MAKER, [5, 300])
    settlement.cancel(TAKER, [6])
    assert settlement.used == {(MAKER, 5), (MAKER, 300), (TAKER, 6)}
    refused(quote, "NonceUsed", MAKER, 5)
    for nonces, again in (([6, 5], 5), ([7, 8, 7], 7)):
        with pytest.raises(OptionsRefusal) as found:
            settlement.cancel(MAKER, nonces)
        assert (found.value.name, *found.value.values) == ("NonceUsed", MAKER, again)
    assert settlement.used == {(MAKER, 5), (MAKER, 300), (TAKER, 6)}
    settle(settlement, replace(quote, nonce=6))
