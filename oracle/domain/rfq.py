"""Signed quotes of options: twin of contracts/consumers/rfq/RfqSettlement.sol.

Amounts and prices are WAD. `digest` is what maker and taker sign under EIP-712; `cash_of` what the taker pays;
`Settlement` takes the contract's calls on the twin of its options book.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.domain.options_margin import OptionsBook
from oracle.domain.options_types import OptionsRefusal
from oracle.units import BPS, WAD

DOMAIN_NAME: Final = "Plumbline RfqSettlement"
DOMAIN_VERSION: Final = "1"
MAX_VALUE: Final = 2**112 - 1
ANYBODY: Final = "0x" + "0" * 40
DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
LEG_TYPE: Final = "OptionLeg(uint256 seriesId,int256 amount)"
QUOTE_TYPE: Final = (
    "Quote(address maker,address taker,OptionLeg[] legs,uint256[] prices,uint64 expiry,uint256 nonce,"
    f"uint256 modelId,uint16 maxDeviationBps){LEG_TYPE}"
)


@dataclass(frozen=True, slots=True)
class Quote:
    """As Quote in contracts/types/RfqTypes.sol; legs are (series id, the taker's change)."""

    maker: str
    taker: str
    legs: tuple[tuple[int, int], ...]
    prices: tuple[int, ...]
    expiry: int
    nonce: int
    model_id: int
    max_deviation_bps: int

    def fields(self) -> tuple[object, ...]:
        """In the contract's order."""
        names = ("maker", "taker", "legs", "prices", "expiry", "nonce", "model_id", "max_deviation_bps")
        return tuple(getattr(self, name) for name in names)


def digest(quote: Quote, chain_id: int, contract: str) -> bytes:
    """The EIP-712 digest of a quote on one chain and one contract."""
    return keccak(b"\x19\x01" + _separator(chain_id, contract) + _struct_hash(quote))


def cash_of(quote: Quote) -> int:
    """What the taker pays: rounded up where it pays, down where it receives. Raises OptionsRefusal as the contract."""
    if not quote.legs or len(quote.legs) != len(quote.prices):
        raise OptionsRefusal("LegsMismatch", len(quote.legs), len(quote.prices))
    cash = 0
    for (_, amount), price in zip(quote.legs, quote.prices, strict=True):
        for value in (abs(amount), price):
            if value > MAX_VALUE:
                raise OptionsRefusal("QuoteTooLarge", value, MAX_VALUE)
        cash -= -amount * price // WAD
    return cash


def within_band(price: int, mark: int, max_deviation_bps: int) -> bool:
    """Whether a price is near enough to its mark to settle."""
    return abs(price - mark) * BPS <= mark * max_deviation_bps


@dataclass(slots=True)
class Settlement:
    """The contract on a book's twin: `contract` is its address, `is_signed` what it makes of a signature.

    `models` are the pillars' feeds with the model of each.
    """

    book: OptionsBook
    contract: str
    chain_id: int
    limit_bps: int
    is_signed: Callable[[str, bytes, bytes], bool]
    models: Sequence[tuple[str, int]]
    used: set[tuple[str, int]] = field(default_factory=set)

    def settle(self, caller: str, quote: Quote, maker_signature: bytes, taker_signature: bytes) -> int:
        """What the taker paid, WAD. Raises OptionsRefusal as the contract reverts, and has changed nothing then."""
        taker = caller if quote.taker == ANYBODY else quote.taker
        if self.book.now > quote.expiry:
            raise OptionsRefusal("QuoteExpired", quote.expiry, self.book.now)
        if taker == quote.maker:
            raise OptionsRefusal("SelfQuote", taker)
        if quote.max_deviation_bps > self.limit_bps:
            raise OptionsRefusal("DeviationTooLarge", quote.max_deviation_bps, self.limit_bps)
        cash = cash_of(quote)
        self._require_unused(quote.maker, quote.nonce)
        signed = digest(quote, self.chain_id, self.contract)
        self._require_signed(quote.maker, signed, maker_signature)
        if taker != caller:
            self._require_signed(taker, signed, taker_signature)
        self._require_model(quote.model_id)
        for (series_id, _), price in zip(quote.legs, quote.prices, strict=True):
            mark = self.book.mark_of(series_id)
            if not within_band(price, mark, quote.max_deviation_bps):
                raise OptionsRefusal("PriceOutsideBand", series_id, price, mark, quote.max_deviation_bps)
        self.book.trade(self.contract, quote.maker, taker, quote.legs, cash)
        self.used.add((quote.maker, quote.nonce))
        return cash

    def cancel(self, caller: str, nonces: Sequence[int]) -> None:
        """Makes quotes of the caller void, all or none."""
        seen: set[int] = set()
        for nonce in nonces:
            self._require_unused(caller, nonce)
            if nonce in seen:
                raise OptionsRefusal("NonceUsed", caller, nonce)
            seen.add(nonce)
        self.used |= {(caller, nonce) for nonce in nonces}

    def _require_unused(self, maker: str, nonce: int) -> None:
        if (maker, nonce) in self.used:
            raise OptionsRefusal("NonceUsed", maker, nonce)

    def _require_signed(self, signer: str, signed: bytes, signature: bytes) -> None:
        if not self.is_signed(signer, signed, signature):
            raise OptionsRefusal("InvalidSignature", signer, signed)

    def _require_model(self, expected: int) -> None:
        for feed, actual in self.models:
            if actual != expected:
                raise OptionsRefusal("QuoteModelMismatch", feed, actual, expected)


@cache
def _separator(chain_id: int, contract: str) -> bytes:
    types = ("bytes32", "bytes32", "bytes32", "uint256", "address")
    names = (keccak(text=DOMAIN_TYPE), keccak(text=DOMAIN_NAME), keccak(text=DOMAIN_VERSION))
    return keccak(encode(types, (*names, chain_id, contract)))


def _struct_hash(quote: Quote) -> bytes:
    leg_type = keccak(text=LEG_TYPE)
    legs = [keccak(encode(("bytes32", "uint256", "int256"), (leg_type, *leg))) for leg in quote.legs]
    prices = b"".join(price.to_bytes(32) for price in quote.prices)
    types = ("bytes32", "address", "address", "bytes32", "bytes32", "uint64", "uint256", "uint256", "uint16")
    head = (keccak(text=QUOTE_TYPE), quote.maker, quote.taker, keccak(b"".join(legs)), keccak(prices))
    tail = (quote.expiry, quote.nonce, quote.model_id, quote.max_deviation_bps)
    return keccak(encode(types, (*head, *tail)))
